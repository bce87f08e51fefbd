"""Achour, Malgouyres, Mamalet (2022): when can a convolution layer be orthogonal, and does minimising L_orth get there?"""

from collections.abc import Iterator
from itertools import product
from math import prod, sqrt

import jax
import numpy as np
from jaxtyping import Array, Float

from ntkit import orthoconv
from ntkit.claims import All, Control, Counts, Identity, Paper, Proportion, Sides, Trial
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
