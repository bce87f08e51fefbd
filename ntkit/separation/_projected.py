"""Projected gradient descent on data in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.separation._activation import gate, soft_threshold
from ntkit.separation._checks import check_number
from ntkit.separation._layout import Architecture, check_architecture
from ntkit.separation._learner import Learner
from ntkit.separation._symmetry import COMMON, ORTHOGONAL, PATCHWISE, Symmetry

Loss = Literal["correlation", "logistic"]


@dataclass(frozen=True)
class Filters:
    """What `ProjectedGradient` learnt: unit filters, and the score sum_i phi(<w_i, x^(i)>) with the classifier's threshold.

    Attributes:
        weights: shape (patches, dim), a row for each patch; for the cnn they are equal. For the fcn one unit, cut into patches.
        threshold: of the score.
        whole: whether phi acts on the sum over patches (fcn) in place of each.
    """

    weights: Float[np.ndarray, "patches dim"]
    threshold: float
    whole: bool

    def __call__(self, x: Float[np.ndarray, "n patches dim"]) -> Float[np.ndarray, " n"]:
        along = np.einsum("nkd,kd->nk", x, self.weights)
        if self.whole:
            along = along.sum(axis=1, keepdims=True)
        return np.asarray((along - np.clip(along, -self.threshold, self.threshold)).sum(axis=1))


@dataclass(frozen=True)
class ProjectedGradient(Learner):
    """Full-batch gradient steps on data in full, filters projected to the unit sphere after each; from zero.

    Attributes:
        architecture: "fcn" (all units equal: one), "lcn" or "cnn".
        thresholds: of the activation in each step; there are as many steps.
        loss: "correlation", -mean y f, or "logistic", mean log(1 + exp(-scale y f)).
        rate: of every step after the first, whose length does not matter; inf goes to the gradient's direction.
        scale: of the logistic loss.
        readout: threshold of the classifier.
    """

    architecture: Architecture
    thresholds: Sequence[float]
    loss: Loss = "correlation"
    rate: float = np.inf
    scale: float = 1.0
    readout: float = 0.0

    def __post_init__(self) -> None:
        check_architecture(self.architecture)
        if not len(self.thresholds):
            raise ValueError("thresholds must name at least one step, got none")
        for threshold in self.thresholds:
            check_number("thresholds", threshold)
        if self.loss not in ("correlation", "logistic"):
            raise ValueError(f"loss must be 'correlation' or 'logistic', got {self.loss!r}")
        check_number("rate", self.rate, infinite=True)
        check_number("scale", self.scale)
        check_number("readout", self.readout)

    @property
    def symmetry(self) -> Symmetry:
        """All rotations, those of each patch, or common ones, by architecture."""
        return {"fcn": ORTHOGONAL, "lcn": PATCHWISE, "cnn": COMMON}[self.architecture]

    def fit(
        self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"], key: PRNGKeyArray | None = None
    ) -> Filters:
        """Train; the key is not used.

        Raises:
            FloatingPointError: a weight is nan or infinite.
        """
        weights = np.asarray(
            _train(jnp.asarray(x), jnp.asarray(y), tuple(self.thresholds), self.architecture, self.loss, self.rate, self.scale)
        )
        if not np.isfinite(weights).all():
            raise FloatingPointError("training gave weights that are not finite")
        return Filters(weights, self.readout, self.architecture == "fcn")


@partial(jax.jit, static_argnums=(2, 3, 4, 5, 6))
def _train(
    x: Float[Array, "n patches dim"],
    y: Float[Array, " n"],
    thresholds: tuple[float, ...],
    architecture: Architecture,
    loss: Loss,
    rate: float,
    scale: float,
) -> Float[Array, "patches dim"]:
    weights = jnp.zeros_like(x[0])
    for step, threshold in enumerate(thresholds):
        along = jnp.einsum("nkd,kd->nk", x, weights)
        if architecture == "fcn":  # every unit sees the sum, and there are k of them
            along = jnp.broadcast_to(along.sum(axis=1, keepdims=True), along.shape)
        pull = y / len(y)
        if loss == "logistic":
            score = soft_threshold(along, threshold).sum(axis=1)
            pull = pull * scale * jax.nn.sigmoid(-scale * y * score)
        through = jnp.where(gate(along, threshold), pull[:, None], 0)
        ascent = jnp.einsum("nk,nkd->kd", through, x)
        if architecture == "cnn":
            ascent = jnp.broadcast_to(ascent.sum(axis=0), ascent.shape)
        moved = ascent if step == 0 or np.isinf(rate) else weights + rate * ascent
        size = jnp.sqrt((moved**2).sum(axis=None if architecture == "fcn" else 1, keepdims=True))
        unit = moved / jnp.where(size > 0, size, 1)
        weights = jnp.where(size > 0, unit, weights)
    return weights
