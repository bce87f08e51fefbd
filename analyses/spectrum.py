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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies import (
    ENOUGH,
    MOST_REPEATS,
    Inputs,
    Kernel,
    Spectrum,
    TargetPower,
    Targets,
    add_matrix_options,
    add_output_options,
    add_study_options,
    add_target_option,
    announce_eigenvalues,
    called,
    check_squares,
    described,
    drawn_spectrum,
    files_of,
    grouped,
    if_certain,
    kernel_and_inputs,
    law_facts,
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
    from ntkit.kernels import Network
    from ntkit.spectra import Eigenpairs, PowerLaw

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

MOST_EXACT = 3000  # inputs up to which all eigenvalues are enclosed: a minute, and a dozen matrices in memory
MOST_HELD = 12_000  # inputs up to which the matrix is kept: beyond, every product computes it anew
TOP = 100  # eigenvalues that are found where not all are
SHARES = (0.1, 0.01, 0.001)  # of the trace, at which the effective dimension is told
HELD = (0.5, 0.9, 0.99)  # shares of the target whose modes are counted


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_study_options(parser, kernels=True)
    add_matrix_options(parser)
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
        draw=lambda: drawn_spectrum(title, found, law, power),
        conventions=conventions | {"kind": options.kind, "count": count, "labels": None if aim is None else aim.words},
        read=files_of(options, inputs),
    )  # fmt: skip
    return 0


def spectrum(net: Network | Kernel, inputs: Inputs, options: argparse.Namespace, unfinished: Path | None) -> Spectrum:
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
    return Spectrum(count, all_.values / count, lower, upper, all_.vectors, trace, all_.rounding / count, most, halves, gram)


def _largest(net: Network | Kernel, inputs: Inputs, options: argparse.Namespace, top: int, unfinished: Path | None) -> Spectrum:
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
    return Spectrum(count, pairs.values / count, lower, upper, pairs.vectors, trace / count, rounding, None, none, None)


def _outward(lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    return np.nextafter(lower, -np.inf), np.nextafter(upper, np.inf)


def _check(options: argparse.Namespace, count: int) -> None:
    """What can be refused before computing."""
    if options.eigenvalues is not None and options.eigenvalues > count:
        raise UsageError(f"--eigenvalues {options.eigenvalues}: there are only {count}, one for each input")
    if options.dask and count > MOST_HELD:
        raise UsageError(f"--dask {options.dask}: takes up to {MOST_HELD} inputs here; beyond, no matrix is kept")
    _check_shift(options, options.window[0] if options.window else 2)


def _check_shift(options: argparse.Namespace, first: int) -> None:
    if options.shift is not None and not -first < options.shift < math.inf:
        raise UsageError(f"--shift {options.shift:g}: must be finite and above -{first}, minus the first k that is fitted")


def exponent(found: Spectrum, options: argparse.Namespace) -> PowerLaw:
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


def target(found: Spectrum, aim: Targets, options: argparse.Namespace) -> TargetPower:
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
    return TargetPower(whole_, power, beyond, interval, k, mean, if_certain(law))


def table(found: Spectrum, power: TargetPower | None) -> Iterable[str]:
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


def _words(found: Spectrum, law: PowerLaw, power: TargetPower | None) -> Iterable[str]:
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


def sampled(found: Spectrum) -> str:
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


def _spectrum_facts(found: Spectrum) -> dict[str, Any]:
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


def _target_facts(power: TargetPower) -> dict[str, Any]:
    return {
        "variance": power.variance, "shares": power.shares.tolist(), "beyond": power.beyond.tolist(),
        "beyond_interval": None if power.interval is None else power.interval.tolist(),
        "groups": power.k.tolist(), "in_groups": power.mean.tolist(), "exponent": law_facts(power.law),
        "modes": {f"{share:g}": power.modes(share) for share in HELD},
    }  # fmt: skip
