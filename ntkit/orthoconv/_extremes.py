"""Intervals that hold the largest and the smallest singular value of a layer of any size."""

from dataclasses import dataclass
from math import prod, sqrt

import numpy as np
import scipy.linalg
import scipy.sparse.linalg
from jaxtyping import Float

from ntkit.orthoconv._apply import adjoint, apply
from ntkit.orthoconv._architecture import Architecture, Padding, Real, Shape, Sizes, check_padding, of_kernel, per_axis, scaled
from ntkit.orthoconv._matrix import layer_matrix
from ntkit.orthoconv._norm import gram_operator, largest_triple
from ntkit.orthoconv._spectrum import MOST_DENSE, MOST_ENTRIES, rounding, singular_values
from ntkit.orthoconv._symbol import polyphase
from ntkit.orthoconv._top import top

_MOST_WORK = 10**11  # operations of a banded decomposition
_MOST_BAND = 2**27  # numbers that it holds: 1 GiB
_LOOSE = 1e-3  # tolerance of Lanczos iterations, whose results are attained whatever it is
_RESTARTS, _VECTORS = 2, 40  # of those for the smallest singular value
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Extremes:
    """Intervals for the two ends of a layer's spectrum; all bounds hold with rounding in float64.

    Attributes:
        largest: lower and upper bound.
        smallest: lower and upper bound, of the smallest of as many singular values as the matrix has rows or columns,
            whichever are fewer.
        smallest_by: what the lower bound of the smallest rests on: "decomposition" (all singular values were computed),
            "circular embedding", "factorisation", or "nothing", and then it is 0.
    """

    largest: tuple[float, float]
    smallest: tuple[float, float]
    smallest_by: str


def extreme_singular_values(kernel: Real, size: Sizes, stride: Sizes = 1, padding: Padding = "circular") -> Extremes:
    """Bounds from both sides on the largest and the smallest singular value.

    Circular layers, and others small enough for `singular_values`: all of them are computed, and widened by rounding.
    Other "same" and "valid" layers. Their matrices are parts of a circular one, with the inputs in a larger circle; so the
    largest singular value is at most that of the circle. It is at least what Lanczos iterations attain. Rows of a "valid"
    layer are whole rows of the circular matrix, so that its smallest singular value, where there are no more rows than
    columns, is at least that of the circle. Else a Cholesky decomposition of G - t I, G the smaller Gram matrix as a band,
    shows that no squared singular value is below t, where the band is narrow enough (one axis, or small images). The upper
    bound of the smallest is attained by some vector.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point; computed in float64.
        size: N, output points along each axis.
        stride: S.
        padding: as for `layer_matrix`.

    Raises:
        ValueError: wrong shape, dtype, stride, size or padding, or entries that are not finite.

    Example:
        >>> found = extreme_singular_values(np.array([[[1.0, 0.25]]]), 10_000, padding="valid")
        >>> found.largest[0] <= 1.25 <= found.largest[1] + 1e-6, found.smallest_by
        (True, 'circular embedding')
        >>> round(found.smallest[0], 3)
        0.75

    Source: submatrices have no larger singular values, and by interlacing no smaller eigenvalue of A A^T where rows are left
        out (Horn and Johnson, 2013, corollary 3.1.3 and theorem 4.3.28); for the decomposition Rump (2006).
    """
    check_padding(padding)
    layer = of_kernel(kernel, stride)
    sizes = per_axis("size", size, layer.ndim)
    weights, power = scaled(np.asarray(kernel, dtype=np.float64))
    found = _extremes(weights, layer, sizes, padding)
    return Extremes(_times(found.largest, power), _times(found.smallest, power), found.smallest_by)


def _extremes(weights: Float[np.ndarray, "M C *taps"], layer: Architecture, sizes: Shape, padding: Padding) -> Extremes:
    """Of a kernel whose largest entry is between 1/2 and 1, or 0."""
    rows = layer.out_channels * prod(sizes)
    columns = layer.in_channels * prod(layer.input_size(sizes, padding))
    if padding == "circular" or (min(rows, columns) <= MOST_DENSE and rows * columns <= MOST_ENTRIES):
        values = singular_values(weights, sizes, layer.stride, padding)
        circular = padding == "circular"
        slack = float(rounding(weights, layer.stride, values[0])) if circular else _EPS * (rows + columns) * values[0]
        ends = [(max(float(v - slack), 0.0), float(v + slack)) for v in (values[0], values[-1])]
        return Extremes(ends[0], ends[1], "decomposition")
    if not weights.any():
        return Extremes((0.0, 0.0), (0.0, 0.0), "decomposition")
    circle, by_rows = _circle(layer, sizes), rows <= columns
    found = top(np.asarray(polyphase(weights, layer.stride)), circle)
    attained = largest_triple(weights, layer, sizes, padding, _LOOSE)[0] * (1 - _EPS * (weights[0].size + columns))
    quotient, above = _trial(weights, layer, sizes, padding, by_rows, found.upper)
    if padding == "valid" and by_rows and layer.rows_only:
        values = singular_values(weights, circle, layer.stride)
        least = float(values[-1] - rounding(weights, layer.stride, values[0]))
        if least > 0:
            return Extremes((float(attained), found.upper), (least, above), "circular embedding")
    below = _certified(weights, layer, sizes, padding, by_rows, quotient)
    by = "factorisation" if below else "nothing"
    return Extremes((float(attained), found.upper), (below or 0.0, above), by)


