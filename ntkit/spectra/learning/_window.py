"""Fits of log eigenvalues on a window, by a power law or a rival of it, evenly weighted in the logarithm of the index."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student

Column = Callable[[Float[np.ndarray, " k"]], Float[np.ndarray, " k"]]
_SHIFTS = np.concatenate([-np.geomspace(0.9, 1e-3, 16), [0.0], np.geomspace(1e-3, 30, 24)])  # in units of the first index


class Fit(NamedTuple):
    """log eigenvalue = constant - exponent log(x + shift); half: of a Student interval, the model taken as true."""

    exponent: float
    shift: float
    constant: float
    rms: float
    half: float


class Curve(NamedTuple):
    """What is fitted: index x > 0, log eigenvalues y; shift None fits it.

    samples: points of the Gram matrix, or inf; variance: known of each y, the least that residuals are taken to have.
    """

    x: Float[np.ndarray, " k"]
    y: Float[np.ndarray, " k"]
    shift: float | None
    samples: float
    variance: float
    level: float

    def part(self, start: int, end: int | None = None) -> "Curve":
        """Some of the points."""
        return self._replace(x=self.x[start:end], y=self.y[start:end])

    def fit(self) -> Fit:
        """The best power law, the bias of the sampled eigenvalues taken away."""
        target, fit = self.y, None
        for _ in range(4 if np.isfinite(self.samples) else 1):  # the bias is small: three corrections settle it
            if fit is not None:
                target = self.y - np.log1p(np.clip(sampling_bias(fit.exponent) * self.x / self.samples, -0.5, 4.0))
            fit = self._plain(target)
        assert fit is not None
        return fit

    def _plain(self, target: Float[np.ndarray, " k"]) -> Fit:
        weights = even_weights(self.x)
        shift = _best_shift(self.x, target, weights) if self.shift is None else self.shift
        line = np.stack([np.ones_like(self.x), -np.log(self.x + shift)], axis=1)
        (constant, exponent), residuals = regress(line, target, weights)
        rms = float(np.sqrt(weights @ residuals**2))
        return Fit(float(exponent), shift, float(constant), rms, self._half(residuals, weights, rms, shift))

    def _half(self, residuals: Float[np.ndarray, " k"], weights: Float[np.ndarray, " k"], rms: float, shift: float) -> float:
        """Student's, where residuals in a run of one sign count as two points: what is left of a wrong model is smooth."""
        z = self.x + shift
        others = [np.ones_like(z)] if self.shift is not None else [np.ones_like(z), 1 / z]  # a free shift takes up lever
        lever = regress(np.stack(others, axis=1), np.log(z), weights)[1]
        unit = float(np.linalg.norm(weights * lever) / (weights @ lever**2))  # deviation of the exponent per that of a point
        independent = min(1.0, (2 + 2 * np.count_nonzero(np.diff(np.signbit(residuals)))) / len(z))  # share of the points
        freedom = max(independent / float(weights @ weights) - (3 if self.shift is None else 2), 1.0)
        half = float(student.ppf((1 + self.level) / 2, freedom)) * rms * unit / independent**0.5
        # Eigenvalues of one Gram matrix repel, so that residuals look smoother than they are: hence the variance known.
        least = float(student.ppf((1 + self.level) / 2, np.inf)) * unit * self.variance**0.5
        return float(max(half, least))


def sampling_bias(exponent: float) -> float:
    """C with E[eigenvalue x of the Gram matrix of n points / n] = lambda_x (1 + C x / n + ...), for lambda_x = x^-exponent.

    Second-order perturbation theory adds (1 / n) sum_j lambda_j / (lambda_x - lambda_j); for large x the sum tends to x
    times the principal value of the integral of 1 / (t^a - 1) over t > 0, which is -(pi / a) cot(pi / a).
    """
    a = max(exponent, 1.05)  # at 1 the trace diverges, and the bias with it
    return float(-np.pi / a / np.tan(np.pi / a))


POWERS = np.arange(0.15, 0.96, 0.05)  # of the index, in stretched exponentials
_RIVALS: dict[str, list[tuple[Column, ...]]] = {  # each law is linear in its coefficients, or the best of several that are
    "exponential": [(np.ones_like, lambda x: x)],
    "stretched exponential": [(np.ones_like, lambda x, p=p: x**p) for p in POWERS.tolist()],  # type: ignore[misc]
    "log-corrected": [(np.ones_like, np.log, lambda x: np.log(np.log(x + 1.5)))],
    "log-quadratic": [(np.ones_like, np.log, lambda x: np.log(x) ** 2)],
}


def extrapolation_errors(curve: Curve) -> dict[str, float]:
    """How well each law predicts the last third of the window's logarithm from the rest: rms in log eigenvalue."""
    cut = int(np.searchsorted(curve.x, curve.x[0] ** (1 / 3) * curve.x[-1] ** (2 / 3), side="right"))
    low, last = curve.part(0, cut), curve.part(cut)
    weights, ends = even_weights(low.x), even_weights(last.x)
    fit = low._replace(samples=np.inf, variance=0.0).fit()
    predicted = {"power law": fit.constant - fit.exponent * np.log(last.x + fit.shift)}
    for name, designs in _RIVALS.items():
        fits = [(d, *regress(np.stack([f(low.x) for f in d], axis=1), low.y, weights)) for d in designs]
        design, coefficients, _ = fits[int(np.argmin([weights @ residuals**2 for _, _, residuals in fits]))]
        predicted[name] = np.stack([f(last.x) for f in design], axis=1) @ coefficients
    return {name: float(np.sqrt(ends @ (last.y - values) ** 2)) for name, values in predicted.items()}


def even_weights(x: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Weights that sum to 1 and give every interval of log x its length."""
    lengths = np.gradient(np.log(x))
    return np.asarray(lengths / lengths.sum())


def regress(
    columns: Float[np.ndarray, "k terms"], target: Float[np.ndarray, " k"], weights: Float[np.ndarray, " k"]
) -> tuple[Float[np.ndarray, " terms"], Float[np.ndarray, " k"]]:
    """Weighted least squares: coefficients and residuals."""
    root = np.sqrt(weights)
    coefficients = np.linalg.lstsq(columns * root[:, None], target * root, rcond=None)[0]
    return coefficients, target - columns @ coefficients


def _best_shift(x: Float[np.ndarray, " k"], target: Float[np.ndarray, " k"], weights: Float[np.ndarray, " k"]) -> float:
    """The shift with the straightest line: the best of a grid, then of ever finer ones around it."""
    shifts = x[0] * _SHIFTS
    for _ in range(9):  # to a relative 8^-8: the error is flat there
        u = np.log(x + shifts[:, None])
        u, y = u - (u @ weights)[:, None], target - weights @ target
        slopes = (u * y) @ weights / (u**2 @ weights)
        best = int(np.argmin((y - slopes[:, None] * u) ** 2 @ weights))
        around = shifts[max(best - 1, 0)], shifts[min(best + 1, len(shifts) - 1)]
        middle, shifts = float(shifts[best]), np.linspace(*around, 17)
    return middle
