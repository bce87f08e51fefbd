"""Kernels of every network from their textbook definitions, entry by entry in mpmath: slow, and nothing cancels.

All covariances of all pixels of all inputs stand in one array of shape (n, *space, n, *space), and so do tangent kernels.
Windows are lists of pixels; duals are the closed forms of the literature, which `test_duals` compares with their integrals.
"""

import itertools
import math

import mpmath as mp
import numpy as np

from ntkit.kernels import (
    Abs,
    AvgPool,
    Conv,
    Cos,
    Dense,
    Erf,
    Exp,
    Flatten,
    Gelu,
    GlobalAvgPool,
    Hermite,
    Identity,
    LayerNorm,
    LeakyRelu,
    Polynomial,
    Relu,
    Sign,
    Sin,
    Step,
)
from ntkit.kernels._chain import Branches


def kernels(net, x, digits=40):
    """NNGP and NTK of all pairs of inputs, float64 arrays (n, n); inside, `digits` digits."""
    with mp.workdps(digits):
        return tuple(np.array(exact, dtype=float) for exact in exact_kernels(net, x))


def exact_kernels(net, x):
    """The same as arrays of mpmath numbers."""
    n, space, channels = len(x), x.shape[1:-1], x.shape[-1]
    flat = np.vectorize(mp.mpf, otypes=[object])(x.reshape(-1, channels).astype(float))
    covariance = (flat @ flat.T / channels).reshape(n, *space, n, *space)
    zero = covariance * 0
    covariance, tangent = _through(net.layers, covariance, zero)
    assert covariance.ndim == 2
    return covariance, tangent


def _through(layers, k, t):
    for layer in layers:
        k, t = _layer(layer, k, t)
    return k, t


def _layer(layer, k, t):
    space = k.ndim // 2 - 1
    if isinstance(layer, Identity):
        return k, t
    if isinstance(layer, Dense | Conv):
        if isinstance(layer, Conv):
            windows = _windows(layer.window, layer.stride or 1, layer.padding, k.shape[1 : 1 + space])
            k, t = (_over_windows(a, windows, together=True) for a in (k, t))
        k = mp.mpf(layer.w_std) ** 2 * k + mp.mpf(layer.b_std) ** 2
        return k, mp.mpf(layer.w_std) ** 2 * t + k
    if isinstance(layer, AvgPool):
        windows = _windows(layer.window, layer.stride or layer.window, layer.padding, k.shape[1 : 1 + space])
        return tuple(_over_windows(a, windows, together=False) for a in (k, t))
    if isinstance(layer, GlobalAvgPool):
        axes = tuple(range(1, 1 + space)) + tuple(range(2 + space, 2 + 2 * space))
        return tuple(a.sum(axes) / mp.mpf(math.prod(a.shape[1 : 1 + space])) ** 2 for a in (k, t))
    if isinstance(layer, Flatten):
        return tuple(_equal_pixels(a) for a in (k, t))
    if isinstance(layer, Branches):
        parts = [_through(branch, k, t) for branch in layer.branches]
        k, t = parts[0]
        for k2, t2 in parts[1:]:
            k, t = (k + k2, t + t2) if layer.join == "sum" else (k * k2, t * k2 + k * t2)
        return k, t
    a = np.array([k[i + i] for i in np.ndindex(k.shape[: 1 + space])], dtype=object)
    size = len(a)
    shape, k, t = k.shape, k.reshape(size, size), t.reshape(size, size)
    new_k, new_t = np.empty_like(k), np.empty_like(t)
    for i, j in itertools.combinations_with_replacement(range(size), 2):
        value, slope = dual(layer, a[i], a[j], k[i, j])
        new_k[i, j] = new_k[j, i] = value
        new_t[i, j] = new_t[j, i] = slope * t[i, j]
    return new_k.reshape(shape), new_t.reshape(shape)


