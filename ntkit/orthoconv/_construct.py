"""Kernels from a key: generic ones, and orthogonal ones. Made in NumPy: many small shapes, no compilation."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod, sqrt
from operator import itemgetter
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray
from numpy.typing import NDArray

from ntkit.orthoconv._architecture import Architecture, Padding, Sizes, check_key, per_axis
from ntkit.orthoconv._existence import exists

Floats = NDArray[np.float64]
Kind = Literal["dense", "delta"]


def gaussian_kernel(key: PRNGKeyArray, layer: Architecture) -> Float[np.ndarray, "M C *taps"]:
    """Independent entries of variance 1 / (C prod k), so that every output has the variance of the inputs.

    Returns:
        float64, of shape `layer.shape`.
    """
    if not isinstance(layer, Architecture):
        raise ValueError(f"layer must be an Architecture, got {layer!r}")
    return _generator(key).normal(size=layer.shape) / sqrt(layer.in_channels * prod(layer.kernel_size))


def construct(
    key: PRNGKeyArray,
    *,
    out_channels: int,
    in_channels: int,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = "circular",
    size: Sizes | None = None,
    ndim: int | None = None,
    kind: Kind = "dense",
) -> Float[np.ndarray, "M C *taps"]:
    """A random kernel of an exactly orthogonal layer.

    kind="delta": for each output channel (or each input, if those are fewer) a single tap of 1, a different one each.
    kind="dense": as many taps as can be. Circular layers, and valid ones with M <= C prod min(k, S): a product of
    random first-order paraunitary factors I - P + P z^{-1} along each axis and a random orthogonal matrix, whose polyphase
    components are placed stride by stride. Where S does not divide k, the last factor along an axis moves only the residues
    that one more tap is left for. All taps are nonzero then, but where a group of taps that has to be divided between two
    ends of the kernel has a single member. So it is for C prod (k - S q) = 1 < prod (q + 1) and M <= C prod S, where every
    orthogonal kernel has zeros: A A^T = I at the largest lag is K[m, first] K[m', last] = 0 for all m, m'. "Same", and
    other valid layers: a random orthonormal matrix on the taps that are free, zeros elsewhere; no orthogonal "same" layer of
    odd k and S = 1 with N >= k has others than these.

    Args:
        key: JAX PRNG key.
        out_channels: M.
        in_channels: C.
        kernel_size: taps along each axis, a number or one for each.
        stride: along each axis.
        padding: as for `layer_matrix`.
        size: N, output points along each axis; only "valid" needs it, a kernel for another padding serves all sizes.
        ndim: number of axes, where neither kernel_size nor stride tells it.
        kind: "dense" or "delta".

    Returns:
        float64, shape (M, C, k_1, .., k_d); A A^T = I if A has no more rows than columns, A^T A = I if it has no fewer.

    Raises:
        ValueError: no orthogonal layer exists, or none is known; with the reason.

    Example:
        >>> from ntkit.orthoconv import l_orth
        >>> kernel = construct(jax.random.key(0), out_channels=3, in_channels=2, kernel_size=5, stride=2)
        >>> abs(float(l_orth(kernel, 2))) < 1e-12, bool((kernel != 0).all())
        (True, True)

    Source: Vaidyanathan (1993), chapter 14: first-order building blocks of paraunitary matrices.
    """
    if kind not in ("dense", "delta"):
        raise ValueError(f"kind must be dense or delta, got {kind!r}")
    layer = Architecture(out_channels, in_channels, kernel_size, stride, ndim)
    found = exists(**vars(layer), padding=padding, size=size)
    if not found.possible:
        known = "no orthogonal layer exists" if found.possible is False else "no orthogonal layer is known"
        raise ValueError(f"the numbers of the layer must allow an orthogonal one, but {known}: {found.reason}")
    generator = _generator(key)
    rows_fit = layer.out_channels <= layer.in_channels * prod(layer.phases)
    if kind == "dense" and (padding == "circular" or (padding == "valid" and rows_fit)):
        return _paraunitary(generator, layer)
    return _on_free_taps(generator, layer, _free_taps(layer, padding, size), kind)


def _free_taps(layer: Architecture, padding: Padding, size: Sizes | None) -> list[Int[np.ndarray, "..."]]:
    """Along each axis, taps whose windows never overlap nor leave the input."""
    if padding == "valid" and size is not None:
        sizes = per_axis("size", size, layer.ndim)
        axes = zip(layer.kernel_size, layer.stride, sizes, strict=True)
        return [np.flatnonzero(np.arange(k) // s % n == 0) for k, s, n in axes]
    return [margin + np.arange(phases) for margin, phases in zip(layer.margin(padding), layer.phases, strict=True)]


def _on_free_taps(
    generator: np.random.Generator, layer: Architecture, free: Sequence[Int[np.ndarray, "..."]], kind: Kind
) -> Floats:
    """An orthonormal matrix from (channel, free tap) to output channels."""
    rows, columns = layer.out_channels, layer.in_channels * prod(map(len, free))
    small, large = sorted((rows, columns))
    frame = _orthonormal(generator, large, small)
    if kind == "delta":
        frame = np.eye(large)[:, generator.permutation(large)[:small]]
    kernel = np.zeros(layer.shape)
    outputs, inputs = np.arange(rows), np.arange(layer.in_channels)
    matrix = frame if rows == large else frame.T
    kernel[np.ix_(outputs, inputs, *free)] = matrix.reshape(rows, layer.in_channels, *map(len, free))
    return kernel


def _paraunitary(generator: np.random.Generator, layer: Architecture) -> Floats:
    """U times first-order factors; columns are (channel, residues), and spare ones that are cut off, as are spare rows."""
    inputs = layer.in_channels * prod(layer.phases)
    channels = max(layer.out_channels, inputs)
    blocks = tuple(q + 1 for q in layer.lags)
    # Coefficients of the polynomial matrix in z_1^{-1}, .., z_d^{-1}: exponents first, then the matrix.
    coefficients = np.zeros((*blocks, channels, channels))
    coefficients[(0,) * layer.ndim] = _orthonormal(generator, channels, channels)
    for axis, projector in _factors(generator, layer, channels):
        delayed = coefficients @ projector
        # The last exponent is still empty before each delay, so that rolling shifts without wrapping anything.
        coefficients = coefficients - delayed + np.roll(delayed, 1, axis=axis)
    return _interleaved(coefficients[..., : layer.out_channels, :inputs], layer)


def _factors(generator: np.random.Generator, layer: Architecture, channels: int) -> Iterator[tuple[int, Floats]]:
    """Axis and projector of each factor, from the left: first those that mix all columns, then one for each uneven axis.

    Along an axis with rest = k - S q taps in its last stride, the last factor may move residues below `rest` alone, or taps
    would leave the window. Factors to its right must not mix residues below and above its rest, or they would undo that; they
    mix within groups of columns that agree on which axes to their left are below. Axes with the smallest rest go first.
    """
    axes = enumerate(zip(layer.kernel_size, layer.stride, layer.lags, strict=True))
    rests = {axis: k - s * q for axis, (k, s, q) in axes if q and k % s}
    for axis, lag in enumerate(layer.lags):
        for _ in range(lag - (axis in rests)):
            yield axis, _projector(generator, np.ones(channels, dtype=bool))
    below = {axis: _below(layer, channels, axis, rest) for axis, rest in sorted(rests.items(), key=itemgetter(1))}
    for place, axis in enumerate(below):
        projector = np.zeros((channels, channels))
        for sides in product((False, True), repeat=place):
            same = [below[left] == side for left, side in zip(below, sides, strict=False)]
            projector += _projector(generator, np.logical_and.reduce([below[axis], *same]))
        yield axis, projector


def _below(layer: Architecture, channels: int, axis: int, rest: int) -> Bool[np.ndarray, " channels"]:
    """Which columns have a residue below `rest` along an axis; the spare ones count among them."""
    residues = np.indices((layer.in_channels, *layer.phases))[1 + axis].ravel()
    return np.concatenate([residues < rest, np.ones(channels - len(residues), dtype=bool)])


def _projector(generator: np.random.Generator, group: Bool[np.ndarray, " channels"]) -> Floats:
    """Onto a random half of the coordinates in a group; onto all of it if it has one coordinate."""
    places = np.flatnonzero(group)
    projector = np.zeros((len(group), len(group)))
    if len(places):
        frame = _orthonormal(generator, len(places), max(1, len(places) // 2))
        projector[np.ix_(places, places)] = frame @ frame.T
    return projector


def _interleaved(coefficients: Floats, layer: Architecture) -> Floats:
    """From (exponents.., M, C prod phases) to taps: exponent e and residue s of an axis become tap S e + s."""
    d, blocks = layer.ndim, coefficients.shape[: layer.ndim]
    split = coefficients.reshape((*blocks, layer.out_channels, layer.in_channels, *layer.phases))
    axes = [axis for a in range(d) for axis in (a, d + 2 + a)]
    lengths = [b * p for b, p in zip(blocks, layer.phases, strict=True)]
    filled = split.transpose(d, d + 1, *axes).reshape((*layer.shape[:2], *lengths))
    window: tuple[Any, ...] = (..., *[slice(k) for k in layer.kernel_size])
    kernel: Floats = filled[window]
    return kernel


def _orthonormal(generator: np.random.Generator, rows: int, columns: int) -> Floats:
    """Orthonormal columns, uniformly distributed: the signs of R undo the convention of the QR algorithm."""
    q, r = np.linalg.qr(generator.normal(size=(rows, columns)))
    return q * np.sign(np.diag(r))


def _generator(key: PRNGKeyArray) -> np.random.Generator:
    check_key(key)
    words = jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    return np.random.default_rng(np.asarray(words))
