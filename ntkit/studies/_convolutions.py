"""A convolution layer on images, whether it can be orthogonal, and what would let it be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from ntkit.orthoconv import Architecture, Existence

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Axes = tuple[int, ...]
Padding = Literal["circular", "same", "valid"]

PADDINGS: tuple[Padding, ...] = ("circular", "same", "valid")


@dataclass(frozen=True, eq=False)
class Convolution:
    """A layer, and the images that it works on.

    Attributes:
        name: in its file, or what the layer is called.
        layer: its numbers.
        padding: "circular", "same" or "valid".
        side: points of the image along each axis; without padding, the last may be reached by no window.
        size: output points along each axis.
        kernel: float64, shape (M, C, k_1, .., k_d), finite; None where only the numbers are given.
    """

    name: str
    layer: Architecture
    padding: Padding
    side: Axes
    size: Axes
    kernel: Floats | None = None

    @cached_property
    def existence(self) -> Existence:
        """Whether it can be orthogonal."""
        return _existence(vars(self.layer), self.side, self.padding)

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows and columns of the layer as a matrix."""
        return self.layer.out_channels * prod(self.size), self.layer.in_channels * prod(self.inputs)

    @property
    def inputs(self) -> Axes:
        """Points of the image along each axis that the layer sees, or could: those up to the end of the last window."""
        return tuple(self.layer.input_size(self.size, self.padding))

    @cached_property
    def changes(self) -> dict[str, Any]:
        """Single changes, each the nearest of its kind, with which the layer on the same images can be orthogonal.

        out_channels: the largest number below. kernel_size: the shortest axes made longer or the longest shorter, or else as
        long as the stride. stride: the longest made shorter. padding: all others that do. Empty if nothing need change.
        """
        if self.existence.possible:
            return {}
        kinds = {"out_channels": self._fewer, "kernel_size": self._windows, "stride": self._strides, "padding": self._paddings}
        return {kind: change for kind, look in kinds.items() if (change := look()) is not None}

    def _possible(self, padding: Padding | None = None, **numbers: Any) -> bool:
        return bool(_existence(vars(self.layer) | numbers, self.side, padding or self.padding).possible)

    def _fewer(self) -> int | None:
        """By halving: of the numbers below an impossible one, the possible ones are the smallest."""
        low, high = 0, self.layer.out_channels
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._possible(out_channels=middle) else (low, middle)
        return low or None

    def _windows(self) -> list[int] | None:
        k, stride = self.layer.kernel_size, self.layer.stride
        more = [[max(n, taps) for n in k] for taps in range(min(k) + 1, max(*k, *stride) + 1)]
        fewer = [[min(n, taps) for n in k] for taps in range(max(k) - 1, 0, -1)]
        near = sorted([*more, *fewer], key=lambda window: sum(abs(n - taps) for n, taps in zip(window, k, strict=True)))
        return next((window for window in (*near, list(stride)) if self._fits(kernel_size=window)), None)

    def _strides(self) -> list[int] | None:
        lesser = ([min(s, most) for s in self.layer.stride] for most in range(max(self.layer.stride) - 1, 0, -1))
        return next((stride for stride in lesser if self._fits(stride=stride)), None)

    def _paddings(self) -> list[str] | None:
        return [padding for padding in PADDINGS if padding != self.padding and self._fits(padding)] or None

    def _fits(self, padding: Padding | None = None, **numbers: list[int]) -> bool:
        """Whether the changed layer can work on the images at all, and be orthogonal."""
        of = vars(self.layer) | numbers
        return not misfit(self.side, of["kernel_size"], of["stride"], padding or self.padding) and self._possible(
            padding, **numbers
        )


def misfit(side: Axes, window: Iterable[int], stride: Iterable[int], padding: Padding) -> str:
    """Why a layer does not fit on images; empty if it does."""
    for n, k, s in zip(side, window, stride, strict=True):
        if padding == "valid" and k > n:
            return f"must be at least the {k} taps of the kernel where padding is valid"
        if padding != "valid" and n % s:
            near = f"{n - n % s} or {n - n % s + s}" if n > s else f"{s}"
            return f"must be a multiple of the stride {s} where padding is {padding}, such as {near}"
    return ""


def outputs(side: Axes, window: Iterable[int], stride: Iterable[int], padding: Padding) -> Axes:
    """Output points along each axis."""
    axes = zip(side, window, stride, strict=True)
    return tuple((n - k) // s + 1 if padding == "valid" else n // s for n, k, s in axes)


def _existence(numbers: dict[str, Any], side: Axes, padding: Padding) -> Existence:
    from ntkit.orthoconv import exists

    return exists(**numbers, padding=padding, size=outputs(side, numbers["kernel_size"], numbers["stride"], padding))


def by_axes(numbers: int | Iterable[int]) -> str:
    """Numbers along the axes.

    Example:
        >>> by_axes((3, 5))
        '3x5'
    """
    return f"{numbers}" if isinstance(numbers, int) else "x".join(map(str, numbers))
