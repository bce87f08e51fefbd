"""Spectra of dot-product kernels, given as functions of the cosine or as architectures."""

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ntkit.kernels import Network
from ntkit.spectra._ball_spectrum import exact_spectrum
from ntkit.spectra._funk_hecke import check_values, integrate, quadrature_angles
from ntkit.spectra._harmonics import check_dim
from ntkit.spectra._relu import FLOAT, Pair, is_relu_chain, relu_chain
from ntkit.spectra._spectrum import Spectrum
from ntkit.spectra._symmetric import is_integer

_MOST = 4000  # degrees: their harmonics at the nodes fill half a gigabyte


@runtime_checkable
class OfAngle(Protocol):
    """A kernel of unit vectors that is known as a function of their angle, as are `Laplace` and its kin."""

    def of_angle(self, theta: ArrayLike) -> ArrayLike:
        """The kernel at angles in [0, pi]."""


def sphere_spectrum(
    f: Callable[[Float[np.ndarray, " nodes"]], ArrayLike] | OfAngle | Network,
    dim: int,
    max_degree: int,
    *,
    kind: Literal["ntk", "nngp"] | None = None,
    radius: float | None = None,
    intervals: int | None = None,
    digits: int | None = None,
) -> Spectrum:
    """The eigenvalues of f(<x, z>) on the unit sphere of R^dim under its uniform probability measure, degrees 0 to max_degree.

    `funk_hecke` does the same for a function of the angle, and for any set of degrees.

    Args:
        f: one of three. A function of the cosine: called once with a concrete float64 array of shape (nodes,), from 1 to
            -1, never traced. A kernel with a method `of_angle`. Or a network of `ntkit.kernels` for vectors, whose kernel is
            evaluated in float64, whatever JAX's default: chains of dense layers and ReLU in NumPy, others compiled.
        dim: dimension of the surrounding space, at least 2. For dim 2 the eigenvalues are Fourier coefficients.
        max_degree: the largest k, at most 4000.
        kind: which kernel of a network, "ntk" (default) or "nngp".
        radius: of the sphere on which a network has its inputs, 1 by default: <x, z> / dim enters the first layer. With
            dim**0.5, coordinates have variance 1.
        intervals: of the quadrature, a multiple of 4 and at least 4 max_degree; by default 700 + 4 max_degree.
        digits: significant decimal digits wanted of each eigenvalue, at most 15, by ball arithmetic (needs the extra
            `exact`); where eigenvalues are smaller than 1e-10 (max_degree + 2)^(-2 dim) f(1), or 0, of that number. For
            networks of dense layers and ReLU, and for functions of the cosine that map `flint.arb` to `flint.arb`; intervals
            are chosen by themselves then.

    Returns:
        A `Spectrum`; `missing` is what its trace leaves of f(1), by parity, `resolved(1.0)` marks the eigenvalues that are
        larger than their errors. Errors are those of `funk_hecke`, and in addition: for functions of the cosine, what
        rounding of the cosine itself does to f, by the difference quotients of f (where f has a root at an end, this is
        largest, of the order of epsilon / angle); for networks, half an epsilon f(1) for each layer with weights. With
        `digits`, rounding is enclosed by ball arithmetic, and the quadrature's share is the change from a rule with fewer
        nodes.

    Raises:
        ValueError: an argument is out of range or does not fit f; f returns another shape, or values that are not finite; the
            network is none for vectors; fewer intervals than harmonics of max_degree need.
        ImportError: digits without python-flint.

    Example:
        >>> spectrum = sphere_spectrum(lambda t: t**2, dim=3, max_degree=3)  # 1/3 + (t^2 - 1/3)
        >>> abs(spectrum.eigenvalues).round(12).tolist(), spectrum.resolved().tolist()
        ([0.333333333333, 0.0, 0.133333333333, 0.0], [True, False, True, False])
        >>> from ntkit.kernels import Dense, Relu, serial
        >>> net = serial(Dense(), Relu(), Dense(2**0.5))
        >>> round(sphere_spectrum(net, 3, 20, radius=3**0.5, kind="nngp").ends[0], 12)
        1.0

    Source: Funk-Hecke formula; Atkinson and Han (2012), section 2.5 (from memory).
    """
    check_dim(dim)
    if not is_integer(max_degree, 0, _MOST):
        raise ValueError(f"max_degree must be an integer from 0 to {_MOST}, got {max_degree!r}")
    if not isinstance(f, Network) and (kind is not None or radius is not None):
        raise ValueError(f"kind and radius are options of networks, got kind={kind!r}, radius={radius!r} and no network")
    if kind not in (None, "ntk", "nngp"):
        raise ValueError(f"kind must be 'ntk' or 'nngp', got {kind!r}")
    if radius is not None and not 0 < radius < np.inf:
        raise ValueError(f"radius must be a positive number, got {radius!r}")
    if intervals is not None and intervals < 4 * max_degree:
        raise ValueError(f"intervals must be at least 4 max_degree = {4 * max_degree} for reliable quadrature, got {intervals}")
    degrees = np.arange(int(max_degree) + 1)
    variance = (1.0 if radius is None else float(radius)) ** 2 / dim
    if digits is not None:
        if intervals is not None:
            raise ValueError(f"intervals are chosen by the digits, got both, intervals={intervals} and digits={digits}")
        if isinstance(f, OfAngle):
            raise ValueError(f"digits need a network of dense layers and ReLU or a function of the cosine, got {f}")
        return exact_spectrum(f, dim, degrees, digits, kind or "ntk", variance)
    theta = quadrature_angles(intervals, int(max_degree))
    if isinstance(f, Network):
        values = check_values("f", _on_circle(f, kind or "ntk", variance, theta), theta)
        weighted = sum(layer.weighted for layer in f.layers)
        return integrate(dim, degrees, theta, values, np.finfo(float).eps * weighted / 2 * float(np.abs(values).max()))
    if isinstance(f, OfAngle):
        with jax.enable_x64(True):
            return integrate(dim, degrees, theta, check_values("f", f.of_angle(theta), theta))
    cosines = np.cos(theta)
    values = check_values("f", f(cosines), theta)
    return integrate(dim, degrees, theta, values, _cosine_noise(theta, cosines, values))


