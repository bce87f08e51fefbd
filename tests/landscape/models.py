"""Small networks as plain functions, and losses with spectra that are known."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np


def perceptron(rng, widths, dtype=np.float64):
    """Parameters of a network with dense layers, in JAX's layout."""
    return [
        {
            "weights": jnp.asarray(rng.normal(size=(n, m)) / np.sqrt(n), dtype),
            "bias": jnp.asarray(0.1 * rng.normal(size=m), dtype),
        }
        for n, m in pairwise(widths)
    ]


def outputs(params, x, activation=jnp.tanh):
    for layer in params[:-1]:
        x = activation(jnp.matmul(x, layer["weights"]) + layer["bias"][None])
    return jnp.matmul(x, params[-1]["weights"]) + params[-1]["bias"][None]


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def case(seed=0, widths=(3, 4, 2), samples=20, dtype=np.float64, activation=jnp.tanh):
    """A loss and parameters."""
    rng = np.random.default_rng(seed)
    x = jnp.asarray(rng.normal(size=(samples, widths[0])), dtype)
    labels = jnp.asarray(rng.integers(0, widths[-1], samples))
    return lambda params: cross_entropy(outputs(params, x, activation), labels), perceptron(rng, widths, dtype)


def quadratic(eigenvalues, seed=0, dtype=np.float64):
    """A loss whose Hessian has these eigenvalues, at any point, and a point."""
    rng = np.random.default_rng(seed)
    size = len(eigenvalues)
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    matrix = jnp.asarray((basis * np.asarray(eigenvalues)) @ basis.T, dtype)
    return lambda w: 0.5 * jnp.vdot(w, jnp.matmul(matrix, w)), jnp.asarray(rng.normal(size=size), dtype)


def dense_hessian(loss, params):
    """By differentiating twice, and as a matrix."""
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    return np.asarray(jax.hessian(lambda v: loss(unravel(v)))(flat))
