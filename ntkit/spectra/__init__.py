"""Spectra of kernels: exact eigenvalues of dot-product kernels on spheres, their errors, and the law of their decay.

    spectrum = sphere_spectrum(network, dim=5, max_degree=80)  # or a function of the cosine; funk_hecke: of the angle
    spectrum.eigenvalues, spectrum.errors, spectrum.resolved(), spectrum.missing
    leading_term(5, range(81), at_zero=-1.0)                   # what they tend to
    kernel_from_spectrum(spectrum, angles)                     # and back

Other measures: `circle_spectrum`, `torus_spectrum`, `gaussian_spectrum`, `uniform_spectrum`; in closed form
`distance_power`, `arc_cosine_eigenvalue`.

NumPy in float64 throughout: eigenvalues fall over many decades, and nothing here is large enough to be compiled.
"""

from ntkit.spectra._funk_hecke import funk_hecke
from ntkit.spectra._harmonics import gegenbauer, multiplicity
from ntkit.spectra._line import LineSpectrum, gaussian_spectrum, uniform_spectrum
from ntkit.spectra._singularity import distance_power, leading_term
from ntkit.spectra._spectrum import Missing, Spectrum, kernel_from_spectrum
from ntkit.spectra._sphere import sphere_spectrum
from ntkit.spectra._symbolic import arc_cosine_eigenvalue
from ntkit.spectra._torus import TorusSpectrum, circle_spectrum, torus_spectrum

__all__ = [
    "LineSpectrum",
    "Missing",
    "Spectrum",
    "TorusSpectrum",
    "arc_cosine_eigenvalue",
    "circle_spectrum",
    "distance_power",
    "funk_hecke",
    "gaussian_spectrum",
    "gegenbauer",
    "kernel_from_spectrum",
    "leading_term",
    "multiplicity",
    "sphere_spectrum",
    "torus_spectrum",
    "uniform_spectrum",
]
