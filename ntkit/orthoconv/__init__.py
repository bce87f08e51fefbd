"""A convolution layer as a linear operator: can it be orthogonal, which kernels make it so, how far is it from that?

    exists(out_channels=16, in_channels=1, kernel_size=3, stride=2, ndim=2).possible     # at all?
    kernel = construct(key, out_channels=16, in_channels=1, kernel_size=3, stride=2, ndim=2)
    singular_values(kernel, 32, 2)                                                       # all of them, at 32 x 32 outputs
    spectral_error_bounds(kernel, 2)                                                     # at every size, from L_orth

A kernel has shape (M, C, k_1, .., k_d), d = 1, 2 or 3: M output channels, C input channels, k taps along each axis; stride S
along each axis. On inputs x of S N points per axis the circular layer is

    y[m, n] = sum_{c, i} K[m, c, i] x[c, (S n + i) mod S N],

a matrix A of M prod N rows and C prod S N columns. `size` is always N, the output points along each axis. Orthogonal means
A A^T = I where A has no more rows than columns (circular: M <= C prod S), A^T A = I where it has no fewer.

Functions of a kernel take NumPy or JAX arrays and answer in kind: NumPy costs no compilation, which is most of the cost of
many small layers; JAX can be jitted, mapped and differentiated.
"""

from ntkit.orthoconv._apply import adjoint, apply
from ntkit.orthoconv._architecture import Architecture
from ntkit.orthoconv._bounds import SpectralErrorBounds, spectral_error_bounds
from ntkit.orthoconv._construct import construct, gaussian_kernel
from ntkit.orthoconv._existence import Existence, exists
from ntkit.orthoconv._extremes import Extremes, extreme_singular_values
from ntkit.orthoconv._matrix import layer_matrix
from ntkit.orthoconv._nearest import Nearest, nearest
from ntkit.orthoconv._norm import spectral_norm
from ntkit.orthoconv._regulariser import autocorrelation, l_orth
from ntkit.orthoconv._search import Search, search_orthogonal
from ntkit.orthoconv._spectrum import condition_number, frobenius_error, rounding, singular_values, spectral_error
from ntkit.orthoconv._symbol import symbol
from ntkit.orthoconv._train import Trained, train_orthogonal

__all__ = [
    "Architecture",
    "Existence",
    "Extremes",
    "Nearest",
    "Search",
    "SpectralErrorBounds",
    "Trained",
    "adjoint",
    "apply",
    "autocorrelation",
    "condition_number",
    "construct",
    "exists",
    "extreme_singular_values",
    "frobenius_error",
    "gaussian_kernel",
    "l_orth",
    "layer_matrix",
    "nearest",
    "rounding",
    "search_orthogonal",
    "singular_values",
    "spectral_error",
    "spectral_error_bounds",
    "spectral_norm",
    "symbol",
    "train_orthogonal",
]
