"""Numbers and regions in few characters."""

from __future__ import annotations

from collections.abc import Sequence


def number(value: float | None) -> str:
    """A number with at most four digits; infinite and missing ones are named."""
    return "-" if value is None else f"{value:.4g}"


def region_words(region: Sequence[float | None]) -> str:
    """A region: an open end has no bound to print."""
    low, high = region
    if low is None and high is None:
        return "anything"
    if low is None:
        return f"<= {number(high)}"
    return f">= {number(low)}" if high is None else f"in [{number(low)}, {number(high)}]"


def interval_words(interval: Sequence[float | None] | None) -> str:
    """An interval behind a statistic, or nothing for an exact rule."""
    return f" [{number(interval[0])}, {number(interval[1])}]" if interval else ""


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
