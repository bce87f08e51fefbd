"""Figures for Shi et al. (2022)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Sides
from ntkit.claims.figures import AMBER, BLUE, GREY, ORANGE, head

LEAST = 1e-3  # rows that hardly change at all are not drawn
SHOWN = 1200  # points of a cloud


def _named(record: Record, control: str) -> str:
    return f"control {control} ({record.verdict['controls'][control]['verdict']})"


def _cloud(axes: Axes, record: Record, part: str, control: str | None, colour: str, label: str) -> None:
    """A value against its upper bound."""
    found = record.part(part, control)
    if isinstance(found, Bounds) and found.upper is not None:
        value, upper = (np.asarray(side).ravel() for side in (found.value, found.upper))
        kept = np.flatnonzero((value > LEAST) & (upper > LEAST))[:SHOWN]
        label = label if control is None else _named(record, control)
        axes.plot(upper[kept], value[kept], ".", color=colour, markersize=2.5, label=label, rasterized=True)


def _diagonal(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log")
    ends = np.array([min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])])
    axes.plot(ends, ends, "-", color=GREY, linewidth=0.9, zorder=0)
    axes.set(xlim=ends, ylim=ends)


def soundness(record: Record) -> Figure:
    """What derivatives attain against the bound: below the diagonal, but for the two mistakes."""
    figure = Figure(figsize=(7.2, 3.1))
    for axes, (control, colour) in zip(
        figure.subplots(1, 3), ((None, BLUE), ("capped", ORANGE), ("frozen", AMBER)), strict=True
    ):
        _cloud(axes, record, "norm", control, colour, "LiRPA")
        axes.set_title("LiRPA" if control is None else _named(record, control))
        axes.set(xlabel="bound of $\\|J_c\\|_1$ on the ball", ylabel="largest at 300 points")
        _diagonal(axes)
    head(figure, record)
    return figure


def dominance_chain(record: Record) -> Figure:
    """Left: distribution of each rung over the one above it, never beyond 1; right: the links that are no theorem."""
    figure = Figure(figsize=(7.0, 3.2))
    left, right = figure.subplots(1, 2)
    links = (
        ("recurjac", None, "LiRPA / RecurJac", BLUE),
        ("ibp", None, "RecurJac / IBP", "#4C78A8"),
        ("absolute", None, "IBP / absolute product", "#72A0C1"),
        ("product", None, "absolute / norm product", GREY),
    )
    others = (
        ("nested", None, "z by CROWN and IBP / by IBP", BLUE),
        ("nested", "crown-below-ibp", "z by CROWN alone / by IBP", ORANGE),
        ("recurjac", "reversed", "RecurJac / LiRPA", AMBER),
    )
    for axes, chosen in ((left, links), (right, others)):
        for part, control, label, colour in chosen:
            found = record.part(part, control)
            if isinstance(found, Bounds) and found.upper is not None:
                value, upper = np.asarray(found.value).ravel(), np.asarray(found.upper).ravel()
                ratio = np.sort(value[upper > 0] / upper[upper > 0])
                if control is not None:
                    label += f":\n{_named(record, control)}"
                axes.plot(ratio, (np.arange(ratio.size) + 1) / ratio.size, "-", color=colour, label=label)
        axes.axvline(1, color=GREY, linestyle=":", linewidth=0.9)
        axes.set(xlabel="ratio of the two bounds", ylabel="share of rows below", ylim=(0, 1.7), yticks=np.arange(6) / 5)
    left.set_xlim(0, 1.3)
    right.set_xlim(0.5, 2)
    for axes in (left, right):
        axes.legend(loc="upper left")
    head(figure, record)
    return figure


def joint_norm(record: Record) -> Figure:
    """Joint over separate, against the separate bound: 1 at most, also where all signs are known."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2, sharey=True)
    one = record.part("one")
    for axes, parts in (
        (left, (("joint", None, BLUE, "two inputs or more"), ("signs", None, AMBER, "of these, all signs known"))),
        (right, (("joint", "upper-ends", ORANGE, ""),)),
    ):
        for part, control, colour, label in parts:
            found = record.part(part, control)
            if isinstance(found, Bounds) and found.upper is not None:
                value, upper = np.asarray(found.value), np.asarray(found.upper)
                kept = np.flatnonzero(upper > LEAST)[:SHOWN]
                label = label if control is None else _named(record, control)
                axes.plot(upper[kept], value[kept] / upper[kept], ".", color=colour, markersize=3, label=label, rasterized=True)
        axes.axhline(1, color=GREY, linewidth=0.9)
        axes.set(xscale="log", ylim=(0.4, 3), xlabel="sum of separate bounds")
        axes.legend(loc="upper left")
    if isinstance(one, Sides):
        both, separate = np.asarray(one.lhs), np.asarray(one.rhs)
        kept = np.flatnonzero(separate > LEAST)[:200]
        left.plot(separate[kept], both[kept] / separate[kept], "|", color=GREY, markersize=5, label="one input")
        left.legend(loc="upper left")
    right.set_xlabel("sum of upper ends")
    left.set_ylabel("joint bound / separate")
    head(figure, record)
    return figure


