"""Spectra of dot-product kernels on a sphere, by the Funk-Hecke formula."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from ntkit.spectra._harmonics import Degrees, check_degrees, check_dim, gegenbauer, multiplicity


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a dot-product kernel on the unit sphere of R^dim under its uniform probability measure.

    Attributes:
        dim: dimension of the surrounding space.
        degrees: k, shape (degrees,).
        eigenvalues: lambda_k, shared by all harmonics of degree k.
        errors: estimates of the absolute errors of the eigenvalues, rounding and quadrature together.
    """

    dim: int
    degrees: Int[np.ndarray, " degrees"]
    eigenvalues: Float[np.ndarray, " degrees"]
    errors: Float[np.ndarray, " degrees"]

    @cached_property
    def multiplicities(self) -> Float[np.ndarray, " degrees"]:
        """N(dim, k), how many eigenfunctions share each eigenvalue, as float64."""
        return np.array([float(multiplicity(self.dim, k)) for k in self.degrees.tolist()])

    @property
    def trace(self) -> float:
        """Sum of N(dim, k) lambda_k over these degrees; over all of them it is the kernel at angle 0."""
        return float(self.multiplicities @ self.eigenvalues)

    def resolved(self, rtol: float = 0.01) -> Bool[np.ndarray, " degrees"]:
        """Which eigenvalues are known to a relative error of rtol; the others lie below, or near, the noise."""
        return np.asarray(self.errors <= rtol * np.abs(self.eigenvalues))


def funk_hecke(
    function_of_angle: Callable[[Float[np.ndarray, " nodes"]], ArrayLike],
    dim: int,
    degrees: Degrees,
    *,
    intervals: int | None = None,
) -> Spectrum:
    """The eigenvalues of the kernel f(angle between x and z) on the unit sphere of R^dim, with their errors.

    lambda_k = c int_0^pi f(theta) P_k(cos theta) sin(theta)^(dim-2) dtheta, with 1 / c the integral of sin^(dim-2).

    Clenshaw-Curtis quadrature *in the angle*. The kernels of ReLU networks and functions of |x - z| = 2 sin(theta / 2) are
    analytic in the angle on [0, pi], so that it converges exponentially; in cos(theta) they have roots at both ends.

    Args:
        function_of_angle: f, maps angles in [0, pi], float64 of shape (nodes,), to values of the same shape. For a network
            of `ntkit.kernels`, its kernel on points of a circle.
        dim: dimension of the surrounding space, at least 2.
        degrees: integers k >= 0.
        intervals: of the quadrature, a multiple of 4; by default 700 and four more for each of the largest degree.

    Returns:
        A `Spectrum`. An error is the change from the rule with every second node only, far larger than the error of the
        full rule as soon as f is analytic, plus rounding: epsilon (k + 4) max|f| times the mean of |P_k| on the sphere,
        epsilon that of the dtype that f returns. It is an estimate, not a certified bound, and takes f as exact to a few
        epsilon of max|f|. `resolved` says which eigenvalues stand out.

    Raises:
        ValueError: dim, degrees or intervals out of range, or f returns another shape or values that are not finite.

    Example:
        >>> spectrum = funk_hecke(np.cos, dim=3, degrees=range(3))  # f = <x, z>: linear functions only, 1 / dim
        >>> abs(spectrum.eigenvalues).round(15).tolist(), spectrum.resolved().tolist()
        ([0.0, 0.333333333333333, 0.0], [False, True, False])

    Source: Funk-Hecke formula; Atkinson and Han (2012), section 2.5 (from memory).
    """
    check_dim(dim)
    k = check_degrees(degrees)
    count = 700 + 4 * int(k.max()) if intervals is None else intervals
    if count < 4 or count % 4:
        raise ValueError(f"intervals must be a positive multiple of 4, got {intervals}")
    theta = np.pi * np.sin(np.pi / 2 * np.arange(count + 1) / count) ** 2
    given = np.asarray(function_of_angle(theta))
    values = given.astype(np.float64)
    if values.shape != theta.shape:
        raise ValueError(f"function_of_angle must map shape {theta.shape} to the same shape, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"function_of_angle must be finite, got {values[~np.isfinite(values)][0]}")
    harmonics, density = gegenbauer(dim, k, theta), np.sin(theta) ** (dim - 2)
    measure, coarse = _weights(count) * density, _weights(count // 2) * density[::2]
    measure, coarse = measure / measure.sum(), coarse / coarse.sum()
    eigenvalues = harmonics @ (measure * values)
    change = np.abs(harmonics[:, ::2] @ (coarse * values[::2]) - eigenvalues)
    epsilon = max(np.finfo(dtype).eps for dtype in (np.float64, given.dtype) if np.issubdtype(dtype, np.floating))
    rounding = epsilon * (k + 4) * np.abs(values).max() * (np.abs(harmonics) @ measure)
    return Spectrum(dim, k, eigenvalues, change + rounding)


@lru_cache(maxsize=16)
def _weights(intervals: int) -> Float[np.ndarray, " nodes"]:
    """Clenshaw and Curtis's weights on [-1, 1] for the nodes cos(pi j / intervals), every one correct to rounding."""
    even = 2 * np.arange(intervals // 2 + 1)
    moments = 2 / (1 - even.astype(np.float64) ** 2)  # the integrals of the even Chebyshev polynomials
    inner, end = np.fft.irfft(moments, intervals)[1:], 1 / (intervals**2 - 1)
    return np.concatenate([[end], inner, [end]])
