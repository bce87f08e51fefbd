"""Rules without sampling error: Identity, Inequality, Exact."""

import math

import numpy as np
import pytest

from ntkit.claims import Bounds, EvidenceError, Exact, Identity, Inequality, Integers, Sides


@pytest.mark.parametrize(
    ("off", "word"),
    [(0.0, "supported"), (0.9e-9, "supported"), (2e-9, "inconclusive"), (0.9e-6, "inconclusive"), (2e-6, "refuted")],
)
def test_identity_counts_in_tolerances(off: float, word: str) -> None:
    judged = Identity(rtol=1e-9).judge(Sides([1.0, 3.0], [1.0 + off, 3.0]))
    assert judged.verdict == word
    assert judged.interval is None
    assert judged.statistic == pytest.approx(off / 1e-9 / (1 + off), rel=1e-6)


def test_identity_takes_the_larger_of_both_tolerances() -> None:
    sides = Sides([0.0, 1.0], [1e-12, 1.0 + 1e-10])
    assert Identity(rtol=1e-9, atol=1e-11).judge(sides).verdict == "supported"
    assert Identity(rtol=1e-9).judge(sides).verdict == "refuted"  # without atol, 0 against 1e-12 is wholly wrong
    assert Identity(rtol=0.0, atol=1e-11).judge(sides).verdict == "inconclusive"


def test_identity_where_no_tolerance_is_left_is_infinitely_wrong() -> None:
    judged = Identity(rtol=1e-9, refute=10).judge(Sides([0.0], [5e-324]))
    assert judged.verdict == "refuted"
    assert judged.statistic == math.inf
    assert Identity(rtol=1e-9).judge(Sides([0.0, -0.0], [0.0, 0.0])).statistic == 0.0


def test_one_wrong_element_among_many_refutes() -> None:
    lhs = np.ones((100, 100))
    lhs[17, 3] = 2.0
    judged = Identity(rtol=1e-9).judge(Sides(lhs, np.ones((100, 100))))
    assert judged.verdict == "refuted"
    assert "worst: 2 against 1" in judged.sentence


@pytest.mark.parametrize(
    ("value", "word"),
    [(0.5, "supported"), (1.0, "supported"), (1.0 + 1e-10, "supported"), (1.0 + 1e-8, "inconclusive"), (1.1, "refuted")],
)
def test_inequality_from_above(value: float, word: str) -> None:
    assert Inequality().judge(Bounds([0.1, value], upper=1.0)).verdict == word
    assert Inequality().judge(Bounds([-0.1, -value], lower=-1.0)).verdict == word


def test_inequality_on_both_sides_needs_both() -> None:
    assert Inequality().judge(Bounds([0.5], lower=0.0, upper=1.0)).verdict == "supported"
    assert Inequality().judge(Bounds([0.5], lower=0.6, upper=1.0)).verdict == "refuted"
    assert Inequality().judge(Bounds([0.5], lower=0.0, upper=0.4)).verdict == "refuted"


def test_a_vacuous_bound_is_not_supported() -> None:
    rule = Inequality(tight=0.9)
    assert rule.judge(Bounds([0.1, 0.2], upper=1.0)).verdict == "inconclusive"
    assert rule.judge(Bounds([0.1, 0.95], upper=1.0)).verdict == "supported"
    assert rule.judge(Bounds([0.1, 1.5], upper=1.0)).verdict == "refuted"
    assert rule.judge(Bounds([1.0, 1.05], lower=1.0)).verdict == "supported"
    assert rule.judge(Bounds([-0.95], lower=-1.0)).verdict == "supported"  # ratios of negative sides
    assert rule.judge(Bounds([0.0], upper=0.0)).verdict == "inconclusive"  # equal because both vanish: shows nothing
    assert rule.judge(Bounds([-1.0], upper=1.0)).verdict == "inconclusive"


def test_a_strict_inequality_needs_its_gap_often_enough() -> None:
    rule = Inequality(strict=(0.1, 0.5))
    assert rule.judge(Bounds([0.5, 0.99], upper=1.0)).verdict == "supported"
    assert rule.judge(Bounds([0.5, 0.99, 0.99], upper=1.0)).verdict == "inconclusive"
    assert "a share of 0.333" in rule.judge(Bounds([0.5, 0.99, 0.99], upper=1.0)).sentence


def test_one_integer_off_refutes() -> None:
    assert Exact().judge(Integers([1, 2], [1, 2])).verdict == "supported"
    judged = Exact().judge(Integers([[1, 2], [3, 5]], [[1, 2], [3, 4]]))
    assert (judged.verdict, judged.statistic, judged.distance) == ("refuted", 1.0, 1.0)
    assert "the first: 5, predicted 4" in judged.sentence


@pytest.mark.parametrize("rule", [Identity(rtol=1e-9), Inequality(), Exact()])
def test_what_is_not_met_is_not_judged(rule: Identity) -> None:
    judged = Identity(rtol=1e-9).judge(Sides([np.nan], [np.nan], unmet="the loss stayed above 0.1"))
    assert judged.verdict == "inconclusive"
    assert "the loss stayed above 0.1" in judged.sentence
    assert math.isnan(judged.statistic)
    with pytest.raises(EvidenceError, match=f"{type(rule).__name__} judges"):
        rule.judge({"part": Sides([1.0], [1.0])})


def test_the_wrong_evidence_is_named() -> None:
    with pytest.raises(EvidenceError, match="Identity judges Sides, the measurement returned Bounds"):
        Identity(rtol=1e-9).judge(Bounds([1.0], upper=1.0))


def test_rules_say_what_they_allow() -> None:
    assert Identity(rtol=1e-9, atol=1e-12).text() == (
        "|lhs - rhs| <= max(1e-12, 1e-09 max(|lhs|, |rhs|)) for every element; refuted beyond 1000 times that"
    )
    assert "within a ratio of 0.9" in Inequality(tight=0.9).text()
    assert "by more than 0.1 in at least 0.5" in Inequality(strict=(0.1, 0.5)).text()
    assert Exact().text() == "every integer equals the predicted one; refuted by one that does not"
