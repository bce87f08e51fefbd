"""Test error of a network's kernel over the number of inputs: predicted and measured.

The network is given in words, as for `ntkit analyze kernel`, whose --help names
them all, or in place of it a kernel. Learnt is by kernel ridge regression, the
limit of an infinitely wide network; the ridge is added to the n x n kernel matrix
as it is, and `optimal` is the one of the least predicted error at each n, inf
where nothing is best learnt. As the prediction, that ridge has seen all labels.

Predicted is the mean square error from the eigenvalues and the labels of all N
inputs (the eigenframework of a finite population; it sees all labels, and comes
out too low near n = N: on the digits by 3 to 11 % at N / 2). Measured is the error
on the N - n others after learning from n, over random splits, with the 95 %
interval of Student for the mean over splits of these N inputs. Errors are sums
over classes, whose labels are vectors with a one; labels are centred by the mean
of all N. To predict that mean costs the variance, drawn as a line. With classes,
the share of wrong ones among the others is measured beside it.

--target E asks for the n from which on the predicted error is at most E. There
it is measured, too: the answer says whether both agree, that is if the measured
interval reaches E, and the n is told at which the measured errors cross E. If
fewer than N inputs do not do, the answer is that; an extrapolation of the measured
errors is told up to 10 N, but nothing in the data supports it.

Into --out go record.json with all numbers and what repeats them, data.npz with the
curves, and figure.svg.

Examples:
  ntkit analyze learning-curve --net "dense relu dense relu dense" --target 0.2 -o curve
  ntkit analyze learning-curve --net "conv3x3 relu gap dense" --ridge 1e-3 --count 1797 --sizes 16:1024 -o curve
  ntkit analyze learning-curve --kernel "laplace 2" --data points.npz --key x --labels y --sizes 20,50,100 -o curve
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies import (
    BLUE,
    GREY,
    MOST_REPEATS,
    ORANGE,
    Targets,
    add_matrix_options,
    add_output_options,
    add_study_options,
    add_target_option,
    announce_eigenvalues,
    called,
    described,
    doubling,
    files_of,
    heading,
    kernel_and_inputs,
    matrix,
    output,
    progress_line,
    sizes,
    targets,
    title_of,
    whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ntkit.spectra import LearningCurve, Sample

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Sizes = list[int]

PANEL = (2.95, 2.6)  # inches
MOST = 5000  # inputs: some minutes, and half a dozen matrices in memory
FIRST = 8  # size that the default begins with; it ends with half of the inputs
FAR = 100.0  # times what is measured, up to which an error that is asked for is drawn
MOST_TICKS = 8  # sizes that are written at an axis
FARTHEST = 10  # times the number of inputs, up to which an extrapolation is told at all


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_study_options(parser, kernels=True)
    add_matrix_options(parser)
    add_target_option(parser)
    parser.add_argument(
        "--sizes", type=sizes, metavar="A:B", help="numbers of inputs to learn from: A, 2 A, 4 A, ... and B, or a list, as in "
        f"10,100,300 (default: {FIRST} to half of the inputs)",
    )  # fmt: skip
    parser.add_argument("--ridge", type=_ridge, default="optimal", metavar="R", help="a number, or optimal (default)")
    parser.add_argument("--target", type=_error, metavar="E", help="how many inputs does this mean square error take?")
    parser.add_argument("--repeats", type=whole(2, MOST_REPEATS), default=20, metavar="R", help="random splits (default: 20)")
    add_output_options(parser, seed="of the splits")


def run(options: argparse.Namespace) -> int:
    """Compute, print, write, draw."""
    net, inputs = kernel_and_inputs(options)
    count = len(inputs.x)
    if inputs.labels is None:
        raise UsageError(f"--data {options.data}: a learning curve needs labels; say by --labels where they are")
    if count > MOST:
        raise UsageError(f"--count {count}: at most {MOST} inputs can be studied")
    aim, n = targets(inputs.labels, options), _within(options.sizes, count)
    places = output(options)
    conventions = described(net, inputs, options)
    print(f"labels   {aim.words}; predicting their mean costs {aim.variance:.4g}")
    sample = _sample(matrix(net, inputs, options, places.unfinished("matrix.partial.npy")), aim, options)
    announce_eigenvalues(count, times=2, vectors=True)
    curve, wrong = measured(sample, aim, n, options)
    needed = None if options.target is None else answer(sample, aim, curve, options)
    for line in (*table(curve, wrong), "", *_words(curve, aim.variance, needed, count)):
        print(line)
    title = f"{title_of(net, options)}\non {count} {inputs.name}"
    rows = _facts(curve, wrong)
    places.write(
        {"variance": aim.variance, "curve": rows, "needed": None if needed is None else asdict(needed)},
        arrays={name: np.array([row[name] for row in rows], float) for name in rows[0]},
        draw=lambda: draw(title, curve, wrong, aim, needed),
        conventions=conventions
        | {"kind": options.kind, "count": count, "repeats": options.repeats, "labels": aim.words, "ridge": options.ridge},
        read=files_of(options, inputs),
    )
    return 0


def _within(asked: Sizes | None, count: int) -> Sizes:
    """The sizes, which leave something to test on."""
    if asked is None:
        return doubling(min(FIRST, max(count // 4, 1)), max(count // 2, 1))
    if asked[-1] >= count:
        raise UsageError(f"--sizes: must leave inputs to test on: at most {count - 1} of the {count}, got {asked[-1]}")
    return asked


def _sample(gram: Floats, aim: Targets, options: argparse.Namespace) -> Sample:
    from ntkit.spectra import Sample

    sample = Sample(gram, aim.values)
    try:
        sample.eigenvalues  # noqa: B018 - computed, and checked, when they are asked for
    except ValueError as error:
        why = "; --dtype float64 rounds less" if options.dtype == "float32" else ""
        option, kind = called(options)
        raise UsageError(f"{option}: the {kind} of these inputs cannot be learnt from: {error}{why}") from None
    return sample


def measured(
    sample: Sample, aim: Targets, n: Sizes, options: argparse.Namespace, ridge: float | str | None = None
) -> tuple[LearningCurve, Floats | None]:
    """Predicted errors with measured ones beside them, and the share of wrong classes, of shape (repeats, sizes).

    The order of the inputs in a repeat depends on seed and repeat alone: sizes are nested, and more repeats change nothing.
    """
    from ntkit.spectra import Sample, learning_curve

    curve = learning_curve(sample, n, ridge=options.ridge if ridge is None else ridge)
    test, train, wrong = (np.empty((options.repeats, len(n))) for _ in range(3))
    show = progress_line("splitting", power=1)
    for repeat in range(options.repeats):
        order = np.random.default_rng([options.seed, repeat]).permutation(len(sample))
        for point, (size, strength) in enumerate(zip(n, curve.ridge.tolist(), strict=True)):
            chosen, others = order[:size], order[size:]
            predicted = _learnt(Sample, sample, chosen, strength)
            squares = ((sample.targets - predicted) ** 2).reshape(len(sample), -1).sum(1)
            test[repeat, point], train[repeat, point] = squares[others].mean(), squares[chosen].mean()
            wrong[repeat, point] = aim.wrong(others, predicted[others]) if aim.names else math.nan
        if show:
            show(repeat + 1, options.repeats)
    return replace(curve, simulated_test=test, simulated_train=train), wrong if aim.names else None


def _learnt(kind: type[Sample], sample: Sample, chosen: np.ndarray, ridge: float) -> Floats:
    """Predictions for all inputs after learning from some."""
    if math.isinf(ridge):
        return np.zeros_like(sample.targets)
    if len(chosen) == 1:  # less than what a sample may be
        size = float(sample.gram[chosen[0], chosen[0]]) + ridge
        weights = sample.targets[chosen] / size if size > 0 else 0 * sample.targets[chosen]
        return np.asarray(sample.gram[:, chosen] @ weights)
    part = kind(sample.gram[np.ix_(chosen, chosen)], sample.targets[chosen])
    return part.predict(sample.gram[:, chosen], ridge=ridge)


@dataclass(frozen=True)
class Needed:
    """How many inputs an error takes.

    Attributes:
        error: that was asked for.
        n: from which on the predicted error is at most that; None if all but one of the inputs do not do.
        measured, interval: the error at this n; None without n.
        agrees: whether the measured interval reaches the error.
        crossing: the n where the measured errors fall to it, between sizes; and where the ends of their intervals do. None
            where they do not.
        best: predicted error at the largest n that leaves something to test on.
        extrapolated: where the measured errors would fall to it if they went on as between the last sizes: a guess.
            None if n is known, or if that is too far.
    """

    error: float
    n: int | None
    measured: float | None
    interval: tuple[float, float] | None
    agrees: bool
    crossing: tuple[float | None, float | None, float | None]
    best: float
    extrapolated: int | None


def answer(sample: Sample, aim: Targets, curve: LearningCurve, options: argparse.Namespace) -> Needed:
    """The predicted n, checked by measuring there; or that the data do not say."""
    from ntkit.spectra import learning_curve, samples_needed

    error, count = options.target, len(sample)
    best = float(learning_curve(sample, [count - 1], ridge=options.ridge).test[0])
    found = samples_needed(sample, error, ridge=options.ridge)
    n, errors = curve.n, np.stack([curve.mean(), *curve.interval()])
    if math.isinf(found):
        crossing = _crossings(n, errors, error)
        return Needed(error, None, None, None, False, crossing, best, _extrapolated(curve, error, count))
    there, _ = measured(sample, aim, [int(found)], options)
    checked = np.stack([there.mean(), *there.interval()])
    mean, low, high = checked[:, 0].tolist()
    n, first = np.unique(np.append(n, found), return_index=True)
    crossing = _crossings(n, np.hstack([errors, checked])[:, first], error)
    return Needed(error, int(found), mean, (low, high), low <= error, crossing, best, None)


def _crossings(n: Floats, errors: Floats, error: float) -> tuple[float | None, float | None, float | None]:
    """Where mean, lower and upper ends fall to an error for the last time, on straight lines in logarithms."""
    mean, low, high = (_crossing(n, row, error) for row in errors)
    return mean, low, high


def _crossing(n: Floats, errors: Floats, error: float) -> float | None:
    above = np.flatnonzero(errors > error)
    if not above.size or above[-1] == len(n) - 1:
        return None
    around = slice(above[-1], above[-1] + 2)
    (x, after), (y, below) = np.log(n[around]), np.log(np.maximum(errors[around], 1e-300))
    return float(math.exp(x + (after - x) * (y - math.log(error)) / (y - below)))


def _extrapolated(curve: LearningCurve, error: float, count: int) -> int | None:
    """Where a power law through the measured errors of the last factor of four in n falls to an error, if not too far."""
    last = curve.n >= curve.n[-1] / 4
    if last.sum() < 2 or curve.n[last][0] * 2 > curve.n[-1]:
        return None
    slope, level = np.polyfit(np.log(curve.n[last]), np.log(np.maximum(curve.mean()[last], 1e-300)), 1)
    if slope >= 0:
        return None
    logarithm = (math.log(error) - level) / slope
    return math.ceil(math.exp(logarithm)) if math.log(count - 1) < logarithm <= math.log(FARTHEST * count) else None


def table(curve: LearningCurve, wrong: Floats | None) -> Iterable[str]:
    """A row for each size."""
    head = f"{'n':>6} {'ridge':>10} {'predicted':>10} {'measured':>10} {'95 % interval':>20} {'in training':>12}"
    yield head + (f" {'wrong classes':>14}" if wrong is not None else "")
    low, high = curve.interval()
    for i, n in enumerate(curve.n):
        between = f"{low[i]:.4g} to {high[i]:.4g}"
        line = f"{n:6.0f} {curve.ridge[i]:10.3g} {curve.test[i]:10.4g} {curve.mean()[i]:10.4g} {between:>20}"
        line += f" {curve.simulated_train[:, i].mean():12.3g}"
        yield line + (f" {wrong[:, i].mean():14.2%}" if wrong is not None else "")


def _words(curve: LearningCurve, variance: float, needed: Needed | None, count: int) -> Iterable[str]:
    """What it comes to."""
    seen = _meant(curve, variance)
    if seen.any():
        n, ratio = curve.n[seen], curve.mean()[seen] / curve.test[seen]
        worst = int(np.argmax(np.abs(np.log(np.maximum(ratio, 1e-300)))))
        yield f"measured over predicted: {ratio[worst]:.3g} where they differ most, at n = {n[worst]:.0f}"
    if needed is None:
        return
    middle, early, late = (None if n is None else math.ceil(n) for n in needed.crossing)
    if needed.n is not None and needed.interval is not None:
        low, high = needed.interval
        word = "which agrees" if needed.agrees else "which is more: the prediction is too optimistic here"
        yield f"error {needed.error:g}: predicted from n = {needed.n} on; measured there {low:.4g} to {high:.4g}, {word}"
        if middle is not None:
            between = f" ({early} to {late})" if early and late else ""
            yield f"  the measured errors cross it at n = {middle}{between}"
        return
    yield f"error {needed.error:g}: not with {count - 1} of the {count} inputs, where {needed.best:.4g} is predicted"
    if needed.extrapolated is not None:
        yield f"  an extrapolation of the measured errors gives n = {needed.extrapolated}; nothing in these data supports it"
    else:
        yield "  how many it takes, these data do not say"


def _meant(curve: LearningCurve, variance: float) -> np.ndarray:
    """Where a predicted error is finite, and more than rounding."""
    return np.asarray(np.isfinite(curve.test) & (curve.test > 1e-12 * variance))


def _facts(curve: LearningCurve, wrong: Floats | None) -> list[dict[str, Any]]:
    """A row of the record for each size; None where a prediction or the best ridge is infinite."""
    low, high = curve.interval()
    columns = {
        "n": curve.n.astype(int), "ridge": curve.ridge, "predicted": curve.test, "predicted_in_training": curve.train,
        "measured": curve.mean(), "lower": low, "upper": high, "measured_in_training": curve.simulated_train.mean(0),
    }  # fmt: skip
    if wrong is not None:
        columns["wrong"], (columns["wrong_lower"], columns["wrong_upper"]) = wrong.mean(0), _interval(wrong)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [{name: x if math.isfinite(x) else None for name, x in zip(columns, row, strict=True)} for row in rows]


def _interval(values: Floats) -> Floats:
    """Student's, for the mean over repeats of a share."""
    from scipy.stats import t as student

    half = student.ppf(0.975, len(values) - 1) * values.std(0, ddof=1) / math.sqrt(len(values))
    return np.asarray(np.clip(np.stack([values.mean(0) - half, values.mean(0) + half]), 0.0, 1.0))


