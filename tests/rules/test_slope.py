"""Slope on curves."""

import math

import numpy as np
import pytest

from ntkit.claims import Bounds, EvidenceError, Series, Slope

X = 2.0 ** np.arange(6)
RNG = np.random.default_rng(0)


def noisy(repeats: int, slope: float = -1.0, spread: float = 0.1) -> np.ndarray:
    return X**slope * np.exp(spread * np.random.default_rng(repeats).standard_normal((repeats, X.size)))


@pytest.mark.parametrize(
    ("off", "word"),
    [(0.0, "supported"), (0.09, "supported"), (0.15, "inconclusive"), (-0.19, "inconclusive"), (0.21, "refuted")],
)
def test_a_computed_curve_is_judged_without_sampling_error(off: float, word: str) -> None:
    judged = Slope(tol=0.1).judge(Series(X, X**-1.0, expected=-1.0 + off))
    assert judged.verdict == word
    assert judged.interval == (judged.statistic, judged.statistic)
    assert judged.statistic == pytest.approx(-1.0)
    assert "no sampling error" in judged.sentence


@pytest.mark.parametrize(
    ("axes", "curve", "slope"),
    [("loglog", X**-1.5, -1.5), ("semilogy", np.exp(0.2 * X), 0.2), ("linear", 3 + 2 * X, 2.0)],
)
@pytest.mark.parametrize("reduce", ["mean", "rms", "geometric"])
def test_axes_and_reductions_find_the_slope(axes: str, curve: np.ndarray, slope: float, reduce: str) -> None:
    factors = np.linspace(0.9, 1.1, 40)[:, None]
    series = Series(X, factors * curve, slope, reduce=reduce)  # type: ignore[arg-type]
    rule = Slope(tol=0.1, axes=axes)  # type: ignore[arg-type]
    if (axes, reduce) == ("linear", "geometric"):
        with pytest.raises(EvidenceError, match="no meaning in axes='linear'"):
            rule.judge(series)
        return
    judged = rule.judge(series)
    assert judged.statistic == pytest.approx(slope, rel=1e-2)
    assert judged.verdict == "supported"


def test_root_mean_square_ignores_signs() -> None:
    y = noisy(40) * RNG.choice([-1.0, 1.0], (40, X.size))
    assert Slope(0.2).judge(Series(X, y, -1.0, reduce="rms")).verdict == "supported"
    computed = Slope(0.2).judge(Series(X, -(X**-1.0), -1.0, reduce="rms"))
    assert computed.verdict == "supported"


def test_windows_may_be_one_sided() -> None:
    series = Series(X, noisy(30, slope=-2.0), expected=-1.0)
    assert Slope(tol=(None, 0.1)).judge(series).verdict == "supported"  # at least as steep as predicted
    assert Slope(tol=(-0.1, None)).judge(series).verdict == "refuted"
    assert Slope(tol=(-0.1, None), refute=(-3.0, None)).judge(series).verdict == "inconclusive"


def test_the_refuting_window_may_be_stated() -> None:
    series = Series(X, X**-1.0, expected=-1.3)
    assert Slope(tol=0.1).judge(series).verdict == "refuted"
    assert Slope(tol=0.1, refute=0.5).judge(series).verdict == "inconclusive"
    assert Slope(tol=0.1, refute=0.1).judge(Series(X, X**-1.0, expected=-1.11)).verdict == "refuted"


@pytest.mark.parametrize("reduce", ["mean", "rms"])
def test_nineteen_repeats_are_too_few_to_resample(reduce: str) -> None:
    with pytest.raises(EvidenceError, match=f"reduce='{reduce}' needs at least 20 repeats.*got 19.*reduce='geometric'"):
        Slope(0.1).judge(Series(X, noisy(19), -1.0, reduce=reduce))  # type: ignore[arg-type]
    assert Slope(0.1).judge(Series(X, noisy(20), -1.0, reduce=reduce)).verdict == "supported"  # type: ignore[arg-type]


def test_few_repeats_are_judged_by_students_t() -> None:
    from scipy.stats import t

    y = noisy(5)
    judged = Slope(0.2).judge(Series(X, y, -1.0, reduce="geometric"))
    slopes = np.polyfit(np.log(X), np.log(y).T, 1)[0]
    low, high = t.interval(0.95, 4, slopes.mean(), slopes.std(ddof=1) / math.sqrt(5))
    assert judged.interval == pytest.approx((low, high))
    assert judged.statistic == pytest.approx(slopes.mean())
    assert "short for skewed slopes" in judged.sentence


