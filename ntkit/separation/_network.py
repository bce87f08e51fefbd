"""Networks of one hidden layer whose second layer is ones: scores, and what gradients gather."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ntkit.separation._checks import check_inputs
from ntkit.separation._layout import Architecture

Filters = Float[np.ndarray, "filters fan_in"]
Seen = Float[np.ndarray, "n seen fan_in"]  # inputs as filters see them


@dataclass(frozen=True)
class Network:
    """What `ProjectedGradient` learnt, a function of inputs of shape (n, patches, dim).

    Attributes:
        patches: of an input.
        weights: (units, patches, dim) for "fcn", (patches, dim) for "lcn", (dim,) for "cnn".
        threshold: of the classifier.
    """

    architecture: Architecture
    patches: int
    weights: Float[np.ndarray, "..."]
    threshold: float

    def __call__(self, x: Float[np.ndarray, "n patches dim"]) -> Float[np.ndarray, " n"]:
        """The scores.

        Raises:
            ValueError: x has another shape than the inputs learnt from, or is not finite.
        """
        x = check_inputs("x", x, (self.patches, self.weights.shape[-1]))
        inputs = inputs_of(self.architecture, x)
        filters = self.weights.reshape(-1, inputs.shape[-1])
        copies = x.shape[1] / len(filters) if self.architecture == "fcn" else 1.0
        return np.asarray(copies * beyond(along(self.architecture, inputs, filters), self.threshold).sum(axis=1))


def inputs_of(architecture: Architecture, x: Float[np.ndarray, "n patches dim"]) -> Seen:
    """As the filters see them: for the fcn all patches are one."""
    return x.reshape(len(x), 1, -1) if architecture == "fcn" else x


def along(architecture: Architecture, x: Seen, weights: Filters) -> Float[np.ndarray, "n products"]:
    """Every filter with what it sees: by unit for the fcn, else by patch. Products by BLAS: XLA takes 20 times as long."""
    if architecture == "fcn":
        return np.asarray(x[:, 0] @ weights.T)
    if architecture == "cnn":
        return np.asarray(x.reshape(-1, x.shape[2]) @ weights[0]).reshape(x.shape[:2])
    return np.stack([x[:, patch] @ weight for patch, weight in enumerate(weights)], axis=1)


def gathered(architecture: Architecture, x: Seen, through: Float[np.ndarray, "n products"]) -> Filters:
    """The sum over samples of what each filter saw, times these numbers: the transpose of `along`."""
    if architecture == "fcn":
        return np.asarray(through.T @ x[:, 0])
    if architecture == "cnn":
        return np.asarray(through.reshape(1, -1) @ x.reshape(-1, x.shape[2]))
    return np.stack([through[:, patch] @ x[:, patch] for patch in range(x.shape[1])])


def beyond(z: Float[np.ndarray, "..."], threshold: float) -> Float[np.ndarray, "..."]:
    """`soft_threshold`, in NumPy."""
    return z - np.clip(z, -threshold, threshold) if threshold > 0 else z
