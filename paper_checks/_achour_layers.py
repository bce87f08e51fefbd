"""Layers that the claims on Achour et al. (2022) are measured on, and kernels for them: random, best, trained, extremal."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import prod, sqrt
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit import orthoconv
from ntkit.claims import Bounds, Counts, Trial
from ntkit.orthoconv import Architecture

Floats = Float[np.ndarray, "..."]
Kind = Literal["dense", "delta"]
Weighted = tuple[Architecture, Floats]


class Panel(NamedTuple):
    """Layers that differ in M and C only: d axes of k taps and stride S."""

    ndim: int
    taps: int
    stride: int


def grids(trial: Trial) -> tuple[list[Architecture], list[Architecture], tuple[int, ...]]:
    """Layers with equal sides, layers with two unequal axes, and the shape (d, M, C, k, S) in which the former are ordered.

    M <= 8, C <= 3, k, S <= 4; at the full tier, controls excepted, M <= 16, k, S <= 6. Unequal: M = 2, 4, 6, C = 1, k_i, S_i
    <= 4; of two mirror images only one.
    """
    full = trial.tier == "full" and trial.control is None
    outputs, sides = (range(1, 17), range(1, 7)) if full else (range(1, 9), range(1, 5))
    square = [Architecture(m, c, k, s, d) for d, m, c, k, s in product((1, 2), outputs, range(1, 4), sides, sides)]
    pairs = combinations(product(range(1, 5), range(1, 5)), 2)
    unequal = [Architecture(m, 1, (k1, k2), (s1, s2)) for ((k1, s1), (k2, s2)), m in product(pairs, (2, 4, 6))]
    return square, unequal, (2, len(outputs), 3, len(sides), len(sides))


def can_be_orthogonal(layer: Architecture, control: str | None = None) -> bool:
    """Whether a circular layer can be orthogonal: what is claimed, or what a control says in its place."""
    taps, strides = layer.kernel_size, layer.stride
    if layer.rows_only:
        seen = {"all-taps": prod(taps), "one-axis": taps[0]}.get(control or "", prod(layer.phases))
        return bool(layer.out_channels <= layer.in_channels * seen)
    least = [s + (control == "longer") for s in strides]
    covered = all(k >= needed for k, needed in zip(taps, least, strict=True))
    return covered and not (control == "both" and layer.out_channels > layer.in_channels * prod(taps))


def least_regulariser(layer: Architecture, control: str | None = None) -> int:
    """The claimed minimum of L_orth: what the largest rank of a symbol block lacks of full rank."""
    needed = min(layer.out_channels, layer.inputs)
    taps = layer.kernel_size if control == "all-taps" else layer.phases
    return needed - min(needed, layer.in_channels * prod(taps)) + (control == "one-more")


def unaliased(layer: Architecture, more: int = 0) -> tuple[int, ...]:
    """The smallest size at which no lags alias: a kernel that is orthogonal there is so at every size."""
    return tuple(2 * q + 1 + more for q in layer.lags)


def extremes(layer: Architecture, kernel: Floats, more: int = 0) -> tuple[float, float]:
    """Smallest and largest singular value of the circular layer."""
    values = orthoconv.singular_values(kernel, unaliased(layer, more), layer.stride)
    return float(values[-1]), float(values[0])


def generic_rank(rng: np.random.Generator, layer: Architecture) -> int:
    """Rank of the symbol blocks of a Gaussian kernel, -1 where it is not clear; no kernel has a larger one.

    Minors are polynomials of the kernel: what does not vanish for some kernel vanishes for almost none.
    """
    values = orthoconv.singular_values(rng.normal(size=layer.shape), unaliased(layer), layer.stride)
    kept = values > 1e-8 * values[0]
    rank, rest = divmod(int(kept.sum()), prod(unaliased(layer)))
    return rank if not rest and values[kept][-1] > 1e4 * values[~kept].max(initial=0.0) else -1


def constructed(key: Array, layer: Architecture, kind: Kind) -> Floats:
    """A kernel of least L_orth: an orthogonal one, or else as many orthonormal rows as there can be, mixed at random."""
    rank = layer.rank
    if rank == min(layer.out_channels, layer.inputs):
        return orthoconv.construct(key, **vars(layer), kind=kind)
    rows = orthoconv.construct(key, **{**vars(layer), "out_channels": rank}, kind=kind)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    mixture = np.linalg.qr(rng.normal(size=(layer.out_channels, rank)))[0]
    return np.tensordot(mixture, rows, axes=1)


def examined(trial: Trial, layers: Sequence[Architecture], draws: Sequence[Kind]) -> tuple[Floats, Floats, Floats]:
    """Can the layers be orthogonal, without recourse to theory.

    Args:
        trial: for its randomness.
        layers: to be examined.
        draws: for each draw of kernels, their kind; several are looked at at three sizes.

    Returns:
        1 where every constructed kernel has singular values of 1 up to 1e-10, 0 where the rank of Gaussian kernels rules it
        out, -1 where neither is so; that rank; smallest and largest singular value of the constructed kernels, shape
        (2, layer), or of trained ones where nothing can be constructed. Training starts from singular values of about 1 at
        most; without overlap it ends at the optimum up to rounding. With overlap these layers are not trained, and nan.
    """
    rng, span = trial.rng(), np.full((2, len(layers)), np.nan)
    ranks = np.array([generic_rank(rng, layer) for layer in layers])
    possible = [i for i, layer in enumerate(layers) if orthoconv.exists(**vars(layer)).possible]
    for draw, kind in enumerate(trial.progress(draws)):
        for i, key in zip(possible, jax.random.split(jax.random.fold_in(trial.key, draw), len(possible)), strict=True):
            kernel = orthoconv.construct(key, **vars(layers[i]), kind=kind)
            for more in range(3 if len(draws) > 1 else 1):
                low, high = extremes(layers[i], kernel, more)
                span[:, i] = np.fmin(span[0, i], low), np.fmax(span[1, i], high)
    orthogonal = np.abs(span - 1).max(axis=0) < 1e-10
    short = ranks < np.array([min(layer.out_channels, layer.inputs) for layer in layers])
    left = [i for i, layer in enumerate(layers) if np.isnan(span[0, i]) and not any(layer.lags)]
    sizes = [max(layers[i].out_channels, layers[i].in_channels * prod(layers[i].kernel_size)) for i in left]
    starts = [rng.normal(size=layers[i].shape) / sqrt(size) for i, size in zip(left, sizes, strict=True)]
    for i, kernel in zip(left, trained([layers[i] for i in left], starts), strict=True):
        span[:, i] = extremes(layers[i], kernel)
    return np.where(orthogonal, 1, np.where(short & (ranks >= 0), 0, -1)), ranks, span


def gaussian(rng: np.random.Generator, layer: Architecture) -> Floats:
    """Independent entries of variance 1 / (C prod k), the usual start of training."""
    return rng.normal(size=layer.shape) / sqrt(layer.in_channels * prod(layer.kernel_size))


def trained(layers: Sequence[Architecture], starts: Sequence[Floats], steps: int = 1500) -> list[Floats]:
    """Kernels after descent on L_orth, one for each layer and start; in as few compilations as the layers allow.

    Channels of zeros have no gradient and stay zero, so that kernels with fewer channels are padded by them. Along an axis
    without overlap, k <= S, L_orth does not tell taps from input channels: they are made channels.
    """
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = defaultdict(list)
    for i, layer in enumerate(layers):
        axes = zip(layer.kernel_size, layer.stride, strict=True)
        overlapping = [(k, s) for k, s in axes if k > s] or [(1, 1)]
        groups[tuple(k for k, _ in overlapping), tuple(s for _, s in overlapping)].append(i)
    kernels: dict[int, Floats] = {}
    for (taps, strides), members in groups.items():
        folded = [starts[i].transpose(_order(layers[i])).reshape(layers[i].out_channels, -1, *taps) for i in members]
        outputs, inputs = (max(kernel.shape[axis] for kernel in folded) for axis in (0, 1))
        padded = np.zeros((len(members), outputs, inputs, *taps))
        for place, kernel in zip(padded, folded, strict=True):
            place[: len(kernel), : kernel.shape[1]] = kernel
        after = np.asarray(orthoconv.train_orthogonal(jnp.asarray(padded), strides, steps=steps).kernels)
        for i, kernel, start in zip(members, after, folded, strict=True):
            order, shape = _order(layers[i]), layers[i].shape
            unfolded = kernel[: len(start), : start.shape[1]].reshape([shape[axis] for axis in order])
            kernels[i] = unfolded.transpose(np.argsort(order))
    return [kernels[i] for i in range(len(layers))]


def _order(layer: Architecture) -> list[int]:
    """The axes of a kernel, those without overlap right behind the input channels."""
    overlaps = [k > s for k, s in zip(layer.kernel_size, layer.stride, strict=True)]
    return [0, 1, *sorted(range(2, 2 + layer.ndim), key=lambda axis: overlaps[axis - 2])]


def extremal(lags: tuple[int, ...], stride: int, more: int = 0, *, columns: bool = False) -> Weighted:
    """A layer with err_s^2 = (2q + 1)^d L_orth at every size: all its lags deviate by the same number c.

    One output channel with the autocorrelation R_t = [t = 0] + c, whose symbol 1 + c sum_t exp(i w t) is furthest from 1 at
    w = 0, which is on every grid. With n = (q + 1)^d taps, S apart, R_t is the sum of Q over pairs of taps with distance t, if
    Q = V^T V and V has a row for each of n input channels. Q = I/n + c / (number of such pairs) is positive definite for c <
    1/n^2. Each of `more` outputs has an input of its own. `columns`: inputs and outputs exchanged, for stride 1.
    """
    taps = np.array(list(product(*[range(q + 1) for q in lags])))
    n = len(taps)
    pairs = np.prod(np.array(lags) + 1 - np.abs(taps[:, None] - taps), axis=-1)
    kernel = np.zeros((1 + more, n + more, *[stride * q + 1 for q in lags]))
    flat = kernel.reshape(1 + more, n + more, -1)
    places = np.ravel_multi_index((stride * taps).T, kernel.shape[2:])
    flat[0][:n, places] = np.linalg.cholesky(np.eye(n) / n + 0.5 / n**2 / pairs).T
    flat[1 + np.arange(more), n + np.arange(more), 0] = 1.0
    if columns:
        kernel = kernel.swapaxes(0, 1)
    return Architecture(kernel.shape[0], kernel.shape[1], kernel.shape[2:], stride, len(lags)), kernel


def overlapping_layers(trial: Trial, count: int) -> list[Weighted]:
    """Layers with q >= 1 and kernels that are far from orthogonal, nearly so, or extremal in their spectral error."""
    numbers = product(range(2, 7), range(2, 7), range(2, 5), (1, 2), (1, 2))
    layers = [Architecture(m, c, k, s, d) for m, c, k, s, d in numbers if k > s]
    rng, keys, chosen = trial.rng(), jax.random.split(trial.key, count), []
    for i, (key, choice) in enumerate(zip(keys, rng.integers(len(layers), size=count), strict=True)):
        layer = layers[choice]
        kernel = gaussian(rng, layer) * (0.05, 0.3, 1.0)[i % 3]
        if i % 5 < 2:
            kernel = orthoconv.construct(key, **vars(layer)) + 1e-3 * gaussian(rng, layer)
        chosen.append((layer, kernel))
    rows = [extremal((q,) * d, s, m) for q, d, s, m in product((1, 2, 3), (1, 2), (1, 2), (0, 1)) if q * d < 5]
    return chosen + rows + [extremal((q,) * d, 1, m, columns=True) for q, d, m in product((1, 2), (1, 2), (0, 1))]


def error_ratios(layer: Architecture, kernel: Floats, i: int, control: str | None) -> tuple[float, float]:
    """err_s^2 over L_orth, at a size of 2q + 1 to 2q + 3 and at one of 1 to 2q."""
    sizes = (1,) * layer.ndim if control == "aliased" else unaliased(layer, i % 3)
    few = (1 + i % (2 * layer.lags[0]),) * layer.ndim
    regulariser = float(orthoconv.l_orth(kernel, layer.stride))
    large, small = (float(orthoconv.spectral_error(kernel, size, layer.stride)) ** 2 for size in (sizes, few))
    return large / regulariser, small / regulariser


def error_bounds(layer: Architecture, control: str | None) -> tuple[float, float, float]:
    """What is claimed to bound err_s^2 over L_orth: by the paper and by ours from above, by ours from below."""
    taps = {"no-lags": [1], "one-sided": [q + 1 for q in layer.lags]}.get(control or "", list(unaliased(layer)))
    lags = prod(taps)
    columns = 1 if control == "no-lags" else prod(2 * k - 1 for k in layer.kernel_size)
    by_rows = [layer.out_channels * lags] * layer.rows_only
    by_columns = [layer.in_channels * columns] * (layer.out_channels >= layer.inputs)
    return min(by_rows + by_columns), lags, 1 / min(layer.out_channels, layer.inputs)


def noisy_kernels(trial: Trial, count: int) -> Iterator[Weighted]:
    """Random layers: two of three kernels are Gaussian at scales 0.1 to 1, every third is an optimal one with noise."""
    rng = trial.rng()
    for i, key in enumerate(jax.random.split(trial.key, count)):
        layer = _random_architecture(rng, channels=8, taps=3, strides=4)
        kernel = gaussian(rng, layer) * (0.1, 0.3, 1.0)[i // 3 % 3]
        if i % 3 == 0:
            kernel = constructed(key, layer, "dense") + 0.1 * kernel
        yield layer, kernel


def small_layers(rng: np.random.Generator, count: int, largest: int) -> Iterator[tuple[Architecture, Floats, list[int]]]:
    """Random layers with Gaussian kernels and sizes, each axis for itself; windows may be longer than their input."""
    for _ in range(count):
        layer = _random_architecture(rng, channels=4, taps=4, strides=3)
        yield layer, rng.normal(size=layer.shape), rng.integers(1, largest + 1, size=layer.ndim).tolist()


def _random_architecture(rng: np.random.Generator, channels: int, taps: int, strides: int) -> Architecture:
    """Every number at most the one given, each axis for itself."""
    ndim = int(rng.integers(1, 3))
    outputs, inputs = rng.integers(1, channels + 1, size=2).tolist()
    window, stride = (rng.integers(1, most + 1, size=ndim).tolist() for most in (taps, strides))
    return Architecture(outputs, inputs, window, stride)


def random_layers(trial: Trial) -> Iterator[tuple[Architecture, Floats, int]]:
    """Layers with equal sides, kernels and output sizes; the aliased control needs layers whose lags can alias at all."""
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


def descents(trial: Trial) -> dict[str, Counts | Bounds]:
    """Of square layers and their neighbours: how many starts reach the least value, and where each ends."""
    seeds, rng = trial.repeats(quick=96, full=192), trial.rng()
    d = 1 if trial.control == "one-dimensional" else 2
    squares = [Architecture(c, c, 3, ndim=d) for c in trial.scale(quick=[2], full=[2, 4])]
    if trial.control == "off-by-one":
        squares = [_with_outputs(layer, +1) for layer in squares]
    neighbours = [_with_outputs(layer, step) for layer in squares for step in (-1, 1)]
    if trial.tier == "full" and trial.control != "off-by-one":
        strided = Architecture(2**d, 1, 3, 2, d)
        neighbours += [_with_outputs(strided, step) for step in (-1, 1)]
    final = []
    for layer in trial.progress(squares + neighbours):
        kernels = trained([layer] * seeds, [gaussian(rng, layer) for _ in range(seeds)])
        final.append([float(orthoconv.l_orth(kernel, layer.stride)) for kernel in kernels])
    values, split = np.array(final), len(squares)
    reached = (values < 1e-2).sum(axis=1)
    lower, upper = np.where(values < 1e-2, 0.0, 0.05), np.where(values < 1e-2, 1e-3, 1.0)
    return {
        "square": Counts(successes=reached[:split], trials=[seeds] * split),
        "neighbours": Counts(successes=reached[split:], trials=[seeds] * len(neighbours)),
        "gap": Bounds(values, lower=lower, upper=upper, y_label="final L_orth"),
    }


def _with_outputs(layer: Architecture, step: int) -> Architecture:
    return Architecture(layer.out_channels + step, layer.in_channels, layer.kernel_size, layer.stride)
