"""Grids of numbers, as options name them."""

from __future__ import annotations

import argparse
import math
from itertools import pairwise


def sizes(text: str) -> list[int]:
    """For `type=` of an option: a number, a rising list, or A:B by doubling.

    Raises:
        ArgumentTypeError: anything else.

    Example:
        >>> sizes("8:50"), sizes("10,100"), sizes("7")
        ([8, 16, 32, 50], [10, 100], [7])
    """
    first, colon, last = text.partition(":")
    words = [first, last] if colon else text.split(",")
    if not all(word.strip().isdecimal() and int(word) >= 1 for word in words):
        raise argparse.ArgumentTypeError(f"must be A:B or a list such as 10,100,300 of whole numbers from 1, got {text!r}")
    numbers = [int(word) for word in words]
    if any(here >= after for here, after in pairwise(numbers)):
        raise argparse.ArgumentTypeError(f"must rise, got {text!r}")
    return doubling(*numbers) if colon else numbers


def reals(text: str) -> list[float]:
    """For `type=` of an option: a positive number, or a rising list of them.

    Raises:
        ArgumentTypeError: anything else.

    Example:
        >>> reals("0.01,0.1")
        [0.01, 0.1]
    """
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not numbers[0] > 0 or not all(here < after for here, after in pairwise([*numbers, math.inf])):
        raise argparse.ArgumentTypeError(f"must be a positive number, or a rising list such as 0.01,0.03,0.1, got {text!r}")
    return numbers


def positive(text: str, unit: str = "") -> float:
    """For `type=` of an option: one positive number.

    Raises:
        ArgumentTypeError: anything else.

    Example:
        >>> positive("0.5")
        0.5
    """
    numbers = reals(text)
    if len(numbers) > 1:
        raise argparse.ArgumentTypeError(f"must be one positive number{unit and f' of {unit}'}, got {text!r}")
    return numbers[0]


def doubling(first: int, last: int) -> list[int]:
    """first, 2 first, 4 first, ... below last, and last."""
    steps = math.ceil(math.log2(last / first))
    return [*(first * 2**step for step in range(steps) if first * 2**step < last), last]
