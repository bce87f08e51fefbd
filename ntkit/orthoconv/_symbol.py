"""The circular layer in the Fourier basis: N_1 .. N_d small blocks instead of one large matrix."""

from math import prod

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.special import cosdg, sindg

from ntkit.orthoconv._architecture import Real, Shape, Sizes, of_kernel, per_axis

MOST_FREQUENCIES = 2**27  # of a layer that is taken apart into its blocks: the numbers of their order fill 1 GiB


def symbol(kernel: Real, size: Sizes, stride: Sizes = 1) -> Complex[Real, "frequencies M inputs"]:
    """The blocks B(w) to which the matrix of the circular layer is unitarily equivalent, one for each output frequency w.

    B(w) = (prod S)^{-1/2} [K^(:, :, w + N s)] for s in [0, S_1) x .. x [0, S_d), K^ the Fourier transform of the kernel wrapped
    to S N points along each axis; the phases s join the input channels.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        size: N, output points along each axis; the input has S N. A kernel longer than that is wrapped around.
        stride: S.

    Returns:
        Complex, shape (prod N, M, C prod S); frequencies in row-major order.

    Raises:
        ValueError: wrong shape, dtype, stride or size, or entries that are not finite.

    Example:
        >>> import numpy as np
        >>> symbol(np.array([[[1.0, 1.0]]]), 2)[:, 0, 0].real.tolist()  # frequencies 0 and pi
        [2.0, 0.0]

    Source: Sedghi, Gupta, Long (2019) for S = 1. For S > 1: sampling every S-th output folds prod S input frequencies into
    one, with the weight (prod S)^{-1/2} that makes the discrete transforms of both sizes unitary.
    """
    layer = of_kernel(kernel, stride)
    sizes, d = per_axis("size", size, layer.ndim), layer.ndim
    sides = layer.input_size(sizes)
    xp = kernel.__array_namespace__()
    wraps = [-(-k // side) for k, side in zip(layer.kernel_size, sides, strict=True)]
    missing = [(0, w * side - k) for w, side, k in zip(wraps, sides, layer.kernel_size, strict=True)]
    padded = xp.pad(kernel, [(0, 0), (0, 0), *missing])
    split = [number for pair in zip(wraps, sides, strict=True) for number in pair]
    wrapped = xp.reshape(padded, (*layer.shape[:2], *split)).sum(axis=tuple(range(2, 2 + 2 * d, 2)))
    spectrum = xp.fft.fftn(wrapped, axes=tuple(range(2, 2 + d)))
    folded = [number for pair in zip(layer.stride, sizes, strict=True) for number in pair]
    frequencies, phases = range(3, 3 + 2 * d, 2), range(2, 2 + 2 * d, 2)
    turned = xp.transpose(xp.reshape(spectrum, (*layer.shape[:2], *folded)), (*frequencies, 0, 1, *phases))
    blocks: Real = xp.reshape(turned, (prod(sizes), layer.out_channels, layer.inputs))
    return blocks * float(prod(layer.stride) ** -0.5)


def polyphase(kernel: Real, stride: Sizes = 1) -> Float[Real, "M inputs *blocks"]:
    """The kernel of stride 1 whose circular layers have the same singular values: residues join the input channels.

    Tap S e + s of channel c becomes tap e of channel (c, s): inputs are only numbered in another order.
    """
    layer = of_kernel(kernel, stride)
    d, xp = layer.ndim, kernel.__array_namespace__()
    blocks = [q + 1 for q in layer.lags]
    missing = [(0, b * s - k) for b, s, k in zip(blocks, layer.stride, layer.kernel_size, strict=True)]
    split = [number for pair in zip(blocks, layer.stride, strict=True) for number in pair]
    parted = xp.reshape(xp.pad(kernel, [(0, 0), (0, 0), *missing]), (*layer.shape[:2], *split))
    turned = xp.transpose(parted, (0, 1, *range(3, 3 + 2 * d, 2), *range(2, 2 + 2 * d, 2)))
    phases: Real = xp.reshape(turned, (layer.out_channels, layer.inputs, *blocks))
    return phases


def half_frequencies(sizes: Shape) -> tuple[Int[np.ndarray, "half axes"], Int[np.ndarray, " half"]]:
    """One of each pair w, -w of frequencies, in units of 2 pi / N, and how many it stands for: 2, or 1 where w = -w."""
    if prod(sizes) > MOST_FREQUENCIES:
        raise ValueError(f"size must have at most {MOST_FREQUENCIES} output points in all, got {tuple(sizes)}")
    places = np.arange(prod(sizes)).reshape(sizes)
    opposite = places[np.ix_(*[-np.arange(n) % n for n in sizes])].ravel()
    kept = np.flatnonzero(places.ravel() <= opposite)
    return np.stack(np.unravel_index(kept, sizes), axis=1), 1 + (opposite[kept] != kept)


def blocks_at(
    phases: Float[Real, "M inputs *blocks"], frequencies: Int[np.ndarray, "points axes"], sizes: Shape
) -> Complex[Real, "points M inputs"]:
    """sum_t P[:, :, t] exp(-i w t) of a polyphase kernel: blocks of the layer, but for a rotation of their columns.

    By one matrix product, as kernels are short; the phases are those of whole numbers modulo N, without rounding.
    """
    xp = phases.__array_namespace__()
    taps = np.stack([part.ravel() for part in np.indices(phases.shape[2:])])
    turns = [(frequencies[:, axis, None] * taps[axis]) % size / size for axis, size in enumerate(sizes)]
    degrees = 360 * np.sum(turns, axis=0)
    waves = cosdg(degrees) - 1j * sindg(degrees)  # exact at quarter turns
    kind = np.result_type(phases.dtype, np.complex64)
    flat = xp.reshape(phases, (phases.shape[0] * phases.shape[1], -1)).T
    blocks: Real = xp.reshape(
        xp.asarray(waves, dtype=kind) @ xp.asarray(flat, dtype=kind), (len(frequencies), *phases.shape[:2])
    )
    return blocks


def half_symbol(
    kernel: Real, size: Sizes, stride: Sizes = 1
) -> tuple[Complex[Real, "half M inputs"], Int[np.ndarray, " half"]]:
    """One block of each pair of opposite frequencies, and how many frequencies it stands for.

    The kernel is real, so that the block of -w is the conjugate of that of w: their singular values agree.
    """
    sizes = per_axis("size", size, of_kernel(kernel, stride).ndim)
    frequencies, times = half_frequencies(sizes)
    return blocks_at(polyphase(kernel, stride), frequencies, sizes), times
