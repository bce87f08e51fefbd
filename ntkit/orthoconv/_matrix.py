"""The layer as a matrix, entry by entry."""

from math import prod

import jax
import numpy as np
import scipy.sparse
from jaxtyping import Int

from ntkit.orthoconv._architecture import Architecture, Padding, Real, Shape, Sizes, check_padding, of_kernel, per_axis

Integers = Int[np.ndarray, "..."]


def layer_matrix(kernel: Real, size: Sizes, stride: Sizes = 1, padding: Padding = "circular") -> scipy.sparse.csr_array:
    """The matrix A of the layer: y = A x for inputs and outputs flattened as (channel, position).

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        size: N, output points along each axis.
        stride: S.
        padding: "circular" (input S N; taps wrap around), "same" (input S N; taps beyond it see zeros, k - S of them along an
            axis, the smaller half before the first input), "valid" (input S (N - 1) + k).

    Returns:
        SciPy's sparse CSR array of shape (M prod N, C prod input), in the kernel's dtype; taps that fall on one input add up.

    Raises:
        ValueError: wrong shape, dtype, stride, size or padding, or entries that are not finite.

    Example:
        >>> layer_matrix(np.array([[[1.0, 2.0]]]), 2, padding="valid").toarray().tolist()
        [[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]
    """
    check_padding(padding)
    layer = of_kernel(kernel, stride)
    if isinstance(kernel, jax.core.Tracer):
        raise ValueError(f"kernel must be an array, not traced by JAX as under jit or grad, for a matrix: padding={padding!r}")
    sizes = per_axis("size", size, layer.ndim)
    outputs, inputs, taps = entries(layer, sizes, padding)
    points, sides = prod(sizes), prod(layer.input_size(sizes, padding))
    weights = np.asarray(kernel).reshape(*layer.shape[:2], -1)
    m, c = np.indices(layer.shape[:2])[..., None]
    rows, columns = m * points + outputs, c * sides + inputs
    where = (rows.ravel(), columns.ravel())
    shape = (layer.out_channels * points, layer.in_channels * sides)
    matrix: scipy.sparse.csr_array = scipy.sparse.csr_array((weights[:, :, taps].ravel(), where), shape)
    return matrix


def entries(layer: Architecture, sizes: Shape, padding: Padding) -> tuple[Integers, Integers, Integers]:
    """Which output position sees which input position by which tap, all of them as flat numbers."""
    sides, margins = layer.input_size(sizes, padding), layer.margin(padding)
    output, tap, place, seen = [], [], [], []
    for n, k, s, side, margin in zip(sizes, layer.kernel_size, layer.stride, sides, margins, strict=True):
        of_output, of_tap = (part.ravel() for part in np.indices((n, k)))
        at = s * of_output + of_tap - margin
        output.append(of_output)
        tap.append(of_tap)
        place.append(at % side)
        seen.append((at >= 0) & (at < side) if padding == "same" else np.ones(at.shape, dtype=bool))
    kept = np.logical_and.reduce(np.meshgrid(*seen, indexing="ij")).ravel()

    def flat(numbers: list[Integers], shape: Shape) -> Integers:
        grid = np.meshgrid(*numbers, indexing="ij")
        return np.asarray(np.ravel_multi_index(tuple(part.ravel()[kept] for part in grid), shape))

    return flat(output, sizes), flat(place, sides), flat(tap, layer.kernel_size)
