"""Achour, Malgouyres, Mamalet (2022): when can a convolution layer be orthogonal, and does minimising L_orth get there?"""

from itertools import product
from math import prod

import _achour_padding as pad
import jax
import numpy as np
from _achour_layers import (
    Panel,
    can_be_orthogonal,
    constructed,
    descents,
    error_bounds,
    error_ratios,
    examined,
    extremes,
    gaussian,
    grids,
    least_regulariser,
    noisy_kernels,
    overlapping_layers,
    random_layers,
    small_layers,
    trained,
    unaliased,
)

from ntkit import orthoconv
from ntkit.claims import (
    All,
    Bounds,
    Control,
    Counts,
    Exact,
    Identity,
    Inequality,
    Integers,
    Paper,
    Proportion,
    Series,
    Sides,
    Slope,
    Trial,
)
from ntkit.orthoconv import Architecture

paper = Paper(
    key="achour2022",
    title="Existence, Stability and Scalability of Orthogonal Convolutional Neural Networks",
    authors="El Mehdi Achour, François Malgouyres, Franck Mamalet",
    year=2022,
    arxiv="2108.05623",
)

PANELS = tuple(Panel(d, k, s) for d in (1, 2) for k, s in ((2, 3), (3, 3), (3, 2)))  # k below, at and above the stride


@paper.claim(
    "strided-spectrum-fft",
    where="instrument of the other claims; Sedghi, Gupta, Long (2019) for stride 1, ours for every stride",
    kind="derived",
    checked="memory",
    statement=r"\text{The singular values of a circular layer are those of } B(w) = (\textstyle\prod_i S_i)^{-1/2}\,"
    r"\left[\hat K(\cdot, \cdot, w + N s)\right]_{0 \le s_i < S_i}, \quad 0 \le w_i < N_i",
    # Two backward stable decompositions of at most 900 columns: each value is good to 900 epsilon = 2e-13 of the largest.
    rule=Identity(rtol=0.0, atol=1e-10, refute=1e4),
    controls={
        "weight": "the factor (prod S)^(-1/2) left out",
        "truncated": "taps beyond the input left out, where they have to wrap around",
        "zeros": "zeros beyond the input in place of circular padding",
    },
)
def strided_spectrum_fft(trial: Trial) -> Sides:
    """All singular values by Fourier transform, against those of the matrix written out entry by entry.

    150 random layers with M, C, k <= 4, S <= 3 and N <= 4 (5 at the full tier), each axis for itself, d <= 2; Gaussian
    kernels. Values are divided by the largest one of their layer.
    """
    fast, dense = [], []
    cases = small_layers(trial.rng(), trial.scale(quick=150, full=2000), trial.scale(quick=4, full=5))
    for layer, kernel, size in trial.progress(list(cases)):
        matrix = orthoconv.layer_matrix(kernel, size, layer.stride, "same" if trial.control == "zeros" else "circular")
        dense.append(np.linalg.svd(matrix.toarray(), compute_uv=False))
        for axis, side in enumerate(layer.input_size(size) if trial.control == "truncated" else (), start=2):
            kernel = kernel.take(range(min(side, kernel.shape[axis])), axis=axis)
        values = np.asarray(orthoconv.singular_values(kernel, size, layer.stride))
        fast.append(values * prod(layer.stride) ** 0.5 if trial.control == "weight" else values)
    largest = np.repeat([values[0] for values in dense], [len(values) for values in dense])
    blocks, whole = np.concatenate(fast) / largest, np.concatenate(dense) / largest
    return Sides(blocks, whole, x_label="singular values by blocks", y_label="by the whole matrix")


