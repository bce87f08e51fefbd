"""Singular values of a layer, and how far its matrix is from an orthogonal one."""

from math import prod

import jax
import numpy as np
from jaxtyping import Float

from ntkit.orthoconv._architecture import Padding, Real, Shape, Sizes, check_padding, of_kernel, per_axis
from ntkit.orthoconv._matrix import layer_matrix
from ntkit.orthoconv._symbol import blocks_at, half_frequencies, half_symbol, polyphase

MOST_DENSE = 3000  # rows or columns, whichever are fewer, of a matrix whose singular values are computed as a whole
MOST_ENTRIES = 2**27  # of such a matrix: 1 GiB in float64
_BLOCKS = 2**24  # numbers of blocks held at a time: 256 MiB


def singular_values(kernel: Real, size: Sizes, stride: Sizes = 1, padding: Padding = "circular") -> Float[Real, " values"]:
    """All singular values of the layer matrix, descending: as many as its shorter side has entries.

    Circular layers: those of the blocks of `symbol`, one of each pair of opposite frequencies, in the kernel's arithmetic. With
    T taps for each residue, a block is a sum of T terms, good to (T + 2) sqrt(T) eps |K|_F, and its decomposition to
    (M + C prod S) eps times its largest value; tests find errors below 1e-13 of the largest. With JAX arrays also under jit,
    vmap and grad. The others: by a dense decomposition, in NumPy, which JAX cannot trace.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        size: N, output points along each axis.
        stride: S.
        padding: as for `layer_matrix`.

    Raises:
        ValueError: wrong shape, dtype, stride, size or padding; entries that are not finite; or "same" and "valid" layers too
            large to decompose, whose `extreme_singular_values` can be bounded.

    Example:
        >>> singular_values(np.array([[[1.0, 1.0]]]), 2).tolist()
        [2.0, 0.0]
        >>> singular_values(np.array([[[1.0, 1.0]]]), 2, padding="valid").round(3).tolist()
        [1.732, 1.0]

    Source: as for `symbol`.
    """
    check_padding(padding)
    if padding != "circular":
        dense: Real = np.linalg.svd(dense_matrix(kernel, size, stride, padding), compute_uv=False)
        return kernel.__array_namespace__().asarray(dense)  # type: ignore[no-any-return]
    layer = of_kernel(kernel, stride)
    sizes = per_axis("size", size, layer.ndim)
    # Along an axis on which no shift by a stride overlaps the kernel, blocks do not depend on the frequency.
    seen = Shape(n if lag else 1 for n, lag in zip(sizes, layer.lags, strict=True))
    phases, (frequencies, times) = polyphase(kernel, stride), half_frequencies(seen)
    xp, step = kernel.__array_namespace__(), max(_BLOCKS // (layer.out_channels * layer.inputs), 1)
    parts = [frequencies[start : start + step] for start in range(0, len(frequencies), step)]
    blocks = (blocks_at(phases, part, seen) for part in parts)
    values = xp.concatenate([xp.linalg.svd(some, compute_uv=False) for some in blocks])
    copies = times * (prod(sizes) // prod(seen))
    every: Real = xp.sort(values[np.repeat(np.arange(len(copies)), copies)].ravel())[::-1]
    return every


def rounding(
    kernel: Float[Real, "M C *taps"], stride: Sizes, largest: Float[Real, ""] | float | np.floating
) -> Float[Real, ""]:
    """By how much singular values of a circular layer may be off, in the kernel's arithmetic: see `singular_values`.

    Args:
        kernel: shape (M, C, k_1, .., k_d).
        stride: S.
        largest: the largest singular value.

    Example:
        >>> bool(rounding(np.array([[[1.0, 1.0]]]), 1, 2.0) < 1e-14)
        True
    """
    layer, xp = of_kernel(kernel, stride), kernel.__array_namespace__()
    terms = prod(q + 1 for q in layer.lags)
    most = xp.max(xp.abs(kernel))
    size = most * xp.sqrt(xp.sum((kernel / xp.where(most > 0, most, 1)) ** 2))  # no square underflows
    eps = float(np.finfo(kernel.dtype).eps)
    off: Real = xp.asarray(eps * (terms + 2) * terms**0.5 * size + eps * (layer.out_channels + layer.inputs) * largest)
    return off


def dense_matrix(kernel: Real, size: Sizes, stride: Sizes, padding: Padding) -> Float[np.ndarray, "rows columns"]:
    """`layer_matrix` as a dense array, or a ValueError where it is too large for its singular values."""
    layer = of_kernel(kernel, stride)
    rows = layer.out_channels * prod(per_axis("size", size, layer.ndim))
    columns = layer.in_channels * prod(layer.input_size(size, padding))
    if min(rows, columns) > MOST_DENSE or rows * columns > MOST_ENTRIES:
        raise ValueError(
            f"size must keep the matrix of a {padding} layer within {MOST_DENSE} rows or columns and {MOST_ENTRIES} entries, "
            f"got {rows} x {columns} for size {size!r}; extreme_singular_values bounds the largest and smallest of any layer"
        )
    matrix: np.ndarray = layer_matrix(kernel, size, stride, padding).toarray()
    return matrix


@np.errstate(over="ignore", invalid="ignore")  # refused below
def frobenius_error(kernel: Real, size: Sizes, stride: Sizes = 1, padding: Padding = "circular") -> Float[Real, ""]:
    """err_F: the Frobenius norm of A A^T - I where A has no more rows than columns, else of A^T A - I.

    Circular layers by their blocks, whose smaller Gram matrices have the same spectrum; the others by the sparse Gram matrix,
    for which no size is too large. Its gradient at an orthogonal kernel, where it is not differentiable, is 0. Arguments and
    errors as for `singular_values`; and a ValueError for entries whose fourth powers overflow.

    Example:
        >>> float(frobenius_error(np.array([[[1.0, 1.0]]]), 2))  # |4 - 1|^2 + |0 - 1|^2 = 10
        3.1622776601683795

    Source: Achour, Malgouyres, Mamalet (2022), definition of err_F.
    """
    check_padding(padding)
    if padding != "circular":
        matrix = layer_matrix(kernel, size, stride, padding)
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        gram.setdiag(gram.diagonal() - 1)
        return _no_overflow(kernel, kernel.__array_namespace__().asarray(np.linalg.norm(gram.data)))
    blocks, times = half_symbol(kernel, size, stride)
    xp = blocks.__array_namespace__()
    adjoint = xp.conj(xp.swapaxes(blocks, 1, 2))
    gram = blocks @ adjoint if blocks.shape[1] <= blocks.shape[2] else adjoint @ blocks
    difference = gram - xp.eye(gram.shape[1], dtype=gram.dtype)[None, :, :]
    squares = xp.sum(difference.real**2 + difference.imag**2, axis=(1, 2))
    square = xp.sum(squares * xp.asarray(times, dtype=squares.dtype))
    none = square == 0  # the gradient of the root at 0 is chosen to be 0
    return _no_overflow(kernel, xp.asarray(xp.where(none, 0, xp.sqrt(xp.where(none, 1, square)))))


def _no_overflow(kernel: Real, error: Float[Real, ""]) -> Float[Real, ""]:
    if not isinstance(error, jax.core.Tracer) and not np.isfinite(error):
        raise ValueError(f"kernel must have entries whose fourth powers are finite, got some of {np.abs(kernel).max():g}")
    return error


def spectral_error(kernel: Real, size: Sizes, stride: Sizes = 1, padding: Padding = "circular") -> Float[Real, ""]:
    """err_s: the spectral norm of A A^T - I where A has no more rows than columns, else of A^T A - I.

    Singular values lie between sqrt(1 - err_s) and sqrt(1 + err_s). Arguments and errors as for `singular_values`.

    Example:
        >>> float(spectral_error(np.array([[[1.0, 1.0]]]), 2))
        3.0

    Source: Achour, Malgouyres, Mamalet (2022), definition of err_s.
    """
    values = singular_values(kernel, size, stride, padding)
    xp = values.__array_namespace__()
    error: Real = xp.asarray(xp.max(xp.abs((values - 1) * (values + 1))))  # without the digits that a square loses near 1
    return error


def condition_number(kernel: Real, size: Sizes, stride: Sizes = 1, padding: Padding = "circular") -> Float[Real, ""]:
    """The largest singular value over the smallest one; infinite where that is 0, or rounding cannot tell it from 0.

    Arguments and errors as for `singular_values`.

    Example:
        >>> float(condition_number(np.array([[[2.0], [0.0]]]), 3))  # two outputs of one input: all singular values are 2
        1.0
        >>> float(condition_number(np.array([[[1.0, 1.0]]]), 2))
        inf
    """
    values = singular_values(kernel, size, stride, padding)
    xp = values.__array_namespace__()
    if padding == "circular":
        lost = rounding(kernel, stride, values[0])
    else:  # of a decomposition: the rows and columns times eps times the largest
        layer = of_kernel(kernel, stride)
        sides = layer.out_channels * prod(per_axis("size", size, layer.ndim)), prod(layer.input_size(size, padding))
        lost = float(np.finfo(values.dtype).eps) * (sides[0] + layer.in_channels * sides[1]) * values[0]
    ratio: Real = xp.where(values[-1] > lost, values[0] / xp.where(values[-1] > 0, values[-1], 1), xp.inf)
    return xp.asarray(ratio, dtype=values.dtype)  # type: ignore[no-any-return]
