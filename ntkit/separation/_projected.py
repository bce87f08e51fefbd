"""Gradient descent on data in full, filters projected to the unit sphere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from numpy.typing import ArrayLike
from scipy.special import expit

from ntkit.separation._checks import check_data, check_integer, check_number, generator
from ntkit.separation._layout import Architecture, check_architecture
from ntkit.separation._learner import Errors, Learner
from ntkit.separation._network import Filters, Network, Seen, along, beyond, gathered, inputs_of
from ntkit.separation._rotated import most_rotated, rotated_sample
from ntkit.separation._signal import SignalTask, error_of
from ntkit.separation._symmetry import COMMON, ORTHOGONAL, PATCHWISE, Symmetry
from ntkit.separation._task import Task

Loss = Literal["correlation", "logistic"]
LOSSES = ("correlation", "logistic")
MEASURES = ("error", "misalignment")
Sums = Float[np.ndarray, "seen fan_in"]


@dataclass(frozen=True)
class ProjectedGradient(Learner):
    """Full-batch gradient descent on data in full; after each step every filter is projected to the unit sphere.

    f(x) = sum_i phi(<w_i, x^(i)>) over k patches for "lcn", with one w for "cnn", and k units on the whole input for "fcn". phi
    is the soft threshold, the second layer is fixed to ones, and each step has its own threshold b. A gate that is closed for
    all samples gives no gradient, and its filter stays.

    Time is that of the products of data and filters, two a step. All work is in the precision of x, float32 or float64.

    Attributes:
        architecture: "fcn", "lcn" or "cnn".
        thresholds: b in each step; there are as many steps.
        loss: "correlation", -mean y f, or "logistic", mean log(1 + exp(-scale y f)).
        rate: of every step; inf goes to the gradient's direction. With projection the first step from zero does so at any rate.
        scale: of the logistic loss.
        readout: threshold of the classifier.
        init_std: standard deviation of the initial weights, which are normal; 0 starts from zero.
        units: distinct units of the fcn, each of which counts k / units times; 1 are k equal ones, which from zero they stay.
        project: whether to project.

    Raises:
        ValueError: an argument is out of range, or nothing could be learnt: a first threshold above 0 from zero, or several
            units from zero, which would stay equal.

    Example:
        >>> import jax
        >>> from ntkit.separation import DynamicSignal
        >>> learner = ProjectedGradient("cnn", thresholds=(0.0, 0.2, 0.2), loss="logistic", rate=1e3)
        >>> task = DynamicSignal(patches=8, dim=200, noise=0.05)
        >>> x, y = task.sample(jax.random.key(0), 50)
        >>> network = learner.fit(x, y)
        >>> round(float(network.weights[0]), 2)  # the cosine with the signal
        0.99

    Source: the class of networks and algorithms of Lahoti, Karp, Winston, Singh, Li (2024), from memory.
    """

    architecture: Architecture
    thresholds: Sequence[float]
    loss: Loss = "correlation"
    rate: float = np.inf
    scale: float = 1.0
    readout: float = 0.0
    init_std: float = 0.0
    units: int = 1
    project: bool = True

    def __post_init__(self) -> None:
        check_architecture(self.architecture)
        if not isinstance(self.thresholds, Sequence) or not len(self.thresholds):
            raise ValueError(f"thresholds must be a sequence with a number for each step, got {self.thresholds!r}")
        # NumPy's float64 would widen float32 data.
        object.__setattr__(self, "thresholds", tuple(check_number("thresholds", value) for value in self.thresholds))
        for name in ("rate", "scale", "readout", "init_std"):
            object.__setattr__(self, name, check_number(name, getattr(self, name), infinite=name == "rate"))
        if self.scale == 0:
            raise ValueError("scale must be above 0, got 0.0")
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be {' or '.join(map(repr, LOSSES))}, got {self.loss!r}")
        check_integer("units", self.units)
        if self.units > 1 and self.architecture != "fcn":
            raise ValueError(f"units must be 1 unless architecture is 'fcn', got {self.units} for {self.architecture!r}")
        if self.init_std == 0 and self.thresholds[0] > 0:
            raise ValueError(f"thresholds must begin with 0 for init_std=0, as no gate opens, got {self.thresholds[0]!r} first")
        if self.init_std == 0 and self.units > 1:
            raise ValueError(f"units must be 1 for init_std=0, as equal units stay equal, got {self.units}")
        if not self.project and np.isinf(self.rate):
            raise ValueError("rate must be finite for project=False, got inf")

    @property
    def symmetry(self) -> Symmetry:
        """All rotations, those of each patch, or common ones, by architecture; from random weights in law only."""
        return {"fcn": ORTHOGONAL, "lcn": PATCHWISE, "cnn": COMMON}[self.architecture]

    def fit(
        self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"], key: PRNGKeyArray | None = None
    ) -> Network:
        """Train.

        Args:
            x: inputs, float32 or float64.
            y: labels.
            key: of the initial weights; not used without init_std.

        Raises:
            ValueError: an argument has the wrong shape or dtype or is not finite, or the key is missing.
            FloatingPointError: a score or a weight is nan or infinite.
        """
        x, y = check_data(x, y)
        inputs = inputs_of(self.architecture, x)
        start = np.zeros((self._filters(x.shape[1]), inputs.shape[-1]), dtype=x.dtype)
        if self.init_std:
            if key is None:
                raise ValueError(f"key must be given for random weights, got None for init_std={self.init_std!r}")
            start += self.init_std * generator(key).standard_normal(start.shape, dtype=x.dtype)
        weights = self._descend(inputs, y, start, x.shape[1])
        shape = {"fcn": (-1, *x.shape[1:]), "lcn": x.shape[1:], "cnn": x.shape[2:]}[self.architecture]
        return Network(self.architecture, x.shape[1], weights.reshape(shape), self.readout)

    def errors(
        self,
        task: Task,
        n: ArrayLike,
        *,
        key: PRNGKeyArray,
        replicates: int,
        measure: str = "error",
        test_size: int = 2000,
    ) -> Errors:
        """As for every learner; exact for the data on a `SignalTask` without readout, where no test set is drawn.

        There the data are drawn in as many coordinates as they span, see `ntkit.separation._rotated`.

        Args:
            task: what is learnt.
            n: numbers of samples, rising.
            key: JAX PRNG key; replicate i depends on it and on i alone.
            replicates: data sets.
            measure: "error", or on such tasks "misalignment": 1 minus the mean over the signal's places of max(cosine, 0)^2 of
                a filter and the signal (fcn: of the sum of its units and the sum of all signals).
            test_size: of other tasks, or with a readout.
        """
        if self.readout or not isinstance(task, SignalTask):
            return super().errors(task, n, key=key, replicates=replicates, measure=measure, test_size=test_size)
        sizes = self._asked(task, n, replicates, measure, MEASURES)
        of = self._error if measure == "error" else self._misalignment
        found = np.empty((replicates, len(sizes)))
        for replicate in range(replicates):
            rng = generator(jax.random.fold_in(key, replicate))
            x, start = rotated_sample(self.architecture, task, int(sizes[-1]), rng, starts=self.units if self.init_std else 0)
            if not self.init_std:
                start = np.zeros((self._filters(task.patches), x.shape[-1]))
            for point, size in enumerate(sizes.tolist()):
                weights = self._descend(x[:size], np.ones(size), self.init_std * start, task.patches)
                found[replicate, point] = of(task, weights)
        return found

    def guess(self, task: Task) -> float:
        """On a signal task noise^2 d, k noise^2 d or k^2 noise^2 d: the laws of what they take."""
        if not isinstance(task, SignalTask):
            return super().guess(task)
        power = {"cnn": 0, "lcn": 1, "fcn": 2}[self.architecture] if task.places > 1 else 0
        return 2 * task.noise**2 * task.dim * float(task.patches) ** power

    def most(self, task: Task) -> int:
        """How many samples fit into 2 GiB, rotated where they can be."""
        if self.readout or not isinstance(task, SignalTask):
            return super().most(task)
        return most_rotated(self.architecture, task, 2**28)

    def _filters(self, patches: int) -> int:
        return {"fcn": self.units, "lcn": patches, "cnn": 1}[self.architecture]

    def _descend(self, x: Seen, y: Float[np.ndarray, " n"], weights: Filters, patches: int) -> Filters:
        """All steps, on inputs as the filters see them."""
        copies = patches / self.units if self.architecture == "fcn" else 1.0
        for step, threshold in enumerate(self.thresholds, 1):
            with np.errstate(over="ignore", invalid="ignore"):
                ascent = self._ascent(x, y, weights, threshold, copies)
                straight = np.isinf(self.rate) or (self.project and not weights.any())
                moved = ascent if straight else weights + self.rate * ascent
            largest = np.abs(moved).max(axis=1, keepdims=True)
            if not np.isfinite(largest).all():
                raise FloatingPointError(f"step {step} of {len(self.thresholds)} gave weights that are not finite")
            if self.project:
                moved = moved / np.where(largest > 0, largest, 1)  # first, so that no square over- or underflows
                size = np.linalg.norm(moved, axis=1, keepdims=True)
                moved = np.where(largest > 0, moved / np.where(largest > 0, size, 1), weights)
            weights = moved
        return weights

    def _ascent(self, x: Seen, y: Float[np.ndarray, " n"], weights: Filters, threshold: float, copies: float) -> Filters:
        """Minus the gradient of the loss, for every filter (for every one of the fcn's equal units)."""
        products = along(self.architecture, x, weights) if weights.any() else np.zeros(x.shape[:2], dtype=x.dtype)
        pull = y / len(y)
        if self.loss == "logistic":
            score = copies * beyond(products, threshold).sum(axis=1)
            if not np.isfinite(score).all():
                raise FloatingPointError(f"{int((~np.isfinite(score)).sum())} of {score.size} scores are not finite")
            pull = pull * self.scale * expit(-self.scale * y * score)
        through = np.broadcast_to(pull[:, None], products.shape)
        if threshold > 0:  # the derivative of the soft threshold; that of the identity is 1 at 0 too
            through = np.where(np.abs(products) > threshold, through, 0)
        return gathered(self.architecture, x, through)

    def _effective(self, task: SignalTask, weights: Filters) -> tuple[Sums, Float[np.ndarray, " places"]]:
        """The filter of each patch, for the fcn the sum of its units; and their products with the signal, by its place."""
        if self.architecture == "fcn":  # without a readout the units act by their sum
            whole = weights.sum(axis=0, keepdims=True)
            return whole, whole[0, : task.places]
        rows = np.broadcast_to(weights, (task.patches, weights.shape[1]))
        return rows, rows[: task.places, 0]

    def _error(self, task: SignalTask, weights: Filters) -> float:
        """The mean over places J of Phi(-<w_J, signal> / (noise |w|)), w being all weights together."""
        filters, overlaps = self._effective(task, weights)
        return float(error_of(overlaps / (np.linalg.norm(filters) or 1.0), task.noise).mean())

    def _misalignment(self, task: SignalTask, weights: Filters) -> float:
        filters, overlaps = self._effective(task, weights)
        lengths = np.linalg.norm(filters, axis=1)
        if self.architecture == "fcn":
            overlaps = overlaps.sum(keepdims=True) / np.sqrt(task.places)
        cosines = overlaps / np.where(lengths > 0, lengths, 1)[: len(overlaps)]
        return float(1 - (np.maximum(cosines, 0) ** 2).mean())
