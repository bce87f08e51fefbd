"""The layer as a function, and its adjoint."""

from itertools import product
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ntkit.orthoconv._architecture import Architecture, Padding, Real, Shape, Sizes, check_array, check_padding, of_kernel


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
    flat = x.reshape((prod(batch), *x.shape[-layer.ndim - 1 :]))
    on_jax = isinstance(kernel, jax.Array) or isinstance(x, jax.Array)
    y: Real = (
        _convolved(jnp.asarray(kernel), jnp.asarray(flat), layer, padding) if on_jax else _summed(kernel, flat, layer, padding)
    )
    return y.reshape((*batch, layer.out_channels, *sizes))


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
    flat = y.reshape((prod(batch), *y.shape[-layer.ndim - 1 :]))
    if isinstance(kernel, jax.Array) or isinstance(y, jax.Array):
        weights = jnp.asarray(kernel)
        like = jax.ShapeDtypeStruct((prod(batch), layer.in_channels, *sides), y.dtype)  # type: ignore[no-untyped-call]
        x: Real = jax.linear_transpose(lambda x: _convolved(weights, x, layer, padding), like)(jnp.asarray(flat))[0]
    else:
        x = _scattered(kernel, flat, layer, sides, padding)
    return x.reshape((*batch, layer.in_channels, *sides))


def _convolved(kernel: jax.Array, x: jax.Array, layer: Architecture, padding: Padding) -> jax.Array:
    """On a batch of inputs, (batch, C, sides) to (batch, M, sizes), by JAX."""
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


def _summed(kernel: Real, x: Real, layer: Architecture, padding: Padding) -> np.ndarray:
    """The same in NumPy: a matrix product for each tap."""
    sizes = _output_size(layer, Shape(x.shape[2:]), padding)
    places = _places(layer, Shape(x.shape[2:]), padding)
    y = np.zeros((len(x), layer.out_channels, prod(sizes)), dtype=x.dtype)
    for number, tap in enumerate(product(*map(range, layer.kernel_size))):
        outputs, inputs = _seen(places, tap, sizes, Shape(x.shape[2:]))
        y[..., outputs] += kernel.reshape(*layer.shape[:2], -1)[..., number] @ x.reshape(*x.shape[:2], -1)[..., inputs]
    return y


def _scattered(kernel: Real, y: Real, layer: Architecture, sides: Shape, padding: Padding) -> np.ndarray:
    """The adjoint in NumPy: no two outputs see one input by the same tap, so that each tap adds to different places."""
    places = _places(layer, sides, padding)
    x = np.zeros((len(y), layer.in_channels, prod(sides)), dtype=y.dtype)
    for number, tap in enumerate(product(*map(range, layer.kernel_size))):
        outputs, inputs = _seen(places, tap, Shape(y.shape[2:]), sides)
        x[..., inputs] += kernel.reshape(*layer.shape[:2], -1)[..., number].T @ y.reshape(*y.shape[:2], -1)[..., outputs]
    return x


def _places(layer: Architecture, sides: Shape, padding: Padding) -> list[np.ndarray]:
    """Along each axis, which input an output (row) sees by a tap (column); -1 where it sees none."""
    sizes, margins, places = _output_size(layer, sides, padding), layer.margin(padding), []
    for n, k, s, side, margin in zip(sizes, layer.kernel_size, layer.stride, sides, margins, strict=True):
        at = s * np.arange(n)[:, None] + np.arange(k) - margin
        places.append(at % side if padding == "circular" else np.where((at >= 0) & (at < side), at, -1))
    return places


def _seen(places: list[np.ndarray], tap: tuple[int, ...], sizes: Shape, sides: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Flat numbers of the outputs that see something by a tap, and of what they see."""
    columns = [place[:, i] for place, i in zip(places, tap, strict=True)]
    outputs = np.meshgrid(*[np.flatnonzero(column >= 0) for column in columns], indexing="ij")
    inputs = np.meshgrid(*[column[column >= 0] for column in columns], indexing="ij")
    return np.ravel_multi_index(tuple(outputs), sizes).ravel(), np.ravel_multi_index(tuple(inputs), sides).ravel()


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
    check_array(name, x)
    if x.ndim < layer.ndim + 1 or x.shape[-layer.ndim - 1] != channels or 0 in x.shape:
        wanted = f"(.., {channels}, {', '.join(['side'] * layer.ndim)})"
        raise ValueError(f"{name} must have shape {wanted} for a kernel of shape {layer.shape}, got {tuple(x.shape)}")
    if x.dtype != kernel.dtype:
        raise ValueError(f"{name} must have the kernel's dtype {kernel.dtype}, got {x.dtype}")
