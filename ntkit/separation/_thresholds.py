"""How high the soft threshold lies."""

from dataclasses import dataclass

import numpy as np

from ntkit.separation._checks import Real
from ntkit.separation._signal import SignalTask


@dataclass(frozen=True)
class NoiseGate:
    """factor * noise * sqrt(2 ln k): the largest of k noise terms, times a factor.

    On the sample of the first step a filter has fitted the noise of its M vectors, each of which lies about noise sqrt(d / M)
    nearer to it than a fresh one would: there the threshold has to be higher by as much to hold the noise back.

    Example:
        >>> from ntkit.separation import DynamicSignal
        >>> round(NoiseGate(1.5)(DynamicSignal(16, 100, 0.1)), 4)
        0.3532
    """

    factor: Real

    def __call__(self, task: SignalTask) -> float:
        return float(self.factor * task.noise * np.sqrt(2 * np.log(task.patches)))


@dataclass(frozen=True)
class WeakestSignalGate:
    """factor * sqrt((k + d) ln(k d) / (k d)): the overlap after the first step at the sample size of the upper bounds.

    Source: Lahoti et al. (2024), as public reviews report it, with the factor 1 / 32.
    """

    factor: Real = 1 / 32

    def __call__(self, task: SignalTask) -> float:
        k, d = task.patches, task.dim
        return float(self.factor * np.sqrt((k + d) * np.log(k * d) / (k * d)))
