"""Effective regularisation: the root of the self-consistent equation of kernel ridge and random-feature regression."""

import numpy as np
from jaxtyping import Float

from ntkit.spectra.learning._modes import Modes, sums

_STEPS = 200  # Newton takes about ten, bisection alone sixty


def effective_regularisation(
    modes: Modes,
    n: Float[np.ndarray, " points"],
    features: Float[np.ndarray, " points"],
    ridge: Float[np.ndarray, " points"],
) -> Float[np.ndarray, " points"]:
    """The gamma >= 0 with n = sum L + ridge / kappa and k = sum L + k kappa / gamma, where L = lambda / (lambda + gamma).

    With m = min(n, k) and M = max(n, k), eliminating kappa leaves sum L + ridge k / (gamma (M - sum L)) = m, whose left
    side falls in gamma: one root. (For k = inf the second term is ridge / gamma, and kappa = gamma.) At ridge 0 it is 0 if
    m is at least the rank.

    Newton's method on the logarithms of both sides, exact for power laws, kept inside of a bracket that bisection shrinks
    where a step does not quarter the residual. Near sum L = m the integer part of sum L is subtracted first, so that the
    root has a relative error of a few epsilon for every spectrum.
    """
    small, large = np.minimum(n, features), np.maximum(n, features)
    share = np.divide(features, large, out=np.ones_like(large), where=np.isfinite(large))  # k / M
    weight = np.where(np.isfinite(ridge), ridge, 0.0) * share
    gamma = np.where(np.isinf(ridge), np.inf, 0.0)
    open_ = np.isfinite(ridge) & ((ridge > 0) | (small < modes.rank))
    if open_.any():
        gamma[open_] = _root(modes, small[open_], large[open_], weight[open_])
    return np.asarray(gamma)


def _root(
    modes: Modes,
    small: Float[np.ndarray, " points"],
    large: Float[np.ndarray, " points"],
    weight: Float[np.ndarray, " points"],
) -> Float[np.ndarray, " points"]:
    least = modes.eigenvalues[modes.eigenvalues > 0].min(initial=np.inf)
    # sum L <= trace / gamma <= m / 2, and then so is the other term; below, either term alone exceeds m.
    high = np.maximum(2 * modes.trace / small, 4 * weight / small) * (1 + 1e-9)
    low = np.maximum(weight, modes.tail) / small
    if np.isfinite(modes.rank) and np.isfinite(least):
        low = np.maximum(low, least * (modes.rank - small) / small)
    low = low * (1 - 1e-9)
    gamma, before, active = high.copy(), np.full(len(small), np.inf), np.arange(len(small))
    for _ in range(_STEPS):
        g, m, w = gamma[active], small[active], weight[active]
        at = sums(modes, g)
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(np.isinf(large[active]), 1.0, at.left(large[active]) / large[active])  # 1 - sum L / M
            outer = np.where(w > 0, w / (g * room), 0.0)
            rest = np.where(room > 0, outer - at.left(m), np.inf)
            slope = at.spread + outer * (1 + at.spread / (large[active] * room))
            step = np.log1p(rest / m) * (m + rest) / slope
        low[active] = np.where(rest > 0, g, low[active])
        high[active] = np.where(rest > 0, high[active], g)
        with np.errstate(over="ignore", invalid="ignore"):
            newton = g * np.exp(step)
        inside = (newton >= low[active]) & (newton <= high[active]) & (np.abs(rest) <= before[active] / 4)
        settled = np.abs(step) <= 1e-9  # convergence is quadratic: this step is the last
        middle = np.sqrt(low[active]) * np.sqrt(high[active])
        gamma[active] = np.where(settled, newton, np.where(inside, newton, middle))
        before[active] = np.abs(rest)
        done = settled | (high[active] <= low[active] * (1 + 1e-15))
        active = active[~done]
        if not len(active):
            break
    return np.asarray(gamma)
