"""How the number of samples needed grows: exponents with intervals, and sums against products."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from ntkit.separation._checks import Numbers, Real
from ntkit.separation._crossing import percentile_interval
from ntkit.separation._needed import SamplesNeeded

MOST_RESAMPLES = 199  # of a fit that has no closed form


@dataclass(frozen=True)
class Scaling:
    """The exponent of n* over a size.

    Attributes:
        slope: least-squares slope of log n* over log size; nan if it cannot be fitted.
        interval: of the slope, by resampling the replicates of each size on its own: sampling error alone, no finite sizes.
        why: why it cannot be fitted, else empty.
    """

    slope: float
    interval: tuple[float, float]
    why: str


def scaling(sizes: ArrayLike, needs: Sequence[SamplesNeeded], *, per: Numbers = 1.0, level: Real = 0.95) -> Scaling:
    """The exponent of n* / per over sizes.

    On a grid of two sizes, with every pair in it, this is the exponent over the one at fixed values of the other.

    Args:
        sizes: positive, shape (points,); several points may have the same.
        needs: what was needed at each.
        per: what n* is divided by, one number or one for each point, such as noise^2.
        level: of the interval.

    Returns:
        No slope, and why, for fewer than two different sizes, or where a size was inconclusive or needed one sample only.

    Raises:
        ValueError: shapes differ, or a size or divisor is not positive.

    Example:
        >>> import jax
        >>> from ntkit.separation import DynamicSignal, TwoStep, samples_needed
        >>> tasks = [DynamicSignal(k, 16384, 0.3 / k**0.5) for k in (8, 16, 32)]
        >>> needs = [samples_needed(TwoStep("fcn"), task, 0.01, key=jax.random.key(task.patches)) for task in tasks]
        >>> round(scaling([8, 16, 32], needs, per=[task.noise**2 for task in tasks]).slope, 1)  # k^2
        2.0
    """
    x, scale = _positive("sizes", sizes, len(needs)), _positive("per", per, len(needs))
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    nowhere = (-np.inf, np.inf)
    if len(np.unique(x)) < 2:
        return Scaling(np.nan, nowhere, "one size has no slope")
    for size, need in zip(x.tolist(), needs, strict=True):
        if need.status != "crossed":
            why = need.why or "one sample does, and there is no smaller number"
            return Scaling(np.nan, nowhere, f"at size {size:g}: {why}")
    logs = np.log(x) - np.log(x).mean()
    weights = logs / (logs @ logs)
    values = np.log([need.n for need in needs]) - np.log(scale)
    draws = weights @ (np.log(_draws(needs)) - np.log(scale)[:, None])
    replicates = min(len(need.errors) for need in needs)
    return Scaling(float(weights @ values), percentile_interval(draws, replicates, level), "")


@dataclass(frozen=True)
class Forms:
    """n* as a sum of two terms, and as a product of powers, both fitted to logarithms.

    Attributes:
        sum: A and B of A x + B y; interval_sum: of each, shape (2, 2).
        product: C, a and b of C x^a y^b.
        residual: median relative residual of the sum.
        squares: sums of squared logarithmic residuals, of the sum and of the product.
    """

    sum: tuple[float, float]
    interval_sum: Float[np.ndarray, "2 2"]
    product: tuple[float, float, float]
    residual: float
    squares: tuple[float, float]

    @property
    def ratio(self) -> float:
        """How many times worse the product fits than the sum."""
        return self.squares[1] / max(self.squares[0], np.finfo(np.float64).tiny)


def sum_or_product(
    first: ArrayLike, second: ArrayLike, needs: Sequence[SamplesNeeded], *, per: Numbers = 1.0, level: Real = 0.95
) -> Forms:
    """Fit A x + B y, with A and B at least 0, and C x^a y^b to n* / per.

    Args:
        first: x, positive, shape (points,).
        second: y, alike.
        needs: what was needed at each point, at least four, none inconclusive; where one sample does, that is 1.
        per: what n* is divided by.
        level: of the intervals, by resampling replicates.

    Raises:
        ValueError: shapes differ, something is not positive, or a point is inconclusive.
    """
    x, y, scale = (_positive(name, a, len(needs)) for name, a in (("first", first), ("second", second), ("per", per)))
    lost = sum(need.status == "inconclusive" for need in needs)
    if lost or len(needs) < 4:
        raise ValueError(f"needs must be at least four, none inconclusive, got {len(needs)}, of them {lost} inconclusive")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    target = np.log([need.n for need in needs]) - np.log(scale)
    terms = np.stack([x, y], axis=1)
    sum_ = _fit_sum(terms, target)
    powers = np.stack([np.ones_like(x), np.log(x), np.log(y)], axis=1)
    product = np.linalg.lstsq(powers, target, rcond=None)[0]
    off = target - np.log(terms @ sum_)
    draws = (np.log(_draws(needs)) - np.log(scale)[:, None]).T[:MOST_RESAMPLES]
    replicates = min(len(need.errors) for need in needs)
    fits = np.array([_fit_sum(terms, draw) for draw in draws])
    return Forms(
        (float(sum_[0]), float(sum_[1])),
        np.array([percentile_interval(column, replicates, level) for column in fits.T]),
        (float(np.exp(product[0])), float(product[1]), float(product[2])),
        float(np.median(np.abs(np.expm1(off)))),
        (float((off**2).sum()), float(((target - powers @ product) ** 2).sum())),
    )


def _fit_sum(terms: Float[np.ndarray, "points 2"], target: Float[np.ndarray, " points"]) -> Float[np.ndarray, "2"]:
    """Least squares in logarithms over coefficients of at least 0, from the ratios at either end."""
    ratios = np.exp(target)[:, None] / terms
    found = least_squares(
        lambda c: np.log(np.maximum(terms @ c, 1e-300)) - target,
        np.median(ratios, axis=0) / 2,
        bounds=(0, np.inf),
        x_scale="jac",
    )
    return np.asarray(found.x)


def _draws(needs: Sequence[SamplesNeeded]) -> Float[np.ndarray, "points resamples"]:
    """Resampled n* of each."""
    return np.stack([need.draws for need in needs])


def _positive(name: str, values: Numbers, count: int) -> Float[np.ndarray, " points"]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (count,)):
        raise ValueError(f"{name} must have one number for each of the {count} points, got shape {array.shape}")
    if not (np.isfinite(array) & (array > 0)).all():
        raise ValueError(f"{name} must be finite and positive, got {values!r}")
    return np.array(np.broadcast_to(array, (count,)))
