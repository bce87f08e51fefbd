"""Regions, windows, and how an interval becomes a word."""

import math

import pytest

from ntkit.claims import Agreement, Identity, Inequality, Ordering, Proportion, Slope
from ntkit.claims.rules import Judgement, Region
from ntkit.claims.rules._base import place, undecided, window


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-1.0, 1.0, "supported"),  # the edges belong to the window
        (-1.1, 0.0, "inconclusive"),
        (1.5, 1.9, "inconclusive"),  # outside, but not beyond the refuting edge
        (2.0, 3.0, "inconclusive"),  # the refuting edge itself is not beyond
        (2.1, 3.0, "refuted"),
        (-9.0, -2.1, "refuted"),
        (-9.0, 9.0, "inconclusive"),
        (-math.inf, math.inf, "inconclusive"),
        (math.nan, math.nan, "inconclusive"),
    ],
)
def test_place(low: float, high: float, word: str) -> None:
    assert place(low, high, Region(-1, 1), Region(-1, 1).widened()) == word


def test_only_a_two_sided_window_is_widened() -> None:
    assert Region(1.0, 3.0).widened() == Region(0.0, 4.0)
    assert Region(low=1.0).widened() == Region(low=1.0)
    assert Region(high=1.0).widened() == Region(high=1.0)


def test_windows() -> None:
    assert window("tol", 0.5, around=2.0) == Region(1.5, 2.5)
    assert window("tol", (-0.5, 1), around=2.0) == Region(1.5, 3.0)
    assert window("tol", (None, 0.0), around=2.0) == Region(high=2.0)
    assert window("tol", (0.25, None), around=2.0) == Region(low=2.25)


def test_regions_in_words() -> None:
    assert [str(r) for r in (Region(0, 1), Region(low=2), Region(high=3))] == ["[0, 1]", ">= 2", "<= 3"]


@pytest.mark.parametrize("tol", [0.0, -1.0, math.nan, math.inf, (1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (-math.inf, 1.0)])
def test_an_impossible_window_is_refused(tol: object) -> None:
    with pytest.raises(ValueError, match="tol must be a positive number or a pair"):
        Slope(tol=tol)  # type: ignore[arg-type]


@pytest.mark.parametrize("tol", ["0.1", True, None, (1.0,), (1.0, 2.0, 3.0), [-1.0, 1.0], ("a", "b")])
def test_a_window_of_the_wrong_type_is_refused(tol: object) -> None:
    with pytest.raises(ValueError, match="tol must be"):
        Slope(tol=tol)  # type: ignore[arg-type]


def test_a_window_without_edges_is_refused() -> None:
    with pytest.raises(ValueError, match="tol must bound at least one side"):
        Slope(tol=(None, None))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slope(0.2, refute=0.1), r"refute must be at least as wide as tol, got 0\.1"),
        (lambda: Slope(0.2, refute=(-0.3, 0.1)), "refute must be at least as wide as tol"),
        (lambda: Slope((None, 0.2), refute=0.3), "refute must be at least as wide as tol"),
        (lambda: Slope(0.2, axes="log"), "axes must be 'loglog', 'semilogy' or 'linear', got 'log'"),  # type: ignore[arg-type]
        (lambda: Slope(0.2, level=1.0), r"level must be in \(0, 1\), got 1\.0"),
        (lambda: Agreement(), "rtol and atol must be not both 0"),
        (lambda: Agreement(rtol=-1), "rtol must be a number >= 0, got -1"),
        (lambda: Agreement(atol=math.inf), "atol must be a number >= 0"),
        (lambda: Agreement(atol=math.nan), "atol must be a number >= 0"),
        (lambda: Agreement(atol=1, refute=0.5), "refute must be at least 1"),
        (lambda: Agreement(atol=1, level=0), "level must be"),
        (lambda: Ordering(margin=math.nan), "margin must be a finite number"),
        (lambda: Ordering(margin=0.5, refute=0.6), "refute must be at most the margin"),
        (lambda: Ordering(level=95), "level must be"),
        (lambda: Proportion(), "at_least and at_most must be given, at least one"),
        (lambda: Proportion(at_least=1.0), r"at_least must be in \(0, 1\)"),
        (lambda: Proportion(at_most=0.0), r"at_most must be in \(0, 1\)"),
        (lambda: Proportion(at_least=0.6, at_most=0.5), "at_least must be below at_most"),
        (lambda: Proportion(at_least=0.6, refute=0.7), "refute must be on the far side of the edge"),
        (lambda: Proportion(at_most=0.6, refute=0.5), "refute must be on the far side of the edge"),
        (lambda: Proportion(at_least=0.6, refute=(0.5, 0.7)), "refute must be a pair for two edges, a number for one"),
        (lambda: Proportion(at_least=0.6, level=1.5), "level must be"),
        (lambda: Identity(rtol=0.0), "rtol and atol must be not both 0"),
        (lambda: Identity(rtol=1.0), r"rtol must be in \[0, 1\)"),
        (lambda: Identity(rtol=1e-9, atol=-1.0), "atol must be a number >= 0"),
        (lambda: Identity(rtol=1e-9, refute=1.0), "refute must be greater than 1"),
        (lambda: Inequality(rtol=math.nan), "rtol must be"),
        (lambda: Inequality(tight=0.0), r"tight must be in \(0, 1\]"),
        (lambda: Inequality(strict=(0.1, 0.0)), "strict must be a pair"),
    ],
)
def test_options_are_checked_by_name(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_distance_says_how_far_beyond_the_refuting_edge() -> None:
    def judged(low: float, high: float) -> Judgement:
        return Judgement("refuted", (low + high) / 2, (low, high), Region(-1, 1), Region(-2, 2), "")

    assert judged(3.0, 4.0).distance == 1.0
    assert judged(-4.0, -2.5).distance == 0.5
    assert judged(0.0, 2.5).distance == -2.0
    assert Judgement("refuted", 5.0, None, Region(high=1), Region(high=2), "").distance == 3.0
    assert math.isnan(undecided("nothing").distance)
