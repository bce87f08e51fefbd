"""Evidence is validated where it is made: what was given, and what is allowed."""

from dataclasses import dataclass

import numpy as np
import pytest

from ntkit.claims import Bounds, Counts, Crossings, Estimates, EvidenceError, Integers, Pairs, Series, Sides
from ntkit.claims._encoding import decode, encode

X = [1.0, 2.0, 4.0]
GRID = [[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]]
ERRORS = np.ones((20, 3, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sides([1.0], [1.0, 2.0]), r"lhs has shape \(1,\), rhs has shape \(2,\)"),
        (lambda: Sides([], []), "Sides.lhs is empty"),
        (lambda: Sides(["a"], ["b"]), "Sides.lhs must be an array of real numbers"),
        (lambda: Sides([1j], [1.0]), "real numbers"),
        (lambda: Sides([np.nan, 1.0], [1.0, 1.0]), r"1 values that are not finite \(of 2\).*unmet="),
        (lambda: Bounds([1.0]), "Bounds needs lower=, upper= or both"),
        (lambda: Bounds([1.0, 2.0], upper=[1.0, 2.0, 3.0]), "upper of shape .* does not broadcast"),
        (lambda: Bounds(1.0, upper=[1.0, 2.0]), "does not broadcast"),
        (lambda: Bounds([1.0], upper=np.inf), "not finite"),
        (lambda: Series([1.0, 2.0], [1.0, 2.0], 1.0), "strictly increasing with at least 3 points"),
        (lambda: Series([1.0, 1.0, 2.0], [1.0, 2.0, 3.0], 1.0), "strictly increasing"),
        (lambda: Series(X, [1.0, 2.0], 1.0), "must end in the 3 points of x"),
        (lambda: Series(X, np.ones((2, 2, 3)), 1.0), "must have 1 or 2 dimensions"),
        (lambda: Series(X, X, np.nan), "Series.expected must be a finite number"),
        (lambda: Series(X, X, True), "Series.expected must be a finite number"),
        (lambda: Series(X, X, 1.0, reduce="median"), "reduce must be 'mean', 'rms' or 'geometric'"),  # type: ignore[arg-type]
        (lambda: Series(X, np.ones((2, 3)), 1.0, computed=True), "computed is for one curve"),
        (lambda: Crossings([0.0, 1.0, 2.0], GRID, ERRORS, 1.0, 1.0), "Crossings.x must be positive"),
        (lambda: Crossings(X, GRID[:2], ERRORS, 1.0, 1.0), "Crossings.grid must be positive"),
        (lambda: Crossings(X, np.flip(GRID), ERRORS, 1.0, 1.0), "strictly increasing along axis 1"),
        (lambda: Crossings(X, GRID, ERRORS[:, :, :1], 1.0, 1.0), r"errors must have shape \(repeat, 3, 2\)"),
        (lambda: Crossings(X, GRID, ERRORS, np.inf, 1.0), "Crossings.target must be a finite number"),
        (lambda: Estimates([1.0], [-0.1], 1.0), "stderr must not be negative"),
        (lambda: Estimates([1.0], [0.1, 0.2], 1.0), "mean has shape"),
        (lambda: Estimates([1.0], [0.1], 1.0, repeats=1), "repeats must be at least 2, got 1"),
        (lambda: Estimates.from_samples([[1.0]], 1.0), "at least 2 repeats along axis 0"),
        (lambda: Estimates.from_samples(1.0, 1.0), "at least 2 repeats along axis 0"),
        (lambda: Estimates.from_samples(["a", "b"], 1.0), "Estimates.samples must be an array of real numbers"),
        (lambda: Estimates.from_samples([np.nan, 1.0], 1.0), r"Estimates.samples holds 1 values that are not finite \(of 2\)"),
        (lambda: Estimates(0.0, 1.0, 0.0, samples=[[1.0], [2.0]]), r"samples must have shape \(repeat,\), got \(2, 1\)"),
        (lambda: Estimates([0.0], [1.0], 0.0, samples=[1.0, 2.0]), r"samples must have shape \(repeat, 1\), got \(2,\)"),
        (lambda: Estimates(0.0, 1.0, 0.0, samples=[1.0]), r"Estimates.samples needs at least 2 repeats .* got shape \(1,\)"),
        (lambda: Estimates(0.0, 1.0, 0.0, 3, [1.0, 2.0]), "Estimates.repeats is 3, but samples has 2 repeats along axis 0"),
        (lambda: Estimates(0.0, 1.0, 0.0, samples=[1.0, 2.0]), "Estimates.mean is not the mean of samples over axis 0"),
        (lambda: Counts(3, 2), "0 <= successes <= trials"),
        (lambda: Counts(0, 0), "at least one trial"),
        (lambda: Counts(0.5, 2), "must be an array of integers"),
        (lambda: Counts([1, 2], [3]), "successes has shape"),
        (lambda: Integers([1.0], [1]), "Integers.got must be an array of integers"),
        (lambda: Integers([], []), "Integers.got must be an array of integers"),
        (lambda: Integers(np.zeros(0, int), np.zeros(0, int)), "empty"),
        (lambda: Integers(np.uint64([1, 2**64 - 1]), [1, 2]), r"got holds 1 integers \(of 2\) that int64 does not, up to 1844"),
        (lambda: Integers(1, np.uint64(2**63)), "Integers.expected holds 1 integers .* up to 9223372036854775808"),
        (lambda: Integers([1, 2**64 - 1], [1, 2]), "Integers.got must be .* int64 holds, got dtype float64"),
        (lambda: Integers(2**64, 1), "Integers.got must be an array of integers that int64 holds, got dtype object"),
        (lambda: Integers(-(2**63) - 1, 1), "Integers.got must be an array of integers that int64 holds"),
        (lambda: Counts(1, 2**64 - 1), "Counts.trials holds 1 integers"),
        (lambda: Pairs([1.0], [1.0]), "at least 2 repeats"),
        (lambda: Pairs([1.0, 2.0], [[1.0], [2.0]]), "first has shape"),
    ],
)
def test_wrong_evidence_is_refused_with_its_name(make: object, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        make()  # type: ignore[operator]


MASKED = np.ma.masked_greater([1, 2, 9], 5)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Sides(MASKED, MASKED), "Sides.lhs"),
        (lambda: Sides([1.0, 2.0, 9.0], MASKED), "Sides.rhs"),
        (lambda: Sides([1.0, np.ma.masked], [1.0, 2.0]), "Sides.lhs"),
        (lambda: Bounds([1.0], upper=np.ma.masked_invalid(2.0)), "Bounds.upper"),
        (lambda: Series(X, [MASKED, MASKED], 1.0), "Series.y"),
        (lambda: Estimates.from_samples(MASKED, 1.0), "Estimates.samples"),
        (lambda: Integers(MASKED, [1, 2, 9]), "Integers.got"),
        (lambda: Counts((MASKED,), [[1, 2, 9]]), "Counts.successes"),
        (lambda: Pairs(np.ma.array([1.0, 2.0]), [1.0, 2.0]), "Pairs.first"),  # masks nothing here, but may elsewhere
    ],
)
def test_masks_are_not_lost(make: object, field: str) -> None:
    with pytest.raises(EvidenceError, match=f"{field} is a masked array, whose mask would be lost: return the unmasked values"):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("unmet", ["", " ", False, True, 0, ["diverged"]])
