"""The eigen-system of a kernel with a target in it, and the sums over its modes that all predictions are made of."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

Real = float | int
Numbers = Real | ArrayLike
_BLOCK = 2**14  # modes at a time: temporary arrays stay in cache


@dataclass(frozen=True, eq=False, init=False)
class Modes:
    """Eigenvalues of a kernel under the distribution of inputs, and how much of the target lies on each.

    The kernel is sum_i lambda_i phi_i(x) phi_i(z) with orthonormal phi_i, the target sum_i v_i phi_i(x).

    Attributes:
        eigenvalues: lambda_i >= 0, float64 of shape (modes,), each once if it has a multiplicity.
        power: the sum of v_i^2 over the eigenspace of each eigenvalue, shape (modes,); 0 where the eigenvalue is 0.
        multiplicities: the dimensions of the eigenspaces, shape (modes,), at least 1; by default 1.
        tail: sum of the eigenvalues beyond these modes, all too small to be learnt: they act as ridge.
        outside: power of the target outside of the span of these modes: never learnt, it acts as noise.

    Raises:
        ValueError: the shapes differ, something is negative or not finite, or power lies on an eigenvalue 0.

    Example:
        >>> Modes([2.0, 1.0], [1.0, 0.5], multiplicities=[1, 3]).trace
        5.0
    """

    eigenvalues: Float[np.ndarray, " modes"]
    power: Float[np.ndarray, " modes"]
    multiplicities: Float[np.ndarray, " modes"]
    tail: float
    outside: float

    def __init__(
        self, eigenvalues: Numbers, power: Numbers, *, multiplicities: Numbers = 1.0, tail: Real = 0.0, outside: Real = 0.0
    ) -> None:
        values = nonnegative("eigenvalues", eigenvalues)
        if values.ndim != 1 or not values.size:
            raise ValueError(f"eigenvalues must have shape (modes,), at least one, got shape {values.shape}")
        arrays = {"power": nonnegative("power", power), "multiplicities": counts("multiplicities", multiplicities)}
        for name, array in arrays.items():
            if array.shape != values.shape and not (name == "multiplicities" and array.shape == ()):
                raise ValueError(f"{name} must have the shape {values.shape} of eigenvalues, got {array.shape}")
        lost = float(arrays["power"][values == 0].sum())
        if lost:
            raise ValueError(
                f"power must be 0 where the eigenvalue is 0, got {lost:g}: the target leaves the span; see outside"
            )
        object.__setattr__(self, "eigenvalues", values)
        object.__setattr__(self, "power", arrays["power"])
        object.__setattr__(self, "multiplicities", np.array(np.broadcast_to(arrays["multiplicities"], values.shape)))
        object.__setattr__(self, "tail", float(nonnegative("tail", tail)))
        object.__setattr__(self, "outside", float(nonnegative("outside", outside)))

    @cached_property
    def trace(self) -> float:
        """Sum of all eigenvalues, multiplicities and tail included."""
        return float(self.multiplicities @ self.eigenvalues) + self.tail

    @cached_property
    def rank(self) -> float:
        """How many eigenvalues are positive; infinite if there is a tail."""
        return np.inf if self.tail else float(self.multiplicities[self.eigenvalues > 0].sum())

    @cached_property
    def variance(self) -> float:
        """E[target^2], the error of predicting 0."""
        return float(self.power.sum()) + self.outside


class Sums(NamedTuple):
    """Sums over the modes at one value of gamma each, with L = lambda / (lambda + gamma); all of shape (points,).

    sum L = whole + excess: an integer, and a small number that keeps its digits when sum L is close to an integer.
    """

    whole: Float[np.ndarray, " points"]
    excess: Float[np.ndarray, " points"]
    squares: Float[np.ndarray, " points"]  # sum L^2
    spread: Float[np.ndarray, " points"]  # sum L (1 - L)
    missed: Float[np.ndarray, " points"]  # sum power (1 - L)^2
    edge: Float[np.ndarray, " points"]  # sum power L (1 - L)

    def left(self, count: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
        """Count - sum L, without cancellation."""
        return np.asarray((count - self.whole) - self.excess)


def sums(modes: Modes, gamma: Float[np.ndarray, " points"]) -> Sums:
    """All sums at these gamma in [0, inf], in blocks that stay in cache."""
    width = min(len(modes.eigenvalues), _BLOCK)
    height = max(1, 2 * _BLOCK // width)
    out = np.zeros((6, len(gamma)))
    for top in range(0, len(gamma), height):
        rows = slice(top, top + height)
        for left in range(0, len(modes.eigenvalues), width):
            out[:, rows] += _sums(modes, slice(left, left + width), gamma[rows])
    tail = np.divide(modes.tail, gamma, out=np.zeros_like(gamma), where=gamma > 0)
    whole, excess, squares, spread, missed, edge = out
    return Sums(whole, excess + tail, squares, spread + tail, missed, edge)


def _sums(modes: Modes, columns: slice, gamma: Float[np.ndarray, " some"]) -> Float[np.ndarray, "6 some"]:
    learnt, missed = learnability(modes.eigenvalues[columns], gamma)
    above, edge = learnt > missed, learnt * missed
    m, power = modes.multiplicities[columns], modes.power[columns]
    excess = np.where(above, -missed, learnt) @ m
    return np.stack(
        [above.astype(np.float64) @ m, excess, learnt**2 @ m, edge @ m, missed**2 @ power, edge @ power],
    )


def learnability(
    eigenvalues: Float[np.ndarray, " modes"], gamma: Float[np.ndarray, " points"]
) -> tuple[Float[np.ndarray, "points modes"], Float[np.ndarray, "points modes"]]:
    """L = lambda / (lambda + gamma) and 1 - L, both to full relative accuracy, for gamma in [0, inf]; 0 at eigenvalue 0."""
    usual = np.where((gamma > 0) & np.isfinite(gamma), gamma, 1.0)[:, None]
    whole = eigenvalues + usual
    learnt, missed = eigenvalues / whole, usual / whole
    learnt[gamma == 0], missed[gamma == 0] = eigenvalues > 0, eigenvalues == 0
    learnt[gamma == np.inf], missed[gamma == np.inf] = 0, 1
    return learnt, missed


def nonnegative(name: str, values: Numbers, *, infinite: bool = False) -> Float[np.ndarray, "..."]:
    """Values as float64, or a ValueError naming the argument where one is negative, NaN or infinite."""
    array = np.asarray(values, dtype=np.float64)
    wrong = ~(array >= 0) | (np.isinf(array) & (not infinite))
    if wrong.any():
        allowed = "at least 0" if infinite else "finite and at least 0"
        raise ValueError(f"{name} must be {allowed}, got {np.atleast_1d(array)[np.atleast_1d(wrong)][0]:g}")
    return np.asarray(array)


def counts(name: str, values: Numbers, *, infinite: bool = False) -> Float[np.ndarray, "..."]:
    """Numbers of samples or features as float64, at least 1, or a ValueError naming the argument."""
    array = np.asarray(values, dtype=np.float64)
    if not array.size:
        raise ValueError(f"{name} must not be empty")
    wrong = ~(array >= 1) | (np.isinf(array) & (not infinite))
    if wrong.any():
        allowed = "at least 1" if infinite else "finite and at least 1"
        raise ValueError(f"{name} must be {allowed}, got {np.atleast_1d(array)[np.atleast_1d(wrong)][0]:g}")
    return np.asarray(array)
