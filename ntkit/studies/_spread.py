"""Kernel matrices computed by the processes of a Dask cluster: what they are told, and how their parts come back."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import NtkitError, UsageError, check_dask, scatter
from ntkit.studies._finite import FiniteNetwork, drawn_network, parsed_network
from ntkit.studies._kernels import Kernel, function_of, in_words, parsed_kernel
from ntkit.studies._results import write_whole
from ntkit.studies._user_network import absolute_place, is_place

if TYPE_CHECKING:
    from ntkit.kernels import Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Band = tuple[np.ndarray[Any, Any], ...]
Elsewhere = Callable[[int, Sequence[int]], Iterator[tuple[int, Band]]]

CELL = Path(__file__).with_name("_gram_cell.py")
INPUTS = "inputs.partial.npy"
MOST_CELLS = 512  # of a matrix: each sends its part at once, and what was not sent is lost with an interrupt
_FINITE = ("net", "weights", "layout", "dtype", "seed", "max_bytes")  # options that a finite network is made of


def add_dask_option(parser: argparse.ArgumentParser) -> None:
    """Declare the cluster that computes the matrix."""
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="compute the matrix on the Dask cluster of this scheduler, whose machines see --out "
        "at the same path, or on local:N processes (default: threads of this process)",
    )  # fmt: skip


def check_dask_option(options: argparse.Namespace) -> None:
    """UsageError if --dask is no cluster, or if its machines would have no folder in common."""
    check_dask(options.dask)
    if options.dask and not options.dask.startswith("local:") and not options.out:
        raise UsageError(f"--dask {options.dask}: needs --out, a folder that all machines see, where they find the inputs")


@contextmanager
def spread(
    studied: Network | Kernel, x: Floats, kind: str, options: argparse.Namespace, folder: Path | None
) -> Iterator[Elsewhere | None]:
    """What computes bands of a matrix on the cluster of --dask, for `ntkit.kernels.gram`; None without that option.

    The inputs lie in a file of the folder meanwhile, or of a temporary one.

    Args:
        studied: a network or a kernel.
        x: inputs.
        kind: "nngp", "ntk" or "both".
        options: with dask and out; for a finite network also net, weights, layout, dtype, seed.
        folder: of results.
    """
    if options.dask is None:
        yield None
        return
    from ntkit._threads import cores

    with tempfile.TemporaryDirectory(prefix="ntkit-gram-") if folder is None else nullcontext(str(folder)) as place:
        file = Path(place, INPUTS).resolve()
        write_whole(file, lambda opened: np.save(opened, x))
        told: dict[str, Any] = {"inputs": str(file), "sha256": _digest(x), "identity": _identity(studied), "kind": kind}
        told["cores"] = int(os.environ.get("NPROC") or cores())  # as XLA counts them
        try:
            yield partial(_scattered, options.dask, told | {"recipe": _recipe(studied, options)})
        finally:
            file.unlink(missing_ok=True)


def _scattered(dask: str, told: Mapping[str, Any], tile: int, bands: Sequence[int]) -> Generator[tuple[int, Band], None, None]:
    """Each of the bands with its values.

    Raises:
        NtkitError: one of them failed.
    """
    size = -(-len(bands) // MOST_CELLS)
    cells = [{**told, "tile": tile, "bands": list(bands[start : start + size])} for start in range(0, len(bands), size)]
    with closing(scatter(CELL, "bands", cells, dask=dask)) as scattered:
        for cell in scattered:
            if cell.failed:
                raise NtkitError(f"--dask {dask}: {cell.failed}")
            for band in cell.parameters["bands"]:
                yield band, tuple(cell.arrays[name] for name in sorted(cell.arrays) if name.startswith(f"{band}:"))


def computed_bands(parameters: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """What a process of the cluster does: the bands that it is told, by number and kind.

    Raises:
        ValueError: the inputs or the network are others here.
    """
    from ntkit.kernels import gram_band

    _compile_for(parameters["cores"])
    studied, x = _found(*(parameters[name] for name in ("inputs", "sha256", "identity")), json.dumps(parameters["recipe"]))
    asked: dict[str, Any] = {"kind": parameters["kind"], "tile": parameters["tile"], "threads": 1}
    found = {band: gram_band(function_of(studied), x, band=band, **asked) for band in parameters["bands"]}
    return {f"{band}:{number}": part for band, parts in found.items() for number, part in enumerate(parts)}


@cache
def _compile_for(cores: int) -> None:
    """XLA compiles other programs for other numbers of cores, whose last bits differ: here those of the driver's machine.

    It asks once, when it begins; the environment is put back, as for whatever else runs in this process.
    """
    import jax

    usual = os.environ.get("NPROC")
    os.environ["NPROC"] = str(cores)
    jax.devices()
    if usual is None:
        del os.environ["NPROC"]
    else:
        os.environ["NPROC"] = usual


@lru_cache(maxsize=1)  # a process computes many cells of one matrix
def _found(file: str, sha256: str, identity: str, recipe: str) -> tuple[Network | Kernel, Floats]:
    try:
        x = np.load(file)
    except FileNotFoundError:
        raise ValueError(f"there is no {file} here: all machines must see --out at the same path") from None
    if _digest(x) != sha256:
        raise ValueError(f"{file} holds other inputs here: all machines must see --out at the same path")
    studied = _made(json.loads(recipe), x)
    if _identity(studied) != identity:
        raise ValueError("the network is another one here: all machines must see the same files")
    return studied, x


def _identity(studied: Network | Kernel) -> str:
    """By which machines agree what they compute."""
    return f"{studied.weights} {studied.code}" if isinstance(studied, FiniteNetwork) else repr(studied)


def _recipe(studied: Network | Kernel, options: argparse.Namespace) -> dict[str, Any]:
    """How another process, in another folder, makes the same network or kernel."""
    from ntkit.kernels import Network

    if isinstance(studied, FiniteNetwork):
        made = {name: getattr(options, name) for name in _FINITE}
        weights = options.weights and str(Path(options.weights).resolve())
        return made | {"weights": weights, "net": absolute_place(options.net) if is_place(options.net) else options.net}
    return {"words" if isinstance(studied, Network) else "kernel": in_words(studied)}


def _made(recipe: Mapping[str, Any], x: Floats) -> Network | Kernel:
    import jax

    if "words" in recipe:
        return parsed_network(recipe["words"], x.shape[1:])
    if "kernel" in recipe:
        return parsed_kernel(recipe["kernel"])
    return drawn_network(argparse.Namespace(**recipe), x.shape[1:], jax.random.key(recipe["seed"]))


def _digest(x: Floats) -> str:
    return hashlib.sha256(f"{x.shape} {x.dtype} ".encode() + np.ascontiguousarray(x).tobytes()).hexdigest()
