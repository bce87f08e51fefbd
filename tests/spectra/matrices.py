"""Symmetric matrices with known eigenvalues, for tests of spectra of Gram matrices."""

import numpy as np
from scipy.linalg import circulant


def brownian(n):
    """min(i, j), and its eigenvalues, the largest first."""
    i = np.arange(1.0, n + 1)
    return np.minimum.outer(i, i), 1 / (4 * np.sin((2 * i - 1) * np.pi / (4 * n + 2)) ** 2)


def circle(n):
    """The kernel exp(-distance) on n equidistant points of a circle: a symmetric circulant."""
    angle = 2 * np.pi * np.minimum(np.arange(n), n - np.arange(n)) / n
    row = np.exp(-angle)
    return circulant(row), np.sort(np.fft.fft(row).real)[::-1]


def rotated(eigenvalues, seed=0):
    """A symmetric matrix with these eigenvalues up to rounding."""
    n = len(eigenvalues)
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    matrix = (q * np.asarray(eigenvalues, float)) @ q.T
    return (matrix + matrix.T) / 2


def gaussian_points(n, seed=0, copies=0):
    """A Gaussian kernel on random points, the first of which are repeated at the end."""
    x = np.random.default_rng(seed).normal(size=(n, 3))
    x = np.concatenate([x, x[:copies]])
    return np.exp(-((x[:, None] - x[None]) ** 2).sum(-1) / 2)
