"""A judgement in few words, for figures and pages: the statistic, its interval, and the region that the claim allows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ntkit.claims._claim import REPAIRED

Judged = Mapping[str, Any]  # one judgement as plain data: verdict, statistic, interval, regions, sentence, parts, ...
Ends = Sequence[float | None]

_NAMES = {
    "Agreement": "off by {} tolerances",
    "Exact": "{} mismatches",
    "Identity": "error {} tolerances",
    "Inequality": "violation {} tolerances",
    "Ordering": "difference {}",
    "Proportion": "share {}",
    "Slope": "slope {}",
}


def number(value: float | None, digits: int = 4) -> str:
    """A number with few digits and a true minus sign; a dash where there is none.

    Example:
        >>> number(0.123456), number(None)
        ('0.1235', '-')
    """
    return "-" if value is None else f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def interval_words(interval: Ends | None) -> str:
    """An interval; an end that is missing was infinite."""
    if interval is None:
        return ""
    low, high = interval
    ends = "\N{MINUS SIGN}∞" if low is None else number(low, 3), "∞" if high is None else number(high, 3)
    return f"[{', '.join(ends)}]"


def region_words(region: Ends) -> str:
    """A region of the statistic.

    Example:
        >>> region_words([None, 0.5]), region_words([1.0, 2.0]), region_words([None, None])
        ('≤ 0.5', '1 to 2', 'anything')
    """
    low, high = region
    if low is None:
        return "anything" if high is None else f"≤ {number(high)}"
    if high is None:
        return f"≥ {number(low)}"
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def statistic_words(judged: Judged, rule: str = "") -> str:
    """What was judged, e.g. "slope -0.5 [-0.6, -0.4]"; empty where there was nothing to judge.

    Args:
        judged: the judgement.
        rule: the name of the rule that judged, if the statistic is to be named after it.
    """
    if judged["statistic"] is None:
        return ""
    value = _NAMES.get(rule, "{}").format(number(judged["statistic"]))
    interval = judged["interval"]
    sampled = interval is not None and interval[0] != interval[1]
    return f"{value} {interval_words(interval)}" if sampled else value


def allowed_words(judged: Judged) -> str:
    """The region that supports the claim, e.g. "allowed -0.6 to -0.4"; empty where there was nothing to judge."""
    return "" if judged["statistic"] is None else f"allowed {region_words(judged['regions']['supported'])}"


def state_words(verdict: Judged) -> str:
    """A verdict and the tier that it was reached at.

    Example:
        >>> state_words({"verdict": "supported", "tier": "quick"})
        'supported (quick tier)'
    """
    return f"{verdict['verdict']} ({verdict['tier']} tier)"


def variant_words(name: str | None) -> str:
    """How a figure calls the claim, its repaired version or a control."""
    return "claim" if name is None else "repaired" if name == REPAIRED else f"control: {name}"


def rule_name(rule_data: Mapping[str, Any], part: str = "") -> str:
    """The name of the rule that judges a part, or of the whole."""
    return str(rule_data["rules"][part]["rule"] if part else rule_data["rule"])


def breakable(text: str, width: int) -> str:
    r"""Text on several lines of at most `width` letters; long names break behind hyphens and slashes.

    Example:
        >>> breakable("doe2024/a-very-long-name", 12)
        'doe2024/a-\nvery-long-\nname'
    """
    lines = [""]
    for piece in re.findall(r"[^-/\s]*[-/\s]|[^-/\s]+", text):
        while len(piece) > width:
            lines, piece = [*lines[:-1], *filter(None, [lines[-1]]), piece[:width], ""], piece[width:]
        if len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines if line.strip())
