"""Linear maps of layers: applied, transposed, and with the absolute values of their weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Shape = tuple[int, ...]
Numbers = ArrayLike | Sequence[Any]  # arrays, and lists of lists that become one
Rows = Float[Array, "rows ..."]  # numbers of a node in rows: (rows, *shape of the node)


@dataclass(frozen=True)
class Linear(ABC):
    """A linear map between arrays of fixed shapes.

    Attributes:
        inputs, outputs: the shapes.
    """

    inputs: Shape
    outputs: Shape

    @abstractmethod
    def __call__(self, x: Rows) -> Rows:
        """The map of every row."""

    def each(self, function: Callable[[Array], Array]) -> "Linear":
        """The map with a function of every weight in its place."""
        return jax.tree_util.tree_map(function, self)  # type: ignore[no-any-return]

    def absolute(self) -> "Linear":
        """The map with the absolute values of all weights."""
        return self.each(jnp.abs)

    @property
    @abstractmethod
    def terms(self) -> int:
        """How many terms the longest sum has, in this direction or transposed."""

    @property
    def transposed(self) -> "Linear":
        """The transpose."""
        return Transposed(self.outputs, self.inputs, self)

    def pull(self, a: Rows) -> Rows:
        """The transpose of every row."""
        like = jax.ShapeDtypeStruct((len(a), *self.inputs), a.dtype)  # type: ignore[no-untyped-call]
        return jax.linear_transpose(self, like)(a)[0]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Transposed(Linear):
    """The transpose of a map."""

    of: Linear

    def __call__(self, x: Rows) -> Rows:
        return self.of.pull(x)

    @property
    def terms(self) -> int:
        return self.of.terms

    @property
    def transposed(self) -> "Linear":
        return self.of

    def pull(self, a: Rows) -> Rows:
        return self.of(a)


@dataclass(frozen=True)
class Matrix(Linear):
    """Vectors times a matrix of shape (out, in)."""

    weights: Float[Array, "out inputs"]

    def __call__(self, x: Rows) -> Rows:
        return jnp.matmul(x, self.weights.T, precision=jax.lax.Precision.HIGHEST)

    @property
    def terms(self) -> int:
        return max(self.weights.shape)

    def pull(self, a: Rows) -> Rows:
        return jnp.matmul(a, self.weights, precision=jax.lax.Precision.HIGHEST)


@dataclass(frozen=True)
class Convolution(Linear):
    """Cross-correlation of (channels, *points) with weights (out, in / groups, *window).

    Attributes:
        stride: by axis.
        pads: points added before and after along each axis, zeros or the image continued periodically.
    """

    weights: Float[Array, "out per_group *window"]
    stride: Shape
    pads: tuple[tuple[int, int], ...]
    circular: bool = False
    groups: int = 1

    def __call__(self, x: Rows) -> Rows:
        pads = self.pads
        if self.circular:
            x, pads = jnp.pad(x, ((0, 0), (0, 0), *pads), mode="wrap"), ((0, 0),) * len(pads)
        names = ("NCW", "OIW", "NCW") if len(pads) == 1 else ("NCHW", "OIHW", "NCHW")
        return jax.lax.conv_general_dilated(
            x,
            self.weights,
            self.stride,
            pads,
            dimension_numbers=names,
            feature_group_count=self.groups,
            precision=jax.lax.Precision.HIGHEST,
        )

    @property
    def terms(self) -> int:
        out, channels, *window = self.weights.shape
        return max(out, channels) * prod(window)


@dataclass(frozen=True)
class Reshape(Linear):
    """The same numbers in another shape, in C order."""

    def __call__(self, x: Rows) -> Rows:
        return x.reshape(len(x), *self.outputs)

    @property
    def terms(self) -> int:
        return 1


@dataclass(frozen=True)
class Scale(Linear):
    """A factor for each number, broadcast to the shape."""

    factors: Float[Array, "..."]

    def __call__(self, x: Rows) -> Rows:
        return x * self.factors[None]

    @property
    def terms(self) -> int:
        return 1


for _kind, _arrays in (
    (Matrix, ["weights"]),
    (Convolution, ["weights"]),
    (Scale, ["factors"]),
    (Transposed, ["of"]),
    (Reshape, []),
):
    _names = list(_kind.__dataclass_fields__)
    jax.tree_util.register_dataclass(_kind, _arrays, [name for name in _names if name not in _arrays])
