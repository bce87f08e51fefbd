"""Two steps of gradient descent on a signal task, by the exact law of what they see."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, PRNGKeyArray
from numpy.typing import ArrayLike

from ntkit.separation._checks import Real, check_number, generator
from ntkit.separation._layout import Architecture, check_architecture
from ntkit.separation._learner import Errors, Learner, Predictor
from ntkit.separation._projected import ProjectedGradient
from ntkit.separation._reduced import Overlaps, two_step_overlaps
from ntkit.separation._signal import SignalTask, error_of
from ntkit.separation._symmetry import COMMON, ORTHOGONAL, PATCHWISE, Symmetry
from ntkit.separation._task import Task
from ntkit.separation._thresholds import NoiseGate

Threshold = Real | Callable[[SignalTask], float]
SYMMETRIES = {"fcn": ORTHOGONAL, "lcn": PATCHWISE, "cnn": COMMON}
MEASURES = ("error", "misalignment")


@dataclass(frozen=True)
class TwoStep(Learner):
    """Two full-batch gradient steps from zero on -mean y f, filters projected to the unit sphere after each.

    f(x) = sum_i phi(<w_i, x^(i)>) for "lcn", with one w for "cnn", and k equal units on the whole input for "fcn". The first
    step is linear, the activation of the second is the soft threshold phi, and the classifier is linear again.

    Errors at one n are exact in law and cost a number for each patch of each sample, whatever its dimension: see
    `two_step_overlaps`, also for what several n share.

    Attributes:
        architecture: "fcn", "lcn" or "cnn".
        threshold: b of the second step, a number or a function of the task; by default `NoiseGate(1.5)`, and 0 for "fcn", to
            whose single direction a gate is of no use.
        fresh: whether the second step has a sample of its own, of the same size; n counts one of them.
        rate: of the second step, which adds rate times (sum of what the gate lets through) / (number of vectors that a filter
            sees: n, for "cnn" n k); inf goes to the direction of that sum.
        steps: 2, or 1 for the classifier after the first step.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> import jax
        >>> from ntkit.separation import DynamicSignal
        >>> task = DynamicSignal(patches=16, dim=16384, noise=0.3 / 4)
        >>> errors = TwoStep("cnn").errors(task, [100, 400], key=jax.random.key(0), replicates=20).mean(axis=0)
        >>> (errors < [0.1, 0.005]).tolist()
        [True, True]

    Source: Lahoti et al. (2024), the algorithm of the upper bounds; loss, the place of the bias and the linear classifier are
        our reading of it. The law is derived in `ntkit.separation._reduced`.
    """

    architecture: Architecture
    threshold: Threshold | None = None
    fresh: bool = False
    rate: Real = np.inf
    steps: int = 2

    def __post_init__(self) -> None:
        check_architecture(self.architecture)
        check_number("rate", self.rate, infinite=True)
        if self.threshold is not None and not callable(self.threshold):
            check_number("threshold", self.threshold)
        if self.steps not in (1, 2):
            raise ValueError(f"steps must be 1 or 2, got {self.steps!r}")

    @property
    def symmetry(self) -> Symmetry:
        """All rotations, those of each patch, or common ones, by architecture."""
        return SYMMETRIES[self.architecture]

    def threshold_for(self, task: SignalTask) -> float:
        """The number b; 0 where there is no second step."""
        rule = self.threshold if self.steps == 2 else 0.0
        if rule is None:
            rule = 0.0 if self.architecture == "fcn" else NoiseGate(1.5)
        return check_number("threshold", rule(task) if callable(rule) else rule)

    def fit(
        self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"], key: PRNGKeyArray | None = None
    ) -> Predictor:
        """The same steps on data in full.

        Raises:
            ValueError: the threshold is no number, as the noise is not known from data; or the second step wants fresh data.
        """
        if self.steps == 2 and self.fresh:
            raise ValueError("fresh must be False to learn from data, of which there is one sample, got True")
        if self.steps == 2 and (callable(self.threshold) or (self.threshold is None and self.architecture != "fcn")):
            raise ValueError(f"threshold must be a number to learn from data, got {self.threshold!r}")
        thresholds = (0.0,) if self.steps == 1 else (0.0, float(self.threshold or 0.0))  # type: ignore[arg-type]
        rate = self.rate / (x.shape[1] if self.architecture == "cnn" else 1)  # its gradient is a sum over patches, not a mean
        return ProjectedGradient(self.architecture, thresholds, loss="correlation", rate=rate).fit(x, y, key)

    def overlaps(self, task: SignalTask, n: ArrayLike, rng: np.random.Generator) -> tuple[Overlaps, Overlaps]:
        """Overlaps of unit filters with the signals after each step, for one data set; see `two_step_overlaps`."""
        sizes = self._asked(task, n, 1, "error", MEASURES)
        most = self.most(task)
        if sizes[-1] > most and self.threshold_for(task) > 0:
            raise ValueError(f"n must be at most {most} where a gate looks at each of {task.patches} patches, got {sizes[-1]}")
        return two_step_overlaps(
            self.architecture, task, sizes, threshold=self.threshold_for(task), rng=rng, fresh=self.fresh, rate=self.rate
        )

    def errors(
        self,
        task: Task,
        n: ArrayLike,
        *,
        key: PRNGKeyArray,
        replicates: int,
        measure: str = "error",
        test_size: int = 0,
    ) -> Errors:
        """As for every learner, with the test error in closed form given the data; no test set is drawn.

        Also here the numbers of samples of one replicate share their random numbers, but in another way: `two_step_overlaps`.

        Args:
            task: a `SignalTask`.
            n: numbers of samples, rising.
            key: JAX PRNG key.
            replicates: data sets.
            measure: "error", or "misalignment": 1 minus the mean over the signal's places of max(cosine, 0)^2 of a filter and
                the signal (fcn: of its one filter and the sum of all signals).
            test_size: not used.
        """
        task = _signal_task(task)
        sizes = self._asked(task, n, replicates, measure, MEASURES)
        rngs = generator(key).spawn(replicates)
        of = error_of_overlaps if measure == "error" else misalignment_of_overlaps
        return np.stack([of(self.architecture, task, self.overlaps(task, sizes, rng)[self.steps - 1]) for rng in rngs])

    def guess(self, task: Task) -> float:
        """noise^2 d, k noise^2 d or k^2 noise^2 d: the laws of what they take."""
        task = _signal_task(task)
        power = {"cnn": 0, "lcn": 1, "fcn": 2}[self.architecture] if task.places > 1 else 0
        return 2 * task.noise**2 * task.dim * float(task.patches) ** power

    def most(self, task: Task) -> int:
        """A thousand million; a hundred million numbers, where a gate has to look at each."""
        task = _signal_task(task)
        return 10**9 if self.threshold_for(task) == 0 else max(10**8 // task.patches, 1)


def _signal_task(task: object) -> SignalTask:
    if not isinstance(task, SignalTask):
        raise ValueError(f"task must be a SignalTask for this learner, got {task!r}")
    return task


def error_of_overlaps(architecture: Architecture, task: SignalTask, overlaps: Overlaps) -> Float[np.ndarray, " points"]:
    """The test error of the linear classifier with these filters: the mean over the signal's patch J of Phi(-<w_J, mu> / size).

    size = noise |w|, and |w|^2 = k for k unit filters, 1 for the fcn's one. Only without noise a filter may be zero.
    """
    scores = overlaps[:, 0, :] if architecture == "fcn" else overlaps[:, :, 0]
    size = task.noise * (1.0 if architecture == "fcn" else float(np.sqrt(task.patches)))
    if architecture != "cnn":
        scores = scores[:, : task.places]
    return np.asarray(error_of(scores, size).mean(axis=1))


def misalignment_of_overlaps(architecture: Architecture, task: SignalTask, overlaps: Overlaps) -> Float[np.ndarray, " points"]:
    """1 - mean over places of max(cosine, 0)^2; for the fcn the cosine with the normalised sum of the signals."""
    if architecture == "fcn":
        cosines = overlaps[:, 0, : task.places].sum(axis=1, keepdims=True) / np.sqrt(task.places)
    else:
        cosines = overlaps[:, : task.places, 0]
    return np.asarray(1 - (np.maximum(cosines, 0.0) ** 2).mean(axis=1))
