"""The eigenframework of a finite population: n < N of its points, drawn without replacement, predict the other N - n."""

import numpy as np
from jaxtyping import Float

from ntkit.spectra.learning._effective import effective_regularisation
from ntkit.spectra.learning._modes import Modes, sums
from ntkit.spectra.learning._ridge import scan
from ntkit.spectra.learning._sample import Sample

_TIE = 1e-12  # relative differences of errors that are rounding


def subset_risk(
    sample: Sample, n: Float[np.ndarray, " points"], ridge: Float[np.ndarray, " points"]
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Predicted test error on the other N - n points, and training error, of n < N points drawn without replacement.

    Adding the ridge to the eigenvalues, mu = lambda + ridge / N, leaves interpolation: sum mu / (mu + kappa_0) = n. With
    kappa = kappa_0 + ridge / N, L = lambda / (lambda + kappa), z = sum L, q = sum L^2, and
    D = n (N - n) + (n - z)^2 - (N - n) q, the error over all N points and that over the n are

        (n (N - n) + (n - z)^2) / D * sum (1 - L)^2 v^2   and   N (n - z)^2 / (n D) * sum (1 - L)^2 v^2.

    Derived here from the deterministic equivalent of free compression: P' (P K P' + ridge)^-1 P ~ (K + N kappa)^-1 for a
    random choice P of n rows, its derivative along K -> (K^-1 + s)^-1 at s = 0, and that in the ridge. Exact for gram = I;
    for N >> n it is the eigenframework.
    """
    test, train = np.empty_like(n), np.empty_like(n)
    for r in np.unique(ridge):
        here = ridge == r
        if np.isinf(r):  # nothing is learnt
            test[here] = train[here] = sample.modes.variance
            continue
        shifted = Modes(sample.eigenvalues + r / len(sample), np.zeros(len(sample)))
        kappa = _interpolating(shifted, n[here]) + r / len(sample)
        test[here], train[here] = _at_kappa(sample, n[here], kappa, r)
    return test, train


def optimal_subset_ridge(sample: Sample, n: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """The ridge in [0, inf] of the least predicted test error for each n; as in `optimal_ridge`, the search runs over kappa."""
    N, modes = len(sample), sample.modes
    least = modes.eigenvalues[modes.eigenvalues > 0].min(initial=np.inf)
    if np.isinf(least):
        return np.zeros_like(n)
    out = np.empty_like(n)
    for p, start in enumerate(_interpolating(modes, n)):
        m = n[[p]]

        def errors(extra: Float[np.ndarray, " points"], m: Float[np.ndarray, "1"] = m, start: float = start) -> np.ndarray:
            return _at_kappa(sample, np.repeat(m, len(extra)), start + extra, None)[0]

        extra, value = scan(errors, 1e-9 * (start or least), 1e6 * modes.trace)
        none, all_ = float(subset_risk(sample, m, np.zeros(1))[0][0]), modes.variance
        if value < min(none, all_) * (1 - _TIE):
            kappa = np.array([start + extra])
            at = sums(modes, kappa)
            out[p] = float((N * kappa * at.left(m) / at.left(np.array([float(N)])))[0])
        else:
            out[p] = 0.0 if none <= all_ * (1 + _TIE) else np.inf
    return out


def _interpolating(modes: Modes, n: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    return effective_regularisation(modes, n, np.full_like(n, np.inf), np.zeros_like(n))


def _at_kappa(
    sample: Sample, n: Float[np.ndarray, " points"], kappa: Float[np.ndarray, " points"], ridge: float | None
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Test and training error; ridge None means the ridge that belongs to kappa."""
    N, modes = len(sample), sample.modes
    at = sums(modes, kappa)
    if ridge:
        rest = ridge / kappa * at.left(np.full_like(n, N)) / N  # n - z
    else:
        rest = np.maximum(at.left(n), 0.0) * ((n >= modes.rank) | (ridge is None))
    whole = n * (N - n) + rest**2
    error = at.missed + modes.outside
    denominator = whole - (N - n) * at.squares
    with np.errstate(divide="ignore", invalid="ignore"):
        everywhere = np.where(error > 0, whole / denominator * error, 0.0)
        train = np.where((error > 0) & (rest > 0), N * rest**2 / (n * denominator) * error, 0.0)
    return (N * everywhere - n * train) / (N - n), train
