"""The regulariser L_orth: how far a kernel is from an orthogonal layer, without looking at any input size."""

from itertools import product

from jaxtyping import Float

from ntkit.orthoconv._architecture import Architecture, Real, of_kernel


def autocorrelation(kernel: Real, stride: int = 1) -> Float[Real, "M M *lags"]:
    """R[m, m', t] = sum_{c, i} K[m, c, i + S t] K[m', c, i], for lags t from -q to q along each axis.

    Args:
        kernel: shape (M, C, k) or (M, C, k, k), floating point.
        stride: S.

    Returns:
        Shape (M, M, 2q+1) or (M, M, 2q+1, 2q+1), q = floor((k-1)/S); lag 0 is in the middle.

    Raises:
        ValueError: wrong shape, dtype or stride.

    Example:
        >>> import numpy as np
        >>> autocorrelation(np.array([[[1.0, 2.0]]]))[0, 0].tolist()
        [2.0, 5.0, 2.0]

    Source: Wang, Chen, Chakraborty, Yu (2020); Achour, Malgouyres, Mamalet (2022), definition of L_orth.
    """
    layer = of_kernel(kernel, stride)
    xp = kernel.__array_namespace__()
    lags_last = xp.moveaxis(_at_lags(kernel, layer, _lags(layer)), 0, -1)
    out: Real = xp.reshape(lags_last, (layer.M, layer.M) + (2 * layer.q + 1,) * layer.d)
    return out


def l_orth(kernel: Real, stride: int = 1) -> Float[Real, ""]:
    """L_orth(K) = |R(K) - I|^2 - max(0, M - C S^d), I the identity at lag 0 and zero elsewhere.

    Zero exactly for the kernels of orthogonal layers (A A^T = I in the RO case, A^T A = I in the CO case, which the
    last term is for), up to rounding never negative. Arguments and errors as for `autocorrelation`.

    Example:
        >>> import numpy as np
        >>> float(l_orth(np.array([[[1.0]], [[0.0]]])))  # CO: two outputs of one input
        0.0

    Source: Achour, Malgouyres, Mamalet (2022), definition of L_orth.
    """
    layer = of_kernel(kernel, stride)
    xp = kernel.__array_namespace__()
    lags = _lags(layer)
    # R[m, m', -t] = R[m', m, t]: the later half of the lags, which begins with 0, knows the earlier one.
    half = _at_lags(kernel, layer, lags[len(lags) // 2 :])
    at_zero = half[0] - xp.eye(layer.M, dtype=kernel.dtype)
    squares = xp.sum(at_zero**2) + 2 * xp.sum(half[1:] ** 2)
    value: Real = xp.asarray(squares - max(0, layer.M - layer.inputs))
    return value


def _lags(layer: Architecture) -> list[tuple[int, ...]]:
    """All lags, from (-q, ..) to (q, ..); t and -t stand at mirrored places, 0 in the middle."""
    return list(product(range(-layer.q, layer.q + 1), repeat=layer.d))


def _at_lags(kernel: Real, layer: Architecture, lags: list[tuple[int, ...]]) -> Float[Real, "lags M M"]:
    """R at some lags, by one matrix product for all of them: a convolution would cost ten times as much at these sizes."""
    xp = kernel.__array_namespace__()
    margin = layer.q * layer.S
    padded = xp.pad(kernel, [(0, 0), (0, 0)] + [(margin, margin)] * layer.d)
    windows = [tuple(slice(margin + layer.S * t, margin + layer.S * t + layer.k) for t in lag) for lag in lags]
    shifted = xp.stack([padded[(..., *window)] for window in windows])
    flat = xp.reshape(shifted, (len(lags) * layer.M, -1)) @ xp.reshape(kernel, (layer.M, -1)).T
    out: Real = xp.reshape(flat, (len(lags), layer.M, layer.M))
    return out
