"""A circular convolution layer as a linear operator: when is it orthogonal, and how far is it from that?

A kernel K has shape (M, C, k) or (M, C, k, k): M output channels, C input channels, k taps per axis; stride S. On inputs
of S N points per axis the layer is y[m, n] = sum_{c, i} K[m, c, i] x[c, (S n + i) mod S N], a matrix A of M N^d rows and
C (S N)^d columns. Two cases:

- RO, M <= C S^d: no more rows than columns; orthogonal means A A^T = I.
- CO, M >= C S^d: no more columns than rows; orthogonal means A^T A = I.

Everything takes NumPy or JAX arrays and answers in kind: NumPy costs no compilation, which is most of the cost of many
small layers; JAX can be jitted, mapped and differentiated.
"""

from ntkit.orthoconv._architecture import Architecture
from ntkit.orthoconv._construct import gaussian_kernel, orthogonal_kernel
from ntkit.orthoconv._regulariser import autocorrelation, l_orth
from ntkit.orthoconv._symbol import frobenius_error, singular_values, symbol

__all__ = [
    "Architecture",
    "autocorrelation",
    "frobenius_error",
    "gaussian_kernel",
    "l_orth",
    "orthogonal_kernel",
    "singular_values",
    "symbol",
]
