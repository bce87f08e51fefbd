"""Slope on crossings: where error curves fall to a target."""

import numpy as np
import pytest

from ntkit.claims import Crossings, EvidenceError, Slope
from ntkit.claims.rules._crossings import log_crossings
from ntkit.claims.rules._intervals import expanded_level, resampling_weights
from tests.oracles import intervals as oracle

X = np.array([4.0, 8.0, 16.0, 32.0])
RATIO = np.geomspace(0.25, 4.0, 7)
CURVE = 0.5 - 0.3 * np.tanh(np.log(RATIO))


def crossings(repeats: int = 20, noise: float = 0.02, target: float = 0.4, expected: float = 1.0) -> Crossings:
    errors = CURVE + noise * np.random.default_rng(repeats).standard_normal((repeats, 4, 7))
    return Crossings(X, X[:, None] * RATIO, errors, target, expected)


@pytest.mark.parametrize(("expected", "word"), [(1.0, "supported"), (1.15, "inconclusive"), (1.5, "refuted"), (0.5, "refuted")])
def test_growth_of_the_crossing(expected: float, word: str) -> None:
    judged = Slope(0.15).judge(crossings(expected=expected))
    assert judged.verdict == word
    assert judged.statistic == pytest.approx(1.0, abs=0.1)


def test_without_noise_the_crossing_is_that_of_the_curve() -> None:
    judged = Slope(0.01).judge(crossings(noise=0.0))
    assert judged.verdict == "supported"
    assert judged.interval == pytest.approx((1.0, 1.0), abs=1e-12)


def test_a_curve_that_never_crosses_is_never_a_dropped_point() -> None:
    for target in (0.1, 0.9):
        judged = Slope(0.15).judge(crossings(target=target))
        assert judged.verdict == "inconclusive"
        assert f"does not cross {target} inside the grid at x = 4, 8, 16, 32" in judged.sentence


def test_resamples_that_do_not_cross_widen_the_interval() -> None:
    """At the end of the grid the mean curve crosses by luck; the sentence says how often a resample does not."""
    judged = Slope(0.5).judge(crossings(noise=0.2, target=float(CURVE[-1]) + 0.01))
    assert judged.verdict == "inconclusive"
    if judged.interval is not None:
        assert np.isinf(judged.interval).all()
        assert "of resamples without a crossing" in judged.sentence


def test_nineteen_repeats_are_too_few() -> None:
    with pytest.raises(EvidenceError, match="Crossings needs at least 20 repeats"):
        Slope(0.15).judge(crossings(repeats=19))


def test_only_logarithmic_axes() -> None:
    with pytest.raises(EvidenceError, match="Crossings are judged in axes='loglog', the rule says 'linear'"):
        Slope(0.15, axes="linear").judge(crossings())


def test_places_against_isotonic_regression() -> None:
    rng = np.random.default_rng(1)
    log_grid = np.log(np.cumsum(rng.uniform(0.1, 1.0, (3, 9)), axis=1))
    curves = np.linspace(1.0, 0.0, 9) + 0.3 * rng.standard_normal((200, 3, 9))
    for target in (0.1, 0.5, 0.9):
        ours = log_crossings(log_grid, curves, target)
        theirs = [[oracle.log_crossing(g, c, target) for g, c in zip(log_grid, curve, strict=True)] for curve in curves]
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("curve", "target", "place"),
    [
        ([1.0, 0.6, 0.6, 0.6, 0.1], 0.6, 2.0),  # flat at the target: its middle
        ([1.0, 0.6, 0.2, 0.1, 0.0], 0.6, 1.0),  # a single point at the target
        ([1.0, 0.7, 0.5, 0.6, 0.1], 0.6, 1.5 + 1 / 6),  # the fit pools 0.5 and 0.6 to 0.55
        ([0.6, 0.6, 0.3, 0.2, 0.1], 0.6, 0.5),  # flat from the first point on
        ([1.0, 0.9, 0.8, 0.2, 0.2], 0.2, 3.5),  # flat up to the last
        ([3 / 5, 2 / 5, 4 / 5, 1 / 5, 0.0], (3 / 5 + 2 / 5 + 4 / 5) / 3, 1.0),  # a pooled block at the target, up to rounding
        ([0.5, 0.4, 0.3, 0.2, 0.1], 0.6, np.nan),
        ([1.0, 0.9, 0.9, 0.8, 0.7], 0.6, np.nan),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.3, 2.0),  # rising: the fit is the mean, everywhere
    ],
)
def test_places_of_ties_and_edges(curve: list[float], target: float, place: float) -> None:
    log_grid = np.arange(5.0)[None]
    if place == 1.5 + 1 / 6:
        place = 1 + (0.7 - 0.6) / (0.7 - 0.55)
    np.testing.assert_allclose(log_crossings(log_grid, np.array(curve)[None], target), [place], atol=1e-9)


def test_interval_against_explicit_resamples() -> None:
    evidence = crossings(repeats=20, noise=0.15)
    judged = Slope(0.15).judge(evidence)
    weights = resampling_weights(20, expanded_level(0.95, 20))
    arguments = (np.log(X), np.log(np.asarray(evidence.grid)), np.asarray(evidence.errors), 0.4, 0.95)
    assert judged.interval == pytest.approx(oracle.crossing_interval(*arguments, weights), rel=1e-9)
