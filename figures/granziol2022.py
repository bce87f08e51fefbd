"""Figures for Granziol, Zohren, Roberts (2022)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record
from ntkit.claims.figures import ALLOWED, AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head

SAMPLES, BATCHES = 1792, np.array([128, 32, 8])
ENDS = (
    ("largest", "$\\lambda_{\\max}$ of batches less that of all data", 1),
    ("smallest", "$\\lambda_{\\min}$ of all data less that of batches", -1),
)


def jensen_extreme(record: Record) -> Figure:
    """How far mean extreme eigenvalues of batches lie beyond those of all data, and those of single batches."""
    figure = Figure(figsize=(7.2, 3.2))
    for place, (part, label, sign) in enumerate(ENDS, 1):
        axes = figure.add_subplot(1, 2, place, xscale="log", xlabel="samples in a batch", ylabel=label)
        axes.set_yscale("symlog", linthresh=0.02, linscale=0.5)
        axes.axhspan(0, 100, color=ALLOWED, linewidth=0, zorder=0)
        axes.axhline(0, linestyle=DASHES, color=GUIDE, zorder=0)
        rows = (
            ("largest-of-single", AMBER, ".", "single batches"),
            ("exchanged", ORANGE, "^", "other end of the spectrum"),
            (None, BLUE, "o", "mean over batches"),
        )
        for control, colour, marker, name in rows:
            found = record.part(part, control)
            if not isinstance(found, Bounds) or (control == "largest-of-single" and part == "smallest"):
                continue
            bound = np.asarray(found.lower if sign > 0 else found.upper)
            beyond = sign * (np.asarray(found.value) - bound)
            one = np.repeat(BATCHES, SAMPLES // BATCHES if control == "largest-of-single" else 1)
            batch = np.tile(one, len(beyond) // len(one)).astype(float)
            if control is None:
                means = [beyond[batch == size].mean() for size in BATCHES]
                axes.plot(BATCHES, means, "-", color=colour, linewidth=0.9)
            elif control == "largest-of-single":
                batch *= np.random.default_rng(0).uniform(0.8, 1.25, len(batch))  # so that points do not hide each other
            name += "" if control is None else f" ({_verdict(record, control)})"
            axes.plot(batch, beyond, marker, color=colour, markersize=3 if marker == "." else 5, label=name)
        axes.set_xticks(BATCHES, [str(batch) for batch in BATCHES])
        axes.minorticks_off()
        axes.set_yticks([-1, -0.1, 0, 0.1, 1], ["$-1$", "$-0.1$", "0", "0.1", "1"])
        axes.set(xlim=(5.5, 200), ylim=(-10, 100))
        axes.legend(loc="upper right")
    head(figure, record)
    return figure


SPIKES = np.array([0.5, 1.0, 1.5, 2.0, 4.0])


def spiked_shift(record: Record) -> Figure:
    """Where an outlier of the mean goes in noise, with the laws of the controls, and deviations from each."""
    figure = Figure(figsize=(7.2, 3.2))
    curve = figure.add_subplot(1, 2, 1, xlabel=r"outlier $\lambda / s$", ylabel=r"largest eigenvalue $/\, s$")
    apart = figure.add_subplot(1, 2, 2, xlabel=r"outlier $\lambda / s$", ylabel="measured less predicted")
    apart.set_yscale("symlog", linthresh=0.02, linscale=1.0)
    fine = np.linspace(0.3, 4.2, 400)
    above = fine > 1
    laws = (
        (None, fine + 1 / fine, GUIDE, DASHES, r"$\lambda + s^2/\lambda$, or $2 s$"),
        ("no-shift", np.maximum(fine, 2), ORANGE, ":", "no shift"),
        ("half-shift", fine + 0.5 / fine, AMBER, (0, (3, 1, 1, 1)), "half the shift"),
    )
    for control, law, colour, line, name in laws:
        if control == "half-shift":
            curve.plot(fine[above], law[above], linestyle=line, color=colour, linewidth=1, label=name)
        else:
            curve.plot(fine, np.where(above, law, 2.0), linestyle=line, color=colour, linewidth=1, label=name)
    rows = (
        (None, BLUE, "o", "$P = 4000$" if record.tier == "quick" else "$P = 40\\,000$"),
        ("small", PINK, "s", "$P = 40$"),
        ("no-shift", ORANGE, "^", "no shift"),
        ("half-shift", AMBER, "v", "half the shift"),
    )
    for control, colour, marker, name in rows:
        found = record.measurement(control)
        if not isinstance(found, Estimates):
            continue
        mean, error = np.asarray(found.mean), 1.96 * np.asarray(found.stderr)
        name += "" if control is None else f" ({_verdict(record, control)})"
        apart.errorbar(
            SPIKES,
            mean - np.asarray(found.predicted),
            error,
            fmt=marker,
            color=colour,
            label=name,
            zorder=2 + (control is None),
        )
        if control in (None, "small"):
            size = 5 if control is None else 3
            curve.errorbar(SPIKES, mean, error, fmt=marker, color=colour, markersize=size, label=name.split(" (")[0])
    apart.axhspan(-0.02, 0.02, color=ALLOWED, zorder=0)
    apart.axhline(0, linestyle=DASHES, color=GUIDE, zorder=0)
    apart.set_yticks([-0.1, -0.02, 0, 0.02, 0.1, 0.5], ["$-0.1$", "$-0.02$", "0", "0.02", "0.1", "0.5"])
    apart.minorticks_off()
    apart.set_ylim(-0.2, 40)
    apart.legend(loc="upper right")
    curve.legend(loc="upper left")
    head(figure, record)
    return figure


def _verdict(record: Record, control: str) -> str:
    return f"control, {record.verdict['controls'][control]['verdict']}"
