"""Figures for Chandrasegaran et al. (2021)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Pairs, Record
from ntkit.claims.figures import BLUE, DASHES, GREY, ORANGE, head


def last_upsampling_decides(record: Record) -> Figure:
    """Left: mean spectra over the radius for each choice of upsamplings; right: how far each change lowers the level."""
    figure = Figure(figsize=(5.9, 3.1))
    left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
    names = ((None, BLUE, "last: nearest"), ("first", ORANGE, "first"), ("all-but-last", ORANGE, "all but last"))
    for i, (control, colour, name) in enumerate(names):
        profile, level = record.part("profile", control), record.part("level", control)
        if isinstance(profile, Pairs):
            radius = np.arange(1, np.asarray(profile.first).shape[1] + 1)
            if control is None:
                left.plot(radius, 10 ** np.asarray(profile.first).mean(axis=0), color=GREY, label="zeros inserted in all")
            style = ("-", ":", "--")[i]
            words = name if control is None else f"{name}: nearest (control, {_word(record, control)})"
            left.plot(radius, 10 ** np.asarray(profile.second).mean(axis=0), style, color=colour, label=words)
        if isinstance(level, Pairs):
            lowered = np.asarray(level.first) - np.asarray(level.second)
            spread = np.random.default_rng(0).uniform(-0.2, 0.2, lowered.size)
            right.plot(i + spread, lowered, ".", color=colour, alpha=0.4, markersize=2.5, markeredgewidth=0)
            right.plot([i - 0.3, i + 0.3], [lowered.mean()] * 2, color="black")
    left.axvspan(1, 5, color="#eeeeee", zorder=0)
    left.axvspan(28, 32, color="#eeeeee", zorder=0)
    left.set(yscale="log", xlabel="wave number $|k|$", ylabel="power / power at 1 to 5 (geometric mean)", ylim=(1e-3, 30))
    left.legend(loc="lower left")
    right.axhline(1, color="black", linestyle=DASHES, linewidth=0.9)
    right.text(2.45, 1.03, "claimed: more than 1", ha="right", va="bottom")
    right.set(ylabel="decades by which radii 28 to 32 fall", xlabel="upsampling that is changed", xlim=(-0.5, 2.5))
    right.set_xticks(range(3), ["last", "first\n(control)", "all but last\n(control)"])
    right.tick_params(axis="x", which="both", length=0)
    head(figure, record)
    return figure


def _word(record: Record, control: str) -> str:
    return str(record.verdict["controls"][control]["verdict"])
