"""Averages over simulated data sets."""

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student


class Averages:
    """Mean, standard error and interval of the rows of `simulated_test`, one for each data set."""

    simulated_test: Float[np.ndarray, "repeats points"]

    def mean(self) -> Float[np.ndarray, " points"]:
        """The simulated test error, averaged over data sets."""
        self._simulated(1)
        return np.asarray(self.simulated_test.mean(axis=0))

    def stderr(self) -> Float[np.ndarray, " points"]:
        """Standard error of `mean`; close to an interpolation peak the errors are heavy-tailed, and this is too small."""
        self._simulated(2)
        return np.asarray(self.simulated_test.std(axis=0, ddof=1) / np.sqrt(len(self.simulated_test)))

    def interval(self, level: float = 0.95) -> Float[np.ndarray, "2 points"]:
        """Student's interval for the expected test error at each point, without what lies below 0."""
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level!r}")
        half = student.ppf((1 + level) / 2, len(self.simulated_test) - 1) * self.stderr()
        return np.stack([np.maximum(self.mean() - half, 0.0), self.mean() + half])

    def _simulated(self, least: int) -> None:
        if len(self.simulated_test) < least:
            raise ValueError(f"repeats must be at least {least} for this, got {len(self.simulated_test)}")
