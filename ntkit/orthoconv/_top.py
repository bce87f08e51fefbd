"""The largest singular value of a circular layer, certified over all of its frequencies."""

from dataclasses import dataclass
from itertools import product
from math import sqrt

import numpy as np
import scipy.linalg
from jaxtyping import Complex, Float, Int

from ntkit.orthoconv._architecture import Shape
from ntkit.orthoconv._symbol import blocks_at, half_frequencies

_SMALL = 24  # sides up to which eigenvalues of all blocks cost less than deciding which to look at
_SCREENING = 3  # power steps before the blocks are ranked
_GAP = 5e-7  # of the square of the norm: blocks are shown not to exceed it by more
_GRAMS = 2**24  # numbers of Gram matrices held at a time: 256 MiB


@dataclass(frozen=True)
class Top:
    """The largest singular value over the frequencies of a circular layer.

    Attributes:
        value: an attained one, up to rounding; no other exceeds it by more than a relative 2.5e-7.
        upper: no singular value is larger, rounding included.
        gradient: of value with respect to the polyphase kernel.
    """

    value: float
    upper: float
    gradient: Float[np.ndarray, "M inputs *blocks"]


def top(phases: Float[np.ndarray, "M inputs *blocks"], sizes: Shape) -> Top:
    """Rank the blocks by a few power steps, find the norm of the first, and show of each other that it has no larger one.

    Gram matrices of blocks are sums over the lags of the kernel's autocorrelation, so that they cost no product of blocks.
    That no eigenvalue of G(w) exceeds t is seen from a Cholesky decomposition of t I - G(w), which costs a tenth of its
    eigenvalues; where it fails, the block's norm takes the place of the first. A decomposition that runs to its end proves
    t I - G(w) + E to be positive definite, |E| <= (n + 2) eps times the trace (Rump 2006), and G(w) itself is rounded in sums
    of the autocorrelation's products; both are added to t.
    """
    if phases.shape[0] > phases.shape[1]:
        found = top(np.ascontiguousarray(np.swapaxes(phases, 0, 1)), sizes)  # blocks are transposed too
        return Top(found.value, found.upper, np.swapaxes(found.gradient, 0, 1))
    if not phases.any():
        return Top(0.0, 0.0, np.zeros_like(phases))
    frequencies, _ = half_frequencies(sizes)
    lags, parts = _autocorrelation(phases)
    order = np.argsort(_rough_norms(phases, frequencies, sizes))[::-1]
    outputs = phases.shape[0]
    square, place, vector = -1.0, 0, np.empty(0)
    for start in range(0, len(order), max(_GRAMS // outputs**2, 1)):
        chosen = order[start : start + max(_GRAMS // outputs**2, 1)]
        grams = _grams(lags, parts, frequencies[chosen], sizes)
        if outputs <= _SMALL:
            first = int(np.linalg.eigvalsh(grams)[:, -1].argmax())
            chosen, grams = chosen[first : first + 1], grams[first : first + 1]
        for w, gram in zip(chosen, grams, strict=True):
            if square < 0 or outputs <= _SMALL or not _stays_below(gram, square * (1 + _GAP)):
                largest, leading = _leading(gram)
                if largest > square:
                    square, place, vector = largest, int(w), leading
    return _refined(phases, frequencies[place : place + 1], sizes, square, vector)


def _refined(
    phases: Float[np.ndarray, "M inputs *blocks"],
    frequency: Int[np.ndarray, "1 axes"],
    sizes: Shape,
    square: float,
    left: Complex[np.ndarray, " M"],
) -> Top:
    """Value and gradient from the left singular vector u of one block: v = B* u / |B* u|, d sigma = Re u* dB v."""
    right = np.conj(left) @ blocks_at(phases, frequency, sizes)[0]
    value = float(np.linalg.norm(right))
    taps = np.stack([part.ravel() for part in np.indices(phases.shape[2:])])
    turns = sum(frequency[0, axis] * taps[axis] % size / size for axis, size in enumerate(sizes))
    outer = np.conj(left)[:, None] * np.conj(right / value if value else right)[None, :]
    gradient = (outer[..., None] * np.exp(-2j * np.pi * turns)).real.reshape(phases.shape)
    n, count, eps = phases.shape[0], len(turns), float(np.finfo(np.float64).eps)
    # An entry of a Gram matrix is a sum of products of every pair of taps; |K_s| |K_t| sum to at most taps |K|_F^2 over pairs.
    gram = 4 * (phases[0].size + count + 8) * eps * count * float((phases**2).sum())
    return Top(value, sqrt(max(square, value**2) * (1 + _GAP + (n + 2) * n * eps) + gram), gradient)


def _autocorrelation(
    phases: Float[np.ndarray, "M inputs *blocks"],
) -> tuple[Int[np.ndarray, "lags axes"], Float[np.ndarray, "lags M M"]]:
    """sum_t P_{t + lag} P_t^T for one of each pair of opposite lags, 0 first; only taps that meet are multiplied."""
    blocks = phases.shape[2:]
    taps, flat = list(product(*[range(b) for b in blocks])), phases.reshape(*phases.shape[:2], -1)
    matrices = {tap: flat[..., place] for place, tap in enumerate(taps)}
    sums: dict[tuple[int, ...], Float[np.ndarray, "M M"]] = {}
    for left, right in product(taps, taps):
        lag = tuple(a - b for a, b in zip(left, right, strict=True))
        if lag >= (0,) * len(lag):
            sums[lag] = sums.get(lag, 0.0) + matrices[left] @ matrices[right].T
    ordered = sorted(sums)
    return np.array(ordered), np.stack([sums[lag] for lag in ordered])


def _grams(
    lags: Int[np.ndarray, "lags axes"],
    parts: Float[np.ndarray, "lags M M"],
    frequencies: Int[np.ndarray, "points axes"],
    sizes: Shape,
) -> Complex[np.ndarray, "points M M"]:
    """B B* at each frequency: the sum over lags of (R + R^T) cos(w lag) - i (R - R^T) sin(w lag), R(0) counted once."""
    turns = sum((frequencies[:, axis, None] * lags[:, axis]) % size / size for axis, size in enumerate(sizes))
    angles, shape = 2 * np.pi * np.asarray(turns), (len(frequencies), *parts.shape[1:])
    weights = np.where((lags == 0).all(axis=1), 0.5, 1.0)[:, None, None]
    flipped = np.swapaxes(parts, 1, 2)
    grams = np.empty(shape, dtype=complex)
    grams.real = (np.cos(angles) @ (weights * (parts + flipped)).reshape(len(lags), -1)).reshape(shape)
    grams.imag = (np.sin(angles) @ (flipped - parts).reshape(len(lags), -1)).reshape(shape)
    return grams


def _leading(gram: Complex[np.ndarray, "M M"]) -> tuple[float, Complex[np.ndarray, " M"]]:
    """The largest eigenvalue and its vector."""
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=(len(gram) - 1, len(gram) - 1))
    if not len(values):  # LAPACK may find none by its number where all agree to rounding, as those of orthogonal layers do
        values, vectors = np.linalg.eigh(gram)
    return float(values[-1]), vectors[:, -1]


def _stays_below(gram: Complex[np.ndarray, "M M"], bound: float) -> bool:
    """Whether bound I - G has a Cholesky decomposition."""
    shifted = -gram
    shifted[np.diag_indices(len(gram))] += bound
    return bool(scipy.linalg.lapack.zpotrf(shifted, overwrite_a=1, clean=0)[1] == 0)


def _rough_norms(
    phases: Float[np.ndarray, "M inputs *blocks"], frequencies: Int[np.ndarray, "points axes"], sizes: Shape
) -> Float[np.ndarray, " points"]:
    """Lower bounds of the norms of all blocks, by a few power steps in single precision from one random vector."""
    outputs, inputs = phases.shape[:2]
    rng = np.random.default_rng(0)
    start = rng.normal(size=(inputs, 2)).astype(np.float32).view(np.complex64)
    norms = []
    for first in range(0, len(frequencies), max(_GRAMS // (outputs * inputs), 1)):
        some = frequencies[first : first + max(_GRAMS // (outputs * inputs), 1)]
        blocks = blocks_at(phases.astype(np.float32), some, sizes)
        v = np.broadcast_to(start, (len(some), inputs, 1))
        for _ in range(_SCREENING):
            u = blocks @ v
            v = np.conj(np.swapaxes(np.conj(np.swapaxes(u, 1, 2)) @ blocks, 1, 2))
            v = v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        norms.append(np.linalg.norm(blocks @ v, axis=(1, 2)))
    return np.concatenate(norms)
