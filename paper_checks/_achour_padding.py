"""Layers with zero padding and without padding: how much their edges cost, and the least errors that are left."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil, inf, prod, sqrt
from typing import Any, Literal

import jax
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ntkit import orthoconv
from ntkit.claims import Bounds, Integers, Sides, Trial
from ntkit.orthoconv import Architecture

Floats = NDArray[np.float64]
Cell = tuple[int, int, int, int, int]  # M, C, k, S, N

ORTHOGONAL, NOT_ORTHOGONAL = 1e-10, 1e-2  # err_F below the one and above the other; nothing that is measured lies between


def centre(kernel: Floats) -> tuple[slice | int, ...]:
    """The index of the central tap of all channels."""
    return (slice(None), slice(None), *[k // 2 for k in kernel.shape[2:]])


def off_centre(kernel: Floats) -> Floats:
    """The energy beside the central tap, of each output channel or, if those are more, of each input channel."""
    squares = kernel**2
    squares[centre(kernel)] = 0
    by_rows = kernel.shape[0] <= kernel.shape[1]
    energies: Floats = squares.sum(tuple(axis for axis in range(kernel.ndim) if axis != (0 if by_rows else 1)))
    return energies


def border_bound(kernel: Floats, size: int) -> float:
    """What err_F with zero padding is at least: sqrt(n^d / (2 d (n + 2 d)) sum_m o_m^2), n = N - k + 1."""
    d, n = kernel.ndim - 2, size - kernel.shape[2] + 1
    return sqrt(n**d / (2 * d * (n + 2 * d)) * (off_centre(kernel) ** 2).sum())


def central_errors(trial: Trial) -> Bounds:
    """err_F of kernels with orthonormal rows or columns at their central tap."""
    errors = []
    for i, layer in enumerate(_odd_layers(trial, trial.scale(quick=60, full=600))):
        key, size = jax.random.fold_in(trial.key, i), layer.kernel_size[0] + i % 3
        kernel = orthoconv.construct(key, **vars(layer), padding="same")
        if trial.control == "neighbour-tap":
            kernel = np.roll(kernel, 1, axis=-1)
        errors.append(float(orthoconv.frobenius_error(kernel, size, 1, "same")))
    return Bounds(errors, upper=0.0, x_label="kernel", y_label="err_F, central taps only")


def border_errors(trial: Trial) -> Bounds:
    """Kernels of four kinds: Gaussian, orthogonal with circular padding, central with noise, and the family that is tight."""
    kernels = []
    for i, layer in enumerate(_odd_layers(trial, trial.scale(quick=150, full=1500))):
        key, size = jax.random.fold_in(trial.key, i), layer.kernel_size[0] + i % 3
        kernel = (1.0, 0.0, 0.03)[i % 3] * orthoconv.gaussian_kernel(key, layer)
        if i % 3:
            kernel = kernel + orthoconv.construct(key, **vars(layer), padding="circular" if i % 3 == 1 else "same")
        kernels.append((kernel, size))
    for size, energy in product(range(3, 9), (0.01, 0.1, 0.5, 1.0)):
        rows = _tight(size, energy)
        kernels += [(rows, size), (rows.swapaxes(0, 1), size)]
    padding: Literal["circular", "same"] = "circular" if trial.control == "circular" else "same"
    factor = sqrt(2) if trial.control == "without-half" else 1.0
    return Bounds(
        [factor * border_bound(kernel, size) for kernel, size in kernels],
        upper=[float(orthoconv.frobenius_error(kernel, size, 1, padding)) for kernel, size in kernels],
        x_label="err_F",
        y_label="bound by the energy beside the centre",
    )


def searched_energies(trial: Trial) -> Bounds:
    """Share of the energy beside the centre of the best kernels found, all of them with err_F^2 below 1e-10."""
    cells = [(2, 3, 3, 7, 1), (3, 2, 3, 7, 1), (3, 3, 3, 7, 1), (1, 2, 3, 5, 2)]
    cells += trial.scale(quick=[], full=[(2, 2, 3, 5, 1), (2, 3, 5, 6, 1), (1, 2, 3, 4, 2), (2, 1, 3, 4, 2)])
    if trial.control not in (None, "circular", "one-short"):
        cells = cells[:1]
    shares = []
    for i, (m, c, k, size, d) in enumerate(trial.progress(cells)):
        # Of the starts of square layers about a third end well.
        found = orthoconv.search_orthogonal(
            jax.random.fold_in(trial.key, i), out_channels=m, in_channels=c, kernel_size=k, ndim=d, starts=24 if m == c else 3,
            size=k - 1 if trial.control == "one-short" else size, padding="circular" if trial.control == "circular" else "same",
        )  # fmt: skip
        if found.frobenius_error**2 > 1e-10:
            trial.unmet(f"no start came to an orthogonal layer of {m} outputs, {c} inputs and {k} taps")
        shares.append(float(off_centre(found.kernel).sum() / (found.kernel**2).sum()))
    return Bounds(shares, upper=0.0, x_label="layer", y_label="share of the energy beside the centre")


def _odd_layers(trial: Trial, count: int) -> Iterator[Architecture]:
    grid = list(product((1, 2, 3), (1, 2, 3), (3, 5), (1, 2)))
    for choice in trial.rng().integers(len(grid), size=count):
        m, c, k, d = grid[choice]
        yield Architecture(m, c, k, ndim=d)


def _tight(size: int, energy: float) -> Floats:
    """One output whose three taps see an input channel each: the bound is attained, at total energy 1 + o / (n + 2)."""
    total = 1 + energy / size  # n + 2 = N
    kernel = np.zeros((1, 3, 3))
    kernel[0, range(3), range(3)] = np.sqrt([energy / 2, total - energy, energy / 2])
    return kernel


def row_errors(trial: Trial) -> Bounds:
    """err_F without padding of kernels that are orthogonal with circular padding."""
    by_columns = trial.control == "columns"
    errors: list[float] = []
    for m, c, k, s, d in product(range(1, 8), (1, 2), (1, 2, 3), (1, 2, 3), (1, 2)):
        layer = Architecture(m, c, k, s, d)
        if layer.rows_only == by_columns or not orthoconv.exists(**vars(layer)).possible:
            continue
        key, size = jax.random.fold_in(trial.key, len(errors)), 1 + len(errors) % trial.scale(quick=4, full=6)
        errors.append(_valid_error(orthoconv.construct(key, **vars(layer)), (size,) * d, layer, by_columns))
    return Bounds(errors, upper=0.0, x_label="layer", y_label="err_F without padding")


def _valid_error(kernel: Floats, sizes: Sequence[int], layer: Architecture, by_columns: bool) -> float:
    """||A A^T - I||_F or ||A^T A - I||_F, whatever the shape of A."""
    matrix = orthoconv.layer_matrix(kernel, sizes, layer.stride, "valid").toarray()
    gram = matrix.T @ matrix if by_columns else matrix @ matrix.T
    return float(np.linalg.norm(gram - np.eye(len(gram))))


def column_optimum(layer: Architecture, sizes: Sequence[int]) -> tuple[float, Floats]:
    """The least of sum (diagonal of A^T A - 1)^2 without padding, a lower bound of err_F^2, and an optimal kernel.

    The diagonal is linear in the squared norms e of the taps of an input channel, so that the least is a problem of
    non-negative least squares. Taps of these norms, orthogonal to each other, make A^T A diagonal; where M is too small for
    them the kernel is zero.
    """
    cover: NDArray[np.floating[Any]] = np.ones((1, 1))
    for axis in zip(layer.kernel_size, layer.stride, sizes, strict=True):
        cover = np.kron(cover, _cover(*axis))
    energies, residual = nnls(cover, np.ones(len(cover)))
    used = np.flatnonzero(energies > 1e-12)
    kernel = np.zeros((*layer.shape[:2], len(energies)))
    if layer.out_channels >= layer.in_channels * len(used):
        outputs = np.arange(layer.in_channels * len(used)).reshape(layer.in_channels, len(used))
        kernel[outputs, np.arange(layer.in_channels)[:, None], used] = np.sqrt(energies[used])
    return layer.in_channels * float(residual) ** 2, kernel.reshape(layer.shape)


def _cover(taps: int, stride: int, size: int) -> Floats:
    """Which inputs of an axis (rows) see which taps (columns)."""
    inputs, tap = np.indices((stride * (size - 1) + taps, taps))
    window, rest = np.divmod(inputs - tap, stride)
    return np.asarray((rest == 0) & (window >= 0) & (window < size), dtype=float)


def _has_orthonormal_columns(layer: Architecture, sizes: Sequence[int]) -> int:
    """1 with a kernel, 0 with a bound that forbids one, -1 with neither."""
    least, kernel = column_optimum(layer, sizes)
    if _valid_error(kernel, sizes, layer, by_columns=True) < ORTHOGONAL:
        return 1
    return 0 if sqrt(least) > NOT_ORTHOGONAL else -1


def _with_more_rows(channels: int, taps: Sequence[int], strides: Sequence[int], sizes: Sequence[int]) -> Architecture:
    """The fewest outputs with which A has more rows than columns."""
    side = Architecture(1, channels, tuple(taps), tuple(strides)).input_size(tuple(sizes), "valid")
    return Architecture(channels * prod(side) // prod(sizes) + 1, channels, tuple(taps), tuple(strides))


def columns_of_large_layers(trial: Trial) -> Integers:
    """The paper's form: the same k, S and N along all axes, N >= q + 1 and N >= 2."""
    got, expected = [], []
    more = trial.scale(quick=3, full=6)
    for d, c, k, s in product((1, 2), (1, 2), trial.scale(quick=range(1, 6), full=range(1, 8)), (1, 2, 3)):
        q = (k - 1) // s
        sizes = [q] * (q >= 2) if trial.control == "too-short" else range(max(2, q + 1), q + 1 + more)
        for n in sizes:
            got.append(_has_orthonormal_columns(_with_more_rows(c, (k,) * d, (s,) * d, (n,) * d), (n,) * d))
            expected.append(int(k >= s if trial.control == "from-k-equal-s" else k == s))
    return Integers(got=got, expected=expected)


