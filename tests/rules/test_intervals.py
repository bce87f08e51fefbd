"""The intervals against slow and independent ones, and on purpose where they degenerate."""

import math
import time

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

from ntkit.claims import Crossings, Series, Slope
from ntkit.claims.rules import _intervals as ours
from tests.oracles import intervals as oracle


@pytest.mark.parametrize("reduce", ["mean", "rms"])
@pytest.mark.parametrize("axes", ["loglog", "linear"])
def test_bootstrap_t_of_slopes_against_explicit_resamples(reduce: str, axes: str) -> None:
    rng = np.random.default_rng(5)
    x = np.array([1.0, 2.0, 4.0])
    y = (1 + 0.5 * rng.exponential(size=(20, 3))) / x
    scale = np.log if axes == "loglog" else np.asarray

    def slope(mean: np.ndarray) -> float:
        curve = np.sqrt(mean) if reduce == "rms" else mean
        return float(np.polyfit(scale(x), scale(curve), 1)[0])

    judged = Slope(1.0, axes=axes).judge(Series(x, y, -1.0, reduce=reduce))  # type: ignore[arg-type]
    values = y**2 if reduce == "rms" else y
    assert judged.statistic == pytest.approx(slope(values.mean(0)))
    assert judged.interval == pytest.approx(oracle.bootstrap_t(values, slope, 0.95, ours.resampling_weights(20)), rel=1e-5)


def test_means_of_columns_agree_with_the_general_bootstrap() -> None:
    values = np.random.default_rng(6).exponential(size=(30, 3))
    for column, (mean, interval) in zip(values.T, ours.mean_intervals(values, 0.95), strict=True):
        general = ours.studentised(column, lambda means: (means, np.ones_like(means)), 0.95)
        assert mean == pytest.approx(general[0])
        assert interval == pytest.approx(general[1])


def test_many_columns_are_taken_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(7).exponential(size=(30, 8))
    values[:, [1, 7]] = 2.0  # nothing to resample
    whole = ours.mean_intervals(values, 0.95)
    monkeypatch.setattr(ours, "MOST_AT_ONCE", 4000)  # two columns
    for (mean, interval), (expected, wanted) in zip(ours.mean_intervals(values, 0.95), whole, strict=True):
        assert mean == expected
        assert interval == pytest.approx(wanted)
    assert ours.mean_intervals(np.ones((30, 3)), 0.95) == [(1.0, (1.0, 1.0))] * 3


@pytest.mark.parametrize("level", [0.5, 0.95, 0.9995])
@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 30), (30, 30), (7, 30), (499, 1000)])
def test_clopper_pearson_against_scipy(successes: int, trials: int, level: float) -> None:
    theirs = binomtest(successes, trials).proportion_ci(level, method="exact")
    assert ours.clopper_pearson(successes, trials, level) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_student_against_scipy() -> None:
    assert ours.student(1.0, 0.5, 7, 0.9) == pytest.approx(t.interval(0.9, 6, 1.0, 0.5))
    assert ours.student(1.0, 0.5, None, 0.9) == pytest.approx(norm.interval(0.9, 1.0, 0.5))
    assert ours.student(1.0, 0.0, 2, 0.9) == (1.0, 1.0)


def test_resamples_are_fixed_and_grow_with_the_level() -> None:
    weights = ours.resampling_weights(20)
    assert weights.shape == (1999, 20)
    assert (weights.sum(1) == 20).all()
    np.testing.assert_array_equal(weights, ours.resampling_weights(20, 0.95))
    assert len(ours.resampling_weights(20, ours.simultaneous(0.95, 10))) == 1999
    assert len(ours.resampling_weights(20, ours.simultaneous(0.95, 11))) == 9999


@pytest.mark.parametrize(
    ("draws", "level", "low", "high"), [(1999, 0.95, 50, 1950), (1999, 0.999, 1, 1999), (99, 0.9999, 1, 99)]
)
def test_tails_are_order_statistics(draws: int, level: float, low: int, high: int) -> None:
    shuffled = np.random.default_rng(0).permutation(np.arange(1.0, draws + 1))
    assert ours.tails(shuffled, level) == (low, high)
    assert ours.tails(shuffled, level) == oracle.order_statistics(list(shuffled), level)


def test_draws_that_do_not_exist_lie_in_both_tails() -> None:
    draws = np.arange(1.0, 2000.0)
    draws[1000:1049] = np.nan
    low, high = ours.tails(draws, 0.95)
    assert (low, high) == (1.0, 1999.0)
    draws[1049] = np.nan
    assert ours.tails(draws, 0.95) == (-math.inf, math.inf)


def test_the_expanded_level_makes_a_normal_percentile_interval_students() -> None:
    for repeats in (20, 100, 100_000):
        level = ours.expanded_level(0.95, repeats)
        assert level > 0.95
        spread = math.sqrt((repeats - 1) / repeats)  # the bootstrap's standard error is smaller than the usual one
        assert norm.ppf((1 + level) / 2) * spread == pytest.approx(t.ppf(0.975, repeats - 1))


def test_all_cells_hold_together() -> None:
    assert ours.simultaneous(0.95, 1) == pytest.approx(0.95)
    assert ours.simultaneous(0.95, 20) == pytest.approx(0.9975)


@pytest.mark.parametrize("reduce", ["mean", "rms", "crossings"])
def test_an_interval_costs_milliseconds(reduce: str) -> None:
    """The promise is 0.2 s for 200 repeats of 8 points; the best of three runs does not depend on what else runs."""
    rng = np.random.default_rng(0)
    x = 2.0 ** np.arange(8)
    evidence: Series | Crossings
    if reduce == "crossings":
        ratio = np.geomspace(0.25, 4.0, 8)
        errors = 0.5 - 0.3 * np.tanh(np.log(ratio)) + 0.1 * rng.standard_normal((200, 8, 8))
        evidence = Crossings(x, x[:, None] * ratio, errors, 0.4, 1.0)
    else:
        evidence = Series(x, rng.lognormal(size=(200, 8)) / x, -1.0, reduce=reduce)  # type: ignore[arg-type]
    seconds = []
    for _ in range(3):
        ours._weights.cache_clear()
        start = time.process_time()
        Slope(0.1).judge(evidence)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.2
