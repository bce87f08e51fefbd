"""What holds for any evidence."""

import json

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binomtest

from ntkit.claims import (
    Agreement,
    Bounds,
    Counts,
    Crossings,
    Estimates,
    Identity,
    Inequality,
    Ordering,
    Pairs,
    Proportion,
    Series,
    Sides,
    Slope,
)
from ntkit.claims.rules import rule_from_dict
from ntkit.claims.rules._crossings import log_crossings
from ntkit.claims.rules._intervals import clopper_pearson

WORDS = ("supported", "inconclusive", "refuted")
X = np.array([1.0, 2.0, 4.0, 8.0])
seeds = st.integers(0, 2**32 - 1)
scales = st.floats(-20, 20).map(lambda e: 2.0 ** round(e))  # powers of two scale without rounding
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
arrays = hnp.arrays(float, st.integers(1, 8), elements=numbers)


def series(seed: int, reduce: str, repeats: int = 20) -> Series:
    y = np.random.default_rng(seed).lognormal(sigma=0.5, size=(repeats, 4)) / X
    return Series(X, y, -1.0, reduce=reduce)  # type: ignore[arg-type]


@settings(max_examples=25)
@given(seeds, st.sampled_from(["mean", "rms", "geometric"]), scales, scales)
def test_a_slope_has_no_units(seed: int, reduce: str, x_scale: float, y_scale: float) -> None:
    given_ = series(seed, reduce)
    scaled = Series(x_scale * np.asarray(given_.x), y_scale * np.asarray(given_.y), -1.0, reduce=given_.reduce)
    one, other = Slope(0.5).judge(given_), Slope(0.5).judge(scaled)
    np.testing.assert_allclose(one.interval, other.interval, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(one.statistic, other.statistic, atol=1e-9)


@settings(max_examples=15)
@given(seeds, scales, scales)
def test_growth_of_crossings_has_no_units(seed: int, x_scale: float, y_scale: float) -> None:
    ratio = np.geomspace(0.25, 4, 6)
    errors = 0.5 - 0.3 * np.tanh(np.log(ratio)) + 0.05 * np.random.default_rng(seed).standard_normal((20, 4, 6))
    one = Slope(0.5).judge(Crossings(X, X[:, None] * ratio, errors, 0.4, 1.0))
    scaled = Crossings(x_scale * X, x_scale * X[:, None] * ratio, y_scale * errors, y_scale * 0.4, 1.0)
    other = Slope(0.5).judge(scaled)
    assert one.verdict == other.verdict
    if one.interval is not None and other.interval is not None:
        np.testing.assert_allclose(one.interval, other.interval, rtol=1e-7, atol=1e-9)


@settings(max_examples=25)
@given(seeds, st.sampled_from(["mean", "rms", "geometric"]), st.floats(0.01, 2.0), st.floats(1.0, 5.0), st.floats(-2, 2))
def test_widening_a_window_never_turns_supported_into_refuted(
    seed: int, reduce: str, tol: float, factor: float, off: float
) -> None:
    evidence = series(seed, reduce)
    shifted = Series(evidence.x, evidence.y, -1.0 + off, reduce=evidence.reduce)
    narrow, wide = Slope(tol).judge(shifted), Slope(tol * factor).judge(shifted)
    assert WORDS.index(wide.verdict) <= WORDS.index(narrow.verdict)


@given(hnp.arrays(float, (3, 4), elements=numbers), st.floats(1e-3, 1e3), st.floats(1, 10), st.floats(1, 10))
def test_wider_tolerances_are_kinder(samples: np.ndarray, atol: float, factor: float, refute: float) -> None:
    estimates = Estimates.from_samples(samples, predicted=0.0)
    narrow, wide = Agreement(atol=atol).judge(estimates), Agreement(atol=atol * factor).judge(estimates)
    assert WORDS.index(wide.verdict) <= WORDS.index(narrow.verdict)
    assert (
        Agreement(atol=atol, refute=refute).judge(estimates).verdict != "refuted" or refute < 2 or narrow.verdict == "refuted"
    )
    one, other = Ordering(margin=-atol), Ordering(margin=-atol * factor)
    pairs = Pairs(samples, np.zeros_like(samples))
    assert WORDS.index(other.judge(pairs).verdict) <= WORDS.index(one.judge(pairs).verdict)


@given(arrays, st.floats(1e-12, 1e-3), st.floats(1, 100))
def test_identities(values: np.ndarray, rtol: float, factor: float) -> None:
    assert Identity(rtol=rtol).judge(Sides(values, values)).statistic == 0.0
    moved = Sides(values, np.roll(values, 1))
    one, other = Identity(rtol=rtol).judge(moved), Identity(rtol=min(rtol * factor, 0.5)).judge(moved)
    assert WORDS.index(other.verdict) <= WORDS.index(one.verdict)
    assert one.statistic == Identity(rtol=rtol).judge(Sides(moved.rhs, moved.lhs)).statistic


@given(arrays, st.floats(0, 1e3))
def test_inequalities(values: np.ndarray, slack: float) -> None:
    assert Inequality().judge(Bounds(values, upper=values + slack)).verdict == "supported"
    assert Inequality().judge(Bounds(values, lower=values - slack)).verdict == "supported"
    above = Inequality().judge(Bounds(values, upper=np.roll(values, 1)))
    mirrored = Inequality().judge(Bounds(-values, lower=-np.roll(values, 1)))
    assert (above.verdict, above.statistic) == (mirrored.verdict, mirrored.statistic)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.5, 0.999))