CELLS = list(product((1, 2, 3), range(1, 8), range(1, 6)))  # S, k, N along one axis, one input channel


def columns_of_all_layers(trial: Trial) -> Integers:
    """Our form: one axis, all of `CELLS`; and two axes with numbers of their own."""
    rng, axes = trial.rng(), [((k,), (s,), (n,)) for s, k, n in CELLS]
    for _ in range(trial.scale(quick=150, full=1500)):
        k, s, n = (tuple(rng.integers(1, most, size=2, endpoint=True).tolist()) for most in (5, 2, 3))
        axes.append((k, s, n))
    got, expected = [], []
    for i, (k, s, n) in enumerate(axes):
        channels = 1 if i < len(CELLS) else 1 + i % 2
        got.append(_has_orthonormal_columns(_with_more_rows(channels, k, s, n), n))
        expected.append(int(all(map(_divides, k, s, n, [trial.control] * len(k)))))
    return Integers(got=got, expected=expected)


def _divides(k: int, s: int, n: int, control: str | None) -> bool:
    """Whether columns can be orthonormal along an axis: N = 1, or S | k and N | k / S - 1."""
    whole, rest = divmod(k, s)
    less = 0 if control == "without-one" else 1
    return n == 1 or ((rest == 0 or control == "rounded") and (whole - less) % n == 0)


