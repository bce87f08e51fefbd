"""The circular layer in the Fourier basis: N_1 .. N_d small blocks instead of one large matrix."""

from math import prod

import numpy as np
from jaxtyping import Complex, Int

from ntkit.orthoconv._architecture import Real, Sizes, of_kernel, per_axis


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


def half_symbol(
    kernel: Real, size: Sizes, stride: Sizes = 1
) -> tuple[Complex[Real, "half M inputs"], Int[np.ndarray, " half"]]:
    """One block of each pair B(w), B(-w), and how many frequencies it stands for: 2, or 1 where w = -w.

    The kernel is real, so that B(-w) is the conjugate of B(w) with its columns in another order: the singular values agree.
    """
    blocks = symbol(kernel, size, stride)
    sizes = per_axis("size", size, kernel.ndim - 2)
    places = np.arange(prod(sizes)).reshape(sizes)
    opposite = places[np.ix_(*[-np.arange(n) % n for n in sizes])].ravel()
    kept = np.flatnonzero(places.ravel() <= opposite)
    return blocks[kept], 1 + (opposite[kept] != kept)
