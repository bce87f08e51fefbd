"""What L_orth, which knows no image size, says of the layer's singular values at every size."""

from dataclasses import dataclass
from math import prod, sqrt

from ntkit.orthoconv._architecture import Real, Shape, Sizes, of_kernel
from ntkit.orthoconv._regulariser import l_orth, lag_count


@dataclass(frozen=True)
class SpectralErrorBounds:
    """Bounds on err_s of circular layers with one kernel, up to rounding of L_orth (see `spectral_error_bounds`).

    Attributes:
        l_orth: L_orth, not below 0.
        paper: the bound of Achour et al., for every size.
        upper: the sharper one, for every size.
        lower: err_s is at least this for every size from `least_size` on.
        least_size: 2 q + 1 along each axis.
    """

    l_orth: float
    paper: float
    upper: float
    lower: float
    least_size: Shape

    @property
    def singular_values(self) -> tuple[float, float]:
        """An interval that holds all singular values of the layer, at every size."""
        return sqrt(max(1 - self.upper, 0.0)), sqrt(1 + self.upper)


def spectral_error_bounds(kernel: Real, stride: Sizes = 1) -> SpectralErrorBounds:
    """Bounds on err_s of the circular layer from L_orth alone.

    upper: A A^T - I has the blocks E(w) = sum_t E_t exp(i w t) over prod (2 q + 1) lags, E_t = R_t - I at t = 0 and R_t
    else, so that |E(w)| <= sum |E_t|_F <= sqrt(prod (2 q + 1) sum |E_t|_F^2), and the sum of squares is L_orth where M <= C
    prod S. Where M >= C prod S the same holds of A^T A - I, whose polyphase components have lags from -q to q too, and
    whose squares sum to L_orth. On a grid of N frequencies this is the same polynomial, whatever N: there is no least size.
    paper: M prod (2 q + 1) L_orth, or C prod (2 k - 1) L_orth where M >= C prod S, for err_s^2; the smaller one if M = C
    prod S. Both follow from the sharper bound. lower: N^d L_orth = err_F^2 is a sum of N^d min(M, C prod S) squares, the
    largest of which is err_s^2.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        stride: S.

    Raises:
        ValueError: wrong shape, dtype or stride, or entries that are not finite.

    Example:
        >>> import numpy as np
        >>> bounds = spectral_error_bounds(np.array([[[1.1]]]))  # one tap: A = 1.1 I
        >>> round(bounds.lower, 12), round(bounds.upper, 12)
        (0.21, 0.21)

    Source: Achour, Malgouyres, Mamalet (2022), theorem on err_s (number unconfirmed); the other two are ours.
    """
    layer = of_kernel(kernel, stride)
    value = max(float(l_orth(kernel, stride)), 0.0)
    lags = lag_count(layer)
    rows, columns = layer.out_channels * lags, layer.in_channels * prod(2 * k - 1 for k in layer.kernel_size)
    factors = [rows] * layer.rows_only + [columns] * (layer.out_channels >= layer.inputs)
    return SpectralErrorBounds(
        l_orth=value,
        paper=sqrt(min(factors) * value),
        upper=sqrt(lags * value),
        lower=sqrt(value / min(layer.out_channels, layer.inputs)),
        least_size=Shape(2 * q + 1 for q in layer.lags),
    )