CURVES: list[Cell] = [(2, 1, 2, 1, n) for n in range(2, 9)] + [(4, 1, 3, 1, n) for n in range(3, 9)]
OTHERS: list[Cell] = [(7, 1, 3, 2, 4), (6, 1, 4, 2, 5), (4, 2, 2, 1, 6), (3, 1, 2, 1, 8), (7, 1, 5, 3, 3)]
MORE: list[Cell] = [(4, 1, 3, 1, 10), (4, 2, 3, 1, 6), (5, 1, 4, 1, 7), (5, 1, 5, 1, 8), (9, 2, 3, 2, 4), (9, 1, 7, 2, 6)]


def searched_optima(trial: Trial) -> Sides:
    """err_F^2 of the best kernel found, against the sum over residues."""
    cells = CURVES + OTHERS + trial.scale(quick=[], full=MORE)
    if trial.control not in (None, "one-interior"):
        cells = cells[:1]
    found, predicted = [], []
    for i, (m, c, k, s, n) in enumerate(trial.progress(cells)):
        key = jax.random.fold_in(trial.key, i)
        best = orthoconv.search_orthogonal(
            key, out_channels=m, in_channels=c, kernel_size=k, stride=s, size=n, padding="valid", starts=3
        )
        found.append(best.frobenius_error**2)
        predicted.append(least_square(c, k, s, n, interior=1 if trial.control == "one-interior" else 2))
    return Sides(lhs=found, rhs=predicted, x_label="least err_F^2 found", y_label="sum over residues")


