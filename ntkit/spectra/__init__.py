"""Spectra of kernels: exact eigenvalues of dot-product kernels on spheres, their errors, and the law of their decay.

    spectrum = funk_hecke(Laplace(1.0).of_angle, dim=5, degrees=range(81))
    spectrum.eigenvalues, spectrum.errors, spectrum.resolved()
    leading_term(5, range(81), at_zero=-1.0)         # what they tend to

Gram matrices, as arrays or as operators (`ntkit.kernels.gram_operator`), have every eigenvalue in an enclosure:

    enclosed_eigenvalues(gram).rank()                # all of them, and the rank if it is certain

NumPy in float64 throughout: eigenvalues fall over many decades, and nothing here is large enough to be compiled.
"""

from ntkit.spectra._enclosure import Eigenvalues, Rank, enclosed_eigenvalues
from ntkit.spectra._funk_hecke import Spectrum, funk_hecke
from ntkit.spectra._harmonics import gegenbauer, multiplicity
from ntkit.spectra._singularity import distance_power, leading_term

__all__ = [
    "Eigenvalues",
    "Rank",
    "Spectrum",
    "distance_power",
    "enclosed_eigenvalues",
    "funk_hecke",
    "gegenbauer",
    "leading_term",
    "multiplicity",
]
