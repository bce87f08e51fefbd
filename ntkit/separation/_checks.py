"""Arguments that many names of this package share, checked at the door."""

import math

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray
from numpy.typing import ArrayLike

Real = float | int
Numbers = Real | ArrayLike
MOST_SAMPLES = 10**12


def generator(key: PRNGKeyArray) -> np.random.Generator:
    """NumPy's generator, seeded by a JAX key."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())


def check_integer(name: str, value: object, least: int = 1) -> int:
    """A whole number that is not too small, or a ValueError naming it."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:  # type: ignore[operator]
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def check_number(name: str, value: object, least: float = 0.0, *, infinite: bool = False) -> float:
    """A number that is not too small, finite unless it may be infinite, or a ValueError naming it."""
    real = isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool)
    if not real or not value >= least or (math.isinf(value) and not infinite):  # type: ignore[operator, arg-type]
        raise ValueError(f"{name} must be a {'' if infinite else 'finite '}number of at least {least:g}, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def check_inputs(name: str, x: ArrayLike, shape: tuple[int, int] | None = None) -> Float[np.ndarray, "n patches dim"]:
    """Finite real inputs of shape (n, patches, dim), at least one; of this shape (patches, dim), where one is given."""
    array = np.asarray(x)
    wanted = "(n, patches, dim)," if shape is None else f"(n, {shape[0]}, {shape[1]}) like those learnt from,"
    real = array.dtype.kind == "f" and array.dtype.itemsize in (4, 8)
    if not real or array.ndim != 3 or not array.size or shape not in (None, array.shape[1:]):
        raise ValueError(f"{name} must be float32 or float64 of shape {wanted} got {array.dtype} of shape {array.shape}")
    _check_finite(name, array)
    return array


def check_data(x: ArrayLike, y: ArrayLike) -> tuple[Float[np.ndarray, "n patches dim"], Float[np.ndarray, " n"]]:
    """What can be learnt from: inputs as above, and for each a finite real label, in their precision; or a ValueError."""
    inputs, labels = check_inputs("x", x), np.asarray(y)
    if labels.shape != inputs.shape[:1] or labels.dtype.kind not in "iuf":
        raise ValueError(f"y must be real numbers of shape ({len(inputs)},) like x, got {labels.dtype} of shape {labels.shape}")
    with np.errstate(over="ignore"):  # refused below
        labels = labels.astype(inputs.dtype)
    _check_finite("y", labels)
    return inputs, labels


def _check_finite(name: str, array: Float[np.ndarray, "..."]) -> None:
    wrong = int(array.size - np.isfinite(array).sum())
    if wrong:
        raise ValueError(f"{name} must be finite, got {wrong} of {array.size} numbers that are nan or infinite")


def sample_sizes(n: ArrayLike) -> Int[np.ndarray, " points"]:
    """Numbers of samples: whole, at least 1, strictly rising."""
    array = np.asarray(n)
    wrong = array.ndim != 1 or not array.size or array.dtype.kind not in "iuf" or not np.isfinite(array).all()
    if wrong or (array % 1 != 0).any() or array.min() < 1 or array.max() > MOST_SAMPLES or (np.diff(array) <= 0).any():
        raise ValueError(f"n must be whole numbers from 1 to 1e12 that rise, of shape (points,), got {n!r}")
    return array.astype(np.int64)
