"""How high the soft threshold lies."""

from dataclasses import dataclass

import numpy as np

from ntkit.separation._signal import SignalTask


@dataclass(frozen=True)
class NoiseGate:
    """factor * noise * sqrt(2 ln k): the largest of k noise terms, times a factor.

    On the sample of the first step, factors below 1 let the noise through that the filter has already fitted.

    Example:
        >>> from ntkit.separation import DynamicSignal
        >>> round(NoiseGate(1.5)(DynamicSignal(16, 100, 0.1)), 4)
        0.3532
    """

    factor: float

    def __call__(self, task: SignalTask) -> float:
        return float(self.factor * task.noise * np.sqrt(2 * np.log(task.patches)))


@dataclass(frozen=True)
class WeakestSignalGate:
    """factor * sqrt((k + d) ln(k d) / (k d)): the overlap after the first step at the sample size of the upper bounds.

    Source: Lahoti et al. (2024), as public reviews report it, with the factor 1 / 32.
    """

    factor: float = 1 / 32

    def __call__(self, task: SignalTask) -> float:
        k, d = task.patches, task.dim
        return float(self.factor * np.sqrt((k + d) * np.log(k * d) / (k * d)))
