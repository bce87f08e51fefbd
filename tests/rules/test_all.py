"""Claims with parts, and rules as plain data."""

import dataclasses
import json

import numpy as np
import pytest

from ntkit.claims import (
    Agreement,
    All,
    EvidenceError,
    Exact,
    Identity,
    Inequality,
    Integers,
    Ordering,
    Pairs,
    Proportion,
    Sides,
    Slope,
)
from ntkit.claims.rules import RULES, Rule, rule_from_dict

RULE = All(count=Exact(), trace=Identity(rtol=1e-9), order=Ordering())
PAIRS = Pairs([1.0, 1.1, 0.9], np.zeros(3))
TRUE = {"count": Integers([3], [3]), "trace": Sides([1.0], [1.0]), "order": PAIRS}
SLIGHTLY_WRONG = Sides([1.0], [1.0 + 1e-7])  # inconclusive


def test_all_parts_hold() -> None:
    judged = RULE.judge(TRUE)
    assert judged.verdict == "supported"
    assert {name: part.verdict for name, part in judged.parts.items()} == dict.fromkeys(TRUE, "supported")


def test_one_part_refutes() -> None:
    judged = RULE.judge({**TRUE, "trace": SLIGHTLY_WRONG, "count": Integers([3], [4])})
    assert judged.verdict == "refuted"
    assert judged.statistic == 1.0  # of the part that decides
    assert judged.parts["trace"].verdict == "inconclusive"


def test_one_part_leaves_it_open() -> None:
    judged = RULE.judge({**TRUE, "trace": SLIGHTLY_WRONG})
    assert judged.verdict == "inconclusive"
    assert judged.statistic == pytest.approx(100.0, rel=1e-6)
    unmet = RULE.judge({**TRUE, "trace": Sides([np.nan], [1.0], unmet="diverged")})
    assert unmet.verdict == "inconclusive"
    assert "trace: assumptions not met: diverged" in unmet.sentence


def test_a_control_is_judged_by_the_parts_that_must_notice() -> None:
    measured = {**TRUE, "count": Integers([3], [4])}
    assert RULE.judge(measured, parts=("count",)).verdict == "refuted"
    assert RULE.judge(measured, parts=("trace", "order")).verdict == "supported"
    assert "count" not in RULE.judge(measured, parts=("trace",)).sentence


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        (TRUE["trace"], "All judges a dict of evidence, the measurement returned Sides"),
        ({"trace": TRUE["trace"]}, r"returned the parts \['trace'\], the rule has \['count', 'order', 'trace'\]"),
        ({**TRUE, "more": PAIRS}, "returned the parts"),
        ({**TRUE, "order": Sides([1.0], [1.0])}, "Ordering judges Pairs"),
    ],
)
def test_other_parts_than_the_rules_are_refused(measured: object, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        RULE.judge(measured)  # type: ignore[arg-type]


def test_parts_must_be_rules() -> None:
    with pytest.raises(ValueError, match="All needs at least one part"):
        All()
    with pytest.raises(ValueError, match="part 'x' of All must be a rule other than All"):
        All(x=All(y=Exact()))
    with pytest.raises(ValueError, match="part 'x' of All"):
        All(x="Exact")  # type: ignore[arg-type]


def test_chance_in_one_part_is_chance() -> None:
    assert RULE.has_interval
    assert not All(count=Exact(), trace=Identity(rtol=1e-9)).has_interval


@pytest.mark.parametrize(
    "rule",
    [
        Identity(rtol=1e-9, atol=1e-12, refute=10.0),
        Inequality(tight=0.9, strict=(0.1, 0.5)),
        Exact(),
        Slope(tol=(None, 0.1), axes="semilogy", refute=(None, 0.3), level=0.9),
        Slope(tol=0.1),
        Agreement(rtol=0.1, atol=1e-3, refute=3.0),
        Ordering(margin=0.1, refute=0.0),
        Proportion(at_least=0.1, at_most=0.9, refute=(0.05, 0.95)),
        RULE,
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_rules_survive_json(rule: Rule) -> None:
    again = rule_from_dict(json.loads(json.dumps(rule.as_dict())))
    assert again == rule
    assert hash(again) == hash(rule)
    assert str(again) == str(rule)
    assert again.text() == rule.text()


def test_every_rule_is_known_by_name() -> None:
    assert set(RULES) == {"Identity", "Inequality", "Exact", "Slope", "Agreement", "Ordering", "Proportion"}


def test_rules_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Identity(rtol=1e-9).rtol = 1.0  # type: ignore[misc]


def test_parts_in_words() -> None:
    assert All(count=Exact(), order=Ordering()).text().startswith("(count) every integer equals")
    assert All(count=Exact()) != RULE
    assert RULE != "All"
