"""Agreement with a prediction, and an order between two quantities."""

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from ntkit.claims import Agreement, Estimates, EvidenceError, Ordering, Pairs, Sides
from ntkit.claims.rules._intervals import resampling_weights
from tests.oracles import intervals as oracle

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("mean", "stderr", "word"),
    [
        (1.0, 0.01, "supported"),
        (1.07, 0.01, "supported"),
        (1.09, 0.01, "inconclusive"),  # inside, but not with the whole interval
        (1.0, 1.0, "inconclusive"),  # noise supports nothing, however well it agrees
        (1.15, 0.01, "inconclusive"),  # outside, but not by twice the tolerance
        (1.25, 0.01, "refuted"),
        (1.25, 0.1, "inconclusive"),
        (0.7, 0.01, "refuted"),
    ],
)
def test_the_whole_interval_decides(mean: float, stderr: float, word: str) -> None:
    judged = Agreement(atol=0.1).judge(Estimates([mean], [stderr], predicted=1.0))
    assert judged.verdict == word
    assert judged.statistic == pytest.approx((mean - 1) / 0.1)


def test_interval_is_students_in_units_of_the_tolerance() -> None:
    samples = RNG.standard_normal(7)
    judged = Agreement(atol=0.5).judge(Estimates.from_samples(samples, predicted=0.1))
    low, high = t.interval(0.95, 6, samples.mean() - 0.1, samples.std(ddof=1) / math.sqrt(7))
    assert judged.interval == pytest.approx((low / 0.5, high / 0.5))
    known = Agreement(atol=0.5).judge(Estimates([0.0], [0.1], predicted=0.0)).interval
    assert known == pytest.approx((-norm.ppf(0.975) / 5, norm.ppf(0.975) / 5))


def test_several_estimates_share_the_level() -> None:
    judged = Agreement(atol=1.0).judge(Estimates(np.zeros(10), np.full(10, 0.1), predicted=0.0))
    assert judged.interval == pytest.approx((-0.1 * norm.ppf(1 - 0.0025), 0.1 * norm.ppf(1 - 0.0025)))
    assert "Worst of 10 estimates" in judged.sentence


def test_the_worst_estimate_is_the_one_that_is_shown() -> None:
    estimates = Estimates([0.0, 0.5, 2.5, -0.2], [0.01, 3.0, 0.01, 0.01], predicted=0.0)
    judged = Agreement(atol=1.0).judge(estimates)
    assert judged.verdict == "refuted"
    assert judged.statistic == 2.5
    assert Agreement(atol=3.0).judge(estimates).statistic == pytest.approx(0.5 / 3)  # then the noisy one


def test_tolerances_are_relative_to_the_prediction() -> None:
    estimates = Estimates([110.0, 1.0], [0.1, 0.001], predicted=[100.0, 1.0])
    assert Agreement(rtol=0.2).judge(estimates).verdict == "supported"
    assert Agreement(rtol=0.01).judge(estimates).verdict == "refuted"
    assert Agreement(rtol=0.01, atol=20.0).judge(estimates).verdict == "supported"


@pytest.mark.parametrize(
    ("mean", "stderr", "word"),
    [(0.0, 0.0, "supported"), (0.0, 0.1, "inconclusive"), (1.0, 0.1, "refuted"), (-1.0, 0.1, "refuted")],
)
def test_a_prediction_of_zero_leaves_no_relative_tolerance(mean: float, stderr: float, word: str) -> None:
    judged = Agreement(rtol=0.1).judge(Estimates([mean], [stderr], predicted=0.0))
    assert judged.verdict == word
    assert judged.statistic == (math.copysign(math.inf, mean) if mean else 0.0)


@pytest.mark.parametrize(
    ("repeats", "clause"), [(5, ", short if skewed"), (99, ", short if skewed"), (100, ", short if strongly skewed")]
)
def test_agreement_says_for_which_repeats_it_is_short(repeats: int, clause: str) -> None:
    judged = Agreement(atol=0.1).judge(Estimates([1.0], [0.01], predicted=1.0, repeats=repeats))
    assert f"{repeats} repeats{clause})" in judged.sentence
    enough = Agreement(atol=0.1).judge(Estimates([1.0], [0.01], predicted=1.0, repeats=2000))
    assert "short" not in enough.sentence


