"""Achour, Malgouyres, Mamalet (2022): when can a convolution layer be orthogonal, and does minimising L_orth get there?"""

from collections.abc import Iterator
from itertools import product
from math import prod, sqrt

import jax
import numpy as np
from _achour_padding import (
    border_errors,
    central_errors,
    columns_of_all_layers,
    columns_of_large_layers,
    orthonormal_rows,
    row_errors,
    searched_energies,
    searched_optima,
)
from jaxtyping import Array, Float

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
    Sides,
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
    for layer, kernel, size in _random_layers(trial):
        regulariser = float(orthoconv.l_orth(kernel, layer.stride))
        if trial.control == "uncorrected":
            regulariser += max(0, layer.out_channels - layer.inputs)
        exponent = layer.ndim - 1 if trial.control == "volume" else layer.ndim
        lhs.append(float(orthoconv.frobenius_error(kernel, size, layer.stride)) ** 2)
        rhs.append(size**exponent * regulariser)
    return Sides(lhs=lhs, rhs=rhs, x_label="err_F^2", y_label="N^d L_orth")


@paper.claim(
    "landscape-hard-when-square",
    where="abstract (the landscape of the regularisation term); warning for M = C S^2 in the authors' code",
    kind="reading",
    checked="code",
    statement=r"\text{In 2D with } k = 3,\ S = 1, \text{ descent on } L_{\mathrm{orth}} \text{ from random kernels gets stuck"
    r" often if } M = C S^2 \text{, and never if } M = C S^2 \pm 1",
    # 96 seeds: all of them succeeding puts the lower end of one interval at 0.96, beyond the refuting edge of 0.95;
    # 48 seeds end at 0.93, and the control in 1D could never be refuted.
    rule=All(square=Proportion(at_most=0.9, refute=0.95), neighbours=Proportion(at_least=0.9, refute=0.75)),
    controls={
        "one-dimensional": Control("the same in 1D, where square layers do not get stuck", parts=("square",)),
        "off-by-one": Control("the hard layers taken to be M = C S^2 + 1", parts=("square", "neighbours")),
    },
)
def landscape_hard_when_square(trial: Trial) -> dict[str, Counts]:
    """Share of random initialisations from which Adam brings L_orth below 0.01.

    Adam with a cosine schedule from 0.03 to 0, 1500 steps, Gaussian kernels of variance 1 / (C k^d). The threshold is not
    critical: what gets stuck stays above 0.07, what does not ends below 2e-4. Square layers with stride 2 are much milder
    and not pooled with these, nor is (M, C) = (1, 1), whose only solutions are shifts.
    """
    seeds = trial.repeats(quick=96, full=192)
    d = 1 if trial.control == "one-dimensional" else 2
    squares = [Architecture(c, c, 3, ndim=d) for c in trial.scale(quick=[2], full=[2, 4])]
    if trial.control == "off-by-one":
        squares = [_with_outputs(layer, +1) for layer in squares]
    neighbours = [_with_outputs(layer, step) for layer in squares for step in (-1, 1)]
    if trial.tier == "full" and trial.control != "off-by-one":
        strided = Architecture(2**d, 1, 3, 2, d)
        neighbours += [_with_outputs(strided, step) for step in (-1, 1)]
    reached = [
        int((_trained(jax.random.fold_in(trial.key, i), layer, seeds) < 1e-2).sum())
        for i, layer in enumerate(trial.progress(squares + neighbours))
    ]
    split = len(squares)
    return {
        "square": Counts(successes=reached[:split], trials=[seeds] * split),
        "neighbours": Counts(successes=reached[split:], trials=[seeds] * len(neighbours)),
    }


def _random_layers(trial: Trial) -> Iterator[tuple[Architecture, np.ndarray, int]]:
    """Architectures, kernels and output sizes; the aliased control needs layers whose lags can alias at all."""
    aliased = trial.control == "aliased"
    all_of_them = (Architecture(*numbers) for numbers in product(range(1, 7), range(1, 7), range(1, 5), range(1, 4), (1, 2)))
    layers = [layer for layer in all_of_them if not aliased or layer.lags[0] >= 1]
    count = trial.scale(quick=400, full=4000)
    chosen = np.asarray(jax.random.randint(trial.key, (count,), 0, len(layers)))
    for i, (choice, key) in enumerate(trial.progress(list(zip(chosen, jax.random.split(trial.key, count), strict=True)))):
        layer = layers[choice]
        kernel = orthoconv.gaussian_kernel(key, layer)
        if i % 4 == 0 and layer.kernel_size >= layer.stride:
            kernel = orthoconv.construct(key, **vars(layer)) + 1e-3 * kernel
        yield layer, kernel, 2 * layer.lags[0] if aliased else 2 * layer.lags[0] + 1 + i % 3


def _with_outputs(layer: Architecture, step: int) -> Architecture:
    return Architecture(layer.out_channels + step, layer.in_channels, layer.kernel_size, layer.stride)


def _trained(key: Array, layer: Architecture, seeds: int) -> Float[np.ndarray, " seeds"]:
    """L_orth after training from Gaussian kernels."""
    starts = jax.random.normal(key, (seeds, *layer.shape)) / sqrt(layer.in_channels * prod(layer.kernel_size))
    return np.asarray(orthoconv.train_orthogonal(starts, layer.stride).l_orth)


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
    return {"central": central_errors(trial), "border": border_errors(trial), "optimum": searched_energies(trial)}


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
        "rows": row_errors(trial),
        "large": columns_of_large_layers(trial),
        "every": columns_of_all_layers(trial),
        "optimum": searched_optima(trial),
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
    return orthonormal_rows(trial)
