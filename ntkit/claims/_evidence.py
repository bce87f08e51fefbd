"""What a measurement returns: arrays of what was measured beside what the claim predicts, never a verdict.

Every kind of evidence is a frozen dataclass of float64 or int64 NumPy arrays. Repeats run along axis 0 wherever there are
repeats; rules resample that axis only. All of them take `unmet=`, the reason why the claim's assumptions were not met: the
verdict is then `inconclusive` with that reason, and only then may values be NaN or infinite.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntkit.claims._errors import EvidenceError

Floats = NDArray[np.float64]
Reduction = Literal["mean", "rms", "geometric"]

SAME_MEAN = 1e-6  # of the largest sample: a mean may have been taken in another order, or in single precision


@dataclass(frozen=True, kw_only=True)
class _Labelled:
    """Fields that every kind of evidence has: why assumptions were not met, and the words of its axes."""

    unmet: str | None = None
    x_label: str = ""
    y_label: str = ""

    arrays: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        unmet: object = self.unmet
        if unmet is not None and not (isinstance(unmet, str) and unmet.strip()):
            raise EvidenceError(f"{type(self).__name__}.unmet must be None or the reason as a non-empty string, got {unmet!r}")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _floats(self, name: str, *, ndim: tuple[int, ...] | None = None) -> Floats:
        """Replace the field by a non-empty, finite float64 array of one of the allowed dimensions, and return it."""
        kind = type(self).__name__
        array = _real_numbers(f"{kind}.{name}", getattr(self, name))
        if ndim is not None and array.ndim not in ndim:
            allowed = " or ".join(str(n) for n in ndim)
            raise EvidenceError(f"{kind}.{name} must have {allowed} dimensions, got shape {array.shape}")
        if array.size == 0:
            raise EvidenceError(f"{kind}.{name} is empty (shape {array.shape}): nothing was measured")
        if self.unmet is None and not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).sum())
            raise EvidenceError(
                f"{kind}.{name} holds {bad} values that are not finite (of {array.size}); "
                "return unmet='reason' if the claim's assumptions were not met"
            )
        array.setflags(write=False)
        self._set(name, array)
        return array

    def _integers(self, name: str) -> NDArray[np.int64]:
        """Replace the field by a non-empty int64 array; counts cannot be missing, so `unmet` excuses nothing."""
        kind = type(self).__name__
        _refuse_masks(f"{kind}.{name}", getattr(self, name))
        given = np.asarray(getattr(self, name))
        if given.dtype.kind not in "iub":
            raise EvidenceError(f"{kind}.{name} must be an array of integers that int64 holds, got dtype {given.dtype}")
        beyond = given > np.iinfo(np.int64).max
        if beyond.any():
            raise EvidenceError(
                f"{kind}.{name} holds {int(beyond.sum())} integers (of {given.size}) that int64 does not, up to {given.max()}"
            )
        array = np.atleast_1d(np.array(given, dtype=np.int64))
        if array.size == 0:
            raise EvidenceError(f"{kind}.{name} is empty: nothing was counted")
        array.setflags(write=False)
        self._set(name, array)
        return array

    def _same_shape(self, first: str, second: str) -> None:
        a, b = getattr(self, first).shape, getattr(self, second).shape
        if a != b:
            raise EvidenceError(f"{type(self).__name__}: {first} has shape {a}, {second} has shape {b}; they must agree")

    def _broadcast(self, name: str, like: str) -> None:
        """Stretch a prediction to the shape of what was measured; the other way round would invent measurements."""
        shape = getattr(self, like).shape
        try:
            stretched = np.broadcast_to(getattr(self, name), shape)
        except ValueError:
            raise EvidenceError(
                f"{type(self).__name__}.{name} of shape {getattr(self, name).shape} does not broadcast to {like}, shape {shape}"
            ) from None
        self._set(name, np.array(stretched))
        getattr(self, name).setflags(write=False)


@dataclass(frozen=True)
class Sides(_Labelled):
    """The two sides of an equation, of one shape (prediction and measurement, or both measured). Judged by `Identity`.

    Example:
        >>> Sides(lhs=[1.0, 2.0], rhs=[1.0, 2.0]).lhs.shape
        (2,)
    """

    lhs: ArrayLike
    rhs: ArrayLike
    arrays: ClassVar = ("lhs", "rhs")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._floats("lhs")
        self._floats("rhs")
        self._same_shape("lhs", "rhs")


@dataclass(frozen=True)
class Bounds(_Labelled):
    """Values with what the claim says bounds them, from below, above or both (scalars broadcast). Judged by `Inequality`.

    Example:
        >>> Bounds([0.3, 0.4], upper=1.0).upper.tolist()
        [1.0, 1.0]
    """

    value: ArrayLike
    lower: ArrayLike | None = None
    upper: ArrayLike | None = None
    arrays: ClassVar = ("value", "lower", "upper")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._floats("value")
        if self.lower is None and self.upper is None:
            raise EvidenceError("Bounds needs lower=, upper= or both: without a bound there is nothing to judge")
        for name in ("lower", "upper"):
            if getattr(self, name) is not None:
                self._floats(name)
                self._broadcast(name, "value")


@dataclass(frozen=True)
class Series(_Labelled):
    """A curve y over x with the slope that the claim predicts. Judged by `Slope`.

    Attributes:
        x: shape (point,), strictly increasing, at least 3 points.
        y: shape (repeat, point), or (point,) for a curve that is computed, not sampled: it has no sampling error, and its
            slope is a number without an interval's width.
        expected: the predicted slope, in the axes of the rule.
        reduce: how the repeats become the curve whose slope is fitted: "mean", "rms" (root mean square) or "geometric"
            (mean of logarithms).

    Example:
        >>> Series(x=[1, 2, 4], y=[4, 2, 1], expected=-1.0).y.shape
        (1, 3)
    """

    x: ArrayLike
    y: ArrayLike
    expected: float
    reduce: Reduction = "mean"
    computed: bool = False
    arrays: ClassVar = ("x", "y")

    def __post_init__(self) -> None:
        super().__post_init__()
        x = self._floats("x", ndim=(1,))
        if x.size < 3 or not (np.diff(x) > 0).all():
            raise EvidenceError(f"Series.x must be strictly increasing with at least 3 points, got {x.tolist()}")
        y = self._floats("y", ndim=(1, 2))
        if y.ndim == 1:
            self._set("computed", True)
            self._set("y", y[None, :])
        elif self.computed and y.shape[0] != 1:
            raise EvidenceError(f"Series.computed is for one curve, got {y.shape[0]} repeats")
        if self.y.shape[1] != x.size:  # type: ignore[union-attr]
            raise EvidenceError(f"Series.y of shape {y.shape} must end in the {x.size} points of x")
        if self.reduce not in ("mean", "rms", "geometric"):
            raise EvidenceError(f"Series.reduce must be 'mean', 'rms' or 'geometric', got {self.reduce!r}")
        _finite_number("Series.expected", self.expected)


@dataclass(frozen=True)
class Crossings(_Labelled):
    """Errors over a grid, one grid per x: where do they fall to a target, and how does that place grow? Judged by `Slope`.

    Attributes:
        x: shape (point,), positive, strictly increasing, at least 3 points (say, dimensions).
        grid: shape (point, j), positive, strictly increasing along j (say, sample sizes).
        errors: shape (repeat, point, j), at least 20 repeats; expected to fall along j up to noise.
        target: the error whose crossing is sought.
        expected: the predicted slope of log(crossing) over log(x).
    """

    x: ArrayLike
    grid: ArrayLike
    errors: ArrayLike
    target: float
    expected: float
    arrays: ClassVar = ("x", "grid", "errors")

    def __post_init__(self) -> None:
        super().__post_init__()
        x = self._floats("x", ndim=(1,))
        grid = self._floats("grid", ndim=(2,))
        errors = self._floats("errors", ndim=(3,))
        if x.size < 3 or not (np.diff(x) > 0).all() or x[0] <= 0:
            raise EvidenceError(
                f"Crossings.x must be positive and strictly increasing with at least 3 points, got {x.tolist()}"
            )
        if grid.shape[0] != x.size or grid.shape[1] < 2 or not (np.diff(grid, axis=1) > 0).all() or (grid <= 0).any():
            raise EvidenceError(
                f"Crossings.grid must be positive and strictly increasing along axis 1, with one row per x; got {grid.shape}"
            )
        if errors.shape[1:] != grid.shape:
            raise EvidenceError(f"Crossings.errors must have shape (repeat, {x.size}, {grid.shape[1]}), got {errors.shape}")
        _finite_number("Crossings.target", self.target)
        _finite_number("Crossings.expected", self.expected)


@dataclass(frozen=True)
class Estimates(_Labelled):
    """Estimated means with standard errors beside predictions (scalars broadcast). Judged by `Agreement`.

    Attributes:
        mean, stderr, predicted: one shape; standard errors are not negative.
        repeats: how many independent repeats stand behind each standard error: its interval uses Student's t with one
            fewer degree of freedom. None only for a standard error that is known, not estimated.
        samples: what `mean` is the mean of, shape (repeat, *mean.shape). With it the interval allows for skewness, which a
            mean and its standard error do not show; `repeats` is then its length.

    Example:
        >>> Estimates.from_samples([[1.0], [3.0]], predicted=2.0).mean.tolist()
        [2.0]
    """

    mean: ArrayLike
    stderr: ArrayLike
    predicted: ArrayLike
    repeats: int | None = None
    samples: ArrayLike | None = None
    arrays: ClassVar = ("mean", "stderr", "predicted", "samples")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.samples is not None:
            self._floats("samples")
        self._floats("mean")
        self._floats("stderr")
        self._floats("predicted")
        self._same_shape("mean", "stderr")
        self._broadcast("predicted", "mean")
        if self.unmet is None and (np.asarray(self.stderr) < 0).any():
            raise EvidenceError("Estimates.stderr must not be negative")
        if self.repeats is not None and self.repeats < 2:
            raise EvidenceError(f"Estimates.repeats must be at least 2, got {self.repeats}")
        if self.samples is not None:
            self._check_samples(np.asarray(self.mean), np.asarray(self.samples))

    def _check_samples(self, mean: Floats, samples: Floats) -> None:
        """Samples of another shape, number or mean than what stands beside them are not what was measured."""
        if samples.ndim != mean.ndim + 1 or samples.shape[1:] != mean.shape:
            wanted = ", ".join(["repeat", *map(str, mean.shape)]) + ("" if mean.shape else ",")
            raise EvidenceError(f"Estimates.samples must have shape ({wanted}), got {samples.shape}")
        if len(samples) < 2:
            raise EvidenceError(f"Estimates.samples needs at least 2 repeats along axis 0, got shape {samples.shape}")
        if self.repeats is not None and self.repeats != len(samples):
            raise EvidenceError(f"Estimates.repeats is {self.repeats}, but samples has {len(samples)} repeats along axis 0")
        self._set("repeats", len(samples))
        if self.unmet is None and (np.abs(samples.mean(0) - mean) > SAME_MEAN * np.abs(samples).max(0)).any():
            raise EvidenceError("Estimates.mean is not the mean of samples over axis 0")

    @classmethod
    def from_samples(cls, samples: ArrayLike, predicted: ArrayLike, **labels: Any) -> Estimates:
        """Mean and standard error over axis 0 of `samples`, shape (repeat, ...), with at least 2 repeats; keeps the samples."""
        values = _real_numbers("Estimates.samples", samples)
        if values.ndim == 0 or values.shape[0] < 2:
            raise EvidenceError(f"Estimates.from_samples needs at least 2 repeats along axis 0, got shape {values.shape}")
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by name, or excused by `unmet`
            mean, stderr = values.mean(0), values.std(0, ddof=1) / math.sqrt(len(values))
        return cls(mean, stderr, predicted, samples=values, **labels)


@dataclass(frozen=True)
class Counts(_Labelled):
    """Successes in a number of independent trials, of one shape (scalars count as one cell). Judged by `Proportion`.

    Example:
        >>> Counts(successes=47, trials=50).successes.tolist()
        [47]
    """

    successes: ArrayLike
    trials: ArrayLike
    arrays: ClassVar = ("successes", "trials")

    def __post_init__(self) -> None:
        super().__post_init__()
        successes, trials = self._integers("successes"), self._integers("trials")
        self._same_shape("successes", "trials")
        if (trials < 1).any() or (successes < 0).any() or (successes > trials).any():
            raise EvidenceError("Counts needs 0 <= successes <= trials and at least one trial in every cell")


@dataclass(frozen=True)
class Integers(_Labelled):
    """Integers that were computed beside those that the claim predicts. Judged by `Exact`.

    Example:
        >>> Integers(got=[6, 10], expected=[6, 10]).got.tolist()
        [6, 10]
    """

    got: ArrayLike
    expected: ArrayLike
    arrays: ClassVar = ("got", "expected")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._integers("got")
        self._integers("expected")
        self._same_shape("got", "expected")


@dataclass(frozen=True)
class Pairs(_Labelled):
    """Two quantities measured on the same repeats; the claim says that the first is larger. Judged by `Ordering`.

    Attributes:
        first, second: one shape, (repeat,) or (repeat, cell), with at least 2 repeats; row i of both comes from one repeat.
    """

    first: ArrayLike
    second: ArrayLike
    arrays: ClassVar = ("first", "second")

    def __post_init__(self) -> None:
        super().__post_init__()
        first = self._floats("first", ndim=(1, 2))
        self._floats("second", ndim=(1, 2))
        self._same_shape("first", "second")
        if first.shape[0] < 2:
            raise EvidenceError(f"Pairs needs at least 2 repeats along axis 0, got shape {first.shape}")


Evidence = Sides | Bounds | Series | Crossings | Estimates | Counts | Integers | Pairs
Measurement = Evidence | Mapping[str, Evidence]

KINDS: dict[str, type[Evidence]] = {
    kind.__name__: kind for kind in (Sides, Bounds, Series, Crossings, Estimates, Counts, Integers, Pairs)
}


def settings(evidence: Evidence) -> dict[str, Any]:
    """Everything of the evidence that is not an array, ready for JSON."""
    fields = (f.name for f in dataclasses.fields(evidence) if f.name not in evidence.arrays)
    return {name: getattr(evidence, name) for name in fields}


def _real_numbers(field: str, value: Any) -> Floats:
    """A float64 copy of an array of real numbers."""
    _refuse_masks(field, value)
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "fiub":
            raise TypeError(f"dtype {given.dtype}")
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EvidenceError(f"{field} must be an array of real numbers, got {error}") from None


def _refuse_masks(field: str, value: Any) -> None:
    """Refuse masked arrays, also within lists: NumPy would make plain arrays of them and forget what was masked."""
    if isinstance(value, np.ma.MaskedArray):
        raise EvidenceError(f"{field} is a masked array, whose mask would be lost: return the unmasked values only")
    if isinstance(value, list | tuple):
        for item in value:
            _refuse_masks(field, item)


def _finite_number(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise EvidenceError(f"{name} must be a finite number, got {value!r}")
