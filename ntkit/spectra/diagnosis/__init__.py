"""What is wrong with a Gram matrix that Cholesky rejects, which inputs are to blame, and what would mend it.

print(diagnose(matrix))            # verdict, causes with remedies, jitter, dtype
diagnose(matrix).findings[0].pairs
"""

from ntkit.spectra.diagnosis._diagnosis import diagnose
from ntkit.spectra.diagnosis._finding import Finding
from ntkit.spectra.diagnosis._jitter import Jitter
from ntkit.spectra.diagnosis._result import Diagnosis

__all__ = ["Diagnosis", "Finding", "Jitter", "diagnose"]
