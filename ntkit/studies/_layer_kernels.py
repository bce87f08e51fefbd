"""Kernels of a convolution layer, measured: singular values, L_orth and what it promises, distances to orthogonal kernels."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies._convolutions import Convolution, Floats, by_axes
from ntkit.studies._parts import Parts

if TYPE_CHECKING:
    from ntkit.orthoconv import Nearest, SpectralErrorBounds

MOST_NEAREST = 2000  # weights of a kernel whose nearest orthogonal one is looked for: seconds, long windows in 3 axes a minute
_MOST_WORK = 10**12  # multiplications in the decompositions of a layer
_SPEED = 10**9  # of them in a second of one core
_MOST_NUMBERS = 2**28  # that L_orth holds: 2 GiB
_MOST_DENSE = 2**27  # that the construction of a dense kernel holds
NEAR = "nearest."  # begins names in a file
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LayerKernel:
    """A kernel of a layer, and what was found.

    Attributes:
        of: the layer.
        name: "given", "orthogonal" or "gaussian".
        kernel: float64, shape (M, C, k_1, .., k_d).
        values: all singular values, falling; None where the layer is too large for them.
        largest, smallest: intervals that hold the ends.
        bounds: what L_orth says of circular layers.
        near: an orthogonal kernel nearby; None if none was looked for.
        near_left_out: then why.
    """

    of: Convolution
    name: str
    kernel: Floats
    values: Floats | None
    largest: tuple[float, float]
    smallest: tuple[float, float]
    bounds: SpectralErrorBounds
    near: Nearest | None
    near_left_out: str

    @property
    def called(self) -> str:
        """Name of the layer in its file, or what kind of a kernel was made."""
        return self.of.name if self.name == "given" else self.name

    @property
    def rounding(self) -> float:
        """What rounding may have made of a singular value that is 0, where all were computed."""
        return (self.largest[1] - self.largest[0]) / 2

    @property
    def condition(self) -> tuple[float, float]:
        """An interval; its upper end is infinite where rounding cannot tell the smallest singular value from 0."""
        low, high = self.smallest
        return self.largest[0] / high if high else inf, self.largest[1] / low if low else inf

    @property
    def promised(self) -> tuple[float, float]:
        """The interval that L_orth alone says to hold all singular values, at every size.

        Matrices of layers with a border are parts of circular ones; without padding, whole rows, which keep the lower end.
        """
        low, high = self.bounds.singular_values
        rows, columns = self.of.matrix
        kept = self.of.padding == "circular" or (self.of.padding == "valid" and rows <= columns and self.of.layer.rows_only)
        return low if kept else 0.0, high

    @property
    def least_distance(self) -> float | None:
        """No orthogonal kernel is nearer; None where nothing is known.

        A circular layer's blocks have prod N times the squared norm of its kernel if no two taps meet, and two matrices are
        at least as far from each other as their singular values (Mirsky 1960).
        """
        apart = all(n > lag for n, lag in zip(self.of.size, self.of.layer.lags, strict=True))
        if self.values is None or self.of.padding != "circular" or not (apart and self.of.existence.possible):
            return None
        apart_by = float(np.linalg.norm(self.values - 1)) - sqrt(len(self.values)) * self.rounding
        return max(apart_by, 0.0) / sqrt(prod(self.of.size))

    def facts(self) -> dict[str, Any]:
        """Numbers for a record; None for what is infinite or not known."""
        errors = None if self.values is None else np.abs((self.values - 1) * (self.values + 1))
        near = self.near and {name: getattr(self.near, name) for name in ("distance", "spectral_error", "converged")}
        return {
            "l_orth": self.bounds.l_orth, "promised": list(self.promised),
            "spectral_error_bounds": [self.bounds.lower, self.bounds.upper], "paper_bound": self.bounds.paper,
            "least_size": list(self.bounds.least_size), "largest": list(self.largest), "smallest": list(self.smallest),
            "condition": [end if isfinite(end) else None for end in self.condition],
            "spectral_error": None if errors is None else float(errors.max()),
            "frobenius_error": None if errors is None else float(np.linalg.norm(errors)),
            "least_distance": self.least_distance, "nearest": near, "nearest_left_out": self.near_left_out,
        }  # fmt: skip


def check_affordable(layer: Convolution) -> None:
    """What would take too long, or too much memory, is refused before anything is computed.

    Raises:
        UsageError: with what is too much.
    """
    of = layer.layer
    if seconds(layer) > _MOST_WORK / _SPEED:
        blocks = f"{_frequencies(layer)} blocks of {of.out_channels} x {of.inputs}"
        raise UsageError(
            f"--size {by_axes(layer.side)}: {layer.name} would have {blocks} to decompose, for more than 15 minutes"
        )
    held = regulariser_bytes(layer) // 8
    if held > _MOST_NUMBERS:
        raise UsageError(
            f"{layer.name}: a kernel of shape {of.shape} is too large, L_orth would hold {held} numbers at a time, "
            f"more than {_MOST_NUMBERS}"
        )


def regulariser_bytes(layer: Convolution) -> int:
    """What L_orth holds at a time."""
    of = layer.layer
    return int(8 * (prod(2 * lag + 1 for lag in of.lags) // 2 + 1) * prod(of.shape))


def seconds(layer: Convolution) -> float:
    """About how long the decomposition of one kernel takes on one core."""
    of = layer.layer
    return _frequencies(layer) * of.out_channels * of.inputs * min(of.out_channels, of.inputs) / _SPEED


def _frequencies(layer: Convolution) -> int:
    """Whose blocks are decomposed: one of each pair of opposite ones, along axes on which they differ."""
    return prod(n if lag else 1 for n, lag in zip(layer.size, layer.layer.lags, strict=True)) // 2 + 1


def made_kernels(layer: Convolution, seed: int) -> dict[str, Floats]:
    """An orthogonal kernel, if there is one, and a Gaussian one."""
    import jax

    from ntkit.orthoconv import construct, gaussian_kernel

    of, keys, made = layer.layer, jax.random.split(jax.random.key(seed)), {}
    if layer.existence.possible:
        dense = max(of.out_channels, of.inputs) ** 2 * prod(lag + 1 for lag in of.lags) <= _MOST_DENSE
        if not dense:
            print("notice: the orthogonal kernel has single taps, as a dense one would take too much memory to construct")
        made["orthogonal"] = construct(
            keys[0], **vars(of), padding=layer.padding, size=layer.size, kind="dense" if dense else "delta"
        )
    return {**made, "gaussian": gaussian_kernel(keys[1], of)}


def measured_kernel(layer: Convolution, name: str, kernel: Floats, parts: Parts, *, most: int = MOST_NEAREST) -> LayerKernel:
    """Everything about one kernel; the nearest orthogonal one is looked for if it has no more than `most` weights."""
    from ntkit.orthoconv import Nearest, spectral_error_bounds

    why = _left_out(layer, name, kernel, most)
    depends = {"kernel": kernel, "layer": repr(layer.layer), "padding": layer.padding, "size": layer.size, "side": layer.side}
    found = parts.found_or(depends | {"near": not why}, lambda: _measured(layer, kernel, near=not why))
    largest, smallest = ((float(low), float(high)) for low, high in (found["largest"], found["smallest"]))
    near: dict[str, Any] = {key.removeprefix(NEAR): value for key, value in found.items() if key.startswith(NEAR)}
    nearest = Nearest(**{key: value if value.ndim else value.item() for key, value in near.items()}) if near else None
    bounds = spectral_error_bounds(kernel, layer.layer.stride)
    return LayerKernel(layer, name, kernel, found.get("values"), largest, smallest, bounds, nearest, why)


def _measured(layer: Convolution, kernel: Floats, *, near: bool) -> dict[str, Any]:
    """What takes time: singular values, where the layer is not too large for them, their ends, and an orthogonal kernel."""
    from ntkit.orthoconv import extreme_singular_values, nearest, rounding, singular_values

    of = layer.layer
    found: dict[str, Any] = {}
    try:
        values = found["values"] = np.asarray(singular_values(kernel, layer.size, of.stride, layer.padding))
    except ValueError:  # a matrix with a border that is too large to be decomposed
        ends = extreme_singular_values(kernel, layer.size, of.stride, layer.padding)
        found |= {"largest": ends.largest, "smallest": ends.smallest}
    else:
        slack = _EPS * sum(layer.matrix) * float(values[0])
        if layer.padding == "circular":
            slack = float(rounding(kernel, of.stride, values[0]))
        extremes = {"largest": float(values[0]), "smallest": float(values[-1])}
        found |= {name: (max(value - slack, 0.0), value + slack) for name, value in extremes.items()}
    if near:
        found |= {f"{NEAR}{name}": value for name, value in vars(nearest(kernel, of.stride)).items()}
    return found


def _left_out(layer: Convolution, name: str, kernel: Floats, most: int) -> str:
    """Why the nearest orthogonal kernel is not looked for; empty if it is."""
    if name == "orthogonal":
        return "it is orthogonal"
    if not layer.existence.possible:
        return "none exists" if layer.existence.possible is False else "whether any exists is not known"
    if layer.padding != "circular":
        return "it is found for circular layers only"
    return "" if kernel.size <= most else f"--nearest {most}: it has {kernel.size} weights"
