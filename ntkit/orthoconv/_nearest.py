"""An orthogonal kernel near a given one."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import jax
import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Bool, Complex, Float

from ntkit.orthoconv._architecture import Real, Shape, Sizes, of_kernel
from ntkit.orthoconv._construct import construct
from ntkit.orthoconv._existence import exists
from ntkit.orthoconv._symbol import blocks_at, half_frequencies, polyphase

_STARTS = 4  # orthogonal kernels that are turned towards the given one, besides the kernel itself and its polar factor
_EXACT, _CLOSE = 1e-13, 1e-6  # root of L_orth over that of the number of rows: sought, and good enough
_LARGEST = 1e50  # entries whose fourth powers, times penalties, stay finite with room to spare
_PENALTIES = (3.0, 30.0, 300.0, 3e3, 3e4)  # weights of L_orth against the squared distance, one after the other
_DESCENDING, _RESTORING, _SOLVING = 150, 60, 400  # steps at most: of each descent, onto the set, and of each solve
_DAMPING = 1e-4  # of projections onto tangents
_SETTLING, _GAIN = 5, 1e-3  # steps along tangents, and by which share of the distance each has to lessen it
_STILL = 1e-2  # tangential part of the way to the given kernel, over the distance, below which a descent has converged

Weights = Float[np.ndarray, "rows columns taps"]
Blocks = Complex[np.ndarray, "points rows columns"]
Hermitian = Complex[np.ndarray, "points rows rows"]


@dataclass(frozen=True)
class Nearest:
    """An orthogonal kernel and how far it is.

    Attributes:
        kernel: float64, of the shape of the given one.
        distance: Frobenius norm of the difference.
        spectral_error: an upper bound of err_s of the circular layer, for every size (see `spectral_error_bounds`): mostly of
            rounding, up to some 1e-5 where equations depend on each other on the set of orthogonal kernels, as for
            M = C prod S in two dimensions.
        converged: whether no more than a hundredth of the way to the given kernel leads along the set. Often it is not so:
            near its corners the set is curved sharply, and steps along it are short.
    """

    kernel: Float[np.ndarray, "M C *taps"]
    distance: float
    spectral_error: float
    converged: bool


def nearest(kernel: Real, stride: Sizes = 1) -> Nearest:
    """An orthogonal kernel of the same shape for circular layers, at a distance that small steps do not lessen.

    Orthogonal kernels form a curved set with several parts, so that this is a local minimum of the distance, not in general the
    nearest of all. Starts: the kernel, its polar factor at each frequency cut to the window, and some orthogonal kernels of
    `construct`, turned towards the given one by the best rotation of their outputs. From each, squared distance plus a multiple
    of L_orth is minimised by L-BFGS, for larger and larger multiples; Newton steps bring the ends, and the kernel itself, onto
    the set, beginning with those that are near the kernel. The nearest of these and of the turned starts then moves along the
    set towards the kernel, as long as that brings it nearer.

    Args:
        kernel: shape (M, C, k_1, .., k_d), floating point.
        stride: S.

    Raises:
        ValueError: wrong shape, dtype or stride, entries that are not finite or above 1e50, or no orthogonal layer exists.

    Example:
        >>> found = nearest(np.array([[[3.0, 0.5]]]))  # one channel: single taps of 1 or -1
        >>> np.abs(found.kernel).round(9).tolist(), round(found.distance, 9), found.spectral_error < 1e-9
        ([[[1.0, 0.0]]], 2.061552813, True)
    """
    layer = of_kernel(kernel, stride)
    found = exists(**vars(layer))
    if not found.possible:
        raise ValueError(f"kernel must have a shape that allows an orthogonal layer, but none exists: {found.reason}")
    target = np.asarray(kernel, dtype=np.float64)
    if np.abs(target).max() > _LARGEST:
        raise ValueError(f"kernel must have entries of at most {_LARGEST:g}, got {np.abs(target).max():g}")
    chart = _Chart.of(target, layer.stride)
    keys = jax.random.split(jax.random.key(0), _STARTS)
    turned = [chart.turned(_as_rows(construct(key, **vars(layer)), layer.stride)) for key in keys]
    ends = [chart.descended(start) for start in (chart.target, chart.polar(), *turned)]
    best = min(turned, key=chart.distance)
    for end in sorted((chart.target, *ends), key=chart.distance):
        if chart.distance(end) >= chart.distance(best):
            break  # the way onto the set leads away from the target, but for little
        weights = chart.restored(end)
        if weights is not None:
            best = min(best, weights, key=chart.distance)
    best = chart.settled(best)
    along = float(np.linalg.norm(chart.tangential(best, chart.target - best)))
    return Nearest(
        kernel=chart.kernel(best),
        distance=chart.distance(best),
        spectral_error=chart.spectral_error(best),
        converged=along <= _STILL * chart.distance(best) + _EXACT,
    )


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

    def descended(self, weights: Weights) -> Weights:
        """A minimum of squared distance and penalty, for penalties that grow."""
        free = weights[self.free]

        def loss(values: Float[np.ndarray, " free"], penalty: float) -> tuple[float, Float[np.ndarray, " free"]]:
            x = np.zeros(self.free.shape)
            x[self.free] = values
            blocks = self.fourier(x)
            errors = self._equations(blocks)
            away = x - self.target
            slope = 2 * away + 2 * penalty * self._pulled(blocks, errors)
            return float((away**2).sum()) + penalty * self._norm(errors) ** 2, slope[self.free]

        for penalty in _PENALTIES:
            options = {"maxiter": _DESCENDING}
            free = scipy.optimize.minimize(loss, free, args=(penalty,), jac=True, method="L-BFGS-B", options=options).x
        found = np.zeros(self.free.shape)
        found[self.free] = free
        return found

    def settled(self, weights: Weights) -> Weights:
        """Where steps along tangents towards the target, each brought back onto the set, come to rest."""
        for _ in range(_SETTLING):
            distance, way = self.distance(weights), self.tangential(weights, self.target - weights)
            if np.linalg.norm(way) <= _STILL * distance + _EXACT:
                break
            moved = self.restored(weights + way)
            if moved is None or self.distance(moved) >= distance:
                break
            weights = moved
            if self.distance(moved) > (1 - _GAIN) * distance:
                break
        return weights

    def restored(self, weights: Weights) -> Weights | None:
        """A solution of the equations, or almost one, by damped Newton steps; None if they do not get there.

        Damping is the error, and its square as soon as steps no longer halve it: then equations depend on each other on the set
        itself and not beside it, convergence is slow, and errors may rise on the way; what comes close is good enough.
        """
        best, least, before, power = weights, np.inf, np.inf, 1
        for _ in range(_RESTORING):
            blocks = self.fourier(weights)
            errors = self._equations(blocks)
            size = self._norm(errors) / sqrt(len(weights))
            if size < least:
                best, least = weights, size
            if size <= _EXACT or not np.isfinite(size):
                break
            power = 2 if size > before / 2 else power
            weights = weights - self._pulled(blocks, self._solved(blocks, errors, min(size, 1.0) ** power))
            before = size
        return best if least <= _CLOSE else None

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
        """The solution y of ((derivative)(adjoint) + damping) y = right, by conjugate gradients."""
        y, rest = np.zeros_like(right), right
        step, square = rest, self._norm(rest) ** 2
        first = square
        for _ in range(_SOLVING):
            if square <= (1e-2 * sqrt(damping)) ** 2 * first:
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
