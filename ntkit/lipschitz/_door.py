"""The arguments of a bound, checked and brought into one form."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.lipschitz._linear import Numbers, Shape
from ntkit.lipschitz._network import Network
from ntkit.lipschitz._rounding import ARITHMETICS, Arithmetic, Rounding

NORMS = (np.inf, 2, 1)


@dataclass(frozen=True)
class Ask:
    """What is to be bounded.

    Attributes:
        net: the network.
        centres: shape (batch, inputs).
        radii: shape (batch,), or (batch, inputs) for boxes.
        norm: of the input.
        batch: shape of the batch as it was given: () or (batch,).
        rounding: of the bounds.
    """

    net: Network
    centres: Float[Array, "batch inputs"]
    radii: Float[Array, "batch ..."]
    norm: float | int
    batch: Shape
    rounding: Rounding

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """The corners of the smallest boxes that hold the balls, float64."""
        centres, radii = (np.asarray(part, np.float64) for part in (self.centres, self.radii))
        reach = radii if radii.ndim == 2 else radii[:, None]
        return centres - reach, centres + reach


def ask(
    net: Network,
    x0: Numbers,
    radius: Numbers,
    norm: float | int,
    out_norm: float | int,
    outputs: Sequence[int] | None,
    clip: Sequence[float | int] | None,
    arithmetic: Arithmetic,
) -> Ask:
    """The arguments of `local_lipschitz`, or a ValueError."""
    if not isinstance(net, Network):
        raise ValueError(f"net must be a Network of ntkit.lipschitz, got {net!r}")
    if arithmetic not in ARITHMETICS:
        raise ValueError(f"arithmetic must be one of {', '.join(map(repr, ARITHMETICS))}, got {arithmetic!r}")
    for name, value in (("norm", norm), ("out_norm", out_norm)):
        if value not in NORMS:
            raise ValueError(f"{name} must be inf, 2 or 1, got {value!r}")
    dtype = np.dtype("float64" if arithmetic == "ball" else arithmetic.partition("+")[0])
    if dtype == np.float64 and jnp.zeros(0, float).dtype != np.float64:
        raise ValueError(
            f"arithmetic must be 'float32+outward' while JAX is in single precision, got {arithmetic!r}; "
            "jax.config.update('jax_enable_x64', True) turns double precision on"
        )
    for number, leaf in enumerate(jax.tree_util.tree_leaves(net)):
        if leaf.dtype != dtype and not (leaf.dtype == np.float32 and dtype == np.float64):
            raise ValueError(
                f"arithmetic must suit weights of {leaf.dtype} (array {number} of the network), got {arithmetic!r}"
            )
        if (small := _subnormal(np.asarray(leaf, dtype))).any():
            raise ValueError(
                f"net must have weights of 0 or at least {np.finfo(dtype).tiny:.3g} (smaller ones count as 0 in products), "
                f"got {np.asarray(leaf)[small].flat[0]!r} in array {number}"
            )
    size = prod(net.input_shape)
    given = np.asarray(x0)
    x, batched = _inputs("x0", x0, net.input_shape, dtype)
    tiny = 0.0 if arithmetic == "ball" else float(np.finfo(dtype).tiny)  # smaller numbers count as 0 in products
    lost = np.abs(x) < tiny
    x = np.where(lost, 0, x).astype(dtype)
    wide = np.asarray(radius, np.float64)
    if not np.isfinite(wide).all() or (wide < 0).any():
        raise ValueError(f"radius must be finite and at least 0, got {radius!r}")
    # What rounding moves the centre by is added to the radius, which is rounded up.
    moved = float(np.abs(given.reshape(x.shape) - x.astype(np.float64)).max())
    moved = max(moved, tiny) if moved else moved
    reach = (wide + moved * (1 if norm == np.inf else size)).astype(dtype)
    if moved or (reach.astype(np.float64) < wide).any():
        reach = np.nextafter(reach, dtype.type(np.inf))
    if reach.shape not in ((), (size,), net.input_shape):
        raise ValueError(f"radius must be a number, or half widths of shape {net.input_shape} or ({size},), got {reach.shape}")
    if (reach.ndim or clip is not None) and norm != np.inf:
        raise ValueError(f"norm must be inf for a box, as of radius in a shape or of clip, got {norm!r}")
    chosen = range(net.outputs) if outputs is None else outputs
    if not len(chosen) or not all(isinstance(o, int) and 0 <= o < net.outputs for o in chosen):
        raise ValueError(f"outputs must be numbers from 0 to {net.outputs - 1}, got {outputs!r}")
    centres, radii = (
        jnp.asarray(x),
        np.broadcast_to(reach.reshape(-1) if reach.ndim else reach, (len(x), size) if reach.ndim else (len(x),)),
    )
    if clip is not None:
        centres, radii = _clipped(x, radii, clip)
    radii = np.where(radii > 0, np.maximum(radii, dtype.type(2 * tiny)), radii)  # covers a centre that counts as 0, too
    return Ask(
        jax.tree_util.tree_map(lambda leaf: leaf.astype(dtype), net),
        centres,
        jnp.asarray(radii),
        float(norm),
        (len(x),) if batched else (),
        Rounding(arithmetic != "float64"),
    )


def _subnormal(array: np.ndarray) -> np.ndarray:
    """Which numbers have lost digits, and may be taken as 0."""
    small: np.ndarray = (array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)
    return small


def _inputs(name: str, x: Numbers, shape: Shape, dtype: np.dtype) -> tuple[np.ndarray, bool]:
    array, size = np.asarray(x), prod(shape)
    forms: list[Shape] = [shape, (size,)]
    batched = array.shape not in forms
    if batched and (array.shape[1:] not in forms or not array.size):
        raise ValueError(f"{name} must have shape {shape} or ({size},), or be a batch of these, got {array.shape}")
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite real numbers, got {array!r}")
    return array.reshape(-1, size).astype(dtype), batched


def _clipped(x: np.ndarray, radii: np.ndarray, clip: Sequence[float | int]) -> tuple[Array, np.ndarray]:
    """Boxes that hold the part of the balls within the range of the data."""
    low, high = clip
    if not (np.isfinite([low, high]).all() and low <= high):
        raise ValueError(f"clip must be two finite numbers, the smaller first, got {clip!r}")
    if (x < low).any() or (x > high).any():
        raise ValueError(f"x0 must lie within clip={clip!r}, got numbers from {x.min():g} to {x.max():g}")
    reach = radii if radii.ndim == 2 else radii[:, None]
    ends = np.maximum(x - reach, low), np.minimum(x + reach, high)
    centres = (ends[0] + ends[1]) / 2
    half = np.maximum(ends[1] - centres, centres - ends[0])
    return jnp.asarray(centres), half + 4 * np.finfo(x.dtype).eps * (np.abs(centres) + half)


def check(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a word that is none of those known."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
