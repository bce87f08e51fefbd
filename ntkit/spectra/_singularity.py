"""How fast eigenvalues decay: the singularity of a kernel at angle 0 and pi says it, constant included."""

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

from ntkit.spectra._harmonics import Degrees, check_degrees, check_dim


def distance_power(dim: int, degrees: Degrees, power: float) -> Float[np.ndarray, " degrees"]:
    """The exact eigenvalues of |x - z|^power on the unit sphere of R^dim, under its uniform probability measure.

    lambda_k = 2^(dim-2+s) Gamma(dim/2) Gamma((dim-1+s)/2) / (sqrt(pi) Gamma(-s/2)) * Gamma(k-s/2) / Gamma(k+dim-1+s/2)

    with s = power, so that lambda_k falls as k^-(dim-1+s). For s = 1 and k >= 1, -lambda_k is
    2^(dim-2) Gamma(dim/2)^2 / pi * Gamma(k-1/2) / Gamma(k+dim-1/2). Relative errors grow with dim and k, to some 1e-14.

    Args:
        dim: dimension of the surrounding space, at least 2.
        degrees: integers k >= 0.
        power: s > 0. For even s the kernel is a polynomial of degree s/2 in <x, z>, and eigenvalues beyond are 0.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> distance_power(3, [0, 1], 2.0).round(12).tolist()  # 2 - 2 <x, z>
        [2.0, -0.666666666667]

    Source: Funk-Hecke formula and Rodrigues' formula for P_k, integrated by parts: a Beta integral.
    """
    check_dim(dim)
    k = check_degrees(degrees)
    if not 0 < power < np.inf:
        raise ValueError(f"power must be a positive number, got {power!r}")
    last = dim - 1 + power / 2
    gammas = gammaln(dim / 2) + gammaln((dim - 1 + power) / 2) - gammaln(last)
    first = 2 ** (dim - 2 + power) / np.sqrt(np.pi) * np.exp(gammas)
    i = np.arange(k.max())
    return np.asarray(first * np.concatenate([[1.0], np.cumprod((i - power / 2) / (i + last))])[k])


def leading_term(
    dim: int, degrees: Degrees, *, at_zero: float, at_pi: float = 0.0, power: float = 1.0
) -> Float[np.ndarray, " degrees"]:
    """What the eigenvalues of a kernel tend to, from the coefficients of its singularities at angle 0 and pi.

    If f is analytic inside (0, pi), and at both ends a series in the distance from it whose first term that is no even
    power is a theta^power at 0 and b (pi - theta)^power at pi, then

        lambda_k = (a + (-1)^k b) E_k (1 + O(1/k^2)),    E_k = `distance_power(dim, degrees, power)`,

    the relative error being O(1/k) where the next term is one power higher, not two. For power 1, E_k = -A(d, k) with
    A(d, k) ~ k^-d: the kernels of ReLU networks and of Laplace have this decay.

    Args:
        dim: dimension of the surrounding space, at least 2.
        degrees: integers k >= 0; the term means something for large ones.
        at_zero: a.
        at_pi: b.
        power: of the singularity, positive and no even integer.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> laplace = leading_term(3, [50, 51], at_zero=-1.0)  # exp(-theta): both parities alike
        >>> even_only = leading_term(3, [50, 51], at_zero=-1.0, at_pi=-1.0)
        >>> abs(even_only / laplace).tolist()
        [2.0, 0.0]

    Source: Darboux's principle with the exact spectrum of |x - z|^power; for two-layer and deep ReLU kernels,
        Bietti and Bach (2021) (from memory).
    """
    if power % 2 == 0:
        raise ValueError(f"power must not be an even integer, whose term is smooth, got {power!r}")
    spectrum = distance_power(dim, degrees, power)
    parity = 1 - 2 * (np.asarray(degrees) % 2)
    return np.asarray((at_zero + parity * at_pi) * spectrum)
