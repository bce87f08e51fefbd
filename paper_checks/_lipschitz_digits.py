"""Small networks trained on the 8 x 8 digits, several at a time, and attacks on their classes; in NumPy, as they are tiny."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from _lipschitz import Floats, Layers
from jaxtyping import Bool, Float, Int

from ntkit.claims import Trial
from ntkit.data import digits

WIDTHS = (64, 16, 16, 10)
TRAINED, STEPS, BATCH, RATE = 1500, 1000, 128, 0.01  # images for training, and Adam
MOMENTS = 0.9, 0.999


def _relu(z: Floats) -> tuple[Floats, Floats]:
    return np.maximum(z, 0), (z > 0).astype(float)


def _tanh(z: Floats) -> tuple[Floats, Floats]:
    value = np.tanh(z)
    return value, 1 - value**2


def _sigmoid(z: Floats) -> tuple[Floats, Floats]:
    value = 1 / (1 + np.exp(-z))
    return value, value * (1 - value)


ACTIVATIONS: dict[str, Callable[[Floats], tuple[Floats, Floats]]] = {"relu": _relu, "tanh": _tanh, "sigmoid": _sigmoid}


class Classifiers(NamedTuple):
    """Networks, the images that they have not seen, and which of these each classifies rightly."""

    layers: Layers
    images: Float[np.ndarray, "images pixels"]
    right: Bool[np.ndarray, "nets images"]


def classifiers(trial: Trial, nets: int, activation: str = "relu") -> Classifiers:
    """Networks 64-16-16-10 after 1000 Adam steps on batches of 128 of the first 1500 images; the last 297 are for tests."""
    images, labels = digits()
    trial.uses("digits", images, labels)
    flat, rng = images.reshape(len(images), -1), trial.rng()
    sizes = list(zip(WIDTHS[1:], WIDTHS[:-1], strict=True))
    arrays = [rng.normal(size=(nets, n, m)) * np.sqrt(2 / m) for n, m in sizes] + [np.zeros((nets, n)) for n, _ in sizes]
    means, squares = ([np.zeros_like(array) for array in arrays] for _ in range(2))
    for step in range(1, STEPS + 1):
        chosen = rng.integers(0, TRAINED, BATCH)
        for array, slope, mean, square in zip(
            arrays, _slopes(_paired(arrays), flat[chosen], labels[chosen], activation), means, squares, strict=True
        ):
            mean += (1 - MOMENTS[0]) * (slope - mean)
            square += (1 - MOMENTS[1]) * (slope**2 - square)
            array -= RATE * mean / (1 - MOMENTS[0] ** step) / (np.sqrt(square / (1 - MOMENTS[1] ** step)) + 1e-8)
    layers, unseen = _paired(arrays), flat[TRAINED:]
    scores = _forward(layers, np.broadcast_to(unseen, (nets, *unseen.shape)), activation)[2]
    return Classifiers(layers, unseen, scores.argmax(axis=2) == labels[TRAINED:])


def attacked(
    layers: Layers,
    x0: Float[np.ndarray, "inputs pixels"],
    label: Int[np.ndarray, " inputs"],
    radius: Float[np.ndarray, " inputs"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " inputs"]:
    """The least margin of the class that 16 searches of 25 steps find in each ball: negative where the class is changed.

    Args:
        layers: of one ReLU network, in a stack of one.
        x0: inputs.
        label: their classes.
        radius: of each ball; steps along the signs of the margin's derivative are a sixth of it.
        rng: of the starts.
    """
    least, each = np.full(len(x0), np.inf), np.arange(len(x0))
    reach = radius[:, None]
    for _ in range(16):
        x = x0 + reach * rng.uniform(-1, 1, x0.shape)
        for _ in range(26):
            _, slopes, scores = _forward(layers, x[None], "relu")
            others = np.where(np.arange(scores.shape[2]) == label[:, None], -np.inf, scores[0])
            least = np.minimum(least, scores[0, each, label] - others.max(axis=1))
            margin = np.zeros_like(scores)
            margin[0, each, label], margin[0, each, others.argmax(axis=1)] = 1.0, -1.0
            derivative = (_backward(layers, slopes, margin)[0] @ layers[0][0])[0]
            x = np.clip(x - reach / 6 * np.sign(derivative), x0 - reach, x0 + reach)
    return least


def _paired(arrays: list[Floats]) -> Layers:
    half = len(arrays) // 2
    return list(zip(arrays[:half], arrays[half:], strict=True))


def _forward(layers: Layers, x: Floats, activation: str) -> tuple[list[Floats], list[Floats], Floats]:
    """What goes into each layer, the derivatives of activations, and the scores; shape (nets, images, units)."""
    inputs, slopes = [x], []
    for weights, biases in layers[:-1]:
        value, slope = ACTIVATIONS[activation](inputs[-1] @ weights.transpose(0, 2, 1) + biases[:, None])
        inputs.append(value)
        slopes.append(slope)
    return inputs, slopes, inputs[-1] @ layers[-1][0].transpose(0, 2, 1) + layers[-1][1][:, None]


def _backward(layers: Layers, slopes: list[Floats], at_scores: Floats) -> list[Floats]:
    """Derivatives in what comes out of each layer, before activations."""
    found = [at_scores]
    for (weights, _), slope in zip(layers[:0:-1], slopes[::-1], strict=True):
        found.insert(0, found[0] @ weights * slope)
    return found


def _slopes(layers: Layers, images: Floats, labels: np.ndarray, activation: str) -> list[Floats]:
    """Derivatives of the mean cross-entropy in all weights, then in all biases."""
    inputs, slopes, scores = _forward(layers, np.broadcast_to(images, (len(layers[0][0]), *images.shape)), activation)
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    shares /= shares.sum(axis=2, keepdims=True)
    shares[:, np.arange(len(labels)), labels] -= 1
    ends = _backward(layers, slopes, shares / len(labels))
    return [end.transpose(0, 2, 1) @ start for end, start in zip(ends, inputs, strict=True)] + [end.sum(axis=1) for end in ends]