def draw(title: str, curve: LearningCurve, wrong: Floats | None, aim: Targets, needed: Needed | None) -> Figure:
    """Errors over n; measured over predicted; and the share of wrong classes, if there are classes."""
    from matplotlib.figure import Figure

    count = 2 if wrong is None else 3
    head = heading(title, 37 * count)
    figure = Figure(figsize=(count * PANEL[0], PANEL[1] + 0.16 * (head.count("\n") + 1)))
    panels = figure.subplots(1, count)
    _errors(panels[0], curve, aim.variance, needed)
    _ratios(panels[1], curve, aim.variance)
    if wrong is not None:
        low, high = 100 * _interval(wrong)
        mean = 100 * wrong.mean(0)
        _bars(panels[2], curve.n, mean, low, high)
        panels[2].plot(curve.n, mean, color=BLUE, linewidth=0.8)
        chance = 100 * (1 - float(aim.mean.max()))
        _level(panels[2], chance, "always the most frequent class")
        panels[2].set_ylim(0, 1.12 * max(chance, float(high.max())))
        panels[2].set(title="share of wrong classes, measured", ylabel="wrong classes (%)")
    shown = _ticks(curve.n.tolist())
    for axes in panels:
        axes.set_xticks(shown, [f"{n:.0f}" for n in shown])
        axes.minorticks_off()
        axes.set_xlabel("inputs learnt from, $n$")
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _ticks(n: list[float]) -> list[float]:
    """Sizes to write at an axis, from the last on, that leave room for each other."""
    room = max((n[-1] / n[0]) ** (1 / MOST_TICKS), 1.0)
    kept = n[-1:]
    for size in reversed(n[:-1]):
        if size * room <= kept[-1] * (1 + 1e-9):
            kept.append(size)
    return kept