def dual(layer, a, b, k):
    """E phi(h) phi(h') and E phi'(h) phi'(h') for variances a, b and covariance k."""
    pi = mp.pi
    if isinstance(layer, LayerNorm):
        scale = mp.sqrt((a + layer.epsilon) * (b + layer.epsilon))
        return (k / scale, 1 / scale) if scale else (mp.mpf(0), mp.mpf(0))
    if isinstance(layer, Relu | LeakyRelu | Abs | Step | Sign):
        s = mp.sqrt(a * b)
        if not s:
            return mp.mpf(0), mp.mpf(0)
        angle = mp.acos(max(-1, min(1, k / s)))
        even = 2 / pi * (mp.sin(angle) + (pi / 2 - angle) * mp.cos(angle))  # of |h|, for variances 1
        sign = 1 - 2 * angle / pi
        if isinstance(layer, Step | Sign):
            return (sign if isinstance(layer, Sign) else (1 + sign) / 4), mp.mpf(0)
        slope = mp.mpf({Relu: 0, Abs: -1}[type(layer)] if not isinstance(layer, LeakyRelu) else layer.slope)
        p2, q2 = ((1 + slope) / 2) ** 2, ((1 - slope) / 2) ** 2
        return p2 * k + q2 * s * even, p2 + q2 * sign
    if isinstance(layer, Erf):
        d = (1 + 2 * a) * (1 + 2 * b)
        return 2 / pi * mp.asin(2 * k / mp.sqrt(d)), 4 / pi / mp.sqrt(d - 4 * k**2)
    if isinstance(layer, Gelu):
        return _gelu(a, b, k)
    if isinstance(layer, Sin | Cos):
        e = mp.exp(-(a + b) / 2)
        pair = e * mp.sinh(k), e * mp.cosh(k)
        return pair if isinstance(layer, Sin) else pair[::-1]
    if isinstance(layer, Exp):
        value = mp.exp(k + (a + b) / 2 - 2)
        return value, value
    assert isinstance(layer, Polynomial | Hermite)
    terms = layer.terms if isinstance(layer, Polynomial) else layer.polynomial.terms
    slopes = [i * mp.mpf(c) for i, c in enumerate(terms)][1:]
    return _polynomial_dual(terms, a, b, k), _polynomial_dual(slopes, a, b, k)


def _gelu(a, b, k):
    """With h Phi(h), by Gaussian integration by parts; the other is its derivative in k."""
    big = (1 + a) * (1 + b)
    y, arcsine = mp.sqrt(big - k**2), mp.asin(k / mp.sqrt(big))
    square = (1 - a * b) / big
    value = k / 4 + (k * arcsine + (a * b + k**2 * square) / y) / (2 * mp.pi)
    slope = mp.mpf(1) / 4 + (arcsine + k / y + 2 * k * square / y + (a * b + k**2 * square) * k / y**3) / (2 * mp.pi)
    return value, slope


def _polynomial_dual(terms, a, b, k):
    """Sum over Isserlis pairings: m of i and j factors are paired across, the rest among themselves."""
    total = mp.mpf(0)
    for (i, c), (j, d) in itertools.product(enumerate(terms), repeat=2):
        for m in range(i % 2, min(i, j) + 1, 2) if (i - j) % 2 == 0 else ():
            ways = math.comb(i, m) * math.comb(j, m) * math.factorial(m) * _pairings(i - m) * _pairings(j - m)
            total += mp.mpf(c) * mp.mpf(d) * ways * a ** ((i - m) // 2) * b ** ((j - m) // 2) * k**m
    return total


def _pairings(n):
    return math.prod(range(n - 1, 0, -2))


def _windows(window, stride, padding, space):
    """For each axis the windows' pixels, None outside of the image; sizes and margins as XLA's SAME has them."""
    windows, strides = (v if isinstance(v, tuple) else (v,) * len(space) for v in (window, stride))
    out = []
    for n, w, s in zip(space, windows, strides, strict=True):
        if padding == "valid":
            starts = range(0, n - w + 1, s)
        else:
            count = -(-n // s)
            before = max((count - 1) * s + w - n, 0) // 2
            starts = range(-before, -before + count * s, s)
        places = [[p + i for i in range(w)] for p in starts]
        inside = (lambda p, n: p % n) if padding == "circular" else (lambda p, n: p if 0 <= p < n else None)
        out.append([[inside(p, n) for p in pixels] for pixels in places])
    return out


def _over_windows(a, windows, together):
    """Means over windows: of equal places of both windows, or of all pairs of places."""
    space = len(windows)
    for axis, pixels in enumerate(windows):
        first, second = 1 + axis, 2 + space + axis
        moved = np.moveaxis(a, (first, second), (0, 1))
        out = np.empty((len(pixels), len(pixels), *moved.shape[2:]), dtype=object)
        for p, q in np.ndindex(out.shape[:2]):
            places = zip(pixels[p], pixels[q], strict=True) if together else itertools.product(pixels[p], pixels[q])
            seen = [moved[i, j] for i, j in places if i is not None and j is not None]
            count = len(pixels[p]) if together else len(pixels[p]) ** 2
            out[p, q] = sum(seen, start=moved[0, 0] * 0) / mp.mpf(count)
        a = np.moveaxis(out, (0, 1), (first, second))
    return a


def _equal_pixels(a):
    space = a.ndim // 2 - 1
    pixels = list(np.ndindex(a.shape[1 : 1 + space]))
    every = (slice(None),)
    return sum(a[every + p + every + p] for p in pixels) / mp.mpf(len(pixels))
