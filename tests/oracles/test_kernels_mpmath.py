"""Kernels against the textbook recursion in 60 digits, where no cancellation matters."""

import mpmath as mp
import numpy as np
import pytest

from ntkit.kernels import Dense, Erf, Relu, serial

ROOT2 = 2**0.5
NETWORKS = {
    "relu": serial(Dense(), Relu(), Dense(ROOT2)),
    "deep relu": serial(*[layer for _ in range(5) for layer in (Dense(ROOT2), Relu())], Dense()),
    "relu with biases": serial(Dense(ROOT2, 0.1), Relu(), Dense(ROOT2, 0.3), Relu(), Dense(1.0, 0.3)),
    "erf": serial(Dense(2.0, 0.1), Erf(), Dense(1.5), Erf(), Dense()),
    "erf after relu": serial(Dense(2.0), Relu(), Dense(1.5, 0.2), Erf(), Dense()),
    "relu after erf": serial(Dense(2.0, 0.1), Erf(), Dense(1.5), Relu(), Dense()),
}
ROUNDING = 10  # errors in units of epsilon, relative to the geometric mean of both diagonal entries


def points():
    """Directions that are equal, opposite, almost so, and unrelated; norms equal, almost equal, and far apart; zero."""
    g, o = np.random.default_rng(0).normal(size=(2, 6))
    shifted = [g + 1e-4 * o, g + 1e-8 * o, g + 1e-12 * o, -g + 1e-8 * o]
    return np.array([g, g, -g, 2 * g, 3.3 * g, -0.7 * g, *shifted, o, 0 * g, 1e-3 * g, 100 * g, 1.0001 * g])


def recursion(net, x, z):
    """NNGP and NTK of one pair."""
    x, z = ([mp.mpf(float(v)) for v in vector] for vector in (x, z))
    a, b, k = (mp.fdot(u, v) / len(x) for u, v in ((x, x), (z, z), (x, z)))
    t = mp.mpf(0)
    for layer in net.layers:
        if isinstance(layer, Dense):
            w2, b2 = mp.mpf(layer.w_std) ** 2, mp.mpf(layer.b_std) ** 2
            a, b, k = w2 * a + b2, w2 * b + b2, w2 * k + b2
            t = w2 * t + k
        elif isinstance(layer, Relu):
            angle = mp.acos(max(-1, min(1, k / mp.sqrt(a * b)))) if a * b else mp.pi / 2
            k = mp.sqrt(a * b) * (mp.sin(angle) + (mp.pi - angle) * mp.cos(angle)) / (2 * mp.pi)
            a, b, t = a / 2, b / 2, t * (mp.pi - angle) / (2 * mp.pi)
        else:
            d = (1 + 2 * a) * (1 + 2 * b)
            t = t * 4 / mp.pi / mp.sqrt(d - 4 * k**2)
            a, b, k = (2 / mp.pi * mp.asin(2 * v / r) for v, r in ((a, 1 + 2 * a), (b, 1 + 2 * b), (k, mp.sqrt(d))))
    return k, t


def worst_errors(net, x):
    """Largest errors of NNGP and NTK in units of epsilon."""
    got = [np.asarray(kernel) for kernel in (net.nngp(x), net.ntk(x))]
    with mp.workdps(60):
        exact = [[recursion(net, a, b) for b in x] for a in x]
        worst = [0.0, 0.0]
        for which, (i, j) in ((w, ij) for w in (0, 1) for ij in np.ndindex(len(x), len(x))):
            scale = mp.sqrt(exact[i][i][which] * exact[j][j][which])
            error = abs(mp.mpf(float(got[which][i, j])) - exact[i][j][which])
            if scale:
                worst[which] = max(worst[which], float(error / scale) / np.finfo(x.dtype).eps)
            else:
                assert error == 0
    return worst


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "relu after erf"])
def test_kernels_are_exact_to_rounding(name, dtype):
    assert max(worst_errors(NETWORKS[name], points().astype(dtype))) < ROUNDING


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_relu_after_erf_is_exact_to_the_root_of_rounding(dtype):
    nngp, ntk = worst_errors(NETWORKS["relu after erf"], points().astype(dtype))
    assert nngp < ROUNDING
    assert ntk < 1 / np.sqrt(np.finfo(dtype).eps)
    # Equal norms lose nothing: directions 1e-6 apart on a sphere.
    g = points()[:2].astype(dtype)
    assert max(worst_errors(NETWORKS["relu after erf"], g)) < ROUNDING
