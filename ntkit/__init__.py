"""ntkit: pytest for theorems.

Instruments (`ntkit.kernels`, `ntkit.orthoconv`, ...) are numerics that know no paper; `ntkit.claims` measures what papers
claim with them, and judges it by rules fixed beforehand.
"""

__version__ = "0.1.0"