def test_clopper_pearson(successes: int, trials: int, level: float) -> None:
    assume(successes <= trials)
    low, high = clopper_pearson(successes, trials, level)
    theirs = binomtest(successes, trials).proportion_ci(level, method="exact")
    np.testing.assert_allclose((low, high), (theirs.low, theirs.high), rtol=1e-8, atol=1e-12)
    mirrored = clopper_pearson(trials - successes, trials, level)
    np.testing.assert_allclose((1 - high, 1 - low), mirrored, rtol=1e-8, atol=1e-12)


@given(st.integers(0, 40), st.integers(1, 40), st.floats(0.05, 0.95))
def test_a_share_is_judged_alike_from_both_sides(successes: int, trials: int, edge: float) -> None:
    assume(successes <= trials)
    one = Proportion(at_least=edge).judge(Counts(successes, trials))
    other = Proportion(at_most=1 - edge).judge(Counts(trials - successes, trials))
    assume(min(abs(end - edge) for end in one.interval or ()) > 1e-9)  # at the edge itself rounding decides
    assert one.verdict == other.verdict


@given(seeds, st.integers(2, 40), st.integers(1, 5))
def test_an_order_and_its_reverse_cannot_both_hold(seed: int, repeats: int, cells: int) -> None:
    first = np.random.default_rng(seed).standard_normal((repeats, cells))
    zero = np.zeros_like(first)
    words = {Ordering(margin=1e-9).judge(pairs).verdict for pairs in (Pairs(first, zero), Pairs(zero, first))}
    assert words != {"supported"}


@given(seeds, st.integers(2, 19))
def test_the_order_of_repeats_does_not_matter_to_students_t(seed: int, repeats: int) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal((repeats, 2))
    one = Agreement(atol=0.1).judge(Estimates.from_samples(samples, 0.0))
    other = Agreement(atol=0.1).judge(Estimates.from_samples(rng.permutation(samples), 0.0))
    np.testing.assert_allclose(one.interval, other.interval, rtol=1e-9)


@given(hnp.arrays(float, (3, 6), elements=st.integers(-4, 4).map(lambda k: k / 4)), st.sampled_from([-0.5, 0.0, 0.25, 0.3]))
def test_places_lie_in_the_grid_and_higher_targets_come_earlier(curves: np.ndarray, target: float) -> None:
    log_grid = np.tile(np.arange(6.0), (3, 1))
    place = log_crossings(log_grid, curves, target)
    found = ~np.isnan(place)
    assert ((place[found] >= 0) & (place[found] <= 5)).all()
    earlier = log_crossings(log_grid, curves, target + 0.25)
    both = found & ~np.isnan(earlier)
    assert (earlier[both] <= place[both] + 1e-9).all()


@given(st.floats(1e-3, 10), st.floats(1e-3, 10), st.sampled_from(["loglog", "semilogy", "linear"]), st.floats(0.5, 0.999))
def test_rules_survive_json(low: float, high: float, axes: str, level: float) -> None:
    for rule in (
        Slope((-low, high), axes=axes, level=level),  # type: ignore[arg-type]
        Slope((None, high), refute=(None, 2 * high)),
        Agreement(rtol=low, atol=high, level=level),
        Ordering(margin=low, refute=low - high),
    ):
        assert rule_from_dict(json.loads(json.dumps(rule.as_dict()))) == rule