@paper.claim(
    "existence-circular",
    where="existence theorem; unequal sides are ours",
    kind="theorem",
    checked="code",
    statement=r"\text{A circular layer can be orthogonal iff } M \le C k^d \ (\text{for } M \le C S^d), \ S \le k"
    r" \ (\text{for } M \ge C S^d); \quad \text{with unequal sides iff } \min(M, C \textstyle\prod_i S_i) \le"
    r" C \prod_i \min(k_i, S_i)",
    # Orthogonal up to 1e-10: products of 15 factors with some 100 entries each are so to 1e-13.
    rule=All(square=Exact(), unequal=Exact(), rank=Exact(), values=Identity(rtol=0.0, atol=1e-10, refute=1e9)),
    controls={
        "all-taps": Control("M <= C prod k for unequal sides: wrong for k = (1, 4), S = (2, 2)", parts=("unequal",)),
        "one-axis": Control("M <= C k in place of M <= C k^d", parts=("square",)),
        "longer": Control("S < k in place of S <= k", parts=("square",)),
        "both": Control("M <= C k^d also where M >= C S^d", parts=("square",)),
    },
)
def existence_circular(trial: Trial) -> dict[str, Integers | Sides]:
    """For each layer an orthogonal kernel, or the reason why there is none; and the singular values of the best kernel.

    Square: M <= 8, C <= 3, k, S <= 4, d <= 2 (M <= 16, k, S <= 6 at the full tier). Unequal: two axes that differ, k_i, S_i <=
    4, M = 2, 4, 6, C = 1. Shown is 1 where the singular values of a dense random kernel are 1 up to 1e-10; at the full tier,
    of five of them and a delta kernel, at three sizes. Shown is 0 where blocks of a Gaussian kernel have too small a rank,
    and no kernel has a larger one; else -1. Values: smallest and largest singular value of that dense kernel or, where
    nothing can be constructed, of a kernel trained on L_orth.
    """
    square, unequal, shape = grids(trial)
    layers, n = square + unequal, len(square)
    full = trial.tier == "full" and trial.control is None
    shown, ranks, values = examined(trial, layers, ("dense",) * 5 + ("delta",) if full else ("dense",))
    claimed = np.array([can_be_orthogonal(layer, trial.control) for layer in layers])
    ends = np.stack([claimed[:n], np.ones(n)]).reshape(2, *shape)
    words = {"x_label": "claimed", "y_label": "shown"}
    return {
        "square": Integers(shown[:n].reshape(shape), claimed[:n].reshape(shape), **words),
        "unequal": Integers(shown[n:], claimed[n:], **words),
        "rank": Integers(ranks, [layer.rank for layer in layers], **words),
        "values": Sides(values[:, :n].reshape(2, *shape), ends, x_label="singular value", y_label="claimed"),
    }


@paper.claim(
    "lorth-optimal-value",
    where="ours: the rank argument of the existence theorem, for layers that cannot be orthogonal",
    kind="derived",
    checked="memory",
    statement=r"\min_K L_{\mathrm{orth}}(K) = \min(M, C \textstyle\prod_i S_i) - \min(M, C \prod_i \min(k_i, S_i))",
    # L_orth sums some 1000 squares of entries that are 0 or at most 1 up to 10 epsilon, and cancels up to M = 16 of them.
    rule=All(attained=Identity(rtol=0.0, atol=1e-12), bound=Inequality(rtol=0.0, atol=1e-9)),
    controls={
        "one-more": Control("a minimum larger by 1", parts=("attained", "bound")),
        "all-taps": Control("the rank min(M, C prod S, C prod k): wrong for k = (1, 4), S = (2, 2)", parts=("attained",)),
        "uncorrected": Control("L_orth without its constant max(0, M - C prod S)", parts=("attained",)),
    },
)
def lorth_optimal_value(trial: Trial) -> dict[str, Sides | Bounds]:
    """The minimum is attained by delta kernels and by dense ones, and no other kernel comes below it.

    Attained: on the layers of existence-circular. Where none can be orthogonal, as many orthonormal rows as there can be are
    mixed to M of them. Bound: 3000 kernels (300 in controls) with M, C <= 8, k <= 3, S <= 4, d <= 2, each axis for itself. Two
    of three are Gaussian, at scales 0.1, 0.3 and 1, and stay far above; every third is an optimal one with a tenth of that.
    """
    square, unequal, _ = grids(trial)
    layers = square + unequal

    def value(layer: Architecture, kernel: np.ndarray) -> float:
        constant = max(0, layer.out_channels - layer.inputs) if trial.control == "uncorrected" else 0
        return float(orthoconv.l_orth(kernel, layer.stride)) + constant

    pairs = list(zip(jax.random.split(trial.key, len(layers)), layers, strict=True))
    best = [[value(layer, constructed(key, layer, kind)) for key, layer in pairs] for kind in ("delta", "dense")]
    least = [least_regulariser(layer, trial.control) for layer in layers]
    others = list(noisy_kernels(trial, 300 if trial.control else trial.scale(quick=3000, full=30000)))
    values, lower = zip(
        *[(value(layer, kernel), least_regulariser(layer, trial.control)) for layer, kernel in others], strict=True
    )
    words = {"x_label": "claimed minimum", "y_label": "$L_{orth}$"}
    return {"attained": Sides(best, [least, least], **words), "bound": Bounds(values, lower=lower, **words)}


