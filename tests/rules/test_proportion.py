"""Shares of successes."""

import numpy as np
import pytest

from ntkit.claims import Counts, Proportion
from ntkit.claims.rules import Region


@pytest.mark.parametrize(
    ("successes", "word"),
    [(100, "supported"), (97, "supported"), (93, "inconclusive"), (84, "inconclusive"), (80, "refuted"), (0, "refuted")],
)
def test_at_least(successes: int, word: str) -> None:
    assert Proportion(at_least=0.9).judge(Counts(successes, 100)).verdict == word
    assert Proportion(at_most=0.1).judge(Counts(100 - successes, 100)).verdict == word


def test_a_few_successes_show_little() -> None:
    assert Proportion(at_least=0.9).judge(Counts(5, 5)).verdict == "inconclusive"
    assert Proportion(at_least=0.9).judge(Counts(35, 35)).verdict == "inconclusive"
    assert Proportion(at_least=0.9).judge(Counts(36, 36)).verdict == "supported"


def test_two_edges_refute_beyond_themselves() -> None:
    rule = Proportion(at_least=0.4, at_most=0.6)
    judged = rule.judge(Counts(500, 1000))
    assert judged.verdict == "supported"
    assert judged.wider == judged.supported == Region(0.4, 0.6)
    assert rule.judge(Counts(650, 1000)).verdict == "refuted"
    assert rule.judge(Counts(350, 1000)).verdict == "refuted"
    assert rule.judge(Counts(620, 1000)).verdict == "inconclusive"
    wider = Proportion(at_least=0.4, at_most=0.6, refute=(0.3, 0.7))
    assert wider.judge(Counts(650, 1000)).verdict == "inconclusive"


def test_one_edge_with_a_wider_one() -> None:
    assert Proportion(at_least=0.9, refute=0.5).judge(Counts(70, 100)).verdict == "inconclusive"
    assert Proportion(at_most=0.1, refute=0.5).judge(Counts(30, 100)).verdict == "inconclusive"
    assert Proportion(at_most=0.1, refute=0.5).judge(Counts(70, 100)).verdict == "refuted"


def test_cells_share_the_level_and_the_worst_is_shown() -> None:
    judged = Proportion(at_least=0.9).judge(Counts([100, 70, 100], [100, 100, 100]))
    assert judged.verdict == "refuted"
    assert judged.statistic == 0.7
    assert "Worst of 3 cells: 70 of 100 successes" in judged.sentence
    assert Proportion(at_least=0.9).judge(Counts(np.full(30, 50), np.full(30, 50))).verdict == "inconclusive"


def test_words() -> None:
    assert Proportion(at_least=0.9).text() == (
        "the share of successes, with its whole exact 95% interval, is >= 0.9; refuted when the whole interval misses >= 0.9"
    )
    assert "Cell 50 of 50 successes, 1 [0.9289, 1]" in Proportion(at_least=0.9).judge(Counts(50, 50)).sentence
