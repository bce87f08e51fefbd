"""What a kernel learns from n samples, predicted from its eigenvalues and checked by simulation."""

from ntkit.spectra.learning._curve import LearningCurve, learning_curve
from ntkit.spectra.learning._eigenframework import Risk, eigenframework
from ntkit.spectra.learning._modes import Modes
from ntkit.spectra.learning._ridge import optimal_ridge, samples_needed
from ntkit.spectra.learning._sample import Sample

__all__ = ["LearningCurve", "Modes", "Risk", "Sample", "eigenframework", "learning_curve", "optimal_ridge", "samples_needed"]