def test_sentences_say_where_an_interval_is_short() -> None:
    assert "short if only some points are heavy-tailed" in Slope(0.2).judge(Series(X, noisy(200), -1.0, reduce="rms")).sentence
    assert "short" not in Slope(0.2).judge(Series(X, noisy(20), -1.0, reduce="geometric")).sentence
    assert "short" not in Slope(0.2).judge(Series(X, noisy(20), -1.0)).sentence


@pytest.mark.parametrize(
    ("rule", "evidence", "message"),
    [
        (Slope(0.1), lambda: Series([0.0, 1.0, 2.0], np.ones((20, 3)), 1.0), "axes='loglog' needs x > 0, got 0"),
        (Slope(0.1), lambda: Series(X, -noisy(20), -1.0), "needs a positive curve"),
        (Slope(0.1, axes="semilogy"), lambda: Series(X, 0 * X, 1.0), "needs a positive curve, its smallest value is 0"),
        (Slope(0.1), lambda: Series(X, np.eye(6)[:5].repeat(4, 0), 1.0, reduce="rms"), "it vanishes at a point"),
        (Slope(0.1), lambda: Series(X, noisy(5) - 1.0, -1.0, reduce="geometric"), "needs a positive curve"),
        (Slope(0.1), lambda: Series(X, noisy(1), -1.0, reduce="geometric"), "one repeat has no interval"),
        (Slope(0.1), lambda: Bounds([1.0], upper=2.0), "Slope judges Series or Crossings, the measurement returned Bounds"),
    ],
)
def test_evidence_that_has_no_such_slope_is_refused(rule: Slope, evidence: object, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        rule.judge(evidence())  # type: ignore[operator]


@pytest.mark.parametrize("reduce", ["mean", "rms", "geometric"])
def test_equal_repeats_leave_no_interval(reduce: str) -> None:
    judged = Slope(0.1).judge(Series(X, np.tile(X**-0.7, (20, 1)), -0.7, reduce=reduce))  # type: ignore[arg-type]
    assert judged.verdict == "supported"
    assert judged.interval == pytest.approx((-0.7, -0.7), abs=1e-12)


def test_repeats_that_differ_by_a_factor_only_leave_no_interval() -> None:
    """Their slopes differ by rounding, which must not be mistaken for a spread that can be resampled."""
    y = RNG.uniform(0.5, 2.0, (40, 1)) * X**-0.7
    judged = Slope(1e-9).judge(Series(X, y, -0.7))
    assert judged.verdict == "supported"


def test_a_curve_carried_by_one_repeat_is_never_decided() -> None:
    """A third of the resamples lack the repeat that alone is positive at the first point."""
    y = noisy(20)
    y[1:, 0] = 0.0
    judged = Slope(0.1).judge(Series(X, y, 0.0))
    assert judged.interval is not None
    assert not math.isfinite(judged.interval[0])
    assert judged.verdict == "inconclusive"


def test_a_point_that_is_zero_in_all_repeats_has_a_root_mean_square_of_zero() -> None:
    y = 0.5 * X + RNG.normal(0, 0.1, (40, X.size))
    y[:, 0] = 0.0
    judged = Slope(0.2, axes="linear").judge(Series(X, y, 0.5, reduce="rms"))
    assert judged.verdict == "supported"


def test_many_repeats_are_not_resampled() -> None:
    judged = Slope(0.1).judge(Series(X, noisy(5000), -1.0))
    assert judged.interval is not None
    assert 0 < judged.interval[1] - judged.interval[0] < 0.01
    assert judged.verdict == "supported"


def test_the_same_evidence_has_the_same_interval() -> None:
    series = Series(X, noisy(25), -1.0)
    assert Slope(0.1).judge(series) == Slope(0.1).judge(series)


def test_a_higher_level_is_wider() -> None:
    series = Series(X, noisy(25), -1.0)
    ends = [Slope(0.1, level=level).judge(series).interval for level in (0.8, 0.95, 0.999)]
    lows, highs = zip(*(end for end in ends if end is not None), strict=True)
    assert lows[0] > lows[1] > lows[2]
    assert highs[0] < highs[1] < highs[2]


def test_text_names_window_and_level() -> None:
    assert Slope(0.1).text() == (
        "the loglog slope minus the expected slope is [-0.1, 0.1], with its whole 95% interval; "
        "refuted when the whole interval misses [-0.2, 0.2]"
    )
    assert str(Slope((None, 0.1), axes="linear")) == "Slope(tol=(None, 0.1), axes='linear')"
