"""Exact Learning of Permutations for Nonzero Binary Inputs (2025): signs of the mean predictor of the tangent kernel."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ntkit.claims import All, Bounds, Control, Exact, Identity, Inequality, Integers, Paper, Sides, Trial
from ntkit.kernels import Dense, Gaussian, Laplace, Relu, serial

paper = Paper(
    key="permutations2025",
    title="Exact Learning of Permutations for Nonzero Binary Inputs with Logarithmic Training Size and Quadratic Ensemble "
    "Complexity",
    authors="George Giapitzakis, Artur Back de Luca, Kimon Fountoulakis",
    year=2025,
)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Gram = Callable[[jax.Array, jax.Array], jax.Array]

NETWORK = serial(Dense(), Relu(), Dense(2**0.5))
LENGTHS = range(2, 11)
ROUNDING = 1e-12  # values are of order 1, and K - c has condition below 10


@paper.claim(
    "exact-sign",
    where="abstract: the mean predictor has the right signs on all inputs; the closed form of its values is ours",
    kind="derived",
    checked="memory",
    statement=r"\text{trained on } e_i \mapsto P e_i,\ i \le k: \text{ for every nonzero } x \in \{0, 1\}^k, "
    r"\ \mu(x) = Y^T K^{-1} k(x / |x|) \text{ has } \mu_j > 0 \iff (P x)_j = 1",
    rule=All(
        wrong=Exact(),
        on=Inequality(rtol=0, atol=ROUNDING, strict=(0.01, 1.0)),
        off=Inequality(rtol=0, atol=ROUNDING),
        values=Identity(rtol=1e-10, atol=ROUNDING),
        unspecific=Exact(),
    ),
    controls={
        "one-missing": Control("the last basis vector is not trained on", parts=("wrong", "on")),
        "gaussian": Control("a Gaussian kernel of width 1 in place of the tangent kernel", parts=("wrong", "off", "values")),
        "laplace": Control("a Laplace kernel of width 1 in place of the tangent kernel", parts=("wrong", "off", "values")),
        "derivative-dual": Control("the closed form with k0 in place of u k0 + k1", parts=("values",)),
    },
)
def exact_sign(trial: Trial) -> dict[str, Integers | Bounds | Sides]:
    """All nonzero binary inputs of lengths 2 to 10, a random permutation of each length, infinite width, no bias.

    With unit inputs the Gram matrix of the e_i is (D - c) I + c 1 1^T, where D = 2 and c = 1 / pi, and an input with m ones
    sees k_on(m) = u k0(u) + k1(u), u = 1 / sqrt(m), at its ones and c elsewhere. With s = m k_on + (k - m) c and
    h = D - c + k c the mean predictor is (k_on - c s / h) / (D - c) at ones, and elsewhere
    (c / h) ((D - c) - m (k_on - c)) / (D - c): 0 for m = 1, as trained, and negative beyond. Wrong are inputs with any sign
    wrong, up to rounding.

    Exact signs are not special to the tangent kernel: those of the NNGP kernel and of the linear kernel have them, too, which
    the part `unspecific` counts. What the paper proves about ensembles of finite networks is not measured here.
    """
    largest = LENGTHS[-1]
    bits = (np.arange(1, 2**largest)[:, None] >> np.arange(largest)) & 1
    x = bits / np.sqrt(bits.sum(axis=1, keepdims=True))
    keys = jax.random.split(trial.key, len(LENGTHS))
    orders = {k: np.asarray(jax.random.permutation(key, k)) for k, key in zip(LENGTHS, keys, strict=True)}
    gram: Gram = {"gaussian": Gaussian(1.0).gram, "laplace": Laplace(1.0).gram}.get(trial.control or "", _tangent)
    means = _predictions(gram, x, orders, missing=1 if trial.control == "one-missing" else 0)
    ones = {k: bits[: 2**k - 1, :k].astype(bool)[:, np.argsort(order)] for k, order in orders.items()}
    on = np.concatenate([means[k][ones[k]] for k in LENGTHS])
    off = np.concatenate([means[k][~ones[k]] for k in LENGTHS])
    expected = _closed_form(bits.sum(axis=1), ones[largest], slope=trial.control == "derivative-dual")
    others = [_wrong(_predictions(other, x, orders), ones) for other in (_nngp, _linear)]
    return {
        "wrong": Integers(
            _wrong(means, ones), [0] * len(LENGTHS), x_label="length k from 2", y_label="inputs with a wrong sign"
        ),
        "on": Bounds(on, lower=0.0, x_label="input and output", y_label="mean predictor where P x is 1"),
        "off": Bounds(off, upper=0.0, x_label="input and output", y_label="mean predictor where P x is 0"),
        "values": Sides(means[largest].ravel(), expected.ravel(), x_label="mean predictor", y_label="closed form"),
        "unspecific": Integers([sum(count) for count in others], [0, 0], x_label="NNGP, linear", y_label="wrong inputs"),
    }


@jax.jit
def _kernels(x: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    """NNGP and tangent kernel of unit vectors, scaled so that they are 1 and 2 for x = z."""
    nngp, ntk = NETWORK.kernels(x * x.shape[1] ** 0.5, z * z.shape[1] ** 0.5)
    return nngp, ntk


def _nngp(x: jax.Array, z: jax.Array) -> jax.Array:
    nngp: jax.Array = _kernels(x, z)[0]
    return nngp


def _tangent(x: jax.Array, z: jax.Array) -> jax.Array:
    ntk: jax.Array = _kernels(x, z)[1]
    return ntk


def _linear(x: jax.Array, z: jax.Array) -> jax.Array:
    return x @ z.T


def _predictions(gram: Gram, x: Floats, orders: dict[int, Floats], missing: int = 0) -> dict[int, Floats]:
    """The mean predictor on the first 2^k - 1 inputs, whose first k entries alone may be 1; shape (inputs, k) for each k."""
    basis = np.eye(x.shape[1])
    # One call for all: whoever has fewer entries is filled up with zeros, which change no kernel of unit vectors.
    rows = np.asarray(gram(jnp.asarray(np.concatenate([x, basis])), jnp.asarray(basis)))
    seen, trained = rows[: len(x)], rows[len(x) :]
    out = {}
    for k, order in orders.items():
        used = k - missing
        labels = np.eye(k)[order[:used]]  # e_i goes to e_order[i]
        out[k] = seen[: 2**k - 1, :used] @ np.linalg.solve(trained[:used, :used], labels)
    return out


def _wrong(means: dict[int, Floats], ones: dict[int, Floats]) -> list[int]:
    """Inputs with any sign wrong, for each length."""
    return [int(((means[k] > ROUNDING) != ones[k]).any(axis=1).sum()) for k in means]


def _closed_form(counts: Floats, ones: Floats, slope: bool) -> Floats:
    """The values derived in the docstring of the claim."""
    d, c, k, m = 2.0, 1 / np.pi, ones.shape[1], counts[:, None].astype(float)
    u = 1 / np.sqrt(m)
    k0 = 1 - np.arccos(u) / np.pi
    k1 = (u * (np.pi - np.arccos(u)) + np.sqrt(1 - u**2)) / np.pi
    seen = k0 if slope else u * k0 + k1
    h = d - c + k * c
    at_ones = (seen - c * (m * seen + (k - m) * c) / h) / (d - c)
    elsewhere = c / h * ((d - c) - m * (seen - c)) / (d - c)
    return np.asarray(np.where(ones, at_ones, elsewhere))