@paper.claim(
    "frobenius-identity",
    where="theorem on L_orth and err_F",
    kind="theorem",
    checked="memory",
    statement=r"\mathrm{err}_F(K)^2 = N^d\, L_{\mathrm{orth}}(K) \quad"
    r"\text{for every } N \ge 2 \lfloor (k-1)/S \rfloor + 1",
    # An entry of a Gram matrix carries rounding of some 10 epsilon = 2e-15. Next to deviations of 1e-3, the smallest noise
    # here, that is 1e-11 in err_F^2; rtol leaves room for sums over frequencies, atol for kernels that come closer.
    rule=Identity(rtol=1e-9, atol=1e-12),
    controls={
        "aliased": r"N = 2 floor((k-1)/S), one short: the lags +q and -q fall on each other",
        "volume": "the factor N^(d-1) in place of N^d",
        "uncorrected": "L_orth without its constant max(0, M - C S^d)",
    },
)
def frobenius_identity(trial: Trial) -> Sides:
    """Frobenius error of the layer, from its symbol, against the regulariser, from its autocorrelation.

    Random architectures with M, C <= 6, k <= 4, S <= 3, d <= 2 and the three smallest sizes; every fourth kernel is
    orthogonal up to noise of 1e-3, the others Gaussian. err_F is ||A A^T - I||_F in the RO case, M <= C S^d, and
    ||A^T A - I||_F in the CO case. The paper asks for S N >= 2k - 1; a proof needs only that no two lags alias, which is
    N >= 2 floor((k-1)/S) + 1 and sometimes a little less.
    """
    lhs, rhs = [], []
    for layer, kernel, size in random_layers(trial):
        regulariser = float(orthoconv.l_orth(kernel, layer.stride))
        if trial.control == "uncorrected":
            regulariser += max(0, layer.out_channels - layer.inputs)
        exponent = layer.ndim - 1 if trial.control == "volume" else layer.ndim
        lhs.append(float(orthoconv.frobenius_error(kernel, size, layer.stride)) ** 2)
        rhs.append(size**exponent * regulariser)
    return Sides(lhs=lhs, rhs=rhs, x_label="err_F^2", y_label="N^d L_orth")


