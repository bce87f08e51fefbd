"""Kernels of distances and angles against scikit-learn, and against their formulas in 60 digits."""

import mpmath as mp
import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as theirs

from ntkit.kernels import ArcCosine, GammaExponential, Gaussian, Laplace, Matern, posterior_mean

PAIRS = [
    (Laplace(0.7), theirs.Matern(length_scale=0.7, nu=0.5)),
    (Matern(0.5, 0.7), theirs.Matern(length_scale=0.7, nu=0.5)),
    (Matern(1.5, 1.3), theirs.Matern(length_scale=1.3, nu=1.5)),
    (Matern(2.5, 1.3), theirs.Matern(length_scale=1.3, nu=2.5)),
    (Matern(4.5, 1.3), theirs.Matern(length_scale=1.3, nu=4.5)),
    (Gaussian(0.9), theirs.RBF(length_scale=0.9)),
]
ANGLES = [0.0, 1e-9, 1e-4, 0.3, 1.0, np.pi / 2, 2.0, np.pi - 1.0, 3.0, np.pi - 1e-2, np.pi - 1e-5, np.pi - 1e-9]


def matern(nu, bandwidth, r):
    s = mp.sqrt(2 * nu) * r / bandwidth
    return 2 ** (1 - nu) / mp.gamma(nu) * s**nu * mp.besselk(nu, s) if s else mp.mpf(1)


def arc_cosine(order, theta):
    rest = mp.pi - theta
    if order == 0:
        return rest / mp.pi
    if order == 1:
        return (mp.sin(theta) + rest * mp.cos(theta)) / mp.pi
    return (3 * mp.sin(theta) * mp.cos(theta) + rest * (1 + 2 * mp.cos(theta) ** 2)) / (3 * mp.pi)


FORMULAS = [
    (Laplace(0.7), lambda r: mp.exp(-r / mp.mpf(0.7))),
    (GammaExponential(1.5, 0.8), lambda r: mp.exp(-((r / mp.mpf(0.8)) ** mp.mpf(1.5)))),
    (Gaussian(0.9), lambda r: mp.exp(-(r**2) / (2 * mp.mpf(0.9) ** 2))),
    *[(Matern(nu, 1.3), lambda r, nu=nu: matern(mp.mpf(nu), mp.mpf(1.3), r)) for nu in (0.5, 1.5, 2.5, 5.5, 10.5)],
]


@pytest.mark.parametrize(("ours", "other"), PAIRS, ids=[str(ours) for ours, _ in PAIRS])
def test_grams_and_predictions_are_those_of_scikit_learn(ours, other):
    x, z = np.split(np.random.default_rng(0).normal(size=(25, 3)), [20])
    np.testing.assert_allclose(ours.gram(x, z), other(x, z), rtol=1e-13)
    y = np.sin(x[:, 0])
    regression = GaussianProcessRegressor(other, alpha=1e-3, optimizer=None).fit(x, y)
    np.testing.assert_allclose(posterior_mean(ours.gram, x, y, z, ridge=1e-3), regression.predict(z), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("ours", "exact"), FORMULAS, ids=[str(ours) for ours, _ in FORMULAS])
def test_kernels_of_distances_are_exact_to_rounding(ours, exact):
    x = np.array([[0.0, 0.0], [1e-9, 0.0], [1e-3, 1e-3], [0.4, 0.1], [2.0, -1.0], [5.0, 9.0]])
    got = np.asarray(ours.gram(x[:1], x))[0]
    with mp.workdps(60):
        for point, value in zip(x, got, strict=True):
            r = mp.sqrt(mp.mpf(point[0]) ** 2 + mp.mpf(point[1]) ** 2)
            wanted = exact(r)
            # The exponent s has a relative error of some epsilon, so exp(-s) one of s epsilon.
            assert abs(mp.mpf(float(value)) - wanted) <= wanted * (8 + 4 * abs(mp.log(wanted))) * np.finfo(float).eps


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arc_cosine_kernels_keep_their_digits_at_both_ends(order, dtype):
    angles = np.array(ANGLES, dtype)
    got = np.asarray(ArcCosine(order).of_angle(angles))
    with mp.workdps(60):
        for theta, value in zip(angles.tolist(), got.tolist(), strict=True):
            wanted = arc_cosine(order, mp.mpf(theta))
            if theta > np.pi - 1e-6 and dtype == np.float32:  # what stands there was rounded to pi, or beyond it
                assert abs(value) < 1e-6
                continue
            assert abs(value - wanted) <= 40 * np.finfo(dtype).eps * abs(wanted), theta


@pytest.mark.parametrize("order", [0, 1, 2])
def test_angles_of_points_are_as_good_as_those_of_their_directions(order):
    g, o = np.random.default_rng(1).normal(size=(2, 5))
    x = np.stack([g, 2 * g, -g, g + 1e-6 * o, -g + 1e-4 * o, o])
    got = np.asarray(ArcCosine(order).gram(x))
    with mp.workdps(60):
        rows = [[mp.mpf(float(v)) for v in row] for row in x]
        for i, j in np.ndindex(*got.shape):
            norms = [mp.sqrt(mp.fdot(r, r)) for r in (rows[i], rows[j])]
            u, v = ([c / n for c in r] for r, n in zip((rows[i], rows[j]), norms, strict=True))
            half = [mp.sqrt(mp.fsum((a - s * b) ** 2 for a, b in zip(u, v, strict=True))) for s in (1, -1)]
            wanted = (norms[0] * norms[1]) ** order * arc_cosine(order, 2 * mp.atan2(*half))
            assert abs(got[i, j] - wanted) <= 20 * np.finfo(float).eps * (norms[0] * norms[1]) ** order
