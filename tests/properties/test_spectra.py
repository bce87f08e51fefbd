"""Laws of spectra on spheres, for kernels of networks and of distances."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntkit.kernels import ArcCosine, Dense, Gaussian, Laplace, Matern, Relu, serial
from ntkit.spectra import Spectrum, funk_hecke, gegenbauer, leading_term, multiplicity

DEGREES = np.arange(41)
DIMS = st.sampled_from((2, 3, 4, 7, 12))


SCALES = st.sampled_from((0.3, 1.0, 2.0))
FAMILIES = (
    Laplace,
    Gaussian,
    partial(Matern, 1.5),
    partial(Matern, 2.5),
    lambda scale: ArcCosine(0),
    lambda scale: ArcCosine(2),
)


@dataclass(frozen=True)
class Net:
    """A ReLU network, whose kernels are functions of the angle."""

    hidden: int
    bias: float
    ntk: bool

    def of_angle(self, theta):
        layers = [layer for _ in range(self.hidden) for layer in (Relu(), Dense(2**0.5))]
        net = serial(Dense(1.0, self.bias), *layers)
        circle = np.stack([np.cos(theta), np.sin(theta)], axis=1)
        return (net.ntk if self.ntk else net.nngp)(np.array([[1.0, 0.0]]), circle)[0]


def kernels():
    """Positive definite kernels of the angle."""
    nets = st.builds(Net, hidden=st.integers(1, 3), bias=st.sampled_from((0.0, 0.5)), ntk=st.booleans())
    return nets | st.builds(lambda family, scale: family(scale), st.sampled_from(FAMILIES), SCALES)


@given(kernels(), DIMS)
def test_eigenvalues_of_positive_kernels_are_not_negative(kernel, dim):
    spectrum = funk_hecke(kernel.of_angle, dim, DEGREES)
    assert (spectrum.eigenvalues >= -spectrum.errors).all()


@given(kernels(), DIMS)
def test_partial_traces_rise_to_the_value_at_angle_zero_from_below(kernel, dim):
    spectrum = funk_hecke(kernel.of_angle, dim, DEGREES)
    top, noise = float(kernel.of_angle(np.zeros(1))[0]), spectrum.multiplicities @ spectrum.errors
    parts = np.cumsum(spectrum.multiplicities * spectrum.eigenvalues)
    assert (np.diff(parts) >= -noise).all()
    assert parts[-1] <= top + noise
    np.testing.assert_allclose(spectrum.trace, parts[-1], rtol=1e-13)


@given(kernels(), kernels(), DIMS, st.floats(0.1, 10))
def test_spectra_are_linear_in_the_kernel(first, second, dim, factor):
    def combined(theta):
        return factor * np.asarray(first.of_angle(theta)) + second.of_angle(theta)

    spectra = [funk_hecke(function, dim, DEGREES) for function in (first.of_angle, second.of_angle, combined)]
    a, b, both = (s.eigenvalues for s in spectra)
    noise = factor * spectra[0].errors + spectra[1].errors + spectra[2].errors
    assert (np.abs(both - factor * a - b) <= noise).all()


@given(DIMS, st.integers(0, 60), st.integers(0, 60))
def test_polynomials_are_orthogonal_with_the_multiplicity_as_norm(dim, j, k):
    spectrum = funk_hecke(lambda theta: gegenbauer(dim, [j], theta)[0], dim, [k])
    wanted = 1 / multiplicity(dim, k) if j == k else 0.0
    assert abs(spectrum.eigenvalues[0] - wanted) <= spectrum.errors[0] + 1e-15 * (j + k)


@given(DIMS, st.integers(1, 100), st.floats(-2, 2), st.floats(-2, 2))
def test_reflection_changes_the_sign_of_odd_degrees(dim, degree, at_zero, at_pi):
    one = leading_term(dim, [degree], at_zero=at_zero, at_pi=at_pi)
    other = leading_term(dim, [degree], at_zero=at_pi, at_pi=at_zero)
    np.testing.assert_allclose(other, (-1) ** degree * one, rtol=1e-14)


@given(st.floats(0.2, 5), st.sampled_from((3, 5, 10)))
def test_laplace_eigenvalues_fall_strictly(bandwidth, dim):
    spectrum = funk_hecke(Laplace(bandwidth).of_angle, dim, DEGREES)
    assert isinstance(spectrum, Spectrum)
    assert (np.diff(spectrum.eigenvalues)[spectrum.resolved(1e-3)[1:]] < 0).all()