@paper.claim(
    "spectral-bound-independent-of-n",
    where="theorem on err_s and L_orth, constants as in the authors' code; sharper one, small N and lower bound are ours",
    kind="theorem",
    checked="code",
    statement=r"\mathrm{err}_s(K)^2 \le \alpha L_{\mathrm{orth}}(K), \quad \alpha = M (2q+1)^d \ (\text{for } M \le C S^d), \ "
    r"\alpha = C (2k-1)^d \ (\text{for } M \ge C S^d), \quad q = \lfloor (k-1)/S \rfloor; \quad \text{sharp, at every } N: \ "
    r"\alpha = (2q+1)^d; \quad \mathrm{err}_s(K)^2 \ge L_{\mathrm{orth}}(K) / \min(M, C S^d) \text{ for } N \ge 2q+1",
    # Entries of the Gram matrices err by some 10 epsilon, deviations are 1e-3 at least: 1e-11 of err_s^2 and of L_orth.
    rule=All(
        paper=Inequality(rtol=1e-9),
        sharp=Inequality(rtol=1e-9, tight=0.999),
        small=Inequality(rtol=1e-9, tight=0.999),
        lower=Inequality(rtol=1e-9),
    ),
    controls={
        "one-sided": Control("(q + 1)^d lags in place of (2q + 1)^d", parts=("sharp",)),
        "no-lags": Control("err_s^2 <= L_orth, and M or C times that", parts=("paper",)),
        "aliased": Control("the lower bound at one output point per axis, where all lags fall on each other", parts=("lower",)),
    },
)
def spectral_bound_independent_of_n(trial: Trial) -> dict[str, Bounds]:
    """err_s^2 over L_orth, against constants; N is 2q + 1 to 2q + 3, for the part `small` 1 to 2q.

    Random layers with M, C in 2..6, S < k <= 4, S <= 2, d <= 2; three of five kernels are Gaussian at scales 0.05, 0.3 and 1,
    two are orthogonal up to noise of 1e-3. To these come kernels that attain the sharp bound, since all of their lags deviate
    alike; for one output channel they attain the paper's too.

    Sharp bound: A A^T - I has the blocks sum_t E_t exp(i w t) with (2q + 1)^d lags t, on any grid of frequencies w, and
    |sum_t ..| <= sum |E_t|_F <= sqrt((2q + 1)^d sum |E_t|_F^2), the root of (2q + 1)^d L_orth. A^T A - I is the same kind of
    polynomial in its polyphase form. Lower bound: N^d L_orth = err_F^2 is a sum of N^d min(M, C S^d) squares, and err_s^2 is
    the largest of them.
    """
    cases = list(enumerate(overlapping_layers(trial, trial.scale(quick=600, full=6000))))
    ratios = [error_ratios(layer, kernel, i, trial.control) for i, (layer, kernel) in trial.progress(cases)]
    normal, small = np.transpose(ratios)
    by_paper, sharp, lower = np.transpose([error_bounds(layer, trial.control) for _, (layer, _) in cases])
    words = {"x_label": "bound", "y_label": "err_s^2 / L_orth"}
    return {
        "paper": Bounds(normal, upper=by_paper, **words),
        "sharp": Bounds(normal, upper=sharp, **words),
        "small": Bounds(small, upper=sharp, **words),
        "lower": Bounds(normal, lower=lower, **words),
    }