RADII = np.logspace(np.log10(0.05), 0, 12)


def eps_monotone(record: Record) -> Figure:
    """Bounds of some networks over the radius; on the right those that fall with adaptive lines."""
    figure = Figure(figsize=(6.2, 3.0))
    left, right = figure.subplots(1, 2)
    zero, adaptive = record.part("zero"), record.part("zero", "adaptive")
    for axes, found, colour, falling in ((left, zero, BLUE, False), (right, adaptive, ORANGE, True)):
        axes.set(xlabel="radius $\\epsilon$", ylabel="LiRPA / its value at 1", xscale="log")
        if not isinstance(found, Bounds) or found.upper is None:
            continue
        curves = np.concatenate([np.asarray(found.value), np.asarray(found.upper)[-1:]])
        curves = curves.reshape(len(RADII), -1)
        falls = (curves[:-1] - curves[1:]).max(axis=0) / np.maximum(curves[-1], LEAST)
        moved = curves[0] < 0.6 * curves[-1]
        chosen = np.argsort(-falls)[:6] if falling else np.flatnonzero(moved)[:12]
        axes.plot(RADII, curves[:, chosen] / curves[-1, chosen], ".-", color=colour, linewidth=0.9, markersize=3)
    left.set_title("lower lines 0")
    right.set_title("adaptive lower lines" + (f":\n{_named(record, 'adaptive')}" if adaptive is not None else ""))
    head(figure, record)
    return figure


def stable_cell_exactness(record: Record) -> Figure:
    """Left: bounds over the exact value on balls without a kink, and on ones 4 times as large; right: up to the limit."""
    figure = Figure(figsize=(6.6, 3.1))
    left, right = figure.subplots(1, 2)
    for control, colour in (("wider", ORANGE), (None, BLUE)):
        found = record.part("stable", control)
        if isinstance(found, Sides):
            error = np.abs(np.asarray(found.lhs)[0] / np.asarray(found.rhs)[0] - 1)
            error = np.sort(np.maximum(error, 1e-17))
            label = "no unit changes its sign" if control is None else _named(record, control)
            left.plot(error, (np.arange(error.size) + 1) / error.size, "-", color=colour, label=label)
    left.set(xscale="log", xlabel="LiRPA / exact $- 1$ (0 drawn at $10^{-17}$)", ylabel="share of rows below", ylim=(0, 1.05))
    left.legend(loc="lower right")
    limit = record.part("limit")
    if isinstance(limit, Bounds) and limit.upper is not None:
        value, upper = np.asarray(limit.value), np.asarray(limit.upper)
        kept = upper[0] > LEAST
        for curve, top, radius, colour in zip(value, upper, ("1", "10^3", "10^6"), (GREY, AMBER, BLUE), strict=True):
            ratio = np.sort(curve[kept] / top[kept])
            right.plot(ratio, (np.arange(ratio.size) + 1) / ratio.size, color=colour, label=f"$\\epsilon = {radius}$")
    right.set(xlabel="LiRPA / its value with all units open", ylabel="share of rows below", xlim=(0, 1.05))
    right.legend(loc="upper left")
    head(figure, record)
    return figure


def bab_converges(record: Record) -> Figure:
    """Left: bounds over the exact value, from the first to the last; right: where searches end, and where they stall."""
    figure = Figure(figsize=(6.4, 3.1))
    left, right = figure.subplots(1, 2)
    falling, exact = record.part("anytime"), record.part("exact")
    if isinstance(falling, Bounds) and falling.upper is not None and isinstance(exact, Sides):
        truth = np.asarray(exact.rhs)[:, 0]
        curves = np.concatenate([np.asarray(falling.upper)[:1], np.asarray(falling.value)]) / truth
        left.plot(curves.reshape(3, -1), ".-", color=BLUE, linewidth=0.8, markersize=4)
    left.axhline(1, color=GREY, linewidth=0.9)
    left.set(ylabel="upper bound / exact", xlabel="parts of the ball")
    left.set_xticks(range(3), ["1", "about 64", "to the end"])
    for control, colour, marker in (("stalled", ORANGE, "x"), (None, BLUE, ".")):
        found = record.part("exact", control)
        if isinstance(found, Sides):
            label = "branch and bound" if control is None else _named(record, control)
            right.plot(np.ravel(found.rhs), np.ravel(found.lhs), marker, color=colour, markersize=5, label=label)
    right.set(xlabel="largest of all polygons, $\\max \\|J_c\\|_1$", ylabel="where the search ends")
    _diagonal(right)
    right.legend(loc="upper left")
    head(figure, record)
    return figure