@pytest.mark.parametrize(
    ("repeats", "clause"),
    [(19, ", short if skewed"), (20, ", short if strongly skewed"), (199, ", short if strongly skewed"), (200, "")],
)
def test_agreement_with_samples_is_short_for_fewer(repeats: int, clause: str) -> None:
    judged = Agreement(atol=0.1).judge(Estimates.from_samples(RNG.standard_normal((repeats, 2)), predicted=0.0))
    assert f" ({repeats} repeats{clause}), predicted" in judged.sentence


@pytest.mark.parametrize("repeats", [5, 19, 20, 60, 2100])
@pytest.mark.parametrize("cells", [1, 3])
def test_samples_give_the_interval_of_an_order_with_the_same_differences(repeats: int, cells: int) -> None:
    samples = np.random.default_rng(repeats).exponential(size=(repeats, cells))
    samples[:, -1] += 9.0  # the worst for both
    order = Ordering().judge(Pairs(np.full_like(samples, 0.25), samples))
    judged = Agreement(atol=0.5).judge(Estimates.from_samples(samples, predicted=0.25))
    assert order.interval is not None
    assert judged.statistic == pytest.approx(-order.statistic / 0.5)
    assert judged.interval == pytest.approx((-order.interval[1] / 0.5, -order.interval[0] / 0.5))


@pytest.mark.parametrize("repeats", [19, 20])
def test_samples_are_resampled_from_twenty_repeats_on(repeats: int) -> None:
    estimates = Estimates.from_samples(RNG.exponential(size=repeats), predicted=1.0)
    without = Estimates(estimates.mean, estimates.stderr, 1.0, repeats=repeats)
    low, high = Agreement(atol=0.1).judge(estimates).interval or (0.0, 0.0)
    t_low, t_high = Agreement(atol=0.1).judge(without).interval or (0.0, 0.0)
    if repeats < 20:
        assert (low, high) == pytest.approx((t_low, t_high))
    else:
        assert high > t_high + 0.1  # skewed to the right: the mean may lie far above
        assert low == pytest.approx(t_low)


def test_samples_of_any_shape_are_judged_alike() -> None:
    samples = RNG.exponential(size=(30, 2, 3))
    flat = Agreement(atol=0.1).judge(Estimates.from_samples(samples.reshape(30, 6), predicted=1.0))
    assert flat == Agreement(atol=0.1).judge(Estimates.from_samples(samples, predicted=1.0))
    one = Agreement(atol=0.1).judge(Estimates.from_samples(samples[:, 0, 0], predicted=1.0))
    assert one == Agreement(atol=0.1).judge(Estimates.from_samples(samples[:, 0, :1], predicted=1.0))


def test_repeats_that_differ_by_rounding_only_are_as_good_as_equal_ones() -> None:
    samples = np.ones(30)
    samples[0] += 2e-16
    judged = Agreement(atol=1e-9).judge(Estimates.from_samples(samples, predicted=1.0))
    assert judged.verdict == "supported"


@pytest.mark.parametrize(("mean", "word"), [(0.0, "supported"), (1.0, "refuted"), (-1.0, "refuted")])
@pytest.mark.parametrize("repeats", [5, 30])
def test_samples_beside_a_prediction_of_zero(mean: float, word: str, repeats: int) -> None:
    noise = 0.0 if mean == 0 else 0.1 * RNG.standard_normal(repeats)
    estimates = Estimates.from_samples(mean + noise * np.ones(repeats), predicted=0.0)
    assert Agreement(rtol=0.1).judge(estimates).verdict == word


@pytest.mark.parametrize(("shift", "word"), [(1.0, "supported"), (0.0, "inconclusive"), (-1.0, "refuted")])
@pytest.mark.parametrize("repeats", [5, 19, 20, 50, 3000])
def test_order(shift: float, word: str, repeats: int) -> None:
    rng = np.random.default_rng(repeats)
    common = rng.standard_normal(repeats)  # large, and shared by both: only pairing removes it
    noise = 0.2 * rng.standard_normal(repeats)
    first = 10 * common + shift + noise - noise.mean()
    assert Ordering().judge(Pairs(first, 10 * common)).verdict == word


def test_order_by_a_margin() -> None:
    pairs = Pairs(1.0 + 0.01 * RNG.standard_normal(30), np.zeros(30))
    assert Ordering(margin=0.9).judge(pairs).verdict == "supported"
    assert Ordering(margin=1.1).judge(pairs).verdict == "refuted"
    assert Ordering(margin=1.1, refute=0.0).judge(pairs).verdict == "inconclusive"
    assert Ordering(margin=-0.5).judge(Pairs(pairs.second, pairs.first)).verdict == "refuted"