@pytest.mark.parametrize(
    "make",
    [
        lambda **unmet: Sides([np.nan], [1.0], **unmet),
        lambda **unmet: Bounds([1.0], upper=1.0, **unmet),
        lambda **unmet: Series(X, X, 1.0, **unmet),
        lambda **unmet: Crossings(X, GRID, ERRORS, 1.0, 1.0, **unmet),
        lambda **unmet: Estimates.from_samples([1.0, 2.0], 1.0, **unmet),
        lambda **unmet: Counts(1, 2, **unmet),
        lambda **unmet: Integers(1, 1, **unmet),
        lambda **unmet: Pairs([1.0, 2.0], [1.0, 2.0], **unmet),
    ],
)
def test_unmet_is_a_reason(make: object, unmet: object) -> None:
    with pytest.raises(EvidenceError, match=r"^\w+\.unmet must be None or the reason as a non-empty string, got"):
        make(unmet=unmet)  # type: ignore[operator]


def test_unmet_excuses_values_that_are_not_finite() -> None:
    assert np.isnan(Sides([np.nan], [1.0], unmet="diverged").lhs).all()
    assert Estimates([np.nan], [-1.0], 0.0, unmet="diverged").unmet == "diverged"
    assert Estimates.from_samples([np.nan, np.inf, 1.0], 0.0, unmet="diverged").repeats == 3


def test_evidence_is_its_own_copy_and_cannot_be_changed() -> None:
    values = np.array([1.0, 2.0])
    sides = Sides(values, values)
    values[0] = 9.0
    assert np.asarray(sides.lhs)[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(sides.lhs)[0] = 2.0


def test_a_curve_without_repeats_is_computed() -> None:
    assert Series(X, X, 1.0).computed
    assert not Series(X, [X, X], 1.0).computed


def test_standard_errors_from_samples() -> None:
    samples = np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]])
    estimates = Estimates.from_samples(samples, predicted=[3.0, 2.0])
    np.testing.assert_allclose(estimates.mean, [3.0, 2.0])
    np.testing.assert_allclose(estimates.stderr, [2.0 / np.sqrt(3), 0.0])
    assert estimates.repeats == 3
    np.testing.assert_array_equal(estimates.samples, samples)
    samples[0] = 9.0
    assert np.asarray(estimates.samples)[0, 0] == 1.0


def test_the_number_of_repeats_is_that_of_the_samples() -> None:
    assert Estimates(1.5, 0.5, 0.0, samples=[1.0, 2.0]).repeats == 2
    single = np.random.default_rng(0).lognormal(size=(1000, 3)).astype(np.float32)
    assert Estimates(single.mean(0), single.std(0), 0.0, samples=single).repeats == 1000  # its mean is in single precision


@pytest.mark.parametrize("shape", [(3,), (3, 2), (30, 2, 4)])
def test_samples_survive_encoding(shape: tuple[int, ...]) -> None:
    samples = np.random.default_rng(0).standard_normal(shape)
    estimates = Estimates.from_samples(samples, 0.5, x_label="width")
    again = decode(encode(estimates))
    assert isinstance(again, Estimates)
    for name in Estimates.arrays:
        np.testing.assert_array_equal(getattr(again, name), getattr(estimates, name), strict=True)
    assert (again.repeats, again.x_label) == (len(samples), "width")
    assert encode(again) == encode(estimates)
    assert decode(encode(Estimates([1.0], [0.1], 1.0))).samples is None  # type: ignore[union-attr]


@dataclass(frozen=True)
class Annotated(Sides):
    """Evidence with more than what is written."""

    note: str = ""


@pytest.mark.parametrize(("part", "where"), [("", ""), ("a", " for part 'a'")])
def test_subclasses_of_evidence_are_not_written(part: str, where: str) -> None:
    evidence = Annotated([1.0], [1.0], note="lost")
    message = f"the measurement returned Annotated{where}; allowed are Sides, Bounds"
    with pytest.raises(EvidenceError, match=message):
        encode({part: evidence} if part else evidence)
