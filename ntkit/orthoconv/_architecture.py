"""The numbers that describe a convolution layer, and checks of the arguments that carry them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

Real = Array | np.ndarray  # the arrays that this package takes and answers with
Sizes: TypeAlias = int | Sequence[Any] | np.ndarray  # a whole number for every axis, or one for each; `per_axis` looks at them
Padding = Literal["circular", "same", "valid"]
PADDINGS = ("circular", "same", "valid")
MOST_AXES = 3


class Shape(tuple):  # type: ignore[type-arg]  # beartype looks at random items of tuple[int, ...], which hypothesis forbids
    """One whole number for each axis."""


@dataclass(frozen=True, init=False)
class Architecture:
    """A convolution layer without its weights.

    Attributes:
        out_channels: M.
        in_channels: C.
        kernel_size: taps along each axis, k_1, .., k_d; one number stands for all axes.
        stride: along each axis, S_1, .., S_d; one number stands for all axes.
        ndim: d, the number of spatial axes, 1 to 3; needed where neither kernel_size nor stride tells it (default: 1).

    Raises:
        ValueError: a number below 1, or numbers of axes that do not go together.

    Example:
        >>> layer = Architecture(4, 1, kernel_size=3, stride=2, ndim=2)
        >>> layer.shape, layer.lags, layer.inputs, layer.rows_only
        ((4, 1, 3, 3), (1, 1), 4, True)
    """

    out_channels: int
    in_channels: int
    kernel_size: Shape
    stride: Shape
    ndim: int

    def __init__(
        self, out_channels: int, in_channels: int, kernel_size: Sizes, stride: Sizes = 1, ndim: int | None = None
    ) -> None:
        told = [len(sizes) for sizes in (kernel_size, stride) if isinstance(sizes, Sequence)]
        ndim = (told or [1])[0] if ndim is None else at_least_one("ndim", ndim)
        if ndim > MOST_AXES:
            raise ValueError(f"ndim must be 1, 2 or 3, got {ndim}")
        for name, value in (
            ("out_channels", at_least_one("out_channels", out_channels)),
            ("in_channels", at_least_one("in_channels", in_channels)),
            ("kernel_size", per_axis("kernel_size", kernel_size, ndim)),
            ("stride", per_axis("stride", stride, ndim)),
            ("ndim", ndim),
        ):
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> Shape:
        """Shape of the kernel, (M, C, k_1, .., k_d)."""
        return Shape((self.out_channels, self.in_channels, *self.kernel_size))

    @property
    def lags(self) -> Shape:
        """For each axis q, the largest shift, in strides, at which a kernel overlaps itself."""
        return Shape((k - 1) // s for k, s in zip(self.kernel_size, self.stride, strict=True))

    @property
    def phases(self) -> Shape:
        """min(k, S) of each axis: how many of the S inputs of an output the taps can tell apart."""
        return Shape(min(k, s) for k, s in zip(self.kernel_size, self.stride, strict=True))

    @property
    def inputs(self) -> int:
        """Columns of a symbol block: C prod S_i."""
        return self.in_channels * prod(self.stride)

    @property
    def rank(self) -> int:
        """The rank of a symbol block of generic kernels, min(M, C prod min(k_i, S_i)): no kernel has a larger one."""
        return min(self.out_channels, self.in_channels * prod(self.phases))

    @property
    def rows_only(self) -> bool:
        """Whether a symbol block has no more rows than columns, M <= C prod S_i (for equality both cases coincide)."""
        return self.inputs >= self.out_channels

    def input_size(self, size: Sizes, padding: Padding = "circular") -> Shape:
        """Input points along each axis for outputs of that size: S N, and S (N - 1) + k without padding."""
        check_padding(padding)
        sizes = per_axis("size", size, self.ndim)
        if padding == "valid":
            return Shape(s * (n - 1) + k for s, n, k in zip(self.stride, sizes, self.kernel_size, strict=True))
        return Shape(s * n for s, n in zip(self.stride, sizes, strict=True))

    def margin(self, padding: Padding) -> Shape:
        """How far the first window reaches beyond the first input, along each axis.

        0 but for "same", which needs k - S zeros, the smaller half of them before the first input (as XLA and TensorFlow do).
        """
        check_padding(padding)
        if padding != "same":
            return Shape((0,) * self.ndim)
        return Shape(max(k - s, 0) // 2 for k, s in zip(self.kernel_size, self.stride, strict=True))


def of_kernel(kernel: Real, stride: Sizes = 1) -> Architecture:
    """The architecture of a kernel, or a ValueError that says what is wrong with it."""
    check_array("kernel", kernel)
    shape = kernel.shape
    if not 3 <= len(shape) <= 2 + MOST_AXES:
        raise ValueError(f"kernel must have shape (M, C, k_1, .., k_d) with d = 1, 2 or 3, got {tuple(shape)}")
    if 0 in shape:
        raise ValueError(f"kernel must have at least one channel and tap along every axis, got shape {tuple(shape)}")
    if kernel.dtype not in (np.float32, np.float64):
        raise ValueError(f"kernel must be float32 or float64, got dtype {kernel.dtype}; convert it with astype(float)")
    if not isinstance(kernel, jax.core.Tracer) and not np.isfinite(np.asarray(kernel)).all():
        raise ValueError("kernel must be finite, got NaN or infinite entries")
    return Architecture(shape[0], shape[1], tuple(shape[2:]), stride, len(shape) - 2)


def scaled(kernel: np.ndarray) -> tuple[np.ndarray, float]:
    """The kernel over a power of two near its largest entry, whose square neither over- nor underflows; and that power."""
    exponent = min(int(np.frexp(np.abs(kernel).max())[1]), 1023)
    return np.ldexp(kernel, -exponent), float(np.ldexp(1.0, exponent))


def check_array(name: str, array: object) -> None:
    """A NumPy or JAX array, or a ValueError."""
    if not isinstance(array, np.ndarray | np.generic | jax.Array):
        raise ValueError(f"{name} must be a NumPy or JAX array, got {type(array).__name__}: {array!r:.80}")


def check_key(key: object) -> None:
    """One JAX PRNG key, new or old style, or a ValueError."""
    if isinstance(key, jax.Array | np.ndarray):
        new = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        if key.shape == (() if new else (2,)) and (new or key.dtype == np.uint32):
            return
    raise ValueError(f"key must be one JAX PRNG key, as of jax.random.key(0), got {key!r:.80}")


def per_axis(name: str, sizes: Sizes, ndim: int) -> Shape:
    """One whole number of at least 1 for each axis."""
    listed = sizes.tolist() if isinstance(sizes, np.ndarray) else sizes
    numbers = tuple(listed) if isinstance(listed, Sequence) else (listed,) * ndim
    if len(numbers) != ndim:
        raise ValueError(f"{name} must be one number, or {ndim} for {ndim} axes, got {sizes!r}")
    return Shape(at_least_one(name, number) for number in numbers)


def at_least_one(name: str, value: object) -> int:
    """A whole number of at least 1, or a ValueError naming it."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def check_padding(padding: str) -> None:
    """One of the three, or a ValueError."""
    if padding not in PADDINGS:
        raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, got {padding!r}")
