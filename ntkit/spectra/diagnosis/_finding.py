"""One thing that is wrong with a matrix, and the words that all of them share."""

from collections.abc import Sequence
from dataclasses import dataclass

NAMED = 5  # inputs, pairs or groups that a sentence names; the others are counted
ROUGH = 64  # units of rounding that entries may be wrong by from being computed; beyond, something else is wrong


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a matrix, and what to do about it.

    Attributes:
        cause: "shape", "dtype", "not finite", "overflow", "asymmetry", "diagonal", "Cauchy-Schwarz", "inconsistent",
            "zero input", "equal inputs", "rank", "rounding" or "digits".
        sentence: what is wrong, with numbers; inputs are counted from 0.
        remedy: what to do.
        certain: whether it is proved of the numbers in the matrix, not only likely.
        inputs: the rows that it blames.
        pairs: the pairs of inputs that it blames, the worst first.
    """

    cause: str
    sentence: str
    remedy: str
    certain: bool
    inputs: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()


def counted(count: int, thing: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, "pair"), counted(3, "entry"), counted(2, "input")
        ('1 pair', '3 entries', '2 inputs')
    """
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{count} {thing if count == 1 else many}"


def listed(things: Sequence[object]) -> str:
    """The first few, and how many more.

    Example:
        >>> listed([3]), listed([3, 5]), listed([(0, 1), (0, 2), (1, 2)]), listed(range(9))
        ('3', '3 and 5', '(0, 1), (0, 2) and (1, 2)', '0, 1, 2, 3, 4 and 4 more')
    """
    first = [str(thing) for thing in things[:NAMED]]
    if len(things) > NAMED:
        return f"{', '.join(first)} and {len(things) - NAMED} more"
    return first[0] if len(first) == 1 else f"{', '.join(first[:-1])} and {first[-1]}"


def wrong_by(error: float, unit: float) -> str:
    """An error of an entry, relative to sqrt(K_ii K_jj): in units of rounding, or in percent where it is far more than that.

    Example:
        >>> wrong_by(3e-16, 2e-16), wrong_by(0.25, 2e-16)
        ('1.5 units of rounding', '25 % of sqrt(K_ii K_jj)')
    """
    return f"{error / unit:.2g} units of rounding" if error < 1000 * unit else f"{100 * error:.3g} % of sqrt(K_ii K_jj)"


def inputs_word(inputs: Sequence[int]) -> str:
    """Inputs by their numbers.

    Example:
        >>> inputs_word([3]), inputs_word([3, 5])
        ('input 3', 'inputs 3 and 5')
    """
    return f"{'input' if len(inputs) == 1 else 'inputs'} {listed(inputs)}"
