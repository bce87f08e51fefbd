"""The regulariser L_orth: how far a kernel is from an orthogonal layer, without looking at any input size."""

from itertools import product
from math import prod

from jaxtyping import Float

from ntkit.orthoconv._architecture import Architecture, Real, Sizes, of_kernel

_SHIFTED = 2**25  # numbers of shifted kernels held at a time: 256 MiB


def autocorrelation(kernel: Real, stride: Sizes = 1) -> Float[Real, "M M *lags"]:
    """R[m, m', t] = sum_{c, i} K[m, c, i + S t] K[m', c, i], for lags t from -q to q along each axis.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        stride: S.

    Returns:
        Shape (M, M, 2 q_1 + 1, .., 2 q_d + 1), q = floor((k - 1) / S); lag 0 is in the middle.

    Raises:
        ValueError: wrong shape, dtype or stride, or entries that are not finite.

    Example:
        >>> import numpy as np
        >>> autocorrelation(np.array([[[1.0, 2.0]]]))[0, 0].tolist()
        [2.0, 5.0, 2.0]

    Source: Wang, Chen, Chakraborty, Yu (2020); Achour, Malgouyres, Mamalet (2022), definition of L_orth.
    """
    layer = of_kernel(kernel, stride)
    xp = kernel.__array_namespace__()
    lags_last = xp.moveaxis(_at_lags(kernel, layer, _lags(layer)), 0, -1)
    outputs = layer.out_channels
    out: Real = xp.reshape(lags_last, (outputs, outputs, *[2 * q + 1 for q in layer.lags]))
    return out


def l_orth(kernel: Real, stride: Sizes = 1) -> Float[Real, ""]:
    """L_orth(K) = |R(K) - I|^2 - max(0, M - C prod S), I the identity at lag 0 and zero elsewhere.

    Zero exactly for the kernels of orthogonal circular layers (A A^T = I where M <= C prod S, A^T A = I where M >= C prod S,
    which the last term is for), up to rounding never negative. err_F^2 = prod N L_orth from N = 2 q + 1 on: then no two lags
    fall on each other, and the squares of A A^T - I are those of R - I, once for each output position. What A^T A - I has
    less is the difference of the sides of A, since both Grams have the same trace of their squares.

    Arguments and errors as for `autocorrelation`.

    Example:
        >>> import numpy as np
        >>> float(l_orth(np.array([[[1.0]], [[0.0]]])))  # two outputs of one input
        0.0

    Source: Achour, Malgouyres, Mamalet (2022), definition of L_orth.
    """
    layer = of_kernel(kernel, stride)
    xp = kernel.__array_namespace__()
    lags = _lags(layer)
    # R[m, m', -t] = R[m', m, t]: the later half of the lags, which begins with 0, knows the earlier one.
    half = _at_lags(kernel, layer, lags[len(lags) // 2 :])
    at_zero = half[0] - xp.eye(layer.out_channels, dtype=kernel.dtype)
    squares = xp.sum(at_zero**2) + 2 * xp.sum(half[1:] ** 2)
    value: Real = xp.asarray(squares - max(0, layer.out_channels - layer.inputs))
    return value


def lag_count(layer: Architecture) -> int:
    """How many lags R has: prod (2 q + 1)."""
    return prod(2 * q + 1 for q in layer.lags)


def _lags(layer: Architecture) -> list[tuple[int, ...]]:
    """All lags, from (-q, ..) to (q, ..); t and -t stand at mirrored places, 0 in the middle."""
    return list(product(*[range(-q, q + 1) for q in layer.lags]))


def _at_lags(kernel: Real, layer: Architecture, lags: list[tuple[int, ...]]) -> Float[Real, "lags M M"]:
    """R at some lags, by one matrix product for all of them: a convolution would cost ten times as much at these sizes."""
    xp = kernel.__array_namespace__()
    margins = [q * s for q, s in zip(layer.lags, layer.stride, strict=True)]
    padded = xp.pad(kernel, [(0, 0), (0, 0), *[(margin, margin) for margin in margins]])
    axes = list(zip(margins, layer.stride, layer.kernel_size, strict=True))
    windows = [tuple(slice(a + s * t, a + s * t + k) for t, (a, s, k) in zip(lag, axes, strict=True)) for lag in lags]
    outputs, step = layer.out_channels, max(_SHIFTED // prod(layer.shape), 1)
    parts = []
    for start in range(0, len(lags), step):
        shifted = xp.stack([padded[(..., *window)] for window in windows[start : start + step]])
        parts.append(xp.reshape(shifted, (len(shifted) * outputs, -1)) @ xp.reshape(kernel, (outputs, -1)).T)
    out: Real = xp.reshape(xp.concatenate(parts), (len(lags), outputs, outputs))
    return out
