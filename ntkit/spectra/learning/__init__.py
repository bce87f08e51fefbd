"""What a kernel learns from n samples, predicted from its eigenvalues and checked by simulation.

    task = Modes(eigenvalues, power, multiplicities)    # of a population, or Sample(gram, targets) for a data set
    learning_curve(task, [16, 64, 256], ridge=0.1, key=key, repeats=20)
    training_curve(task, 64, [0, 1, 10, 100], key=key, repeats=20)   # over time in place of n
    eigenframework(task, 64, ridge=0.1, noise=0.2, features=100), optimal_ridge(task, 64, noise=0.2)

All errors are mean squared errors; every ridge is added to the n x n Gram matrix as it is.
"""

from ntkit.spectra.learning._curve import LearningCurve, learning_curve
from ntkit.spectra.learning._eigenframework import Risk, eigenframework
from ntkit.spectra.learning._flow import Flow, gradient_flow
from ntkit.spectra.learning._modes import Modes
from ntkit.spectra.learning._needed import samples_needed
from ntkit.spectra.learning._power_law import PowerLaw, fit_power_law
from ntkit.spectra.learning._ridge import optimal_ridge
from ntkit.spectra.learning._sample import Sample
from ntkit.spectra.learning._target import TargetPower, target_power
from ntkit.spectra.learning._training import TrainingCurve, training_curve
from ntkit.spectra.learning._validation import CrossValidation, cross_validation

__all__ = [
    "CrossValidation",
    "Flow",
    "LearningCurve",
    "Modes",
    "PowerLaw",
    "Risk",
    "Sample",
    "TargetPower",
    "TrainingCurve",
    "cross_validation",
    "eigenframework",
    "fit_power_law",
    "gradient_flow",
    "learning_curve",
    "optimal_ridge",
    "samples_needed",
    "target_power",
    "training_curve",
]
