"""The style sheet, and how the claim, its repaired version and its controls look in every figure."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ntkit.claims._claim import REPAIRED, Claim

STYLE = Path(__file__).with_name("ntkit.mplstyle")
WIDTH = 2.95  # inches; 7.5 cm
PANEL = 1.75  # inches: the height of a panel
LINE = 0.15  # inches: the height of a line of text
COLUMNS = 46  # letters in a line
MARGIN = 0.02  # of the width, to the left of titles and legends

# Colours of Okabe and Ito, told apart with any colour vision; the claim is blue, the first control orange.
BLUE, ORANGE, PINK, AMBER, SKY, GREEN = "#0072B2", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9", "#009E73"
GREY = "#666666"  # what is neither claim nor control
GUIDE = "#555555"  # what is expected
ALLOWED = "#d8ebe2"  # the region that supports the claim
EDGE = "#8a2f00"  # the edge of the refuting region
DASHES = (0, (4, 2))  # a line that is predicted rather than measured

_CONTROLS = ((ORANGE, "^"), (PINK, "s"), (AMBER, "v"), (SKY, "P"), ("#000000", "X"))


@dataclass(frozen=True)
class Look:
    """Colour and marker of one variant; the claim's markers are filled, those of the others hollow."""

    colour: str
    marker: str
    filled: bool
    above: int

    @property
    def points(self) -> dict[str, Any]:
        """Options of `Axes.plot` for points without a line."""
        face = self.colour if self.filled else "none"
        return {
            "color": self.colour,
            "marker": self.marker,
            "markerfacecolor": face,
            "markeredgewidth": 0.8,
            "linestyle": "none",
            "zorder": 3 + self.above,
        }


def looks(claim: Claim) -> dict[str | None, Look]:
    """The look of every variant of a claim; beyond five controls they repeat."""
    chosen: dict[str | None, Look] = {None: Look(BLUE, "o", True, 1)}
    for i, name in enumerate(claim.controls):
        colour, marker = _CONTROLS[i % len(_CONTROLS)]
        chosen[name] = Look(colour, marker, False, 0)
    if claim.repaired:
        chosen[REPAIRED] = Look(GREEN, "D", False, 0)
    return chosen


def style() -> AbstractContextManager[None]:
    """The style sheet over matplotlib's own defaults, whatever the user has configured, until the block ends."""
    import matplotlib.style

    return matplotlib.style.context(STYLE, after_reset=True)
