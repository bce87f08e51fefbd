"""An orthogonal kernel near a given one."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Bool, Complex, Float

from ntkit.orthoconv._architecture import Real, Shape, Sizes, of_kernel
from ntkit.orthoconv._construct import construct
from ntkit.orthoconv._existence import exists
from ntkit.orthoconv._symbol import blocks_at, half_frequencies, polyphase

_STARTS = 4  # orthogonal kernels that are turned towards the given one, besides the kernel itself and its polar factor
_NEAR, _EXACT = 1e-6, 1e-12  # root of L_orth over that of the number of rows: on the way, and in the end
_RESTORING, _SOLVING = 40, 400  # steps at most
_LOOKING, _DESCENDING = 3, 100  # steps from every start, and from the best of them
_DAMPING = 1e-5  # of projections
_STILL = 1e-8  # relative fall of the distance in a step at which descent has converged

Weights = Float[np.ndarray, "rows columns taps"]
Blocks = Complex[np.ndarray, "points rows columns"]
Hermitian = Complex[np.ndarray, "points rows rows"]


@dataclass(frozen=True)
class Nearest:
    """An orthogonal kernel and how far it is.

    Attributes:
        kernel: float64, of the shape of the given one.
        distance: Frobenius norm of the difference.
        spectral_error: an upper bound of err_s of the circular layer, for every size (see `spectral_error_bounds`).
        converged: whether the descent of the distance had come to rest.
    """

    kernel: Float[np.ndarray, "M C *taps"]
    distance: float
    spectral_error: float
    converged: bool


def nearest(kernel: Real, stride: Sizes = 1) -> Nearest:
    """An orthogonal kernel of the same shape for circular layers, at a distance that small steps do not lessen.

    Orthogonal kernels form a curved set with several parts, so that this is a local minimum of the distance, not in general the
    nearest of all. Starts: the kernel, and its polar factor at each frequency cut to the window, brought onto the set by
    Newton steps; and some orthogonal kernels of `construct`, turned towards it by the best rotation of their outputs. From
    each the distance falls along the set, tangential steps being followed by Newton steps back; the best end is returned, which
    is never farther than the best turned start.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        stride: S.

    Raises:
        ValueError: wrong shape, dtype or stride, entries that are not finite, or no orthogonal layer exists.

    Example:
        >>> found = nearest(np.array([[[3.0, 0.5]]]))  # one channel: single taps of 1 or -1
        >>> found.kernel.round(9).tolist(), round(found.distance, 9), found.spectral_error < 1e-9
        ([[[1.0, 0.0]]], 2.061552813, True)
    """
    layer = of_kernel(kernel, stride)
    found = exists(**vars(layer))
    if not found.possible:
        raise ValueError(f"kernel must have a shape that allows an orthogonal layer, but none exists: {found.reason}")
    target = np.asarray(kernel, dtype=np.float64)
    chart = _Chart.of(target, layer.stride)
    keys = jax.random.split(jax.random.key(0), _STARTS)
    turned = [chart.turned(_as_rows(construct(key, **vars(layer)), layer.stride)) for key in keys]
    starts = [chart.target, chart.polar(), *turned]
    near = [
        _descend(chart, start, _LOOKING)[0] for start in (chart.restored(start, _NEAR) for start in starts) if start is not None
    ]
    for start in sorted(near, key=chart.distance):
        end, converged = _descend(chart, start, _DESCENDING)
        weights = chart.restored(end, _EXACT)
        if weights is not None:
            return Nearest(chart.kernel(weights), chart.distance(weights), chart.spectral_error(weights), converged)
    weights = min(turned, key=chart.distance)  # exactly orthogonal as they are
    return Nearest(chart.kernel(weights), chart.distance(weights), chart.spectral_error(weights), converged=False)


def _descend(chart: "_Chart", x: Weights, steps: int) -> tuple[Weights, bool]:
    """From an orthogonal kernel along the set of them, while the distance falls; whether it came to rest."""
    rate = 1.0
    for _ in range(steps):
        before = chart.distance(x)
        away = chart.tangential(x, chart.target - x)
        while rate > 1e-3:
            y = chart.restored(x + rate * away, _NEAR)
            if y is not None and chart.distance(y) < before:
                break
            rate /= 2
        else:
            return x, float(np.linalg.norm(away)) <= 1e-3 * before
        x, rate = y, min(1.0, 2 * rate)
        if before - chart.distance(x) <= _STILL * before:
            return x, True
    return x, False


@dataclass(frozen=True)
class _Chart:
    """Polyphase kernels with no more rows than columns, as arrays of taps, and the equations B B* = I on a grid.

    The grid is the smallest on which no two lags fall together. Where M > C prod S, rows and columns are exchanged. Inner
    products of equations count each frequency by its share, so that squares sum to L_orth.
    """

    target: Weights
    free: Bool[np.ndarray, "rows columns taps"]
    blocks: Shape
    shape: Shape
    stride: Shape

    @classmethod
    def of(cls, kernel: Float[np.ndarray, "M C *taps"], stride: Shape) -> "_Chart":
        free = _as_rows(np.ones_like(kernel), stride) > 0
        blocks = Shape(polyphase(kernel, stride).shape[2:])
        return cls(_as_rows(kernel, stride), free, blocks, Shape(kernel.shape), stride)

    @property
    def tall(self) -> bool:
        """Whether rows and columns are exchanged."""
        return bool(self.shape[0] > self.free.shape[0])

    def kernel(self, weights: Weights) -> Float[np.ndarray, "M C *taps"]:
        """The kernel of weights in this chart."""
        places = _as_rows(np.arange(np.prod(self.shape), dtype=np.float64).reshape(self.shape), self.stride)
        kernel = np.zeros(int(np.prod(self.shape)))
        kernel[places[self.free].astype(int)] = weights[self.free]
        return kernel.reshape(self.shape)

    def distance(self, weights: Weights) -> float:
        """To the target."""
        return float(np.linalg.norm(weights - self.target))

    def spectral_error(self, weights: Weights) -> float:
        """An upper bound for every size: |E(w)| <= sum |E_t|_F over the lags."""
        lags = np.prod([2 * b - 1 for b in self.blocks])
        return sqrt(float(lags)) * self.deviation(weights)

    def deviation(self, weights: Weights) -> float:
        """The root of L_orth."""
        blocks = self.fourier(weights)
        return self._norm(self._equations(blocks))

    @cached_property
    def shares(self) -> Float[np.ndarray, " points"]:
        """How much each frequency of the grid counts."""
        sizes = Shape(2 * b - 1 for b in self.blocks)
        return half_frequencies(sizes)[1] / np.prod(sizes)

    @cached_property
    def waves(self) -> Complex[np.ndarray, "points taps"]:
        """The values exp(-i w t) on the grid."""
        sizes, count = Shape(2 * b - 1 for b in self.blocks), int(np.prod(self.blocks))
        impulses = np.eye(count).reshape(1, count, *self.blocks)
        return np.asarray(blocks_at(impulses, half_frequencies(sizes)[0], sizes))[:, 0]

    def fourier(self, weights: Weights) -> Blocks:
        """The blocks."""
        rows, columns, taps = weights.shape
        return np.asarray((self.waves @ weights.reshape(-1, taps).T).reshape(-1, rows, columns))

    def tangential(self, weights: Weights, direction: Weights) -> Weights:
        """The part of a direction along which the equations stay true to first order."""
        blocks = self.fourier(weights)
        return np.asarray(direction - self._pulled(blocks, self._solved(blocks, self._pushed(blocks, direction), _DAMPING)))

    def restored(self, weights: Weights, goal: float) -> Weights | None:
        """A solution of the equations by Newton steps of least norm; None if they do not get there."""
        goal *= sqrt(len(weights))
        for _ in range(_RESTORING):
            blocks = self.fourier(weights)
            errors = self._equations(blocks)
            size = self._norm(errors)
            if size <= goal:
                return weights
            weights = weights - self._pulled(blocks, self._solved(blocks, errors, min(size, 1.0)))
            if not np.isfinite(weights).all():
                return None
        return weights if self.deviation(weights) <= goal else None

    def polar(self) -> Weights:
        """The polar factor of each block, as taps, those outside the window left out."""
        blocks = self.fourier(self.target)
        u, _, vh = np.linalg.svd(blocks, full_matrices=False)
        return np.asarray(self._taps(u @ vh) * self.free)

    def turned(self, weights: Weights) -> Weights:
        """The orthogonal kernel nearest to the target among those that differ by a rotation of the output channels."""
        outputs = 1 if self.tall else 0
        one, other = (np.moveaxis(part, outputs, 0).reshape(self.shape[0], -1) for part in (weights, self.target))
        rotation, _ = scipy.linalg.orthogonal_procrustes(one.T, other.T)
        return np.moveaxis(np.tensordot(rotation.T, weights, axes=(1, outputs)), 0, outputs)

    def _equations(self, blocks: Blocks) -> Hermitian:
        return np.asarray(blocks @ _adjoint(blocks) - np.eye(blocks.shape[1]))

    def _pushed(self, blocks: Blocks, direction: Weights) -> Hermitian:
        """The derivative of the equations."""
        half = self.fourier(direction) @ _adjoint(blocks)
        return np.asarray(half + _adjoint(half))

    def _pulled(self, blocks: Blocks, equations: Hermitian) -> Weights:
        """Its adjoint."""
        return np.asarray(2 * self._taps(equations @ blocks) * self.free)

    def _taps(self, values: Blocks) -> Weights:
        """The adjoint of the Fourier transform, and its inverse on the grid."""
        weighted = np.conj(self.waves) * self.shares[:, None]
        points, rows, columns = values.shape
        return np.asarray((values.reshape(points, -1).T @ weighted).real.reshape(rows, columns, -1))

    def _solved(self, blocks: Blocks, right: Hermitian, damping: float) -> Hermitian:
        """The solution y of ((derivative)(adjoint) + damping) y = right, by conjugate gradients.

        Equations may depend on each other on the set itself and not beside it; undamped steps would then be too long.
        """
        y, rest = np.zeros_like(right), right
        step, square = rest, self._norm(rest) ** 2
        first = square
        for _ in range(_SOLVING):
            if square <= (1e-2 * damping) ** 2 * first:
                break
            image = self._pushed(blocks, self._pulled(blocks, step)) + damping * step
            curvature = self._inner(step, image)
            if curvature <= 0:
                break
            y, rest = y + square / curvature * step, rest - square / curvature * image
            last, square = square, self._norm(rest) ** 2
            step = rest + square / last * step
        return y

    def _inner(self, one: Hermitian, other: Hermitian) -> float:
        return float((self.shares * (np.conj(one) * other).real.sum(axis=(1, 2))).sum())

    def _norm(self, equations: Hermitian) -> float:
        return sqrt(self._inner(equations, equations))


def _adjoint(matrices: Complex[np.ndarray, "points rows columns"]) -> Complex[np.ndarray, "points columns rows"]:
    return np.asarray(np.conj(np.swapaxes(matrices, 1, 2)))


def _as_rows(kernel: Float[np.ndarray, "M C *window"], stride: Shape) -> Weights:
    """The polyphase kernel with its taps in a row, transposed where it has more rows than columns."""
    phases = np.asarray(polyphase(kernel, stride))
    turned = np.swapaxes(phases, 0, 1) if phases.shape[0] > phases.shape[1] else phases
    return turned.reshape(*turned.shape[:2], -1)