def _errors(axes: Axes, curve: LearningCurve, variance: float, needed: Needed | None) -> None:
    axes.set(xscale="log", yscale="log")
    seen = _meant(curve, variance)
    axes.plot(curve.n[seen], curve.test[seen], color=ORANGE, label="predicted")
    low, high = curve.interval()
    shown = curve.mean() > 1e-12 * variance
    bars = (curve.mean()[shown], np.maximum(low, curve.mean() / 100)[shown], high[shown])
    _bars(axes, curve.n[shown], *bars, "measured")
    _level(axes, variance, "predicting the mean")
    if needed is not None and curve.mean().min() / FAR < needed.error < FAR * variance:  # or the others shrink to a line
        axes.axhline(needed.error, color="black", linestyle=":", linewidth=1)
        if needed.n is not None:
            axes.set_ylim(axes.get_ylim())
            axes.plot([needed.n] * 2, [axes.get_ylim()[0], needed.error], color="black", linewidth=0.8, linestyle=":")
    bottom, top = axes.get_ylim()
    tens = 10.0 ** np.arange(math.floor(math.log10(bottom)), math.ceil(math.log10(top)))
    digits = (1, 2, 3, 5) if top < 10 * bottom else (1, 2, 5) if top < 100 * bottom else (1,)
    ticks = [digit * ten for ten in tens for digit in digits if bottom <= digit * ten <= top]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    title = "test error"
    if needed is not None:
        title += f": {needed.error:g} " + ("is not reached" if needed.n is None else f"predicted from $n = {needed.n}$ on")
    axes.set_title(title)
    axes.set_ylabel("mean square error")
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.9))


