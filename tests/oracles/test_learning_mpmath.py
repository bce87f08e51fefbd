"""Effective regularisation and errors of the eigenframework against their equations in 50 digits."""

import mpmath as mp
import numpy as np
import pytest

from ntkit.spectra import Modes, eigenframework

RNG = np.random.default_rng(0)
EPSILON = np.finfo(float).eps
SPECTRA = {
    "power law": Modes(np.arange(1.0, 61) ** -2, np.arange(1.0, 61) ** -1.5),
    "exponential": Modes(np.exp(-0.7 * np.arange(60)), RNG.exponential(size=60)),
    "two scales": Modes(np.r_[np.ones(10), np.full(30, 1e-12)], RNG.exponential(size=40)),
    "tail": Modes(np.arange(1.0, 31) ** -1.2, np.ones(30), tail=0.4, outside=0.3),
    "multiplicities": Modes([1.0, 1e-3, 1e-8], [1.0, 2.0, 3.0], multiplicities=[3, 11, 26]),
}
CASES = [(1, np.inf), (7, np.inf), (40, np.inf), (60, np.inf), (7, 20), (20, 7), (20, 20), (39, 41), (100, 15), (500, np.inf)]


def exact(modes, n, k, ridge, noise, near):
    """(gamma, kappa, test, train) as mpf, from the two equations as they are written in the literature.

    Their difference falls in gamma, so that the root next to `near` is the only one.
    """
    eigenvalues, power, counts = ([mp.mpf(float(v)) for v in a] for a in (modes.eigenvalues, modes.power, modes.multiplicities))
    n, delta, tail = mp.mpf(n), mp.mpf(ridge), mp.mpf(modes.tail)
    sigma = mp.mpf(noise) + mp.mpf(modes.outside)

    def learnt(g):
        return mp.fsum(c * v / (v + g) for c, v in zip(counts, eigenvalues, strict=True)) + tail / g

    def excess(u):  # in log gamma
        g = mp.exp(u)
        z = learnt(g)
        kappa = g if k == np.inf else g * (k - z) / k
        return z + delta / kappa - n

    start = mp.log(mp.mpf(float(near)))
    g = mp.exp(mp.findroot(excess, (start, start + mp.mpf(10) ** -14), tol=mp.mpf(10) ** -60))
    q = mp.fsum(c * (v / (v + g)) ** 2 for c, v in zip(counts, eigenvalues, strict=True))
    z = learnt(g)
    if k == np.inf:
        error = mp.fsum(p * (g / (v + g)) ** 2 for p, v in zip(power, eigenvalues, strict=True)) + sigma
        kappa, test = g, error * n / (n - q)
    else:
        kappa = g * (k - z) / k
        assert kappa > 0
        terms = [p * (g / (v + g) - kappa * v * k / ((v + g) ** 2 * (k - q))) for p, v in zip(power, eigenvalues, strict=True)]
        test = (mp.fsum(terms) + sigma) / (1 - (q * (k - 2 * z) + z**2) / (n * (k - q)))
    return g, kappa, test, (delta / (n * kappa)) ** 2 * test


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("ridge", [1e-9, 0.01, 3.0])
def test_errors_solve_the_equations(name, ridge):
    modes = SPECTRA[name]
    n, k = np.array(CASES).T
    risk = eigenframework(modes, n, features=k, ridge=ridge, noise=0.2)
    with mp.workdps(50):
        for i, (samples, features) in enumerate(CASES):
            wanted = exact(modes, samples, features, ridge, 0.2, risk.gamma[i])
            got = (risk.gamma[i], risk.kappa[i], risk.test[i], risk.train[i])
            errors = [float(abs(mp.mpf(float(g)) / w - 1)) for g, w in zip(got, wanted, strict=True)]
            # gamma is well conditioned whatever the spectrum; the rest inherits the margins n - z and k - z.
            assert errors[0] <= 32 * EPSILON, (samples, features, errors)
            assert max(errors[1:]) <= (1e-13 if features == np.inf else 1e-11), (samples, features, errors)


@pytest.mark.parametrize("name", ["power law", "exponential", "two scales", "tail"])
def test_interpolation_has_its_kappa(name):
    """At ridge 0 the limit of ever smaller ridges, to rounding."""
    modes = SPECTRA[name]
    n = np.array([1.0, 3.0, 11.0, 29.0])
    got = eigenframework(modes, n)
    with mp.workdps(50):
        for i, samples in enumerate(n.tolist()):
            wanted = exact(modes, samples, np.inf, mp.mpf(10) ** -60, 0.0, got.kappa[i])
            assert abs(mp.mpf(float(got.kappa[i])) / wanted[0] - 1) < 32 * EPSILON
            assert abs(mp.mpf(float(got.test[i])) / wanted[2] - 1) < 1e-13