@paper.claim(
    "scalability-in-n",
    where="abstract (scalability); follows from the theorems on err_F and err_s",
    kind="corollary",
    checked="memory",
    statement=r"\text{For a fixed } K \text{ and } N \ge 2q + 1: \quad \mathrm{err}_F \propto N^{d/2}, \quad \mathrm{err}_s"
    r" \text{ has slope } 0 \text{ and stays below } \sqrt{(2q+1)^d L_{\mathrm{orth}}}",
    # Slopes are taken in the number N^d of output points, which makes them 1/2 for every d; allowances of 1e-6 and 0.05 per
    # log N become half of that. A grid of 8 frequencies misses the largest deviation by some per cent.
    rule=All(frobenius=Slope(tol=5e-7, refute=0.025), spectral=Slope(tol=0.025, refute=0.125), bounded=Inequality(rtol=1e-9)),
    controls={
        "frobenius-for-spectral": Control("err_F taken for a bound on err_s that is sharp", parts=("spectral",)),
        "unrooted": Control("err_F proportional to N^d, as its square is", parts=("frobenius",)),
        "no-lags": Control("err_s at most the root of L_orth", parts=("bounded",)),
    },
)
def scalability_in_n(trial: Trial) -> dict[str, Series | Bounds]:
    """Both errors of dense orthogonal kernels with noise of 1e-2, over the number of output points.

    (M, C, k, S) = (4, 4, 3, 1), (8, 2, 3, 2), (10, 2, 3, 2) on N x N points, N = 8 to 64, and (6, 2, 3, 1) on 64 to 4096 points
    of one axis; four kernels each. At the full tier 20, and four times as many points.
    """
    layers = [Architecture(4, 4, 3, 1, 2), Architecture(8, 2, 3, 2, 2), Architecture(10, 2, 3, 2, 2), Architecture(6, 2, 3)]
    layers *= trial.repeats(quick=4, full=20)
    points = 4 ** np.arange(3, trial.scale(quick=7, full=8))
    rng, keys = trial.rng(), jax.random.split(trial.key, len(layers))
    frobenius, spectral, upper = np.empty((len(layers), len(points))), np.empty((len(layers), len(points))), []
    for i, (layer, key) in enumerate(trial.progress(list(zip(layers, keys, strict=True)))):
        kernel = orthoconv.construct(key, **vars(layer)) + 1e-2 * gaussian(rng, layer)
        for j, size in enumerate(np.round(points ** (1 / layer.ndim)).astype(int).tolist()):
            frobenius[i, j] = orthoconv.frobenius_error(kernel, size, layer.stride)
            spectral[i, j] = orthoconv.spectral_error(kernel, size, layer.stride)
        lags = 1 if trial.control == "no-lags" else prod(unaliased(layer))
        upper.append((lags * float(orthoconv.l_orth(kernel, layer.stride))) ** 0.5)
    expected = 1.0 if trial.control == "unrooted" else 0.5
    flat = frobenius if trial.control == "frobenius-for-spectral" else spectral
    return {
        "frobenius": Series(points, frobenius, expected, "geometric", x_label="output points N^d", y_label="err_F"),
        "spectral": Series(points, flat, 0.0, "geometric", x_label="output points N^d", y_label="err_s"),
        "bounded": Bounds(spectral, upper=np.array(upper)[:, None], x_label="bound", y_label="err_s"),
    }


