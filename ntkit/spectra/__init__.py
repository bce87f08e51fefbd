"""Spectra of kernels: eigenvalues with their errors, the law of their decay, and what they say about learning.

Kernels on spheres and under other measures:

    spectrum = sphere_spectrum(network, dim=5, max_degree=80)  # or a function of the cosine; funk_hecke: of the angle
    spectrum.eigenvalues, spectrum.errors, spectrum.resolved(), spectrum.missing
    leading_term(5, range(81), at_zero=-1.0)                   # what they tend to
    kernel_from_spectrum(spectrum, angles)                     # and back

Others are `circle_spectrum`, `torus_spectrum`, `gaussian_spectrum`, `uniform_spectrum`; in closed form `distance_power` and
`arc_cosine_eigenvalue`. Convolutional networks without overlaps, sector by sector:

    spectrum = tree_spectrum(PatchTree(patch_dim=2, branching=(2, 2)), max_degree=20)
    spectrum.sector(3), spectrum.eigenvalues([[5, 0, 0, 1]])

Gram matrices, as arrays or as operators (`ntkit.kernels.gram_operator`):

    enclosed_eigenvalues(gram).rank()                # all of them, and the rank if it is certain
    top_eigenpairs(operator, 100)                    # block Lanczos; rest_bound says what it can have missed
    nystrom(operator, 500, diagonal=diagonal)        # some columns, and all that they leave
    spectral_density(operator).count(1.0, 2.0)       # how many eigenvalues lie there, with an interval
    positive_definite(gram, exact=True)              # proved or refuted
    print(diagnose(matrix))                          # why Cholesky rejects it, which inputs are to blame, what mends it

Learning, in `ntkit.spectra.learning`, predicted from eigenvalues and simulated beside it:

    fit_power_law(eigenvalues, index=degrees, shift=1.5)
    learning_curve(Modes(eigenvalues, power), [16, 64, 256], ridge=0.1, key=key, repeats=20)  # or Sample(gram, targets)
    training_curve(Modes(eigenvalues, power), 64, [0, 1, 10, 100], key=key, repeats=20)       # over time in place of n

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
from ntkit.spectra._tree import PatchTree
from ntkit.spectra._tree_spectrum import TreeEigenvalues, TreeSpectrum, tree_spectrum
from ntkit.spectra.diagnosis import Diagnosis, Finding, Jitter, diagnose
from ntkit.spectra.learning import (
    CrossValidation,
    Flow,
    LearningCurve,
    Modes,
    PowerLaw,
    Risk,
    Sample,
    TargetPower,
    TrainingCurve,
    cross_validation,
    eigenframework,
    fit_power_law,
    gradient_flow,
    learning_curve,
    optimal_ridge,
    samples_needed,
    target_power,
    training_curve,
)

__all__ = [
    "CrossValidation",
    "Diagnosis",
    "Eigenpairs",
    "Eigenvalues",
    "Finding",
    "Flow",
    "Interval",
    "Jitter",
    "LearningCurve",
    "LineSpectrum",
    "Missing",
    "Modes",
    "Nystrom",
    "PatchTree",
    "PowerLaw",
    "Proof",
    "Rank",
    "Risk",
    "Sample",
    "SpectralDensity",
    "Spectrum",
    "TargetPower",
    "TorusSpectrum",
    "TrainingCurve",
    "TreeEigenvalues",
    "TreeSpectrum",
    "arc_cosine_eigenvalue",
    "circle_spectrum",
    "cross_validation",
    "diagnose",
    "distance_power",
    "eigenframework",
    "enclosed_eigenvalues",
    "fit_power_law",
    "funk_hecke",
    "gaussian_spectrum",
    "gegenbauer",
    "gradient_flow",
    "kernel_from_spectrum",
    "leading_term",
    "learning_curve",
    "multiplicity",
    "nystrom",
    "optimal_ridge",
    "positive_definite",
    "rest_bound",
    "samples_needed",
    "spectral_density",
    "sphere_spectrum",
    "target_power",
    "top_eigenpairs",
    "torus_spectrum",
    "training_curve",
    "tree_spectrum",
    "uniform_spectrum",
]
