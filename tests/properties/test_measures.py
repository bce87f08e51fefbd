"""Laws of spectra on spheres, circles, tori and the line."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntkit.kernels import ArcCosine, Dense, Gaussian, Laplace, Relu, serial
from ntkit.spectra import (
    Spectrum,
    circle_spectrum,
    gaussian_spectrum,
    kernel_from_spectrum,
    sphere_spectrum,
    torus_spectrum,
    uniform_spectrum,
)

DIMS = st.sampled_from((2, 3, 4, 7, 12))
SEEDS = st.integers(0, 10**6)


@dataclass(frozen=True)
class Net:
    """Dense layers and ReLU, which compile nothing."""

    hidden: int
    w_std: float
    b_std: float

    def network(self):
        layers = [layer for _ in range(self.hidden) for layer in (Relu(), Dense(self.w_std, self.b_std))]
        return serial(Dense(1.3, self.b_std), *layers)


NETS = st.builds(Net, st.integers(1, 12), st.sampled_from((0.7, 2**0.5, 3.0)), st.sampled_from((0.0, 0.5)))


@given(NETS, DIMS, st.sampled_from(("ntk", "nngp")), st.floats(0.3, 10), st.integers(0, 60))
def test_nothing_negative_is_missing_of_the_kernel_of_a_network(net, dim, kind, radius, last):
    spectrum = sphere_spectrum(net.network(), dim, last, kind=kind, radius=radius)
    assert (spectrum.eigenvalues >= -spectrum.errors).all()
    assert min(spectrum.missing.even, spectrum.missing.odd) >= -spectrum.missing.error


@given(NETS, DIMS, st.floats(0.1, 10))
def test_without_biases_the_radius_is_a_factor(net, dim, radius):
    net = replace(net, b_std=0.0).network()
    one, other = sphere_spectrum(net, dim, 20), sphere_spectrum(net, dim, 20, radius=radius)
    noise = other.errors + radius**2 * one.errors
    assert (np.abs(other.eigenvalues - radius**2 * one.eigenvalues) <= noise).all()


@given(DIMS, SEEDS)
def test_the_reflected_function_has_odd_eigenvalues_of_the_other_sign(dim, seed):
    coefficients = np.random.default_rng(seed).normal(size=9)
    one, other = (sphere_spectrum(lambda t, s=s: np.polyval(coefficients, s * t), dim, 12) for s in (1, -1))
    signs = (-1.0) ** np.arange(13)
    assert (np.abs(one.eigenvalues - signs * other.eigenvalues) <= one.errors + other.errors).all()
    assert abs(one.missing.even) <= one.missing.error, "a polynomial of degree 8 leaves nothing"
    assert abs(one.missing.odd) <= one.missing.error


@given(DIMS, SEEDS)
def test_kernel_and_spectrum_go_round(dim, seed):
    values = np.random.default_rng(seed).uniform(0, 1, 9)
    given_ = Spectrum(dim, np.arange(9), values, np.zeros(9))
    scale = given_.trace
    found = sphere_spectrum(lambda t: kernel_from_spectrum(given_, np.arccos(t)), dim, 10)
    assert (np.abs(found.eigenvalues[:9] - values) <= found.errors[:9] + 1e-14 * scale).all()
    square = sphere_spectrum(lambda t: kernel_from_spectrum(given_, np.arccos(t)) ** 2, dim, 0)
    np.testing.assert_allclose(square.eigenvalues[0], given_.mean_square, rtol=1e-9)


@given(st.sampled_from((Laplace(0.5), Gaussian(0.7), ArcCosine(0), ArcCosine(1))), DIMS)
def test_a_function_of_the_cosine_is_as_good_as_one_of_the_angle(kernel, dim):
    angle = sphere_spectrum(kernel, dim, 40)
    cosine = sphere_spectrum(lambda t: kernel.of_angle(np.arccos(t)), dim, 40)
    assert (np.abs(angle.eigenvalues - cosine.eigenvalues) <= angle.errors + cosine.errors).all()


@given(SEEDS, st.integers(0, 6))
def test_trigonometric_polynomials_come_back(seed, last):
    rng = np.random.default_rng(seed)
    line = rng.normal(size=last + 1)
    circle = circle_spectrum(lambda t: line @ np.cos(np.arange(last + 1)[:, None] * t), last + 2)
    wanted = np.concatenate([line[:1], line[1:] / 2, [0, 0]])
    assert (np.abs(circle.eigenvalues - wanted) <= circle.errors).all()
    torus = torus_spectrum(lambda s, t: np.cos(s - last * t) + line[0], 2, 6)
    assert (torus.eigenvalues[::-1, ::-1] == torus.eigenvalues).all()
    np.testing.assert_allclose(torus.trace, torus.top, rtol=0, atol=torus.errors.sum())


@given(st.floats(0.3, 3), st.floats(0.2, 5), SEEDS)
def test_the_scale_of_a_measure_is_that_of_its_points(std, scale, seed):
    centre = np.random.default_rng(seed).uniform(-0.3, 0.3)

    def kernel(x, z):
        return np.exp(-((x - z) ** 2)) * (1 + (x - centre) * (z - centre))

    def scaled(x, z):
        return kernel(x / scale, z / scale)

    one, other = gaussian_spectrum(kernel, 5, std=std), gaussian_spectrum(scaled, 5, std=std * scale)
    assert (np.abs(one.eigenvalues - other.eigenvalues) <= one.errors + other.errors).all()
    one, other = uniform_spectrum(kernel, 5), uniform_spectrum(scaled, 5, low=-scale, high=scale)
    assert (np.abs(one.eigenvalues - other.eigenvalues) <= one.errors + other.errors).all()


@given(st.floats(0.2, 3), st.integers(1, 12))
def test_adding_a_positive_kernel_raises_every_eigenvalue(width, count):
    one = uniform_spectrum(lambda x, z: np.exp(-np.abs(x - z) / width), count)
    both = uniform_spectrum(lambda x, z: np.exp(-np.abs(x - z) / width) + x * z, count)
    assert (both.eigenvalues >= one.eigenvalues - both.errors - one.errors).all()
    assert both.missing >= -both.errors.sum()
