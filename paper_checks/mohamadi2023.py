"""Mohamadi, Bae, Sutherland (2023): the tangent kernel of the summed outputs stands in for that of all outputs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit.claims import All, Control, Identity, Paper, Series, Sides, Slope, Trial
from ntkit.kernels import Dense, Relu, Weights, empirical_ntk, pseudo_ntk, serial

paper = Paper(
    key="mohamadi2023",
    title="A Fast, Well-Founded Approximation to the Empirical Neural Tangent Kernel",
    authors="Mohamad Amin Mohamadi, Wonho Bae, Danica J. Sutherland",
    year=2023,
    arxiv="2206.12543",
)

Floats = NDArray[np.float64]

ROOT2 = 2**0.5
NET = serial(Dense(), Relu(), Dense(ROOT2), Relu(), Dense(ROOT2))
READOUT = serial(Dense(ROOT2))
DIM, TRAIN, TEST, OUTPUTS = 10, 5, 2, 8

# O(n^{-1/2}) bounds from above: only a slope above -0.2 refutes. The window around -1/2 allows for widths from 32 on, where
# fluctuations are not yet small: pilots of 64 networks gave slopes of -0.40 to -0.48.
RATE = Slope(tol=(-0.1, 0.15), refute=(None, 0.3))


@paper.claim(
    "pntk-rate",
    where="theorems on the Frobenius norm, the largest eigenvalue and kernel regression",
    kind="theorem",
    checked="memory",
    statement=r"\frac{\| \hat\Theta_n - \mathrm{pNTK}_n \otimes I_O \|_F}{\| \hat\Theta_n \|_F} = O(n^{-1/2}), \quad"
    r"\mathrm{pNTK}(x, x') = \left\langle \nabla g(x), \nabla g(x') \right\rangle,"
    r" \quad g = O^{-1/2} \sum_{o=1}^{O} f_o,"
    r" \quad \text{and so for } \lambda_{\max} \text{ and the predictions of kernel regression}",
    rule=All(
        frobenius=RATE,
        largest_eigenvalue=RATE,
        regression=RATE,
        # Sums of at most 2048 products of float64 numbers of size 1.
        last_layer=Identity(rtol=1e-12, atol=1e-12),
    ),
    controls={
        "shared-readout": Control("readout rows with a common random part, correlation 0.5", parts=("frobenius",)),
        "without-root": Control("the sum of all outputs, not divided by the root of O", parts=("frobenius", "last_layer")),
    },
)
def pntk_rate(trial: Trial) -> dict[str, Series | Sides]:
    """Relative errors of the pseudo-NTK over widths, for random ReLU networks with two hidden layers and 8 outputs.

    NTK parametrisation, all weights N(0, 1), no bias; 5 training and 2 test points, uniform on the sphere of radius sqrt(10)
    in dimension 10, and standard normal labels, new in each repeat and the same at all widths. Predictions are those of
    ridgeless regression from zero, with the full kernel (40 x 40) and with the pseudo-NTK (5 x 5, each output by itself).

    The readout's own part of the kernel is <h(x), h(x')> I for both, exactly: the gradients of f_o and f_o' by their rows
    do not overlap, and g has h / sqrt(O) in each of its O rows. The rest of the error is the sum of all Theta_{o,o'},
    o != o': zero on average if the rows of the readout are independent, and of relative order n^{-1/2}. The largest
    eigenvalue alone does not notice rows that share a part, whose direction is that of g.
    """
    largest = trial.scale(quick=512, full=1024) if trial.control is None else 256
    widths = [width for width in (32, 64, 128, 256, 512, 1024) if width <= largest]
    repeats = trial.repeats(quick=64, full=320)
    shared = 0.5 if trial.control == "shared-readout" else 0.0
    factor = OUTPUTS if trial.control == "without-root" else 1
    rng = trial.rng()
    x = rng.normal(size=(repeats, TRAIN + TEST, DIM))
    x *= DIM**0.5 / np.linalg.norm(x, axis=-1, keepdims=True)
    labels = rng.normal(size=(repeats, TRAIN, OUTPUTS))
    columns = []
    for width in trial.progress(widths):
        params = _random_networks(rng, repeats, width, shared)
        theta = np.asarray(_full_kernels(params, x))
        columns.append(_errors(theta, factor * theta.sum((-2, -1)) / OUTPUTS, labels))
    errors = np.stack(columns, axis=-1)
    names = {
        "frobenius": "relative error in Frobenius norm",
        "largest_eigenvalue": "relative error of the largest eigenvalue",
        "regression": "relative error of the predictions",
    }
    parts: dict[str, Series | Sides] = {
        name: Series(x=widths, y=errors[:, part], expected=-0.5, x_label="width n", y_label=label)
        for part, (name, label) in enumerate(names.items())
    }
    features = rng.normal(size=(TRAIN, widths[0]))
    readout = (_weights(rng.normal(size=(widths[0], OUTPUTS)), ROOT2),)
    full = np.asarray(empirical_ntk(READOUT.apply, readout, features, trace_axes=()))
    pseudo = _on_all_outputs(factor * np.asarray(pseudo_ntk(READOUT.apply, readout, features)))
    parts["last_layer"] = Sides(pseudo, full, x_label="readout's part, pseudo-NTK", y_label="readout's part, full kernel")
    return parts


@jax.jit
def _full_kernels(params: Any, x: Float[Array, "repeats n d"]) -> Float[Array, "repeats n n o o"]:
    """The kernel of one network after the other."""
    kernels: Array = jax.lax.map(lambda own: empirical_ntk(NET.apply, *own, trace_axes=(), implementation="ntvp"), (params, x))
    return kernels


def _random_networks(rng: np.random.Generator, repeats: int, width: int, shared: float) -> tuple[Any, ...]:
    """Standard normal weights; rows of the readout with correlation `shared`."""
    first, second, own = (rng.normal(size=(repeats, *shape)) for shape in ((DIM, width), (width, width), (width, OUTPUTS)))
    common = rng.normal(size=(repeats, width, 1))
    readout = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    return _weights(first, 1.0), (), _weights(second, ROOT2), (), _weights(readout, ROOT2)


def _weights(w: Floats, w_std: float) -> Weights:
    """Weights in NTK parametrisation, of one layer or of one per repeat."""
    return Weights(jnp.asarray(w), None, w_std / w.shape[-2] ** 0.5, 0.0)


def _errors(theta: Floats, pseudo: Floats, labels: Floats) -> Floats:
    """Relative errors, shape (repeats, 3): Frobenius norm, largest eigenvalue, predictions."""
    own, pseudo_own = theta[:, :TRAIN, :TRAIN], pseudo[:, :TRAIN, :TRAIN]
    difference = _on_all_outputs(pseudo_own) - own
    frobenius = np.sqrt((difference**2).sum((1, 2, 3, 4)) / (own**2).sum((1, 2, 3, 4)))
    largest = np.linalg.eigvalsh(pseudo_own)[:, -1] / np.linalg.eigvalsh(_as_matrix(own))[:, -1]
    coefficients = np.linalg.solve(_as_matrix(own), labels.reshape(len(labels), -1, 1))
    predicted = _as_matrix(theta[:, TRAIN:, :TRAIN]) @ coefficients
    instead = (pseudo[:, TRAIN:, :TRAIN] @ np.linalg.solve(pseudo_own, labels)).reshape(predicted.shape)
    regression = np.linalg.norm(instead - predicted, axis=(1, 2)) / np.linalg.norm(predicted, axis=(1, 2))
    return np.stack([frobenius, np.abs(largest - 1), regression], axis=1)


def _on_all_outputs(kernel: Floats) -> Floats:
    """The kernels times the identity of outputs."""
    return kernel[..., None, None] * np.eye(OUTPUTS)


def _as_matrix(kernel: Floats) -> Floats:
    """Kernels of shape (..., n, m, k, k) as matrices."""
    *_, n, m, k, _ = kernel.shape
    return np.swapaxes(kernel, -3, -2).reshape(*kernel.shape[:-4], n * k, m * k)
