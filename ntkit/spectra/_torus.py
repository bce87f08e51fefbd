"""Spectra of stationary kernels on the circle and on tori: Fourier coefficients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from ntkit.spectra._spectrum import Spectrum

_LARGEST = 2**26  # grid points, half a gigabyte


@dataclass(frozen=True, eq=False)
class TorusSpectrum:
    """Eigenvalues of a kernel of the difference of angles on a torus, under the uniform probability measure.

    Attributes:
        frequencies: -M, ..., M, shape (2 M + 1,), the same along every axis.
        eigenvalues: one for each vector of frequencies, which stands for the eigenfunction exp(i <m, t>), shape
            (2 M + 1,) * axes.
        errors: estimates of their absolute errors, aliasing and rounding together, of the same shape.
        top: the kernel at difference 0, which is the sum of all eigenvalues.
    """

    frequencies: Int[np.ndarray, " frequencies"]
    eigenvalues: Float[np.ndarray, "..."]
    errors: Float[np.ndarray, "..."]
    top: float

    @property
    def trace(self) -> float:
        """Sum of these eigenvalues."""
        return float(self.eigenvalues.sum())

    @property
    def missing(self) -> float:
        """What these frequencies leave of the trace; not negative for a positive definite kernel, up to errors.sum()."""
        return self.top - self.trace

    def resolved(self, rtol: float = 0.01) -> Bool[np.ndarray, "..."]:
        """Which eigenvalues are known to a relative error of rtol; the others lie below, or near, the noise."""
        return np.asarray(self.errors <= rtol * np.abs(self.eigenvalues))


def torus_spectrum(f: Callable[..., ArrayLike], axes: int, max_frequency: int, *, points: int | None = None) -> TorusSpectrum:
    """The eigenvalues of the kernel f(t - t') on the torus [-pi, pi)^axes under its uniform probability measure.

    lambda_m = (2 pi)^-axes int f(t) cos <m, t> dt, by FFT on a regular grid.

    Args:
        f: called once with one float64 array for each axis, of shapes (points, 1, ..., 1) to (1, ..., 1, points), angles in
            [-pi, pi); returns what they broadcast to. Must be even, f(-t) = f(t), which makes the kernel symmetric.
        axes: number of angles, at least 1.
        max_frequency: M, the largest frequency along each axis, at least 0.
        points: of the grid along each axis, a multiple of 4 and at least 4 M + 4; by default the power of two that is at
            least 16 M + 16, or less if points**axes were above 2**22.

    Returns:
        A `TorusSpectrum`. An error is the change from the grid with every second point only, plus rounding: where f has a
        kink, aliasing falls as a power of points only (for kernels of the distance on a circle `funk_hecke` with dim = 2
        converges exponentially), and the error says so.

    Raises:
        ValueError: an argument is out of range, the grid has more than 2**26 points, or f returns another shape, values
            that are not finite, or is not even.

    Example:
        >>> spectrum = torus_spectrum(lambda s, t: np.cos(s) * np.cos(t), axes=2, max_frequency=1)
        >>> abs(spectrum.eigenvalues).round(12).tolist()
        [[0.25, 0.0, 0.25], [0.0, 0.0, 0.0], [0.25, 0.0, 0.25]]

    Source: Fourier series; aliasing of the discrete Fourier transform.
    """
    if isinstance(axes, bool) or axes != int(axes) or axes < 1:
        raise ValueError(f"axes must be an integer, at least 1, got {axes}")
    if isinstance(max_frequency, bool) or max_frequency != int(max_frequency) or max_frequency < 0:
        raise ValueError(f"max_frequency must be an integer, at least 0, got {max_frequency}")
    n = _points(int(axes), int(max_frequency)) if points is None else points
    least = 4 * max_frequency + 4
    if n % 4 or n < least:
        raise ValueError(f"points must be a multiple of 4 and at least 4 max_frequency + 4 = {least}, got {points}")
    if n**axes > _LARGEST:
        raise ValueError(f"points**axes must be at most 2**26, got {n}**{axes}; ask for fewer points")
    # In the order of the FFT: 0 and up, then -pi and up.
    angles = 2 * np.pi * np.fft.fftfreq(n)
    values = np.asarray(f(*(angles.reshape((-1,) + (1,) * (axes - 1 - axis)) for axis in range(axes))))
    if values.shape != (n,) * axes or values.dtype.kind not in "biuf":
        raise ValueError(f"f must return real numbers of shape {(n,) * axes}, got shape {values.shape}, dtype {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError(f"f must be finite, got {values[~np.isfinite(values)][0]}")
    epsilon = np.finfo(values.dtype if values.dtype.kind == "f" else float).eps
    values, size = values.astype(np.float64), float(np.abs(values).max())
    mirrored = np.roll(np.flip(values), 1, axis=tuple(range(axes)))
    if np.abs(values - mirrored).max() > epsilon**0.5 * size:
        raise ValueError(f"f must be even, f(-t) = f(t), got values that differ by {np.abs(values - mirrored).max():.3g}")
    fine = _coefficients((values + mirrored) / 2, max_frequency)
    coarse = _coefficients(((values + mirrored) / 2)[(slice(None, None, 2),) * axes], max_frequency)
    rounding = epsilon * (4 + axes * np.log2(n)) * size
    order = np.arange(-max_frequency, max_frequency + 1)
    return TorusSpectrum(order, fine, np.abs(fine - coarse) + rounding, float(values[(0,) * axes]))


def circle_spectrum(
    f: Callable[[Float[np.ndarray, " points"]], ArrayLike], max_frequency: int, *, points: int | None = None
) -> Spectrum:
    """The eigenvalues of the kernel f(t - t') on the circle: `torus_spectrum` with one axis, in the form of a sphere's.

    Args:
        f: called once with angles in [-pi, pi), float64 of shape (points,). Must be even.
        max_frequency: the largest frequency, the degree k of a sphere in dim = 2, at least 0.
        points: of the grid, a multiple of 4 and at least 4 max_frequency + 4; more by default.

    Returns:
        A `Spectrum` of dim = 2: eigenvalues of cos(k t) and sin(k t), with multiplicity 2 for k > 0. Errors as for
        `torus_spectrum`.

    Raises:
        ValueError: as for `torus_spectrum`.

    Example:
        >>> circle_spectrum(lambda t: 1 + np.cos(2 * t), max_frequency=2).eigenvalues.round(12).tolist()
        [1.0, 0.0, 0.5]
    """
    seen: list[float] = []

    def remember(t: Float[np.ndarray, " points"]) -> ArrayLike:
        values = np.asarray(f(t))
        if values.ndim == 1 and len(values) == len(t):
            seen.append(float(values[len(t) // 2]))  # at -pi
        return values

    torus = torus_spectrum(remember, 1, max_frequency, points=points)
    degrees = torus.frequencies[max_frequency:]
    return Spectrum(2, degrees, torus.eigenvalues[max_frequency:], torus.errors[max_frequency:], (torus.top, seen[0]))


def _points(axes: int, max_frequency: int) -> int:
    """The default size of the grid: a power of two."""
    wanted = max(64, 1 << (16 * max_frequency + 15).bit_length())
    least = max(8, 1 << (4 * max_frequency + 3).bit_length())
    return max(least, min(wanted, 1 << (22 // axes)))


def _coefficients(values: Float[np.ndarray, "..."], max_frequency: int) -> Float[np.ndarray, "..."]:
    """Fourier coefficients of an even function on a grid, frequencies from -max_frequency on along every axis."""
    transform = np.fft.fftn(values).real / values.size
    order = np.arange(-max_frequency, max_frequency + 1)
    coefficients = transform[np.ix_(*[order] * values.ndim)]
    return np.asarray((coefficients + np.flip(coefficients)) / 2)