def _ratios(axes: Axes, curve: LearningCurve, variance: float) -> None:
    seen = _meant(curve, variance)
    axes.set_xscale("log")
    low, high = curve.interval()
    parts = (part[seen] / curve.test[seen] for part in (curve.mean(), low, high))
    _bars(axes, curve.n[seen], *parts)
    axes.axhline(1, color=ORANGE)
    axes.set_title("measured over predicted")
    axes.set_ylabel("ratio of test errors")


def _bars(axes: Axes, x: Floats, mean: Floats, low: Floats, high: Floats, label: str | None = None) -> None:
    axes.grid(True)
    axes.set_xscale("log")
    look: dict[str, Any] = {"markersize": 4, "markerfacecolor": "white", "zorder": 3}
    axes.errorbar(x, mean, (np.maximum(mean - low, 0), np.maximum(high - mean, 0)), fmt="o", color=BLUE, label=label, **look)


def _level(axes: Axes, value: float, words: str) -> None:
    axes.axhline(value, color=GREY, linestyle=":", linewidth=1)
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    axes.annotate(words, (1, value), (-2, 2), ha="right", color=GREY, **place)


def _ridge(text: str) -> float | str:
    return text if text == "optimal" else _number(text, "a number from 0, or optimal", positive=False)


def _error(text: str) -> float:
    return _number(text, "a positive number", positive=True)


def _number(text: str, allowed: str, *, positive: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 <= value < math.inf and (value or not positive)):
        raise argparse.ArgumentTypeError(f"must be {allowed}, got {text!r}")
    return value
