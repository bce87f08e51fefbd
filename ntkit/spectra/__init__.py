"""Spectra of kernels: exact eigenvalues of dot-product kernels on spheres, their errors, and the law of their decay.

    spectrum = sphere_spectrum(network, dim=5, max_degree=80)  # or a function of the cosine; funk_hecke: of the angle
    spectrum.eigenvalues, spectrum.errors, spectrum.resolved(), spectrum.missing
    leading_term(5, range(81), at_zero=-1.0)                   # what they tend to
    kernel_from_spectrum(spectrum, angles)                     # and back

Other measures: `circle_spectrum`, `torus_spectrum`, `gaussian_spectrum`, `uniform_spectrum`; in closed form
`distance_power`, `arc_cosine_eigenvalue`.

Gram matrices, as arrays or as operators (`ntkit.kernels.gram_operator`), have every eigenvalue in an enclosure:

    enclosed_eigenvalues(gram).rank()                # all of them, and the rank if it is certain
    top_eigenpairs(operator, 100)                    # block Lanczos; rest_bound says what it can have missed
    nystrom(operator, 500, diagonal=diagonal)        # some columns, and all that they leave
    spectral_density(operator).count(1.0, 2.0)       # how many eigenvalues lie there, with an interval
    positive_definite(gram, exact=True)              # proved or refuted

NumPy in float64 throughout: eigenvalues fall over many decades, and nothing here is large enough to be compiled.
"""

from ntkit.spectra._definite import Proof, positive_definite
from ntkit.spectra._density import Interval, SpectralDensity, spectral_density
from ntkit.spectra._enclosure import Eigenvalues, Rank, enclosed_eigenvalues
from ntkit.spectra._funk_hecke import funk_hecke
from ntkit.spectra._harmonics import gegenbauer, multiplicity
from ntkit.spectra._line import LineSpectrum, gaussian_spectrum, uniform_spectrum
from ntkit.spectra._nystrom import Nystrom, nystrom
from ntkit.spectra._rest import rest_bound
from ntkit.spectra._singularity import distance_power, leading_term
from ntkit.spectra._spectrum import Missing, Spectrum, kernel_from_spectrum
from ntkit.spectra._sphere import sphere_spectrum
from ntkit.spectra._symbolic import arc_cosine_eigenvalue
from ntkit.spectra._top import Eigenpairs, top_eigenpairs
from ntkit.spectra._torus import TorusSpectrum, circle_spectrum, torus_spectrum

__all__ = [
    "Eigenpairs",
    "Eigenvalues",
    "Interval",
    "LineSpectrum",
    "Missing",
    "Nystrom",
    "Proof",
    "Rank",
    "SpectralDensity",
    "Spectrum",
    "TorusSpectrum",
    "arc_cosine_eigenvalue",
    "circle_spectrum",
    "distance_power",
    "enclosed_eigenvalues",
    "funk_hecke",
    "gaussian_spectrum",
    "gegenbauer",
    "kernel_from_spectrum",
    "leading_term",
    "multiplicity",
    "nystrom",
    "positive_definite",
    "rest_bound",
    "spectral_density",
    "sphere_spectrum",
    "top_eigenpairs",
    "torus_spectrum",
    "uniform_spectrum",
]
