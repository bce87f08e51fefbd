"""What a spectrum on a sphere is: eigenvalues by degree, how well they are known, and what they leave out."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from ntkit.spectra._harmonics import check_angles, gegenbauer, multiplicity


class Missing(NamedTuple):
    """What a set of degrees leaves of the trace, by parity.

    Attributes:
        even, odd: sums of N(dim, k) lambda_k over the even and the odd degrees that are not in the set.
        error: how exactly each is known.
    """

    even: float
    odd: float
    error: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a dot-product kernel on the unit sphere of R^dim under its uniform probability measure.

    Attributes:
        dim: dimension of the surrounding space.
        degrees: k, shape (degrees,).
        eigenvalues: lambda_k, shared by all harmonics of degree k.
        errors: estimates of the absolute errors of the eigenvalues, rounding and quadrature together.
        ends: the kernel at angle 0 and at angle pi, where they are known.
    """

    dim: int
    degrees: Int[np.ndarray, " degrees"]
    eigenvalues: Float[np.ndarray, " degrees"]
    errors: Float[np.ndarray, " degrees"]
    ends: tuple[float, float] | None = None

    @cached_property
    def multiplicities(self) -> Float[np.ndarray, " degrees"]:
        """N(dim, k), how many eigenfunctions share each eigenvalue, as float64.

        Raises:
            ValueError: one of them is above 1e308; see `multiplicity` for exact integers.
        """
        try:
            return np.array([float(multiplicity(self.dim, k)) for k in self.degrees.tolist()])
        except OverflowError:
            raise ValueError(f"multiplicities exceed float64 for dim {self.dim} and degree {self.degrees.max()}") from None

    @property
    def trace(self) -> float:
        """Sum of N(dim, k) lambda_k over these degrees; over all of them it is the kernel at angle 0."""
        return float(self.multiplicities @ self.eigenvalues)

    @property
    def missing(self) -> Missing:
        """What these degrees leave of the trace: the tail, if they are 0 to some largest one.

        The sum of N(dim, k) lambda_k over all degrees is f(1), the kernel at angle 0, and with signs (-1)^k it is f(-1), at
        angle pi: half their sum is the share of the even degrees, half their difference that of the odd ones. For a positive
        definite kernel nothing missing is below -error, which is a check of the whole computation.

        Raises:
            ValueError: the kernel at angle 0 and pi is not known.
        """
        if self.ends is None:
            raise ValueError("missing needs a spectrum with ends, the kernel at angle 0 and pi, got ends=None")
        parts = self.multiplicities * self.eigenvalues
        even = self.degrees % 2 == 0
        top, bottom = self.ends
        error = float(self.multiplicities @ self.errors + 4 * np.finfo(float).eps * max(map(abs, self.ends)))
        return Missing((top + bottom) / 2 - float(parts[even].sum()), (top - bottom) / 2 - float(parts[~even].sum()), error)

    @property
    def mean_square(self) -> float:
        """Sum of N(dim, k) lambda_k^2: by Parseval's identity, over all degrees, the mean of f^2 on the sphere."""
        return float(self.multiplicities @ self.eigenvalues**2)

    def resolved(self, rtol: float = 0.01) -> Bool[np.ndarray, " degrees"]:
        """Which eigenvalues are known to a relative error of rtol; the others lie below, or near, the noise.

        `resolved(1.0)` leaves out those whose error is larger than they are.
        """
        return np.asarray(self.errors <= rtol * np.abs(self.eigenvalues))


def kernel_from_spectrum(spectrum: Spectrum, angles: ArrayLike) -> Float[np.ndarray, " angles"]:
    """The kernel that has this spectrum: the sum of N(dim, k) lambda_k P_k(cos angle) over the degrees of the spectrum.

    Args:
        spectrum: eigenvalues by degree, computed or made up: `Spectrum(dim, degrees, eigenvalues, errors)`.
        angles: in [0, pi], shape (angles,).

    Returns:
        float64, shape (angles,). A spectrum that was cut off gives the kernel to within |missing.even| + |missing.odd|, if
        no eigenvalue is negative.

    Raises:
        ValueError: an angle is outside of [0, pi].

    Example:
        >>> linear = Spectrum(3, np.array([1]), np.array([1 / 3]), np.zeros(1))
        >>> kernel_from_spectrum(linear, [0.0, np.pi / 3]).round(12).tolist()  # <x, z>
        [1.0, 0.5]

    Source: the addition theorem of spherical harmonics.
    """
    theta = check_angles(angles)
    return np.asarray((spectrum.multiplicities * spectrum.eigenvalues) @ gegenbauer(spectrum.dim, spectrum.degrees, theta))