@paper.claim(
    "training-reaches-existence",
    where="experiments (minimisation of L_orth over many architectures); protocol and numbers are ours",
    kind="reading",
    checked="memory",
    statement=r"\text{For } M \ne C S^d, \text{ descent on } L_{\mathrm{orth}} \text{ from random kernels ends at }"
    r" \min(M, C S^d) - \min(M, C \min(k, S)^d): \text{ at } 0 \text{ iff an orthogonal kernel exists}",
    # All of 220 starts put the lower end of their interval at 0.98; one layer that never gets there puts it below 0.95. What
    # ends within 1e-5 of the minimum has singular values within sqrt(9e-5) / 2 = 0.005 of 0 or 1.
    rule=All(
        possible=Proportion(at_least=0.95, refute=0.75),
        impossible=Identity(rtol=0.0, atol=1e-6),
        never_below=Inequality(rtol=0.0, atol=1e-9),
        values=Identity(rtol=0.0, atol=0.01, refute=50.0),
    ),
    controls={
        "one-more": Control("a minimum larger by 1", parts=("impossible",)),
        "one-axis": Control("M <= C k in place of M <= C k^d: training gets beyond", parts=("values",)),
        "longer": Control("S < k in place of S <= k: training gets there for S = k", parts=("values",)),
    },
)
def training_reaches_existence(trial: Trial) -> dict[str, Counts | Sides | Bounds]:
    """L_orth and singular values after Adam, cosine schedule from 0.03 to 0, 1500 steps, from 4 Gaussian kernels a layer.

    Panels: (k, S) = (2, 3), (3, 3) and for the claim itself (3, 2), d = 1 and 2, each with M <= 10, C <= 3; at the full tier
    also (3, 1) and (4, 2) for d = 1. Possible: how many starts end below 1e-3 where the minimum is 0 and M != C S^d, without
    overlap and with it; some valleys are flat to fourth order, and 1e-6 would take far longer. Values: smallest and largest
    singular value of the best start, against 0 or 1, and 1; square layers included.

    k = 1 is left out: its starts have a squared norm of M, from where Adam may take longer.
    """
    seeds, rng = trial.repeats(quick=4, full=16), trial.rng()
    panels = [*PANELS, *trial.scale(quick=(), full=(Panel(1, 3, 1), Panel(1, 4, 2)))]
    panels = [panel for panel in panels if trial.control is None or panel.taps <= panel.stride]
    layers = [Architecture(m, c, k, s, d) for (d, k, s), m, c in product(panels, range(1, 11), range(1, 4))]
    copies = [layer for layer in layers for _ in range(seeds)]
    kernels = trained(copies, [gaussian(rng, layer) for layer in copies])
    final = [float(orthoconv.l_orth(kernel, layer.stride)) for layer, kernel in zip(copies, kernels, strict=True)]
    ends = np.array(final).reshape(len(layers), seeds)
    best = [kernels[i * seeds + int(row.argmin())] for i, row in enumerate(ends)]
    values = np.transpose([extremes(layer, kernel) for layer, kernel in zip(layers, best, strict=True)])
    claimed = np.array([can_be_orthogonal(layer, trial.control) for layer in layers])
    least, lags = (np.array([f(layer) for layer in layers]) for f in (least_regulariser, lambda layer: layer.lags[0]))
    judged = (least == 0) & np.array([layer.out_channels != layer.inputs for layer in layers])
    pools = [ends[judged & pool] for pool in (lags == 0, lags > 0) if (judged & pool).any()]
    minima = np.broadcast_to(least[:, None], ends.shape)[least > 0] + (trial.control == "one-more")
    shape = (2, len(panels), 10, 3)
    return {
        "possible": Counts([int((pool < 1e-3).sum()) for pool in pools], [pool.size for pool in pools]),
        "impossible": Sides(ends[least > 0], minima, x_label="L_orth", y_label="claimed minimum"),
        "never_below": Bounds(ends, lower=least[:, None], y_label="L_orth"),
        "values": Sides(
            values.reshape(shape), np.stack([claimed, np.ones(len(layers))]).reshape(shape),
            x_label="singular value", y_label="claimed",
        ),
    }  # fmt: skip


@paper.claim(
    "landscape-hard-when-square",
    where="abstract (the landscape of the regularisation term); warning for M = C S^2 in the authors' code",
    kind="reading",
    checked="code",
    statement=r"\text{In 2D with } k = 3,\ S = 1, \text{ descent on } L_{\mathrm{orth}} \text{ from random kernels gets stuck"
    r" often if } M = C S^2 \text{, and never if } M = C S^2 \pm 1",
    # 96 seeds: all of them succeeding puts the lower end of one interval at 0.96, beyond the refuting edge of 0.95;
    # 48 seeds end at 0.93, and the control in 1D could never be refuted. Gap: in a pilot of 960 seeds a layer, nothing ended
    # between 2e-4 and 0.074.
    rule=All(
        square=Proportion(at_most=0.9, refute=0.95),
        neighbours=Proportion(at_least=0.9, refute=0.75),
        gap=Inequality(rtol=0.0, atol=1e-9),
    ),
    controls={
        "one-dimensional": Control("the same in 1D, where square layers do not get stuck", parts=("square",)),
        "off-by-one": Control("the hard layers taken to be M = C S^2 + 1", parts=("square", "neighbours")),
    },
)
def landscape_hard_when_square(trial: Trial) -> dict[str, Counts | Bounds]:
    """Share of random initialisations from which Adam brings L_orth below 0.01.

    Adam with a cosine schedule from 0.03 to 0, 1500 steps, Gaussian kernels of variance 1 / (C k^d). The threshold is not
    critical: by the part `gap`, what gets stuck ends above 0.05 and what does not below 0.001. Square layers with stride 2 are
    much milder and not pooled with these, nor is (M, C) = (1, 1), whose only solutions are shifts.
    """
    return descents(trial)


