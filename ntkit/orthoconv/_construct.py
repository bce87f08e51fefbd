"""Random kernels: generic ones, and generic ones among the orthogonal. Made in NumPy: many small shapes, no compilation."""

from itertools import product
from math import sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from numpy.typing import NDArray

from ntkit.orthoconv._architecture import Architecture

Floats = NDArray[np.float64]


def gaussian_kernel(key: PRNGKeyArray, layer: Architecture) -> Float[np.ndarray, "M C *taps"]:
    """Independent entries of variance 1 / (C k^d), so that every output has the variance of the inputs.

    Returns:
        float64, of shape `layer.shape`.
    """
    return _generator(key).normal(size=layer.shape) / sqrt(layer.C * layer.k**layer.d)


def orthogonal_kernel(key: PRNGKeyArray, layer: Architecture) -> Float[np.ndarray, "M C *taps"]:
    """A random kernel of an exactly orthogonal layer, whose taps are in general all nonzero.

    A product of a random orthogonal matrix and random first-order paraunitary factors I - Q Q^T + Q Q^T z^{-1} along each
    axis, its polyphase components placed stride by stride. Taps beyond S floor(k/S) stay zero.

    Args:
        key: JAX PRNG key.
        layer: an architecture with S <= k.

    Returns:
        float64, of shape `layer.shape`; A A^T = I if M <= C S^d, A^T A = I if M >= C S^d, for every input size.

    Raises:
        ValueError: S > k; in the CO case no orthogonal kernel exists then.

    Example:
        >>> from ntkit.orthoconv import l_orth
        >>> layer = Architecture(M=3, C=2, k=4, S=2)
        >>> abs(float(l_orth(orthogonal_kernel(jax.random.key(0), layer), 2))) < 1e-12
        True

    Source: Vaidyanathan (1993), chapter 14: degree-one building blocks of paraunitary matrices.
    """
    if layer.k < layer.S:
        raise ValueError(f"layer must have stride S <= k, got S={layer.S} and k={layer.k}")
    generator = _generator(key)
    channels = max(layer.M, layer.inputs)
    blocks = layer.k // layer.S
    # Coefficients of the polynomial matrix in z_1^{-1}, .., z_d^{-1}: exponents first, then the matrix.
    coefficients = np.zeros((blocks,) * layer.d + (channels, channels))
    coefficients[(0,) * layer.d] = _orthonormal(generator, channels, channels)
    for axis, _ in product(range(layer.d), range(blocks - 1)):
        frame = _orthonormal(generator, channels, max(1, channels // 2))
        delayed = coefficients @ (frame @ frame.T)
        # The last exponent is still empty before each delay, so that rolling shifts without wrapping anything.
        coefficients = coefficients - delayed + np.roll(delayed, 1, axis=axis)
    cropped = coefficients[..., : layer.M, : layer.inputs]
    return _interleaved(cropped, layer)


def _interleaved(coefficients: Floats, layer: Architecture) -> Floats:
    """From (exponents.., M, C S^d) to taps: exponent e and phase s of an axis become tap S e + s."""
    d, blocks = layer.d, coefficients.shape[0]
    split = coefficients.reshape((blocks,) * d + (layer.M, layer.C) + (layer.S,) * d)
    axes = [axis for a in range(d) for axis in (a, d + 2 + a)]
    filled = split.transpose(d, d + 1, *axes).reshape((layer.M, layer.C) + (blocks * layer.S,) * d)
    return np.pad(filled, [(0, 0), (0, 0)] + [(0, layer.k - blocks * layer.S)] * d)


def _orthonormal(generator: np.random.Generator, rows: int, columns: int) -> Floats:
    """Orthonormal columns, uniformly distributed: the signs of R undo the convention of the QR algorithm."""
    q, r = np.linalg.qr(generator.normal(size=(rows, columns)))
    return q * np.sign(np.diag(r))


def _generator(key: PRNGKeyArray) -> np.random.Generator:
    words = jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    return np.random.default_rng(np.asarray(words))
