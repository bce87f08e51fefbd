"""Exponents of spectra, their intervals, and spectra that have none."""

import numpy as np
import pytest

from ntkit.kernels import Laplace
from ntkit.spectra import fit_power_law, funk_hecke

K = np.arange(1.0, 201)


@pytest.mark.parametrize("exponent", [0.7, 1.5, 4.0])
@pytest.mark.parametrize("shift", [0.0, 2.5])
def test_exact_power_laws_are_found_to_rounding(exponent, shift):
    for given in (None, shift):
        law = fit_power_law(3.0 * (K + shift) ** -exponent, shift=given)
        assert law.verdict == "power law"
        assert law.exponent == pytest.approx(exponent, abs=1e-6)
        assert law.shift == pytest.approx(shift, abs=1e-5)
        assert law.interval[0] <= law.exponent <= law.interval[1]
        assert law.interval[1] - law.interval[0] < 1e-5


@pytest.mark.parametrize("dim", [3, 5, 10])
def test_laplace_has_its_exponent_on_the_sphere(dim):
    degrees = np.arange(1, 121)
    spectrum = funk_hecke(Laplace(1.0).of_angle, dim, degrees)
    seen = spectrum.resolved(1e-3)
    shifted = fit_power_law(spectrum.eigenvalues[seen], index=degrees[seen], shift=(dim - 2) / 2)
    free = fit_power_law(spectrum.eigenvalues[seen], index=degrees[seen])
    for law in (shifted, free):
        assert law.interval[0] <= dim <= law.interval[1]
        assert law.interval[1] - law.interval[0] < 0.03 * dim


@pytest.mark.parametrize(
    ("verdict", "spectrum"),
    [
        ("exponential", np.exp(-K / 9)),
        ("stretched exponential", np.exp(-2 * K**0.5)),
        ("log-corrected", 1 / (K * np.log(K + 1.5) ** 2)),
        ("log-quadratic", np.exp(-0.4 * np.log(K) ** 2)),
        ("none", 1 / (K + K**3 / 1000)),
        ("too short", K[:11] ** -2.0),
    ],
)
def test_other_laws_are_no_power_laws(verdict, spectrum):
    law = fit_power_law(spectrum)
    assert law.verdict == verdict
    assert np.isnan([law.exponent, *law.interval]).all()


def test_a_window_leaves_the_bend_out():
    law = fit_power_law(1 / (K + K**3 / 20), window=(20, 200))
    assert law.window[0] >= 20
    assert law.interval[0] <= 3 <= law.interval[1]


def test_intervals_cover_under_noise():
    rng, inside = np.random.default_rng(7), 0
    for _ in range(40):
        law = fit_power_law(K**-2 * (1 + rng.uniform(-0.5, 2) / K) * np.exp(0.05 * rng.normal(size=200)))
        inside += law.interval[0] <= 2 <= law.interval[1]
    assert inside >= 34  # of 40 at 95 %: below with probability 0.3 %


def gram_spectra(exponent, count, n=150, modes=600):
    x = np.random.default_rng(8).normal(size=(count, n, modes)) * np.arange(1.0, modes + 1) ** (-exponent / 2)
    return np.linalg.eigvalsh(x @ np.swapaxes(x, 1, 2) / n)[:, ::-1]


def test_the_bias_of_sampled_eigenvalues_is_taken_away():
    spectra = gram_spectra(1.5, 10)
    laws = [fit_power_law(s, samples=150, shift=0.0) for s in spectra]
    assert all(law.window[1] <= 150 / 8 for law in laws)
    assert all(law.interval[0] <= 1.5 <= law.interval[1] for law in laws)
    together = fit_power_law(spectra, samples=150, shift=0.0)
    naive = fit_power_law(spectra, window=together.window, shift=0.0)
    assert abs(together.exponent - 1.5) < abs(naive.slope - 1.5)


def test_scale_and_level_do_what_they_say():
    noisy = K**-2 * np.exp(0.05 * np.random.default_rng(0).normal(size=200))
    law, scaled, wide = fit_power_law(noisy), fit_power_law(1e-9 * noisy), fit_power_law(noisy, level=0.999)
    assert scaled.exponent == pytest.approx(law.exponent, abs=1e-6)
    assert wide.interval[0] < law.interval[0] < law.interval[1] < wide.interval[1]


@pytest.mark.parametrize(
    ("eigenvalues", "options", "message"),
    [
        ([], {}, r"eigenvalues must have shape \(k,\) or \(spectra, k\), not empty"),
        (K - 1, {}, "eigenvalues must be positive and finite in the window, got 0"),
        (-K, {}, "eigenvalues must be positive and finite in the window, got -1"),
        (K * np.nan, {}, "eigenvalues must be positive and finite in the window, got nan"),
        (K, {"index": K[:5]}, r"index must have the shape \(200,\) of a spectrum, got \(5,\)"),
        (K, {"index": K - 1}, "index must be positive, finite and strictly increasing"),
        (K, {"index": K[::-1]}, "index must be positive, finite and strictly increasing"),
        (K, {"shift": -1.0}, "shift must be finite and above minus the first index, -1, got -1.0"),
        (K, {"window": (5, 5)}, r"window must be \(first, last\) with 0 <= first < last, got \(5, 5\)"),
        (K, {"window": (300, 400)}, "window must contain an index"),
        (K, {"samples": 0}, "samples must be at least 1, got 0"),
        (K, {"level": 1.0}, "level must lie between 0 and 1, got 1.0"),
    ],
)
def test_wrong_arguments_are_refused(eigenvalues, options, message):
    with pytest.raises(ValueError, match=message):
        fit_power_law(eigenvalues, **options)