@paper.claim(
    "zero-same-trivial",
    where="proposition on zero padding 'same' (its condition on the size from memory)",
    kind="theorem",
    checked="memory",
    statement=r"S = 1,\ k \text{ odd},\ N \ge k \text{, zero padding: the layer is orthogonal} \iff"
    r" K_{:,:,i} = 0 \text{ beside the centre, whose matrix has orthonormal rows (columns)}; \quad"
    r" \mathrm{err}_F^2 \ge \frac{n^d}{2d(n + 2d)} \sum_m o_m^2, \quad n = N - k + 1",
    rule=All(
        # Some 100 unit vectors, whose products carry rounding of 1e-15.
        central=Inequality(rtol=0.0, atol=1e-12),
        border=Inequality(rtol=1e-9, atol=1e-12, tight=1 - 1e-9),
        # err_F^2 < 1e-10 bounds the energy beside the centre by 1e-5 sqrt(6) per channel in 1D, 1e-5 sqrt(20) in 2D.
        optimum=Inequality(rtol=0.0, atol=1e-4, refute=100),
    ),
    controls={
        "circular": Control("the same layers with circular padding, N unchanged", parts=("border", "optimum")),
        "one-short": Control("N = k - 1: there are orthogonal layers with other taps", parts=("optimum",)),
        "without-half": Control("the bound without its factor 1/2", parts=("border",)),
        "neighbour-tap": Control("the orthonormal matrix one tap beside the centre", parts=("central",)),
    },
)
def zero_same_trivial(trial: Trial) -> dict[str, Bounds]:
    """The layers that are orthogonal, a bound on all others, and where a search for orthogonal layers ends.

    o_m is the energy beside the central tap of output channel m (of input channel m where A^T A = I is wanted, by the same
    argument). Proof of the bound, ours: along an axis, the rows of m at n places see all taps, and have squared norm 1 + x;
    the first one does not see the taps on one side of the centre, of energy l_1, and the last not those on the other, of
    energy l_2: x - l_1 and x - l_2 deviate from 1 there. With d axes that is n^d rows and n^(d-1) for each of 2 d edges,
    with energies l_j of at least o_m together; n^d x^2 + n^(d-1) sum (x - l_j)^2 is least at x = sum l_j / (n + 2 d), and for
    equal l_j. In 1D with k = 3 it is attained by one output whose taps see an input channel each. It follows that layers
    without error are central, and that o falls only like err_F, half as fast as err_F^2 in the exponent.

    central: random orthonormal matrices at the central tap; M, C <= 3, k = 3 or 5, d <= 2, N from k to k + 2. border: on such
    layers, Gaussian kernels, kernels orthogonal with circular padding, central ones with noise, and the family that attains
    the bound. optimum: L-BFGS from 3 starts on err_F^2, from 24 where M = C, two thirds of which end in local minima.
    N >= k is needed: at N = k - 1, k odd, a single tap at either end, K = 1 at both, is a permutation.
    """
    return {"central": pad.central_errors(trial), "border": pad.border_errors(trial), "optimum": pad.searched_energies(trial)}


