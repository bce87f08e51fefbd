"""Gram matrices of any size: in memory, in a file, or as a product with vectors only."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.sparse import coo_array
from scipy.sparse.linalg import LinearOperator

from ntkit.kernels._bands import Band, compute_band, write_band
from ntkit.kernels._chain import check_gaussian
from ntkit.kernels._door import as_pair
from ntkit.kernels._evaluate import Kinds
from ntkit.kernels._matrix_file import MatrixFile
from ntkit.kernels._network import Network
from ntkit.kernels._room import source_with_room, tile_bytes
from ntkit.kernels._tiles import Source, Tile, function_source, run, write

Kernel = Network | Callable[[Array, Array], Array]
Progress = Callable[[int, int], None]
Out = np.ndarray | str | Path | None
Elsewhere = Callable[[int, Sequence[int]], Iterable[tuple[int, Band]]]
_BOTH: Kinds = ("nngp", "ntk")


class Estimate(NamedTuple):
    """What a Gram matrix will take.

    Attributes:
        result: bytes of the matrix, in memory or in the file.
        working: bytes of memory beyond that, an upper bound: copies of the inputs, and the tiles of all threads.
        tiles: their number.
    """

    result: int
    working: int
    tiles: int


def gram(
    kernel: Kernel,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    kind: str = "ntk",
    tile: int | None = None,
    out: Out = None,
    threads: int | None = None,
    progress: Progress | None = None,
    elsewhere: Elsewhere | None = None,
) -> Float[np.ndarray, "n m"]:
    """The Gram matrix of a kernel, tile by tile, on all cores.

    Args:
        kernel: a network, or a function (n inputs, m inputs) -> (n, m), such as `Laplace(1.0).gram`.
        x1: inputs as for `Network.nngp`.
        x2: the same; None stands for x1: one triangle is computed, and mirrored.
        kind: "nngp" or "ntk"; only for networks.
        tile: rows of a square tile, or pairs in a tile where pairs of pixels are needed; None chooses by the cache's size.
        out: an array to fill, or the path of a .npy file: the matrix is mapped to it, and written out as rows are
            finished. A run that was interrupted goes on where it was when it is called again with the same arguments.
        threads: None for one per core that this process may use.
        progress: called with the numbers of finished and of all groups of rows.
        elsewhere: what computes groups of rows in place of this process: given `tile` and the numbers of those that are
            missing, it yields each of them, in any order, with what `gram_band` returns for it.

    Returns:
        Shape (n, m), in the dtype of x1: a new array, `out`, or a read-only map of the file.

    Raises:
        ValueError: wrong inputs, kind, tile, or shape of out; or a file that belongs to something else.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense, Relu, serial
        >>> round(float(gram(serial(Dense(), Relu(), Dense(2**0.5)), np.eye(2), kind="nngp", tile=1)[1, 0]), 6)
        0.159155
    """
    source, *inputs = _source(kernel, x1, x2, _kinds(kind), tile)
    return _filled(kernel, source, inputs, {kind: out}, threads, progress, elsewhere)[0]


def grams(
    network: Network,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    tile: int | None = None,
    out: tuple[Out, Out] = (None, None),
    threads: int | None = None,
    progress: Progress | None = None,
    elsewhere: Elsewhere | None = None,
) -> tuple[Float[np.ndarray, "n m"], Float[np.ndarray, "n m"]]:
    """Both kernels at the cost of one, (nngp, ntk); arguments as for `gram`, with one `out` for each.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense, Relu, serial
        >>> nngp, ntk = grams(serial(Dense(), Relu(), Dense(2**0.5)), np.ones((1, 3)))
        >>> round(float(nngp[0, 0]), 6), round(float(ntk[0, 0]), 6)
        (1.0, 2.0)
    """
    source, *inputs = _source(network, x1, x2, _BOTH, tile)
    nngp, ntk = _filled(network, source, inputs, dict(zip(_BOTH, out, strict=True)), threads, progress, elsewhere)
    return nngp, ntk


def gram_band(
    kernel: Kernel,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    kind: str = "ntk",
    tile: int,
    band: int,
    threads: int | None = None,
) -> Band:
    """One group of rows of a Gram matrix, for `gram` in another process, which asks for it by `elsewhere`.

    Args:
        kernel: as for `gram`.
        x1: as there.
        x2: as there.
        kind: "nngp", "ntk", or "both", in this order, for `grams`.
        tile: that `gram` was given, or chose.
        band: the group's number.
        threads: as there.

    Returns:
        For each kind the rows, in all columns if x2 is given; else up to the diagonal, beyond which numbers mean nothing.

    Raises:
        ValueError: as `gram`, or there is no such band.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense, serial
        >>> (rows,) = gram_band(serial(Dense()), np.eye(3), np.ones((2, 3)), tile=2, band=1)  # the last row of x x^T / 3
        >>> rows.round(3).tolist()
        [[0.333, 0.333]]
    """
    kinds = _BOTH if kind == "both" else _kinds(kind)
    source, first, _ = _source(kernel, x1, x2, kinds, tile)
    if not 0 <= band < source.grid.bands:
        raise ValueError(f"band must lie in 0 to {source.grid.bands - 1}, got {band}")
    return compute_band(source, band, np.dtype(first.dtype), len(kinds), threads)


def gram_operator(
    kernel: Kernel,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    kind: str = "ntk",
    tile: int | None = None,
    threads: int | None = None,
) -> LinearOperator:
    """The Gram matrix as products with vectors: every product computes all tiles anew, and keeps none.

    Arguments as for `gram`. Iterative solvers and eigensolvers of SciPy take the result.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense, serial
        >>> (gram_operator(serial(Dense()), np.eye(2)) @ np.array([2.0, 4.0])).round(3).tolist()  # x x^T / 2
        [1.0, 2.0]
    """
    source, first, second = _source(kernel, x1, x2, _kinds(kind), tile)
    return _Operator(source, np.dtype(first.dtype), (len(first), len(second)), threads)


def estimate(
    kernel: Kernel,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    kind: str = "ntk",
    tile: int | None = None,
    threads: int | None = None,
) -> Estimate:
    """Memory and tiles that `gram` will take, before it runs; it only compiles. Arguments as there; kind "both" for `grams`.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense, serial
        >>> estimate(serial(Dense()), np.eye(100, dtype=np.float32)).result  # 100 x 100 numbers of 4 bytes
        40000
    """
    if not isinstance(kernel, Network):
        raise ValueError(f"kernel must be a network: what other functions take is not known, got {kernel!r}")
    kinds = _BOTH if kind == "both" else _kinds(kind)
    source, first, second = _source(kernel, x1, x2, kinds, tile)
    grid, each = source.grid, len(kinds) * first.dtype.itemsize
    one = tile_bytes(kernel.layers, kinds, grid, first, second)
    copies = 3 * (first.nbytes + second.nbytes)
    count = source.threads(threads)
    waiting = 16 * count * grid.tile ** (1 if grid.paired else 2) * each
    tiles = sum(1 for band in range(grid.bands) for _ in source.band(band))
    return Estimate(len(first) * len(second) * each, copies + count * one + waiting, tiles)


class _Operator(LinearOperator):  # type: ignore[misc]
    """Products with a matrix that is never kept."""

    def __init__(self, source: Source, dtype: np.dtype[Any], shape: tuple[int, int], threads: int | None) -> None:
        super().__init__(dtype, shape)
        self._source, self._threads = source, threads

    def _matmat(self, x: np.ndarray) -> np.ndarray:
        return self._product(x, transposed=False)

    def _rmatmat(self, x: np.ndarray) -> np.ndarray:
        return self._product(x, transposed=True)

    def _product(self, x: np.ndarray, transposed: bool) -> np.ndarray:
        """Tiles are multiplied on all threads, and added up in their order, so that results do not depend on chance."""
        height, width = self.shape[::-1] if transposed else self.shape
        out = np.zeros((height, x.shape[1]), np.result_type(self.dtype, x.dtype))

        def use(tile: Tile) -> list[tuple[Any, np.ndarray]]:
            (first, second), values = tile.where, tile.values[0]
            if transposed:
                first, second, values = second, first, values.T
            if isinstance(first, slice) or isinstance(second, slice):
                parts: list[tuple[Any, np.ndarray]] = [(first, values @ x[second])]
                return [*parts, (second, values.T @ x[first])] if tile.mirrored else parts
            if tile.mirrored:
                off = first != second
                values = np.concatenate([values, values[off]])
                first, second = np.concatenate([first, second[off]]), np.concatenate([second, first[off]])
            return [(slice(None), coo_array((values, (first, second)), (height, width)).tocsr() @ x)]

        for parts in run(self._source, range(self._source.grid.bands), use, self._threads):
            for rows, values in parts:
                out[rows] += values
        return out


def _source(kernel: Kernel, x1: ArrayLike, x2: ArrayLike | None, kinds: Kinds, tile: int | None) -> tuple[Source, Array, Array]:
    """Checked arguments."""
    first, second = as_pair(x1, x2)
    if tile is not None and (type(tile) is not int or tile < 1):
        raise ValueError(f"tile must be an int >= 1, or None, got {tile!r}")
    given = None if x2 is None else second
    if isinstance(kernel, Network):
        check_gaussian(kernel.layers, before=False)
        return source_with_room(kernel.layers, kinds, first, given, tile), first, second
    if not callable(kernel):
        raise ValueError(f"kernel must be a network or a function of two sets of inputs, got {kernel!r}")
    return function_source(kernel, first, given, tile), first, second


def _kinds(kind: str) -> Kinds:
    if kind == "nngp":
        return ("nngp",)
    if kind == "ntk":
        return ("ntk",)
    raise ValueError(f'kind must be "nngp" or "ntk", got {kind!r}')


def _filled(
    kernel: Kernel,
    source: Source,
    inputs: list[Array],
    out: dict[str, Out],
    threads: int | None,
    progress: Progress | None,
    elsewhere: Elsewhere | None,
) -> list[np.ndarray]:
    """One matrix of each kind; bands are left out that all files have already."""
    shape, dtype, bands = (len(inputs[0]), len(inputs[1])), np.dtype(inputs[0].dtype), source.grid.bands
    files: list[MatrixFile | None] = []
    matrices: list[np.ndarray] = []
    with ExitStack() as stack:
        for kind, place in out.items():
            file, matrix = None, np.empty(0)
            if isinstance(place, str | Path):
                content = [repr(kernel), kind, str(source.grid.tile), str(dtype)]
                file = stack.enter_context(MatrixFile(Path(place), shape, dtype, content, list(map(np.asarray, inputs))))
                matrix = file.matrix
            elif place is None:
                matrix = np.empty(shape, dtype)
            elif place.shape == shape and place.dtype == dtype:
                matrix = place
            else:
                raise ValueError(f"out must have shape {shape} and dtype {dtype}, got {place.shape} and {place.dtype}")
            files.append(file)
            matrices.append(matrix)
        kept = set.intersection(*(set() if file is None else file.bands for file in files))
        done = len(kept)

        missing = [band for band in range(bands) if band not in kept]
        found = (
            _computed(source, matrices, missing, threads)
            if elsewhere is None
            else _brought(source, matrices, missing, elsewhere)
        )
        for band in stack.enter_context(closing(found)):
            for file in filter(None, files):
                file.finish(band)
            done += 1
            if progress is not None:
                progress(done, bands)
    return [matrix if file is None else file.finished() for file, matrix in zip(files, matrices, strict=True)]


def _computed(source: Source, matrices: list[np.ndarray], bands: list[int], threads: int | None) -> Generator[int, None, None]:
    """Fill the bands here, and yield each when it is full; threads go on with the next ones while one is being finished."""

    def use(tile: Tile) -> int:
        write(matrices, tile)
        return source.grid.band_of(tile)

    with closing(run(source, bands, use, threads)) as filled:
        for band, tiles in groupby(filled):
            deque(tiles, maxlen=0)  # all of them
            yield band


def _brought(source: Source, matrices: list[np.ndarray], bands: list[int], elsewhere: Elsewhere) -> Generator[int, None, None]:
    """Fill the bands with what others computed, and yield each.

    Raises:
        ValueError: not the bands that are missing, each once; or one of another shape.
    """
    left = set(bands)
    with closing(_generator(elsewhere(source.grid.tile, bands) if bands else ())) as brought:
        for band, parts in brought:
            if band not in left:
                raise ValueError(f"elsewhere must yield each of the bands that are missing once, got {band}")
            write_band(source.grid, matrices, band, parts)
            left.remove(band)
            yield band
    if left:
        raise ValueError(f"elsewhere must yield all bands that are missing, but {len(left)} are left, such as {min(left)}")


def _generator(found: Iterable[tuple[int, Band]]) -> Generator[tuple[int, Band], None, None]:
    yield from found
