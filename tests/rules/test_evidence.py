"""Evidence is validated where it is made: what was given, and what is allowed."""

import numpy as np
import pytest

from ntkit.claims import Bounds, Counts, Crossings, Estimates, EvidenceError, Integers, Pairs, Series, Sides

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
        (lambda: Counts(3, 2), "0 <= successes <= trials"),
        (lambda: Counts(0, 0), "at least one trial"),
        (lambda: Counts(0.5, 2), "must be an array of integers"),
        (lambda: Counts([1, 2], [3]), "successes has shape"),
        (lambda: Integers([1.0], [1]), "Integers.got must be an array of integers"),
        (lambda: Integers([], []), "Integers.got must be an array of integers"),
        (lambda: Integers(np.zeros(0, int), np.zeros(0, int)), "empty"),
        (lambda: Pairs([1.0], [1.0]), "at least 2 repeats"),
        (lambda: Pairs([1.0, 2.0], [[1.0], [2.0]]), "first has shape"),
    ],
)
def test_wrong_evidence_is_refused_with_its_name(make: object, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        make()  # type: ignore[operator]


def test_unmet_excuses_values_that_are_not_finite() -> None:
    assert np.isnan(Sides([np.nan], [1.0], unmet="diverged").lhs).all()
    assert Estimates([np.nan], [-1.0], 0.0, unmet="diverged").unmet == "diverged"


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