def _on_circle(
    network: Network, kind: Literal["ntk", "nngp"], variance: float, theta: Float[np.ndarray, " nodes"]
) -> ArrayLike:
    """The kernel of a network for two inputs of that mean square, at these angles."""
    if is_relu_chain(network):
        start = Pair(variance, np.sin(theta / 2) ** 2, np.cos(theta / 2) ** 2, np.zeros_like(theta))
        out = relu_chain(network, start, FLOAT)
        return np.asarray(out.ntk if kind == "ntk" else out.nngp)
    size = (2 * variance) ** 0.5
    first, second = np.array([[size, 0.0]]), size * np.stack([np.cos(theta), np.sin(theta)], axis=1)
    with jax.enable_x64(True):
        return np.asarray((network.ntk if kind == "ntk" else network.nngp)(first, second)[0])


def _cosine_noise(
    theta: Float[np.ndarray, " nodes"], cosines: Float[np.ndarray, " nodes"], values: Float[np.ndarray, " nodes"]
) -> Float[np.ndarray, " nodes"]:
    """How much f may change when a cosine is rounded, from the steeper one of the two difference quotients at each node."""
    # cos a - cos b without cancellation, for cosines near 1 that are equal after rounding.
    gaps = 2 * np.sin((theta[1:] + theta[:-1]) / 2) * np.sin((theta[1:] - theta[:-1]) / 2)
    slopes = np.abs(np.diff(values.astype(np.float64))) / gaps
    steeper = np.maximum(np.append(slopes, slopes[-1]), np.append(slopes[0], slopes))
    return np.asarray(np.finfo(float).eps * np.abs(cosines) * steeper)
