"""Functions with parameters for tests, and their kernels by the definition."""

import jax
import jax.numpy as jnp

LAYOUT = ("NHWC", "HWIO", "NHWC")


def mlp(params, x):
    """Two layers with biases, parameters in a dict."""
    hidden = jnp.tanh(x @ params["w1"] + params["b1"][None])
    return hidden @ params["w2"] + params["b2"][None]


def cnn(params, x):
    """Two convolutions, the second strided and dilated, on images without a channel axis."""
    h = jax.nn.relu(jax.lax.conv_general_dilated(x[..., None], params["conv"][0], (1, 1), "SAME", dimension_numbers=LAYOUT))
    h = jax.lax.conv_general_dilated(
        h, params["conv"][1], (2, 1), [(1, 0), (0, 2)], rhs_dilation=(1, 2), dimension_numbers=LAYOUT
    )
    return jnp.tanh(h).mean((1, 2)) @ params["dense"]


def normal(seed, *shape, dtype=None):
    return jax.random.normal(jax.random.key(seed), shape, dtype)


def mlp_problem(dtype=None):
    shapes = {"w1": (4, 6), "b1": (6,), "w2": (6, 3), "b2": (3,)}
    params = {name: normal(i, *shape, dtype=dtype) for i, (name, shape) in enumerate(shapes.items())}
    return mlp, params, normal(10, 7, 4, dtype=dtype), normal(11, 4, 4, dtype=dtype)


def cnn_problem(dtype=None):
    params = {
        "conv": [normal(0, 3, 3, 1, 4, dtype=dtype), normal(1, 2, 3, 4, 5, dtype=dtype)],
        "dense": normal(2, 5, 3, dtype=dtype),
    }
    return cnn, params, normal(10, 7, 6, 6, dtype=dtype), normal(11, 4, 6, 6, dtype=dtype)


PROBLEMS = {"mlp": mlp_problem, "cnn": cnn_problem}


def full_kernel(apply, params, x1, x2):
    """Shape (n, m, k, k), by the definition."""

    def rows(x):
        leaves = jax.tree.leaves(jax.jacrev(lambda p: apply(p, x))(params))
        return jnp.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves], -1)

    return jnp.einsum("iap,jbp->ijab", rows(x1), rows(x2))


def averaged(kernel):
    return jnp.trace(kernel, axis1=2, axis2=3) / kernel.shape[2]


def as_matrix(kernel):
    n, m, k, _ = kernel.shape
    return jnp.swapaxes(kernel, 1, 2).reshape(n * k, m * k)