@paper.claim(
    "valid-co-impossible",
    where="proposition on 'valid' padding (its condition on the size from memory)",
    kind="theorem",
    checked="memory",
    statement=r"\text{Without padding: circular-orthogonal } (M \le C S^d) \Rightarrow A A^\top = I; \quad"
    r"\text{with more rows than columns and } N > \lfloor (k-1)/S \rfloor,\ N \ge 2: \exists K: A^\top A = I \iff k = S; \quad"
    r"\text{for all } N: \iff \text{along every axis } N = 1 \text{ or } S \mid k,\ N \mid k/S - 1; \quad"
    r"\min \mathrm{err}_F^2 = C \sum_{r < S} \frac{(L_r - 1)\, n_r}{L_r - 1 + 2 n_r},\ n_r = N - L_r + 1,"
    r" \text{ for } d = 1,\ 1 \le n_r,\ S \le k,\ M \ge C \sum_r \min(L_r, 2)",
    rule=All(
        # Some 100 unit vectors, whose products carry rounding of 1e-15.
        rows=Inequality(rtol=0.0, atol=1e-12),
        large=Exact(),
        every=Exact(),
        # The search stops at gradients of 1e-8; the claims' own tolerance.
        optimum=Identity(rtol=0.0, atol=1e-6),
    ),
    controls={
        "columns": Control("A^T A = I for M > C S^d, in place of A A^T = I", parts=("rows",)),
        "from-k-equal-s": Control("possible for every k >= S", parts=("large",)),
        "too-short": Control("N = floor((k-1)/S), one short", parts=("large",)),
        "rounded": Control("N | floor(k/S) - 1, whether S divides k or not", parts=("every",)),
        "without-one": Control("N | k/S in place of N | k/S - 1", parts=("every",)),
        "one-interior": Control("n in place of 2 n in the denominator", parts=("optimum",)),
    },
)
def valid_co_impossible(trial: Trial) -> dict[str, Bounds | Integers | Sides]:
    """Row-orthogonal layers stay so without padding; column-orthogonal ones exist in few cases; the least error elsewhere.

    rows: dense orthogonal kernels, M <= 7, C <= 2, k, S <= 3, d <= 2, N <= 4.

    large and every: the diagonal of A^T A is linear in the squared norms e of the taps of an input channel, so that the least
    of its squared deviation from 1 is a problem of non-negative least squares, solved for each layer by itself: a bound on
    err_F of all kernels, above 0.01, or the norms of a kernel, which is then built and has err_F < 1e-10. A has just enough
    outputs to have more rows than columns. large is the paper's form, with equal axes; every is ours, along one axis with
    k <= 7, S <= 3, N <= 5, and along two with numbers of their own. k = 3, S = 1, N = 2 is possible although k > S, and
    k = 5, S = 2, N = 2 is not. Proof: each input sees N consecutive taps of its residue, or fewer at the ends, whose e add up
    to 1; the first sum is e_0 = 1, so the next N - 1 are 0, the sequence has period N and ends in 1.

    optimum: L-BFGS from 3 starts against the sum over residues r, L_r taps with that residue, for M >= C sum min(L_r, 2). It is
    attained with the same norm on the first and last tap of each residue and no other.
    """
    return {
        "rows": pad.row_errors(trial),
        "large": pad.columns_of_large_layers(trial),
        "every": pad.columns_of_all_layers(trial),
        "optimum": pad.searched_optima(trial),
    }


@paper.claim(
    "valid-ro-free-taps",
    where="the converse of the proposition on 'valid' padding, for all N (ours)",
    kind="derived",
    checked="memory",
    statement=r"d = 1 \text{, without padding, no more rows than columns: } \exists K: A A^\top = I \iff"
    r" M \le C \sum_{r < \min(k, S)} \lceil L_r / N \rceil",
    rule=Exact(),
    controls={
        "counted": "every layer that has no more rows than columns",
        "all-lags": "M <= C min(k, S), which is right for N > floor((k-1)/S)",
    },
)
def valid_ro_free_taps(trial: Trial) -> Integers:
    """Whether L-BFGS from 3 starts, 12 for square matrices, comes to err_F < 1e-5, for M at the bound and one above it.

    C <= 2, k <= 5, S <= 2, N = 2 to 4: all layers there that have no more rows than columns. Where the search fails, err_F
    stays above 0.8, and 0.01 would do. M at the bound is reached by single taps at multiples of S N, whose windows do not
    overlap. The proof that no more is possible is told in `ntkit/orthoconv/_existence.py`: a Toeplitz form with N - 1 lags
    and zero diagonal that is positive in only ceil(L / N) dimensions.
    """
    return pad.orthonormal_rows(trial)
