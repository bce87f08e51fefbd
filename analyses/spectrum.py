"""Spectrum of a network's kernel on data, its exponent, and where in it the labels lie.

The network is given in words, as for `ntkit analyze kernel`, whose --help names
them all, or in place of it a kernel. Studied is the kernel matrix of n inputs over
n, whose eigenvalues estimate those of the kernel under the inputs' distribution.

Each eigenvalue comes with two errors. The enclosure is certain: that eigenvalue
of the matrix lies in it. The sampling error is estimated from random halves of
the inputs, for the first n / 8 eigenvalues: their scatter, and the bias by which
a half shows more or less than the whole, which is about what the whole shows
more or less than the population (on Gaussian features with eigenvalues k^-1.3 to
k^-3 and n = 400, both were right within a third). By theory, sums of the k largest
eigenvalues are overestimated on average, those of the smallest underestimated,
the trace neither; of a population's endlessly many a sample shows only n.

The exponent is that of eigenvalue ~ (k + shift)^-exponent, with an interval that
counts the choice of the window; or there is none, and it says why. With labels,
the same is asked of the target's power in mode k, the means of neighbouring modes
(labels are centred; classes are vectors with a one). Fitted are the eigenvalues
that sampling biases little, n / 8 or fewer, and the power in the first n / 4 modes;
not the first if its mode is all but constant, as that of positive kernels often is.

All eigenvalues are found for up to 3000 inputs; for more, or with --eigenvalues,
the largest by block Lanczos: without sampling errors, and an upper end of an
enclosure is true up to a probability of 1e-9 over seeds.

Into --out go record.json with all numbers and what repeats them, data.npz with
eigenvalues and vectors, and figure.svg.

Examples:
  ntkit analyze spectrum --net "dense relu dense relu dense" -o spectrum
  ntkit analyze spectrum --net "conv3x3 relu gap dense" --kind nngp --count 1797 --window 4:200 -o spectrum
  ntkit analyze spectrum --kernel "laplace 2" --data points.npz --key x --labels y --eigenvalues 50 -o spectrum
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies import (
    BLUE,
    MOST_REPEATS,
    ORANGE,
    Inputs,
    Kernel,
    Targets,
    add_kind_option,
    add_output_options,
    add_study_options,
    add_target_option,
    announce_eigenvalues,
    called,
    check_squares,
    described,
    dots,
    grouped,
    heading,
    if_certain,
    kernel_and_inputs,
    law_facts,
    law_line,
    law_title,
    law_words,
    matrix,
    operator,
    output,
    percent,
    progress_line,
    shown_bound,
    span,
    targets,
    title_of,
    whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ntkit.kernels import Network
    from ntkit.spectra import Eigenpairs, PowerLaw

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

PANEL = (2.95, 2.5)  # inches
MOST_EXACT = 3000  # inputs up to which all eigenvalues are enclosed: a minute, and a dozen matrices in memory
MOST_HELD = 12_000  # inputs up to which the matrix is kept: beyond, every product computes it anew
TOP = 100  # eigenvalues that are found where not all are
SHARES = (0.1, 0.01, 0.001)  # of the trace, at which the effective dimension is told
HELD = (0.5, 0.9, 0.99)  # shares of the target whose modes are counted
CONSTANT = 0.9  # cosine^2 with the constant vector from which on a mode counts as constant
ENOUGH = 0.1  # relative bias up to which an eigenvalue counts as that of the population


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_study_options(parser, kernels=True)
    add_kind_option(parser)
    add_target_option(parser)
    parser.add_argument(
        "--eigenvalues", type=whole(1), metavar="K", help=f"find only the K largest (above {MOST_EXACT} inputs: {TOP})"
    )
    parser.add_argument(
        "--window", type=span, metavar="A:B", help="fit the exponent to eigenvalues A to B (default: chosen by the fit)"
    )
    parser.add_argument("--shift", type=float, metavar="S", help="added to the number of the eigenvalue (default: fitted)")
    parser.add_argument(
        "--repeats", type=whole(2, MOST_REPEATS), default=20, metavar="R", help="random halves of the inputs (default: 20)"
    )
    add_output_options(parser, seed="of what is random")


def run(options: argparse.Namespace) -> int:
    """Compute, print, write, draw."""
    net, inputs = kernel_and_inputs(options)
    count = len(inputs.x)
    aim = None if inputs.labels is None else targets(inputs.labels, options)
    _check(options, count)
    places = output(options)
    conventions = described(net, inputs, options)
    if aim is not None:
        print(f"labels   {aim.words}")
    found = spectrum(net, inputs, options, places.unfinished("matrix.partial.npy"))
    law = exponent(found, options)
    power = None if aim is None else target(found, aim, options)
    for line in (*table(found, power), "", *_words(found, law, power)):
        print(line)
    title = f"{title_of(net, options)}\non {count} {inputs.name}"
    places.write(
        {
            "spectrum": _spectrum_facts(found), "exponent": law_facts(law),
            "target": None if power is None else _target_facts(power),
        },
        arrays={"values": found.values, "lower": found.lower, "upper": found.upper, "vectors": found.vectors},
        draw=lambda: draw(title, found, law, power),
        conventions=conventions | {"kind": options.kind, "count": count, "labels": None if aim is None else aim.words},
        read=(*inputs.files, options.weights),
    )  # fmt: skip
    return 0


@dataclass(frozen=True, eq=False)
class Found:
    """Eigenvalues of a Gram matrix over n, the largest first.

    Attributes:
        count: n.
        values: those that were found, all or the largest.
        lower, upper: the i-th eigenvalue lies between them; infinite where that is not certain.
        vectors: columns of shape (n, found).
        trace: of the matrix over n.
        rounding: below this, an eigenvalue may be all rounding.
        rank: how many eigenvalues certainly exceed that, and how many may; None if not all were found.
        halves: eigenvalues of random halves of the inputs, shape (repeats, n // 8); no rows if not all were found.
        gram: the matrix, if all were found.
    """

    count: int
    values: Floats
    lower: Floats
    upper: Floats
    vectors: Floats
    trace: float
    rounding: float
    rank: tuple[int, int] | None
    halves: Floats
    gram: Floats | None

    @property
    def resolved(self) -> int:
        """How many of the largest are certainly more than rounding."""
        return int(np.logical_and.accumulate(self.lower > self.rounding).sum())

    @property
    def first(self) -> int:
        """Number of the first eigenvalue that is fitted: 2 if the first vector is all but constant (degree 0, so to say)."""
        return 2 if self.vectors[:, 0].sum() ** 2 > CONSTANT * self.count else 1

    @property
    def shares(self) -> Floats:
        """Of the trace, negative ones taken as 0."""
        return np.maximum(self.values, 0.0) / (self.trace or 1.0)

    @property
    def bias(self) -> Floats:
        """What a half shows more than the whole, relative to the whole; as far as halves go, and above rounding."""
        return np.asarray(self._halves.mean(0) - 1) if len(self.halves) else np.empty(0)

    @property
    def scatter(self) -> Floats:
        """Relative standard errors of the same eigenvalues: the scatter of halves, as in the half-sample jackknife."""
        return self._halves.std(0, ddof=1) if len(self.halves) else np.empty(0)

    @property
    def _halves(self) -> Floats:
        """Relative to the whole, as far as that is above rounding."""
        meant = self.halves[:, : self.resolved]
        return meant / self.values[: meant.shape[1]]

    @property
    def trusted(self) -> int:
        """How many of the first are off by no more than `ENOUGH`, as far as halves tell."""
        return int(np.logical_and.accumulate(np.abs(self.bias) <= ENOUGH).sum())

    @property
    def effective_rank(self) -> float:
        """exp(entropy) of the shares (Roy and Vetterli, 2007)."""
        p = self.shares[self.shares > 0]
        return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0

    @property
    def participation(self) -> float:
        """(sum of eigenvalues)^2 / sum of their squares."""
        return float(self.shares.sum() ** 2 / ((self.shares**2).sum() or 1.0))

    def dimension(self, share: float) -> float:
        """Effective dimension: the sum of eigenvalue / (eigenvalue + share of the trace)."""
        return float((self.shares / (self.shares + share)).sum())


def spectrum(net: Network | Kernel, inputs: Inputs, options: argparse.Namespace, unfinished: Path | None) -> Found:
    """All eigenvalues with enclosures, or the largest."""
    count = len(inputs.x)
    if count > MOST_EXACT or (options.eigenvalues or count) < count:
        return _largest(net, inputs, options, min(options.eigenvalues or TOP, count), unfinished)
    from ntkit.spectra import enclosed_eigenvalues

    gram = matrix(net, inputs, options, unfinished)
    announce_eigenvalues(count, times=3 + math.ceil(options.repeats / 8), vectors=True)  # halves take an eighth each
    all_ = enclosed_eigenvalues(gram)
    rank = all_.rank()
    rng, show = np.random.default_rng(options.seed), progress_line("halving", power=1)
    gram = gram.astype(np.float64)
    halves = np.empty((options.repeats, count // 8))
    for done, row in enumerate(halves, 1):
        chosen = np.sort(rng.permutation(count)[: count // 2])
        row[:] = np.linalg.eigvalsh(gram[np.ix_(chosen, chosen)])[::-1][: count // 8] / (count // 2)
        if show:
            show(done, options.repeats)
    lower, upper = _outward(all_.lower / count, all_.upper / count)
    trace, most = float(np.trace(gram)) / count, (rank.at_least, rank.at_most)
    return Found(count, all_.values / count, lower, upper, all_.vectors, trace, all_.rounding / count, most, halves, gram)


def _largest(net: Network | Kernel, inputs: Inputs, options: argparse.Namespace, top: int, unfinished: Path | None) -> Found:
    """By block Lanczos, of a matrix that is kept or computed in every product."""
    from ntkit.spectra import rest_bound, top_eigenpairs

    count = len(inputs.x)
    if count <= MOST_HELD:
        given: Any = matrix(net, inputs, options, unfinished).astype(np.float64)
        diagonal = np.diag(given)
    else:
        given, diagonal = operator(net, inputs, options)
    check_squares(diagonal, called(options)[1])
    print(f"finding the {top} largest of {count} eigenvalues ...", flush=True)
    trace = float(diagonal.sum())
    pairs: Eigenpairs = top_eigenpairs(given, top, seed=options.seed, trace=trace * (1 + 1e-12))
    pairs = pairs.with_rest(rest_bound(given, pairs, seed=options.seed + 1, steps=20, block=min(16, count)))
    if not pairs.converged.all():
        print(f"notice: {(~pairs.converged).sum()} of them have not converged; their intervals are wide")
    lower, upper = _outward(pairs.lower / count, pairs.upper / count)
    rounding = count * float(np.finfo(inputs.x.dtype).eps) * float(pairs.values[0]) / count
    none = np.empty((0, count // 8))
    return Found(count, pairs.values / count, lower, upper, pairs.vectors, trace / count, rounding, None, none, None)


def _outward(lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    return np.nextafter(lower, -np.inf), np.nextafter(upper, np.inf)


def _check(options: argparse.Namespace, count: int) -> None:
    """What can be refused before computing."""
    if options.eigenvalues is not None and options.eigenvalues > count:
        raise UsageError(f"--eigenvalues {options.eigenvalues}: there are only {count}, one for each input")
    _check_shift(options, options.window[0] if options.window else 2)


def _check_shift(options: argparse.Namespace, first: int) -> None:
    if options.shift is not None and not -first < options.shift < math.inf:
        raise UsageError(f"--shift {options.shift:g}: must be finite and above -{first}, minus the first k that is fitted")


def exponent(found: Found, options: argparse.Namespace) -> PowerLaw:
    """The law of the eigenvalues above rounding."""
    from ntkit.spectra import fit_power_law

    if not found.resolved:
        raise UsageError("the kernel of these inputs is zero within rounding, and so has no spectrum")
    if options.window and options.window[1] > found.resolved:
        raise UsageError(
            f"--window {options.window[0]}:{options.window[1]}: only {found.resolved} eigenvalues were found above rounding"
        )
    start = 1 if options.window or found.resolved == 1 else found.first
    _check_shift(options, options.window[0] if options.window else start)
    values, k = found.values[start - 1 : found.resolved], np.arange(start, found.resolved + 1)
    law = fit_power_law(values, index=k, samples=found.count, window=options.window, shift=options.shift)
    return if_certain(law)


@dataclass(frozen=True, eq=False)
class Power:
    """Where the target lies.

    Attributes:
        variance: the target's power, which all shares are of.
        shares: in each mode that was found.
        beyond: beyond the first k modes, from k = 0.
        interval: of `beyond` over data sets, for k to n // 4; None if not all modes were found.
        k, mean: numbers of groups of neighbouring modes, and the mean of their shares.
        law: of these means.
    """

    variance: float
    shares: Floats
    beyond: Floats
    interval: Floats | None
    k: Floats
    mean: Floats
    law: PowerLaw

    def modes(self, share: float) -> int | None:
        """How many hold this share; None if those that were found do not."""
        enough = self.beyond <= 1 - share + 1e-12
        return int(np.argmax(enough)) if enough.any() else None


def target(found: Found, aim: Targets, options: argparse.Namespace) -> Power:
    """Power in each mode, and the law of what is left."""
    import jax

    from ntkit.spectra import Sample, fit_power_law, target_power

    count, whole_ = found.count, aim.variance
    if found.gram is not None:
        lift = found.rounding * count * np.eye(count)  # moves all eigenvalues alike: of rounding, none stays negative
        key = jax.random.key(options.seed)
        exact = target_power(Sample(found.gram + lift, aim.values), key=key, repeats=options.repeats)
        power, beyond = exact.power / whole_, exact.tails / whole_
        interval: Floats | None = exact.interval() / whole_
    else:
        squares = (found.vectors.T @ aim.values.reshape(count, -1) / math.sqrt(count)) ** 2
        power = squares.sum(1) / whole_
        beyond, interval = np.concatenate([[1.0], 1 - np.cumsum(power)]), None
    k, mean = grouped(power[: min(count // 4, found.resolved)], found.first)
    law = fit_power_law(mean if len(mean) else [1.0], index=k if len(k) else [1.0])
    return Power(whole_, power, beyond, interval, k, mean, if_certain(law))


def table(found: Found, power: Power | None) -> Iterable[str]:
    """Some eigenvalues with their errors."""
    head = f"{'k':>6} {'eigenvalue':>12} {'enclosed within':>16} {'sampling error':>15} {'bias':>8} {'of the trace':>13}"
    yield head + (f" {'of the target':>14}" if power else "")
    rows = [*(2**j for j in range(len(found.values).bit_length() - 1)), len(found.values)]
    for k in rows:
        i = k - 1
        within = max(found.upper[i] - found.values[i], found.values[i] - found.lower[i])
        off = f"{found.scatter[i]:15.1%} {found.bias[i]:+8.1%}" if i < len(found.bias) else f"{'-':>15} {'-':>8}"
        said = f"{shown_bound(within):>16}" if np.isfinite(within) else f"{'from below':>16}"
        line = f"{k:6} {found.values[i]:12.5g} {said} {off} {percent(found.shares[i]):>13}"
        yield line + (f" {percent(power.shares[i]):>14}" if power else "")


def _words(found: Found, law: PowerLaw, power: Power | None) -> Iterable[str]:
    """What it comes to."""
    if found.rank is not None:
        least, most = found.rank
        rank = f"{least}" if least == most else f"{least} to {most}"
        dimensions = ", ".join(f"{found.dimension(share):.3g} at {100 * share:g} %" for share in SHARES)
        yield f"rank       {rank} of {found.count} above rounding ({found.rounding:.1e})"
        yield f"dimension  effective rank {found.effective_rank:.4g}, participation ratio {found.participation:.4g};"
        yield f"           sum of eigenvalue / (eigenvalue + ridge): {dimensions} of the trace"
    if found.first == 2:
        yield "fits       leave out k = 1 (but for --window), which is all but constant on these inputs"
    yield f"exponent   {law_words(law, 'eigenvalue k')}"
    if power is not None:
        yield f"target     {law_words(power.law, 'power in mode k')}"
        held = ((share, power.modes(share)) for share in HELD)
        yield "           " + "; ".join(
            f"{share:.0%} in {k or 'more than ' + str(len(power.shares))} modes" for share, k in held
        )
    yield f"sampling   {sampled(found)}"


def sampled(found: Found) -> str:
    """What the sample shows too large or too small, as far as halves tell."""
    last = len(found.bias)
    if not last:
        why = "not all eigenvalues were found" if found.rank is None else "there are too few"
        return f"not estimated, since {why}; on average the largest come out too large"
    if not found.trusted:
        return f"that of k = 1 is about {found.bias[0]:+.0%} off already, and that of k = {last} {found.bias[-1]:+.0%}"
    good = f"eigenvalues up to k = {found.trusted} are within about {ENOUGH:.0%} of the population's, as far as halves tell"
    if found.trusted == last:
        return f"{good}; beyond, nothing is known"
    side = "large" if found.bias[-1] > 0 else "small"
    return f"{good};\n           that of k = {last} is about {abs(found.bias[-1]):.0%} too {side}"


def _spectrum_facts(found: Found) -> dict[str, Any]:
    """Numbers of a spectrum for the record; None where something is not certain, or not known."""
    facts: dict[str, Any] = {
        "found": len(found.values), "trace": found.trace, "rounding": found.rounding,
        "rank": None, "effective_rank": None, "participation_ratio": None, "effective_dimension": None,
    }  # fmt: skip
    if found.rank is not None:
        facts |= {"rank": list(found.rank), "effective_rank": found.effective_rank, "participation_ratio": found.participation}
        facts["effective_dimension"] = {f"{share:g}": found.dimension(share) for share in SHARES}
    ends = {name: [x if math.isfinite(x) else None for x in getattr(found, name).tolist()] for name in ("lower", "upper")}
    return facts | {
        "eigenvalues": found.values.tolist(), **ends,
        "sampling_error": found.scatter.tolist(), "bias": found.bias.tolist(), "unbiased_up_to": found.trusted,
    }  # fmt: skip


def _target_facts(power: Power) -> dict[str, Any]:
    return {
        "variance": power.variance, "shares": power.shares.tolist(), "beyond": power.beyond.tolist(),
        "beyond_interval": None if power.interval is None else power.interval.tolist(),
        "groups": power.k.tolist(), "in_groups": power.mean.tolist(), "exponent": law_facts(power.law),
        "modes": {f"{share:g}": power.modes(share) for share in HELD},
    }  # fmt: skip


def draw(title: str, found: Found, law: PowerLaw, power: Power | None) -> Figure:
    """Eigenvalues with what sampling does to them; the target's power on them; both added up."""
    from matplotlib.figure import Figure

    head = heading(title, 110 if power else 72)
    count = 3 if power else 2
    figure = Figure(figsize=(count * PANEL[0], PANEL[1] + 0.16 * (head.count("\n") + 1)))
    panels = figure.subplots(1, count)
    _eigenvalues(panels[0], found, law)
    if power is not None:
        _power(panels[1], power)
    _sums(panels[-1], found, power)
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _eigenvalues(axes: Axes, found: Found, law: PowerLaw) -> None:
    """Each eigenvalue; the mean of halves beside it shows which of them more inputs would move."""
    k, meant = np.arange(1, len(found.values) + 1), found.values > found.rounding
    more = "" if meant.all() else f" ({meant.sum()} above rounding)"
    dots(axes, k[meant], found.values[meant], f"of {found.count} inputs{more}")
    if len(found.bias):
        some, of_whole = k[: len(found.bias)], found.values[: len(found.bias)]
        mean, error = (1 + found.bias) * of_whole, 2 * found.scatter * of_whole
        axes.fill_between(some, np.maximum(mean - error, mean / 10), mean + error, color=ORANGE, alpha=0.25, linewidth=0)
        axes.plot(some, mean, color=ORANGE, linewidth=0.8, label="of halves of them")
    law_line(axes, law, k, found.values)
    axes.set_title(law_title(law, "eigenvalues"))
    axes.set(xlabel="number $k$ of the eigenvalue", ylabel="eigenvalue of the matrix / $n$")
    axes.legend(loc="lower left")


def _power(axes: Axes, power: Power) -> None:
    """The target's power in each mode, and what is left beyond."""
    k, left = np.arange(1, len(power.shares) + 1), power.beyond[1:]
    seen = power.shares > 1e-3 * np.median(power.shares)
    dots(axes, k[seen], power.shares[seen], "in mode $k$ (circles: means)")
    axes.plot(power.k, power.mean, "o-", color=BLUE, markersize=3, markerfacecolor="white", linewidth=0.8)
    if power.interval is not None:
        half = power.interval[1, 1:] / np.maximum(left[: power.interval.shape[1] - 1], 1e-9) - 1  # as wide in the logarithm
        bottom, top = (left[: len(half)] * np.exp(sign * half) for sign in (-1, 1))
        axes.fill_between(k[: len(half)], bottom, top, color=ORANGE, alpha=0.25, linewidth=0)
    axes.plot(k[left > 1e-9], left[left > 1e-9], color=ORANGE, label="beyond mode $k$")
    law_line(axes, power.law, power.k, power.mean)
    low = max(float(power.shares[seen].min(initial=1)), 1e-8)
    axes.set_ylim(low * (low / 2) ** 0.25, 1.5)  # room for the legend
    axes.set_title(law_title(power.law, "target"))
    axes.set(xlabel="number $k$ of the mode", ylabel="share of the target's power")
    axes.legend(loc="lower left")


def _sums(axes: Axes, found: Found, power: Power | None) -> None:
    """Shares of trace and target in the first modes."""
    k = np.arange(1, len(found.values) + 1)
    axes.set_xscale("log")
    axes.grid(True)
    axes.plot(k, np.minimum(np.cumsum(found.shares), 1), color=BLUE, label="of the trace")
    if power is not None:
        axes.plot(k, 1 - power.beyond[1:], color=ORANGE, label="of the target")
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 0.9, 1], ["0", "25 %", "50 %", "75 %", "90 %", "100 %"])
    axes.minorticks_off()
    axes.set_title("what the first $k$ modes hold")
    axes.set_xlabel("number $k$ of modes")
    axes.legend(loc="lower right")
