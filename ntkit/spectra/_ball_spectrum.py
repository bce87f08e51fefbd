"""Spectra of dot-product kernels in ball arithmetic: eigenvalues of tiny size to many relative digits."""

from collections.abc import Callable
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Int

from ntkit._compat.flint import load_flint
from ntkit.kernels import Network
from ntkit.spectra._relu import Arithmetic, Pair, is_relu_chain, relu_chain
from ntkit.spectra._spectrum import Spectrum

_REFINEMENTS = 6  # by a quarter more nodes each, before the answer is given as it is
_GROWTH = 0.39  # decimal digits that balls lose in one step of the three-term recurrence: log10(1 + sqrt 2), and a little


class Balls(NamedTuple):
    """Eigenvalues as balls, and the kernel at both ends."""

    values: list[Any]
    ends: tuple[Any, Any]


def exact_spectrum(
    f: Callable[[Any], Any] | Network,
    dim: int,
    degrees: Int[np.ndarray, " degrees"],
    digits: int,
    kind: Literal["ntk", "nngp"],
    variance: float,
) -> Spectrum:
    """The spectrum to that many decimal digits, by Gauss-Legendre quadrature in the angle with more and more nodes."""
    if isinstance(digits, bool) or digits != int(digits) or not 1 <= digits <= 15:
        raise ValueError(f"digits must be an integer from 1 to 15, what float64 holds, got {digits}")
    if isinstance(f, Network) and not is_relu_chain(f):
        raise ValueError(f"digits need a network of dense layers and ReLU only, got {' '.join(map(str, f.layers))}")
    flint = load_flint()
    top = int(degrees.max())
    # Kernels with a kink have eigenvalues like degree^-dim. Far below, they count as 0, which has no relative digits.
    depth = int(2 * dim * np.log10(top + 2)) + 10
    with flint.ctx.workdps(int(digits) + depth + int(_GROWTH * top) + 10):
        of_angle = _network_of_angle(flint, f, kind, variance) if isinstance(f, Network) else _of_angle(f, flint.arb)
        nodes = 60 + 2 * ((top + 1) // 2)  # two per oscillation of the last harmonic, and what the kernel needs
        before = _quadrature(flint, of_angle, dim, top, nodes)
        for _ in range(_REFINEMENTS):
            nodes += 2 * (nodes // 8)
            after = _quadrature(flint, of_angle, dim, top, nodes)
            changes = [abs(a - b) for a, b in zip(after.values, before.values, strict=True)]
            goal, floor = flint.arb(10) ** -digits, abs(after.ends[0]) * flint.arb(10) ** -depth
            if all(c.upper() <= (goal * abs(v).max(floor)).lower() for c, v in zip(changes, after.values, strict=True)):
                break
            before = after
        eigenvalues = np.array([float(value.mid()) for value in after.values])
        # The ball of a change holds the radii of both results; the last term is rounding to float64.
        errors = np.array([float(change.upper()) for change in changes]) + np.finfo(float).eps * np.abs(eigenvalues)
        return Spectrum(dim, degrees, eigenvalues, errors, (float(after.ends[0]), float(after.ends[1])))


def _quadrature(flint: ModuleType, of_angle: Callable[[Any, Any], Any], dim: int, top: int, nodes: int) -> Balls:
    """All eigenvalues to degree `top` by one Gauss-Legendre rule on [0, pi]; nodes are even, and pair about pi/2."""
    arb = flint.arb
    pi, one = arb.pi(), arb(1)
    total, even, odd, cosines = arb(0), [], [], []
    for x, weight in _legendre(nodes, flint.ctx.prec):
        half = pi * (1 - x) / 4  # of the angle, at most pi/4
        sine, cosine = half.sin(), half.cos()
        measure = weight * (2 * sine * cosine) ** (dim - 2)
        left, right = of_angle(sine * sine, cosine * cosine), of_angle(cosine * cosine, sine * sine)
        even.append(measure * (left + right))
        odd.append(measure * (left - right))
        cosines.append(1 - 2 * sine * sine)
        total += 2 * measure
    values = []
    now, after = [one] * len(cosines), cosines
    for k in range(top + 1):
        values.append(sum((p * g for p, g in zip(now, odd if k % 2 else even, strict=True)), start=arb(0)) / total)
        first, second = arb(2 * k + dim) / (k + dim - 1), arb(k + 1) / (k + dim - 1)
        now, after = after, [first * t * q - second * p for t, p, q in zip(cosines, now, after, strict=True)]
    return Balls(values, (of_angle(arb(0), one), of_angle(one, arb(0))))


def _network_of_angle(
    flint: ModuleType, network: Network, kind: Literal["ntk", "nngp"], variance: float
) -> Callable[[Any, Any], Any]:
    """The kernel from sin^2 and cos^2 of half the angle."""
    arb = flint.arb

    def segment(t: Any, sine: Any, cosine: Any) -> Any:
        # At the centre of the ball, and around it by the mean value theorem: the derivative is t sin t <= t^2. As written,
        # sin t - t cos t would forget that both terms move together, and layer by layer balls would grow by 1 / t.
        centre = t.mid()
        sine, cosine = centre.sin_cos()
        return sine - centre * cosine + arb(0, t.rad() * t.upper() ** 2)

    arithmetic = Arithmetic(lambda x: x.sqrt(), arb.atan2, segment, arb, arb.pi())

    def of_angle(sin2: Any, cos2: Any) -> Any:
        pair = relu_chain(network, Pair(arb(variance), sin2, cos2, arb(0)), arithmetic)
        return pair.ntk if kind == "ntk" else pair.nngp

    return of_angle


def _of_angle(f: Callable[[Any], Any], arb: Any) -> Callable[[Any, Any], Any]:
    """A function of the cosine likewise; it is met by single balls."""

    def of_angle(sin2: Any, cos2: Any) -> Any:
        value = f(cos2 - sin2)
        if not isinstance(value, arb) or not value.is_finite():
            raise ValueError(f"f must map a flint.arb to a finite flint.arb if digits are given, got {value!r}")
        return value

    return of_angle


@lru_cache(maxsize=8)
def _legendre(nodes: int, bits: int) -> list[tuple[Any, Any]]:
    """The positive nodes of the Gauss-Legendre rule on [-1, 1] and their weights, at the precision that is set."""
    arb = load_flint().arb
    return [arb.legendre_p_root(nodes, i, weight=True) for i in range(nodes // 2)]