def _times(ends: tuple[float, float], power: float) -> tuple[float, float]:
    """Times a power of two, which is exact but for numbers that underflow."""
    low, high = (end * power for end in ends)
    tiny = float(np.finfo(np.float64).tiny)
    low = low if low >= tiny else 0.0
    return low, high if high >= tiny or not ends[1] else tiny


def _circle(layer: Architecture, sizes: Shape) -> Shape:
    """Output points of the smallest circle that holds the inputs of the layer and its margins."""
    axes = zip(layer.kernel_size, layer.stride, sizes, strict=True)
    return Shape(n + max(-(-(k - s) // s), 0) for k, s, n in axes)


def _trial(
    weights: Float[np.ndarray, "M C *taps"], layer: Architecture, sizes: Shape, padding: Padding, by_rows: bool, norm: float
) -> tuple[float, float]:
    """|A x| of a unit vector x for which it is small, and as an upper bound; A^T where A has no more rows than columns.

    After so many steps Lanczos iterations may be far from the smallest, but any vector will do.
    """
    gram = gram_operator(weights, layer, sizes, padding, by_rows=by_rows)
    n = gram.shape[0]
    away = scipy.sparse.linalg.LinearOperator((n, n), matvec=lambda x: norm**2 * x - gram @ x, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=n)
    kept = min(_VECTORS, n)
    try:
        x = scipy.sparse.linalg.eigsh(away, k=1, which="LA", tol=_LOOSE, maxiter=_RESTARTS, ncv=kept, v0=start)[1][:, 0]
    except scipy.sparse.linalg.ArpackNoConvergence as stopped:
        x = stopped.eigenvectors[:, 0] if stopped.eigenvectors.size else start
    x /= np.linalg.norm(x)
    shape = (layer.out_channels, *sizes) if by_rows else (layer.in_channels, *layer.input_size(sizes, padding))
    quotient = float(np.linalg.norm((adjoint if by_rows else apply)(weights, x.reshape(shape), layer.stride, padding)))
    return quotient, quotient + _EPS * (weights.size + n) * norm


def _certified(
    weights: Float[np.ndarray, "M C *taps"], layer: Architecture, sizes: Shape, padding: Padding, by_rows: bool, upper: float
) -> float | None:
    """A lower bound of the smallest singular value from a banded Cholesky decomposition; None where that is too much work.

    Positions are numbered first, channels within them, so that the band is narrow.
    """
    channels = layer.out_channels if by_rows else layer.in_channels
    points = sizes if by_rows else layer.input_size(sizes, padding)
    reach = layer.lags if by_rows else Shape(k - 1 for k in layer.kernel_size)
    steps = [prod(points[axis + 1 :]) for axis in range(layer.ndim)]
    width = channels * (sum(r * step for r, step in zip(reach, steps, strict=True)) + 1) - 1
    n = channels * prod(points)
    if n * float(width) ** 2 > _MOST_WORK or n * width > _MOST_BAND:
        return None
    matrix = layer_matrix(weights, sizes, layer.stride, padding)
    order = np.arange(n).reshape(channels, -1).T.ravel()  # positions first, so that the band is narrow
    gram = (matrix @ matrix.T if by_rows else matrix.T @ matrix).tocsr()[order][:, order].tocoo()
    band = np.zeros((width + 1, n))
    below = gram.row >= gram.col
    band[(gram.row - gram.col)[below], gram.col[below]] = gram.data[below]
    # Of the decomposition, and of the entries of the Gram matrix, sums of at most as many products as a row has entries.
    trace = float(band[0].sum())
    terms = int(np.diff(matrix.indptr).max() if by_rows else np.diff(matrix.tocsc().indptr).max())
    slack = (width + 3) * _EPS * trace + 2 * terms * _EPS * trace
    for share in (0.999, 0.99, 0.9, 0.7, 0.3, 0.1):
        shifted = band.copy()
        shifted[0] -= share * upper**2
        if scipy.linalg.lapack.dpbtrf(shifted, lower=1, overwrite_ab=1)[1] == 0:
            return sqrt(max(share * upper**2 - slack, 0.0))
    return None
