"""The numbers that describe a convolution layer, and checks of the arguments that carry them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array

Real = Array | np.ndarray  # the arrays that this package takes and answers with


@dataclass(frozen=True)
class Architecture:
    """A convolution layer without its weights.

    Attributes:
        M: output channels.
        C: input channels.
        k: taps per axis.
        S: stride.
        d: number of spatial axes, 1 or 2.

    Raises:
        ValueError: a number below 1, or d above 2.

    Example:
        >>> layer = Architecture(M=4, C=1, k=3, S=2, d=2)
        >>> layer.shape, layer.q, layer.rows_only
        ((4, 1, 3, 3), 1, True)
    """

    M: int
    C: int
    k: int
    S: int = 1
    d: int = 1

    def __post_init__(self) -> None:
        for name in ("M", "C", "k", "S"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.d not in (1, 2):
            raise ValueError(f"d must be 1 or 2, got {self.d}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the kernel, (M, C, k) or (M, C, k, k)."""
        return (self.M, self.C) + (self.k,) * self.d

    @property
    def q(self) -> int:
        """The largest lag, in strides, at which a kernel overlaps itself."""
        return (self.k - 1) // self.S

    @property
    def inputs(self) -> int:
        """Columns of a symbol block: C S^d."""
        return self.C * int(self.S**self.d)

    @property
    def rows_only(self) -> bool:
        """Whether this is the RO case (for M = C S^d both cases coincide)."""
        return self.inputs >= self.M


def of_kernel(kernel: Real, stride: int) -> Architecture:
    """The architecture of a kernel, or a ValueError that says what is wrong with it."""
    shape = kernel.shape
    if len(shape) not in (3, 4) or len(set(shape[2:])) != 1:
        raise ValueError(f"kernel must have shape (M, C, k) or (M, C, k, k), got {shape}")
    if not kernel.dtype.kind == "f":
        raise ValueError(f"kernel must be real floating point, got dtype {kernel.dtype}; convert it with astype(float)")
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    return Architecture(M=shape[0], C=shape[1], k=shape[2], S=stride, d=len(shape) - 2)