def test_one_cell_in_the_wrong_order_refutes() -> None:
    first = 1.0 + 0.1 * RNG.standard_normal((30, 4))
    first[:, 2] -= 3.0
    judged = Ordering().judge(Pairs(first, np.zeros((30, 4))))
    assert judged.verdict == "refuted"
    assert judged.statistic == pytest.approx(first[:, 2].mean())
    assert "Worst of 4 differences" in judged.sentence


def test_one_cell_and_none_are_the_same() -> None:
    first = RNG.standard_normal(25)
    flat = Ordering().judge(Pairs(first, np.zeros(25)))
    assert flat == Ordering().judge(Pairs(first[:, None], np.zeros((25, 1))))


@pytest.mark.parametrize("repeats", [5, 30])
def test_equal_quantities_are_not_more_than_each_other(repeats: int) -> None:
    same = RNG.standard_normal(repeats)
    judged = Ordering(margin=0.01).judge(Pairs(same, same))
    assert judged.verdict == "refuted"
    assert judged.interval == (0.0, 0.0)
    assert Ordering().judge(Pairs(same, same)).verdict == "supported"  # >= 0 holds exactly


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-300, 1e100])
def test_equal_differences_have_no_spread_whatever_their_rounding(value: float) -> None:
    judged = Ordering().judge(Pairs(np.full(30, value), np.zeros(30)))
    assert judged.verdict == "supported"
    assert judged.interval == pytest.approx((value, value))


@pytest.mark.parametrize("repeats", [5, 30])
def test_spreads_that_overflow_decide_nothing(repeats: int) -> None:
    first = 1e300 * (2 + RNG.standard_normal(repeats))
    assert Ordering().judge(Pairs(first, np.zeros(repeats))).verdict == "inconclusive"


def test_a_single_repeat_that_carries_the_order_decides_nothing() -> None:
    first = np.zeros(20)
    first[0] = 1.0
    judged = Ordering(margin=-0.1).judge(Pairs(first, np.zeros(20)))
    assert judged.interval is not None
    assert judged.interval[1] == math.inf
    assert Ordering(margin=0.04).judge(Pairs(first, np.zeros(20))).verdict == "inconclusive"


def test_an_infinite_interval_in_one_cell_does_not_hide_another() -> None:
    first = np.ones((20, 2)) + 0.1 * RNG.standard_normal((20, 2))
    first[:, 0] = 0.0
    first[0, 0] = -1.0  # its interval is unbounded below
    judged = Ordering().judge(Pairs(first, np.zeros((20, 2))))
    assert judged.verdict == "inconclusive"
    assert judged.statistic == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("repeats", "clause"),
    [(19, ", short if skewed"), (20, ", short if strongly skewed"), (199, ", short if strongly skewed"), (200, "")],
)
def test_order_says_for_which_repeats_it_is_short(repeats: int, clause: str) -> None:
    judged = Ordering().judge(Pairs(RNG.standard_normal(repeats), np.zeros(repeats)))
    assert f"({repeats} paired repeats{clause})" in judged.sentence


def test_bootstrap_t_against_explicit_resamples() -> None:
    values = RNG.exponential(size=22)
    judged = Ordering().judge(Pairs(values, np.zeros(22)))
    expected = oracle.bootstrap_t(values, float, 0.95, resampling_weights(22))
    assert judged.interval == pytest.approx(expected, rel=1e-6)


def test_other_evidence_is_refused() -> None:
    with pytest.raises(EvidenceError, match="Ordering judges Pairs, the measurement returned Sides"):
        Ordering().judge(Sides([1.0], [1.0]))
    with pytest.raises(EvidenceError, match="Agreement judges Estimates, the measurement returned dict"):
        Agreement(atol=0.1).judge({"a": Sides([1.0], [1.0])})


def test_rules_say_what_they_allow() -> None:
    assert "lies within max(0, 0.1 |predicted|)" in Agreement(rtol=0.1).text()
    assert Ordering(margin=0.5).text().startswith("the paired mean of first - second, with its whole 95% interval, is >= 0.5")


def test_a_level_is_shown_as_it_is():
    assert "95% interval" in Ordering().text()
    assert "99.7% interval" in Ordering(level=0.997).text()
    assert "99.9% interval" in Agreement(atol=1.0, level=0.999).text()