def relaxation_is_hull(record: Record) -> Figure:
    """Left: the set, its hull and RecurJac's box for one interval; right: bounds over extreme values."""
    figure = Figure(figsize=(6.8, 3.2))
    left, right = figure.subplots(1, 2)
    low, high = -1.0, 2.0
    v = np.linspace(low, high, 41)
    for s in np.linspace(0, 1, 11):
        left.plot(v, s * v, "-", color=GREY, linewidth=0.5)
    corners = np.array([(low, low), (high, 0), (high, high), (low, 0), (low, low)])
    left.plot(*corners.T, "-", color=BLUE, linewidth=1.6, label="hull")
    box = np.array([(low, low), (high, low), (high, high), (low, high), (low, low)])
    left.plot(*box.T, "--", color=ORANGE, linewidth=1.2, label="RecurJac's box")
    left.set(xlabel="$v$", ylabel="$h = s\\,v$", title="$l = -1$, $u = 2$, $s$ from 0 to 1", ylim=(-1.2, 3.6))
    left.legend(loc="upper left", ncols=2)
    for control, colour, marker in (("constants", ORANGE, "x"), (None, BLUE, ".")):
        found = record.measurement(control)
        if isinstance(found, Sides):
            bound, value = np.asarray(found.lhs), np.asarray(found.rhs)
            label = "lines of LiRPA" if control is None else _named(record, control)
            right.plot(value[..., :200].ravel(), bound[..., :200].ravel(), marker, color=colour, markersize=4, label=label)
    right.set_xscale("symlog", linthresh=0.1)
    right.set_yscale("symlog", linthresh=0.1)
    right.set(xlabel="extreme value of $p v + h$ on the set", ylabel="by the relaxation")
    right.legend(loc="upper left")
    head(figure, record)
    return figure


def monotonicity(record: Record) -> Figure:
    """The least change of an output over steps in the direction in which it is said to rise."""
    figure = Figure(figsize=(4.6, 3.1))
    axes = figure.add_subplot(xlabel="least of 400 changes $f(x + t e_j) - f(x)$, $t > 0$", ylabel="share of claims below")
    for control, colour in (("centre", ORANGE), (None, BLUE)):
        found = record.part("steps", control)
        if isinstance(found, Bounds):
            value = np.sort(np.asarray(found.value))
            name = "bound on the ball" if control is None else _named(record, control)
            share = (np.arange(value.size) + 1) / value.size
            axes.plot(value, share, "-", color=colour, label=f"{name}: {value.size} claims, {(value < -1e-12).sum()} wrong")
    axes.axvline(0, color=GREY, linewidth=0.9)
    axes.set_xscale("symlog", linthresh=1e-4)
    axes.set(ylim=(0, 1.35), yticks=np.arange(6) / 5)
    axes.legend(loc="upper left")
    head(figure, record)
    return figure


def float_soundness(record: Record) -> Figure:
    """Single precision minus the exact value, relative: as it is, with the slack, and rounded outward."""
    figure = Figure(figsize=(5.0, 3.1))
    axes = figure.add_subplot(xlabel="(single precision $-$ exact) / exact", ylabel="share of rows below")
    for part, control, colour, name in (
        ("slack", "no-slack", ORANGE, ""),
        ("slack", None, BLUE, "with slack $\\gamma_n$"),
        ("outward", None, AMBER, "rounded outward"),
    ):
        found = record.part(part, control)
        if isinstance(found, Bounds) and found.upper is not None:
            excess = np.sort(np.asarray(found.upper) / np.asarray(found.value) - 1)
            label = name if control is None else _named(record, control)
            axes.plot(excess, (np.arange(excess.size) + 1) / excess.size, color=colour, label=label)
    axes.axvline(0, color=GREY, linewidth=0.9)
    axes.set_xscale("symlog", linthresh=1e-7)
    axes.set(xlim=(-1e-6, 1e-1), xticks=[-1e-6, 0, 1e-6, 1e-4, 1e-2], ylim=(0, 1.4), yticks=np.arange(6) / 5)
    axes.legend(loc="upper left")
    head(figure, record)
    return figure
