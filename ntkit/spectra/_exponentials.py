"""Functions of a mean of many terms as sums of exponentials, so that their averages factorise.

A node of a tree of ReLU layers has the cosine S = 1 - y, with y the mean over its s children of u_c = 1 - k1(S_c), and
exp(-b y) is a product of exp(-b u_c / s) over the children. So the functions of y that matter are fitted by exponentials: k0,
and, for the parent of the node, exp(-a u), u exp(-a u) and k0 exp(-a u).

All of them are singular at y = 0 alone, like y^(1/2) or y^(3/2) times smooth functions, and eigenvalues of high degree see
nothing but these singularities. A geometric grid of exponents fits such functions to an error that falls exponentially with
its density, *relative to the singular part*, if value (and slope, where it is smooth) at 0 are kept exactly.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import lstsq
from threadpoolctl import threadpool_limits

LEAST = 0.5  # the least exponent but 0: functions of y in [0, 1] vary no slower
_PER_DECADE = 25  # points of the fit
_FALLOFF = 2  # fits are better by (1 + a y)^-2 where exp(-a y) has fallen: with a low label beside a high one, that counts
_BELOW = 0.03  # the first point, in units of 1 / the largest exponent
_SOFT = 1e10  # there a fit may be that much worse, since no exponential falls as steeply

Exponents = Float[np.ndarray, " exponents"]


class Lift(NamedTuple):
    """Coefficients of functions of y, one row for each a, one column for each exponent b of exp(-b y).

    Attributes:
        plain: of exp(-a u), with u = 1 - k1(1 - y).
        mean: of u exp(-a u).
        slope: of k0(1 - y) exp(-a u).
    """

    plain: Float[np.ndarray, "a b"]
    mean: Float[np.ndarray, "a b"]
    slope: Float[np.ndarray, "a b"]


def exponents(ratio: float, most: float) -> Exponents:
    """0, and a geometric grid from `LEAST` to at least the most."""
    count = int(np.ceil(np.log(most / LEAST) / np.log(ratio))) + 1
    return np.concatenate([[0.0], LEAST * ratio ** np.arange(count)])


@lru_cache(maxsize=64)
def lift(ratio: float, most: float, children: int | None) -> Lift:
    """By exponents(ratio, most), for a = b / children, which a parent of so many children needs; None: for a = 0 alone."""
    b = exponents(ratio, most)
    fit = _Fit(b, _points(b[-1]))
    with threadpool_limits(1):  # many small matrices: threads would wait for each other
        rows = [fit.row(a) for a in ([0.0] if children is None else (b / children).tolist())]
    return Lift(*(np.array(part) for part in zip(*rows, strict=True)))


def one_minus_dual(y: Float[np.ndarray, "..."]) -> tuple[Any, Any]:
    """For y in [0, 2], to a few epsilon of each: u - y, with u = 1 - k1(1 - y), and k0(1 - y) - 1."""
    theta = 2 * np.arcsin(np.sqrt(y / 2))
    square = theta**2
    series = theta * square * (-1 / 3 + square * (1 / 30 - square * (1 / 840 - square * (1 / 45360 - square / 3991680))))
    return np.where(theta < 0.1, series, theta * np.cos(theta) - np.sin(theta)) / np.pi, -theta / np.pi


def _points(most: float) -> Float[np.ndarray, " points"]:
    """Values of y in (0, 1], dense towards 0."""
    count = int(_PER_DECADE * np.log10(0.1 * most / _BELOW))
    return np.concatenate([np.geomspace(_BELOW / most, 0.1, count), np.linspace(0.1, 1, 60)[1:]])


class _Fit:
    """Least squares by exponentials on the points y."""

    def __init__(self, b: Exponents, y: Float[np.ndarray, " points"]) -> None:
        self.b, self.y = b, y
        self.rest, self.kink = one_minus_dual(y)
        self.u = y + self.rest
        self.z = y[:, None] * b
        self.decay, self.first, self.second = np.exp(-self.z), np.expm1(-self.z), _beyond_linear(self.z)
        self.soft = 1 + _SOFT * np.exp(-b[-1] * y)

    def row(self, a: float) -> tuple[Any, Any, Any]:
        """The coefficients for one a."""
        y, u, au = self.y, self.u, a * self.u
        i = int(np.abs(self.b - a).argmin())  # takes care of the value at 0
        tolerance = self.soft / (1 + a * y) ** _FALLOFF
        early = a * y < 0.5  # where a difference from the linear part would lose digits
        plain = np.eye(len(self.b))[0]
        if a > 0:
            f = np.where(early, _beyond_linear(au) - a * self.rest, np.exp(-au))
            plain = self._smooth(i, 1.0, -a, f, early, np.minimum(a * y**1.5, 1) * tolerance)
        f = np.where(early, u * np.expm1(-au) + self.rest, u * np.exp(-au))
        mean = self._smooth(i, 0.0, 1.0, f, early, y**1.5 * tolerance)
        f = np.where(early, (1 + self.kink) * np.expm1(-au) + self.kink, (1 + self.kink) * np.exp(-au))
        return plain, mean, self._kinked(i, f, early, y**0.5 * tolerance)

    def _smooth(self, i: int, value: float, slope: float, f: Any, early: Any, tolerance: Any) -> Any:
        """Of a function with this value and slope at 0; f is less its linear part there where `early`."""
        j = i + 1 if i + 1 < len(self.b) else i - 1  # these two take care of value and slope at 0
        others = [k for k in range(len(self.b)) if k not in (i, j)]
        to_j = (self.b[others] - self.b[i]) / (self.b[j] - self.b[i])
        columns = np.where(
            self.z[:, others] + self.z[:, [i]] + self.z[:, [j]] < 1,
            self.second[:, others] - (1 - to_j) * self.second[:, [i]] - to_j * self.second[:, [j]],
            self.decay[:, others] - (1 - to_j) * self.decay[:, [i]] - to_j * self.decay[:, [j]],
        )
        at_j = (-slope - value * self.b[i]) / (self.b[j] - self.b[i])
        at_i = value - at_j
        near = np.where(
            early,
            at_i * self.second[:, i] + at_j * self.second[:, j],
            at_i * self.decay[:, i] + at_j * self.decay[:, j],
        )
        found = _solve(columns, f - near, tolerance)
        out = np.empty(len(self.b))
        out[others], out[i], out[j] = found, at_i - found @ (1 - to_j), at_j - found @ to_j
        return out

    def _kinked(self, i: int, f: Any, early: Any, tolerance: Any) -> Any:
        """Of a function with value 1 at 0; f is less 1 where `early`."""
        others = [k for k in range(len(self.b)) if k != i]
        columns = np.where(
            self.z[:, others] + self.z[:, [i]] < 1,
            self.first[:, others] - self.first[:, [i]],
            self.decay[:, others] - self.decay[:, [i]],
        )
        found = _solve(columns, f - np.where(early, self.first[:, i], self.decay[:, i]), tolerance)
        out = np.empty(len(self.b))
        out[others], out[i] = found, 1 - found.sum()
        return out


def _beyond_linear(z: Float[np.ndarray, "..."]) -> Any:
    """exp(-z) - 1 + z."""
    series = np.zeros_like(z)
    for n in range(10, 1, -1):
        series = (1 - series) * z / n
    return np.where(z < 0.1, series * z, np.expm1(-z) + z)


def _solve(columns: Any, f: Any, tolerance: Any) -> Any:
    """Coefficients of the columns; errors count in units of the tolerance."""
    scaled = columns / tolerance[:, None]
    norms = np.linalg.norm(scaled, axis=0)
    return lstsq(scaled / norms, f / tolerance, cond=1e-15, lapack_driver="gelsy")[0] / norms