def least_square(channels: int, taps: int, stride: int, size: int, interior: int = 2) -> float:
    """C sum_r (L_r - 1) n_r / (L_r - 1 + 2 n_r), n_r = N - L_r + 1, for N >= max L_r, k >= S and M large enough."""
    lengths = _lengths(taps, stride)
    inner = [size - length + 1 for length in lengths]
    return channels * sum((x - 1) * n / (x - 1 + interior * n) for x, n in zip(lengths, inner, strict=True))


def orthonormal_rows(trial: Trial) -> Integers:
    """Whether the search comes to orthonormal rows, for the most outputs that should allow them and for one more."""
    got, expected = [], []
    for i, cell in enumerate(trial.progress(row_cells(*trial.scale(quick=(2, 5), full=(3, 7))))):
        m, c, k, s, n = cell
        key = jax.random.fold_in(trial.key, i)
        square = m * n == c * (s * (n - 1) + k)  # where a start fails up to every other time
        best = orthoconv.search_orthogonal(
            key, out_channels=m, in_channels=c, kernel_size=k, stride=s, size=n, padding="valid", starts=12 if square else 3
        ).frobenius_error
        got.append(1 if best < 1e-5 else 0 if best > NOT_ORTHOGONAL else -1)
        bounds = {
            None: c * free_taps(k, s, n),
            "counted": inf,  # any layer with no more rows than columns, which all of these are
            "all-lags": c * min(k, s),
        }
        expected.append(int(m <= bounds[trial.control]))
    return Integers(got=got, expected=expected)


def row_cells(most_channels: int, most_taps: int) -> list[Cell]:
    """Layers with no more rows than columns: C times the free taps for outputs, and one output more."""
    cells = []
    for c, k, s, n in product(range(1, most_channels + 1), range(1, most_taps + 1), (1, 2), (2, 3, 4)):
        most = c * free_taps(k, s, n)
        cells += [(m, c, k, s, n) for m in (most, most + 1) if m * n <= c * (s * (n - 1) + k)]
    return cells


def free_taps(taps: int, stride: int, size: int) -> int:
    """How many taps have windows that do not overlap: sum over residues of ceil(L_r / N)."""
    return sum(ceil(length / size) for length in _lengths(taps, stride))


def _lengths(taps: int, stride: int) -> list[int]:
    """The number of taps of each residue modulo the stride."""
    return [ceil((taps - r) / stride) for r in range(min(taps, stride))]
