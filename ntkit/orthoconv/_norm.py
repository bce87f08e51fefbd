"""The spectral norm of a layer, with its gradient."""

from functools import partial
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from jaxtyping import Array, Float

from ntkit.orthoconv._apply import adjoint, apply
from ntkit.orthoconv._architecture import Architecture, Padding, Real, Shape, Sizes, check_padding, of_kernel, per_axis, scaled
from ntkit.orthoconv._matrix import entries
from ntkit.orthoconv._symbol import polyphase
from ntkit.orthoconv._top import top

_TOLERANCE = 1e-6  # of Lanczos iterations, relative to the square of the norm
_VECTORS = 40  # that they keep


def spectral_norm(kernel: Real, size: Sizes, stride: Sizes = 1, padding: Padding = "circular") -> Float[Real, ""]:
    """The largest singular value of the layer matrix, to a relative 1e-6 in float64, to single precision in float32.

    Circular layers: the largest over all frequencies, shown by decompositions to be exceeded by none. "Same" and "valid":
    by Lanczos iterations, which converge from below, and of which nothing shows that they met the largest one;
    `extreme_singular_values` has bounds from both sides. Computed in float64 by NumPy, also where JAX calls it under jit, vmap
    or grad; the gradient, u v^T, is that of one largest singular value where several coincide.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        size: N, output points along each axis.
        stride: S.
        padding: as for `layer_matrix`.

    Raises:
        ValueError: wrong shape, dtype, stride, size or padding, or entries that are not finite.

    Example:
        >>> float(spectral_norm(np.array([[[1.0, 1.0]]]), 4))
        2.0
    """
    check_padding(padding)
    layer = of_kernel(kernel, stride)
    sizes = per_axis("size", size, layer.ndim)
    if not isinstance(kernel, jax.Array):
        return np.asarray(_norm_and_gradient(np.asarray(kernel), sizes, layer.stride, padding)[0], dtype=kernel.dtype)
    return _traced(kernel, sizes, layer.stride, padding)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _traced(kernel: Array, sizes: Shape, stride: Shape, padding: Padding) -> Float[Array, ""]:
    return _called(kernel, sizes, stride, padding)[0]


@_traced.defjvp
def _with_tangent(
    sizes: Shape, stride: Shape, padding: Padding, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    norm, gradient = _called(primals[0], sizes, stride, padding)
    return norm, jnp.sum(gradient * tangents[0])


def _called(kernel: Array, sizes: Shape, stride: Shape, padding: Padding) -> tuple[Float[Array, ""], Float[Array, "..."]]:
    """NumPy's answer inside traced code."""

    def answer(weights: Real) -> tuple[np.ndarray, np.ndarray]:
        norm, gradient = _norm_and_gradient(np.asarray(weights), sizes, stride, padding)
        return np.asarray(norm, dtype=weights.dtype), gradient.astype(weights.dtype)

    shapes = jax.ShapeDtypeStruct((), kernel.dtype), jax.ShapeDtypeStruct(kernel.shape, kernel.dtype)  # type: ignore[no-untyped-call]
    norm, gradient = jax.pure_callback(answer, shapes, kernel, vmap_method="sequential")
    return norm, gradient


def _norm_and_gradient(
    kernel: np.ndarray, sizes: Shape, stride: Shape, padding: Padding
) -> tuple[float, Float[np.ndarray, "..."]]:
    if not np.isfinite(kernel).all():  # in traced code, where nothing could be refused
        return np.nan, np.full(kernel.shape, np.nan)
    weights, power = scaled(kernel.astype(np.float64))
    if padding == "circular":
        # Numbering taps as a polyphase kernel does is a linear map, so that its transpose takes the gradient back.
        found = top(np.asarray(polyphase(weights, stride)), sizes)
        return power * found.value, _from_polyphase(found.gradient, weights.shape, stride)
    layer = of_kernel(weights, stride)
    norm, left, right = largest_triple(weights, layer, sizes, padding)
    outputs, inputs, taps = entries(layer, sizes, padding)
    u, v = left.reshape(layer.out_channels, -1), right.reshape(layer.in_channels, -1)
    gradient = np.zeros((*layer.shape[:2], prod(layer.kernel_size)))
    for tap in range(gradient.shape[-1]):
        here = taps == tap
        gradient[..., tap] = u[:, outputs[here]] @ v[:, inputs[here]].T
    return power * norm, gradient.reshape(layer.shape)


def largest_triple(
    weights: Float[np.ndarray, "M C *taps"],
    layer: Architecture,
    sizes: Shape,
    padding: Padding,
    tolerance: float = _TOLERANCE,
) -> tuple[float, Float[np.ndarray, " rows"], Float[np.ndarray, " columns"]]:
    """Norm and singular vectors of a layer, from a fixed start: Lanczos iterations on A^T A, v v^T its largest part."""
    operator = gram_operator(weights, layer, sizes, padding, by_rows=False)
    right = np.random.default_rng(0).normal(size=operator.shape[0])
    if operator.shape[0] > 1 and weights.any():
        kept = min(_VECTORS, operator.shape[0])
        right = scipy.sparse.linalg.eigsh(operator, k=1, which="LA", tol=tolerance, ncv=kept, v0=right)[1][:, 0]
    right = right / np.linalg.norm(right)
    sides = layer.input_size(sizes, padding)
    image = np.asarray(apply(weights, right.reshape(layer.in_channels, *sides), layer.stride, padding)).ravel()
    norm = float(np.linalg.norm(image))
    return norm, image / norm if norm else image, right


def gram_operator(
    weights: Float[np.ndarray, "M C *taps"], layer: Architecture, sizes: Shape, padding: Padding, *, by_rows: bool
) -> scipy.sparse.linalg.LinearOperator:
    """A A^T or A^T A, which is never written down."""
    sides = layer.input_size(sizes, padding)
    outputs, inputs = (layer.out_channels, *sizes), (layer.in_channels, *sides)

    def product(vector: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        first, second = (adjoint, apply) if by_rows else (apply, adjoint)
        shaped = vector.reshape(outputs if by_rows else inputs)
        return np.asarray(second(weights, first(weights, shaped, layer.stride, padding), layer.stride, padding)).ravel()

    n = prod(outputs if by_rows else inputs)
    return scipy.sparse.linalg.LinearOperator((n, n), matvec=product, dtype=np.float64)


def _from_polyphase(
    gradient: Float[np.ndarray, "M inputs *blocks"], shape: tuple[int, ...], stride: Shape
) -> Float[np.ndarray, "M C *taps"]:
    """A polyphase kernel as the kernel of the layer: `polyphase` backwards."""
    d, blocks = len(shape) - 2, gradient.shape[2:]
    parted = gradient.reshape((*shape[:2], *stride, *blocks))
    turned = parted.transpose(0, 1, *[axis for a in range(d) for axis in (2 + d + a, 2 + a)])
    whole = turned.reshape((*shape[:2], *[b * s for b, s in zip(blocks, stride, strict=True)]))
    return whole[tuple(slice(n) for n in shape)]
