"""The layer as a matrix, entry by entry, and as a function."""

from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

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


def apply(kernel: Real, x: Real, stride: Sizes = 1, padding: Padding = "circular") -> Float[Real, "*shape"]:
    """The layer on an input: y[m, n] = sum_{c, i} K[m, c, i] x[c, S n + i - margin].

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        x: shape (.., C, side_1, .., side_d), of the kernel's dtype.
        stride: S; for "circular" and "same" it divides the sides.
        padding: as for `layer_matrix`.

    Returns:
        Shape (.., M, N_1, .., N_d).

    Raises:
        ValueError: wrong shape, dtype, stride or padding, or entries of the kernel that are not finite.

    Example:
        >>> apply(np.array([[[1.0, 10.0]]]), np.array([[1.0, 2.0, 3.0]])).tolist()  # the last window wraps around
        [[21.0, 32.0, 13.0]]
    """
    check_padding(padding)
    layer = of_kernel(kernel, stride)
    _check_input("x", x, layer.in_channels, layer, kernel)
    sizes = _output_size(layer, Shape(x.shape[-layer.ndim :]), padding)
    batch = tuple(x.shape[: -layer.ndim - 1])
    flat = _convolve(jnp.asarray(kernel), jnp.asarray(x).reshape((-1, *x.shape[-layer.ndim - 1 :])), layer, padding)
    return _in_kind(flat.reshape((*batch, layer.out_channels, *sizes)), kernel, x)


def adjoint(kernel: Real, y: Real, stride: Sizes = 1, padding: Padding = "circular") -> Float[Real, "*shape"]:
    """The adjoint of the layer, A^T y: its inner products with x are those of y with `apply(kernel, x)`.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        y: shape (.., M, N_1, .., N_d), of the kernel's dtype.
        stride: S.
        padding: as for `layer_matrix`.

    Returns:
        Shape (.., C, side_1, .., side_d), with the sides that `layer_matrix` tells.

    Raises:
        ValueError: wrong shape, dtype, stride or padding, or entries of the kernel that are not finite.

    Example:
        >>> adjoint(np.array([[[1.0, 10.0]]]), np.array([[1.0, 0.0, 0.0]])).tolist()
        [[1.0, 10.0, 0.0]]
    """
    check_padding(padding)
    layer = of_kernel(kernel, stride)
    _check_input("y", y, layer.out_channels, layer, kernel)
    sides = layer.input_size(tuple(y.shape[-layer.ndim :]), padding)
    batch = tuple(y.shape[: -layer.ndim - 1])
    weights, like = jnp.asarray(kernel), jax.ShapeDtypeStruct((prod(batch), layer.in_channels, *sides), y.dtype)  # type: ignore[no-untyped-call]
    flat = jnp.asarray(y).reshape((-1, *y.shape[-layer.ndim - 1 :]))
    (back,) = jax.linear_transpose(lambda x: _convolve(weights, x, layer, padding), like)(flat)
    return _in_kind(back.reshape((*batch, layer.in_channels, *sides)), kernel, y)


def _convolve(kernel: jax.Array, x: jax.Array, layer: Architecture, padding: Padding) -> jax.Array:
    """On a batch of inputs: (batch, C, sides) to (batch, M, sizes)."""
    pads = [(0, 0)] * layer.ndim
    if padding == "same":
        needed = [max(k - s, 0) for k, s in zip(layer.kernel_size, layer.stride, strict=True)]
        pads = [(before, total - before) for before, total in zip(layer.margin(padding), needed, strict=True)]
    if padding == "circular":
        more = [(0, max(k - s, 0)) for k, s in zip(layer.kernel_size, layer.stride, strict=True)]
        x = jnp.pad(x, [(0, 0), (0, 0), *more], mode="wrap")
    letters = "XYZ"[: layer.ndim]
    return jax.lax.conv_general_dilated(
        x, kernel, layer.stride, pads, dimension_numbers=(f"NC{letters}", f"OI{letters}", f"NC{letters}"),
        precision=jax.lax.Precision.HIGHEST,
    )  # fmt: skip


def _output_size(layer: Architecture, sides: Shape, padding: Padding) -> Shape:
    """Output points along each axis, or a ValueError where the window does not fit the input."""
    for side, k, s in zip(sides, layer.kernel_size, layer.stride, strict=True):
        if padding == "valid" and side < k:
            raise ValueError(f"x must have at least {k} points along an axis of {k} taps without padding, got {side}")
        if padding != "valid" and side % s:
            raise ValueError(f"stride must divide the sides of x for {padding} padding, got {s} and {side}")
    if padding == "valid":
        return Shape((side - k) // s + 1 for side, k, s in zip(sides, layer.kernel_size, layer.stride, strict=True))
    return Shape(side // s for side, s in zip(sides, layer.stride, strict=True))


def _check_input(name: str, x: Real, channels: int, layer: Architecture, kernel: Real) -> None:
    if x.ndim < layer.ndim + 1 or x.shape[-layer.ndim - 1] != channels or 0 in x.shape:
        wanted = f"(.., {channels}, {', '.join(['side'] * layer.ndim)})"
        raise ValueError(f"{name} must have shape {wanted} for a kernel of shape {layer.shape}, got {tuple(x.shape)}")
    if x.dtype != kernel.dtype:
        raise ValueError(f"{name} must have the kernel's dtype {kernel.dtype}, got {x.dtype}")


def _in_kind(result: jax.Array, *inputs: Real) -> Real:
    """NumPy's arrays where nothing of JAX's came in."""
    return result if any(isinstance(given, jax.Array) for given in inputs) else np.asarray(result)
