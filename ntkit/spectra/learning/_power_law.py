"""The exponent of a decaying spectrum, with an interval that counts the choice of window, or word that there is none."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.stats import t as student

from ntkit.spectra.learning._modes import Real, counts
from ntkit.spectra.learning._window import Curve, Fit, extrapolation_errors, sampling_bias

_POINTS, _SPAN = 8, 4.0  # least points of a window, and least ratio of its ends
_BEYOND = 10.0  # weight of a drift that the fit's own interval does not explain; chosen in a pilot, see the coverages
_BIAS = 0.3  # largest relative bias of sampled eigenvalues that its first order may take away


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """eigenvalue ~ (index + shift)^-exponent, or the verdict that it is not.

    Attributes:
        exponent: NaN unless the verdict is "power law".
        interval: for the exponent; NaN likewise.
        verdict: "power law"; "exponential", "stretched exponential", "log-corrected" (index^-a log(index)^-b) or
            "log-quadratic" if that law predicts the end of the spectrum from its beginning clearly better; "none" if no law
            does, or the exponent drifts with the window; "too short".
        slope: the fitted exponent, whatever the verdict.
        shift: added to the index.
        window: first and last index of the fit.
        rms: of its residuals in log eigenvalue.
        drift: largest difference between `slope` and the exponents of neighbouring windows.
        errors: of each law, when it predicts the last third of the logarithmic range from the rest, rms in log eigenvalue.
    """

    exponent: float
    interval: tuple[float, float]
    verdict: str
    slope: float
    shift: float
    window: tuple[float, float]
    rms: float
    drift: float
    errors: dict[str, float]


def fit_power_law(
    eigenvalues: ArrayLike,
    *,
    index: ArrayLike | None = None,
    shift: Real | None = None,
    window: tuple[Real, Real] | None = None,
    samples: Real = np.inf,
    level: float = 0.95,
) -> PowerLaw:
    """The exponent of a power law in eigenvalues, with an interval, or the verdict that there is no power law here.

    Eigenvalues of one kernel have no independent errors: what is uncertain is where the asymptotic law begins. So the law,
    with a shift of the index that takes up corrections of relative order 1 / index, is fitted on windows that begin ever
    later; the window is the one where drift + statistical half width is least, and the interval has half the width

        statistical + drift + 10 max(0, drift - statistical) + half of the correction for sampling + between,

    the drift being the largest change of the exponent on three neighbouring windows and one that ends at half the last
    index. A drift that noise does not explain continues beyond the data, hence its weight. The statistical part is
    Student's, runs of residuals of one sign counting as two points. `between` is Student's over given spectra: a bootstrap
    over data sets in closed form, since the exponent is linear in the log eigenvalues at a given shift.

    Eigenvalues of the Gram matrix of n points are biased by 1 - (pi / a) cot(pi / a) k / n to first order (second-order
    perturbation theory). With `samples` that is taken away, the spectrum is cut where it exceeds 30 % or at k = n / 8, and
    the variance 2 / n of each log eigenvalue (Gaussian features) is the least noise.

    Coverage of the 95 % interval where the verdict was "power law", and the median width of the interval (fresh seeds, 200
    eigenvalues or 400 points; measured by `analyses/benchmarks/spectra_learning.py coverage`):

        spectra                            exponents        covered      median widths           verdict
        corrections of order 1/k, 1/k^2    1.2, 2, 4        595 of 596   .0031, .0023, .0023     596 of 600
        shift in [0, 6]                    1.2, 2, 4        600 of 600   below 1e-4              600 of 600
        correction of order 1/sqrt(k)      1.2, 2, 4        600 of 600   .023, .028, .025        600 of 600
        1/k, 1/k^2 and 5 % noise           1.2, 2, 4        570 of 599   .068, .069, .069        599 of 600
        Gram, 400 points                   1.2, 1.5, 2, 3   233 of 233   .53, .24, .21, .26      233 of 240
        Gram, 400 points, shift = 0        1.2, 1.5, 2, 3   240 of 240   .19, .12, .093, .11     240 of 240
        10 such Grams, shift = 0           1.2, 1.5, 2, 3   24 of 24     .22, .084, .055, .080   24 of 24

    Where bias dominates it covers too often; under independent noise 95 %. Of 100 spectra each, exponential, log-corrected
    and log-quadratic ones were all called so, stretched exponentials 99 times; of 100 that bend from 1 / k to 1 / k^3 in
    the middle, none was called a power law.

    Args:
        eigenvalues: positive, shape (k,), or (spectra, k) of independent data sets, whose logarithms are averaged.
        index: positive and increasing, shape (k,); by default the rank 1, 2, ... For one parity class, its degrees.
        shift: added to the index, e.g. (dim - 2) / 2 for degrees on the sphere; None fits it.
        window: first and last index to use at all; None uses all (with `samples`, as said above).
        samples: number of points of the Gram matrix whose eigenvalues these are; inf for exact eigenvalues.
        level: of the interval.

    Raises:
        ValueError: an argument is out of range, or an eigenvalue in the window is not positive (zeros of one parity and
            values within rounding of 0 have to be left out).

    Example:
        >>> k = np.arange(1.0, 101)
        >>> law = fit_power_law((k + 2) ** -3.0)
        >>> law.verdict, round(law.exponent, 6), round(law.shift, 4)
        ('power law', 3.0, 2.0)
        >>> fit_power_law(np.exp(-k / 5)).verdict
        'exponential'
    """
    x, logs = _door(eigenvalues, index, shift, window, level)
    samples = float(counts("samples", samples, infinite=True))
    curve = Curve(x, logs.mean(axis=0), None if shift is None else float(shift), samples, 2 / (samples * len(logs)), level)
    if window is None and np.isfinite(samples):
        curve = _unbiased(curve)
        logs = logs[:, : len(curve.x)]
    if not _long(curve):
        ends = (float(curve.x[0]), float(curve.x[-1])) if len(curve.x) else (np.nan, np.nan)
        return PowerLaw(np.nan, (np.nan, np.nan), "too short", np.nan, np.nan, ends, np.nan, np.nan, {})
    start, fit, drift = _window(curve)
    half = fit.half + drift + _BEYOND * max(drift - fit.half, 0.0) + _between(curve, logs, start, fit)
    if np.isfinite(samples):
        half += abs(curve.part(start)._replace(samples=np.inf).fit().exponent - fit.exponent) / 2
    errors = extrapolation_errors(curve)
    verdict = _verdict(curve, errors, drift, fit)
    good = verdict == "power law"
    return PowerLaw(
        exponent=fit.exponent if good else np.nan,
        interval=(fit.exponent - half, fit.exponent + half) if good else (np.nan, np.nan),
        verdict=verdict,
        slope=fit.exponent,
        shift=fit.shift,
        window=(float(x[start]), float(curve.x[-1])),
        rms=fit.rms,
        drift=drift,
        errors=errors,
    )


def _long(curve: Curve, spare: int = 4, span: float = 2 * _SPAN) -> bool:
    return len(curve.x) >= _POINTS + spare and bool(curve.x[-1] >= span * curve.x[0])


def _unbiased(curve: Curve) -> Curve:
    """The part whose first-order bias is small; the exponent that says so is fitted on what the last round left."""
    end = curve.samples / 8
    for _ in range(2):
        kept = curve.part(0, int(np.searchsorted(curve.x, max(end, curve.x[0]), side="right")))
        if not _long(kept):
            break
        bias = abs(sampling_bias(kept._replace(shift=0.0 if curve.shift is None else curve.shift).fit().exponent))
        end = curve.samples * min(1 / 8, _BIAS / max(bias, 1e-9))
    return curve.part(0, int(np.searchsorted(curve.x, end, side="right")))


def _window(curve: Curve) -> tuple[int, Fit, float]:
    """First point of the best window, its fit, and its drift."""
    starts, edge = [0], float(curve.x[0])
    while True:
        edge = max(edge, 0.5) * 2**0.5
        start = int(np.searchsorted(curve.x, edge))
        if not _long(curve.part(start), 0, _SPAN):
            break
        if start != starts[-1]:
            starts.append(start)
    fits = [curve.part(start).fit() for start in starts]
    exponents = [fit.exponent for fit in fits]
    drifts = [max(abs(near - mine) for near in exponents[max(j - 1, 0) : j + 3]) for j, mine in enumerate(exponents)]
    best = int(np.argmin([drift + fit.half for drift, fit in zip(drifts, fits, strict=True)]))
    shorter = curve.part(starts[best], int(np.searchsorted(curve.x, curve.x[-1] / 2, side="right")))
    change = abs(shorter.fit().exponent - exponents[best]) if _long(shorter, 0, _SPAN / 2) else 0.0
    return starts[best], fits[best], max(drifts[best], change)


def _between(curve: Curve, logs: Float[np.ndarray, "spectra k"], start: int, fit: Fit) -> float:
    """Half width over independent spectra."""
    if len(logs) < 2:
        return 0.0
    same = curve._replace(shift=fit.shift, samples=np.inf)
    each = [same._replace(y=row).part(start).fit().exponent for row in logs]
    quantile = float(student.ppf((1 + curve.level) / 2, len(each) - 1))
    return float(quantile * np.std(each, ddof=1) / np.sqrt(len(each)))


def _verdict(curve: Curve, errors: dict[str, float], drift: float, fit: Fit) -> str:
    bends = np.abs(np.diff(curve.y[len(curve.y) // 3 :], 2))
    noise = max(float(np.median(bends)) / 0.6745 / 6**0.5, curve.variance**0.5)  # of one log eigenvalue
    rival = min((name for name in errors if name != "power law"), key=errors.__getitem__)
    if errors["power law"] > max(2 * errors[rival], 3 * noise, 0.01):
        return rival
    third = float(np.log(curve.x[-1] / curve.x[0])) / 3
    if errors["power law"] > 0.1 * abs(fit.exponent) * third + 3 * noise:  # the beginning says nothing of the end
        return "none"
    return "power law" if drift <= 0.05 * abs(fit.exponent) + fit.half else "none"


def _door(
    eigenvalues: ArrayLike, index: ArrayLike | None, shift: Real | None, window: tuple[Real, Real] | None, level: float
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "spectra k"]]:
    """Index and log eigenvalues inside of the window, or a ValueError."""
    values = np.asarray(eigenvalues, dtype=np.float64)
    if values.ndim not in (1, 2) or not values.size:
        raise ValueError(f"eigenvalues must have shape (k,) or (spectra, k), not empty, got shape {values.shape}")
    rows = np.atleast_2d(values)
    x = np.arange(1.0, rows.shape[1] + 1) if index is None else np.asarray(index, dtype=np.float64)
    if x.shape != rows.shape[1:]:
        raise ValueError(f"index must have the shape {rows.shape[1:]} of a spectrum, got {x.shape}")
    if not (np.isfinite(x).all() and (x > 0).all() and (np.diff(x) > 0).all()):
        raise ValueError("index must be positive, finite and strictly increasing (for degree 0, leave it out)")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    if window is not None:
        if not 0 <= window[0] < window[1]:
            raise ValueError(f"window must be (first, last) with 0 <= first < last, got {window!r}")
        inside = (x >= window[0]) & (x <= window[1])
        if not inside.any():
            raise ValueError(f"window must contain an index, got {window!r}")
        x, rows = x[inside], rows[:, inside]
    if shift is not None and not -x[0] < shift < np.inf:
        raise ValueError(f"shift must be finite and above minus the first index, -{x[0]:g}, got {shift!r}")
    wrong = ~((rows > 0) & np.isfinite(rows))
    if wrong.any():
        raise ValueError(f"eigenvalues must be positive and finite in the window, got {rows[wrong][0]:g}")
    return x, np.log(rows)
