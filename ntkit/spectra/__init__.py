"""Spectra of kernels: exact eigenvalues of dot-product kernels on spheres, the law of their decay, and what they learn.

    spectrum = funk_hecke(Laplace(1.0).of_angle, dim=5, degrees=range(81))
    spectrum.eigenvalues, spectrum.errors, spectrum.resolved()
    leading_term(5, range(81), at_zero=-1.0)         # what they tend to
    fit_power_law(eigenvalues, index=degrees, shift=1.5)
    learning_curve(Modes(eigenvalues, power), [16, 64, 256], ridge=0.1, key=key, repeats=20)  # or Sample(gram, targets)

NumPy in float64 throughout: eigenvalues fall over many decades, and nothing here is large enough to be compiled.
"""

from ntkit.spectra._funk_hecke import Spectrum, funk_hecke
from ntkit.spectra._harmonics import gegenbauer, multiplicity
from ntkit.spectra._singularity import distance_power, leading_term
from ntkit.spectra.learning import (
    CrossValidation,
    Flow,
    LearningCurve,
    Modes,
    PowerLaw,
    Risk,
    Sample,
    TargetPower,
    cross_validation,
    eigenframework,
    fit_power_law,
    gradient_flow,
    learning_curve,
    optimal_ridge,
    samples_needed,
    target_power,
)

__all__ = [
    "CrossValidation",
    "Flow",
    "LearningCurve",
    "Modes",
    "PowerLaw",
    "Risk",
    "Sample",
    "Spectrum",
    "TargetPower",
    "cross_validation",
    "distance_power",
    "eigenframework",
    "fit_power_law",
    "funk_hecke",
    "gegenbauer",
    "gradient_flow",
    "leading_term",
    "learning_curve",
    "multiplicity",
    "optimal_ridge",
    "samples_needed",
    "target_power",
]
