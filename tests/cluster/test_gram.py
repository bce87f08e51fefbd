"""Gram matrices on a real Dask cluster: the bytes that one process finds, and what is said where machines see other files."""

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyses import spectrum
from ntkit.claims import Swept
from ntkit.cli import main
from ntkit.kernels import Laplace, gram
from ntkit.studies import _spread
from ntkit.studies._spread import computed_bands, spread
from tests.support import ntkit

X = np.random.default_rng(0).normal(size=(30, 4))
LAPLACE = Laplace(2.0)
OWN = """
import jax
import jax.numpy as jnp

class Net:
    def init(self, key):
        return {"w": jax.random.normal(key, (64, 5))}

    def apply(self, params, x):
        return jnp.sin(x.reshape(len(x), -1) @ params["w"]) ** 2

def make():
    return Net()
"""


@pytest.mark.parametrize("net", ["conv3x3 relu gap dense", "own net.py:make"])
def test_the_study_finds_the_same_bytes_on_a_cluster(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, net: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_spread, "MOST_CELLS", 2)
    (tmp_path / "own net.py").write_text(OWN)
    given = ["analyze", "kernel", "--net", net, "--count", "40", *(["--seed", "3"] if "conv" not in net else [])]
    here = ntkit(*given, "--out", "here", cwd=tmp_path, env=os.environ)  # in a process that has not begun to compile
    assert here.returncode == 0, here.stderr
    assert main([*given, "--out", "there", "--dask", address]) == 0
    assert {file.name for file in Path("there").iterdir()} == {file.name for file in Path("here").iterdir()}
    for one, other in zip(sorted(Path("here").glob("*.np[yz]")), sorted(Path("there").glob("*.np[yz]")), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_other_studies_do(address: str, tmp_path: Path) -> None:
    for study, given in (("spectrum", ["--kernel", "laplace 2"]), ("learning-curve", ["--net", "dense relu dense"])):
        found = []
        for dask in ([], ["--dask", address]):
            out = tmp_path / f"{study}-{len(dask)}"
            assert main(["analyze", study, *given, "--count", "60", "--repeats", "2", "--out", str(out), *dask]) == 0
            with np.load(out / "data.npz") as data:
                found.append({name: data[name].tobytes() for name in data.files})
        assert found[0] == found[1]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the cells of a matrix are told; they are measured in this process."""
    cells: list[dict[str, Any]] = []

    def scatter(file: Path, function: str, given: list[dict[str, Any]], *, dask: str) -> Iterator[Swept]:
        cells.extend(json.loads(json.dumps(given)))
        yield from (Swept(cell, computed_bands(cell)) for cell in given)

    monkeypatch.setattr(_spread, "scatter", scatter)
    monkeypatch.setattr(_spread, "MOST_CELLS", 3)
    with spread(LAPLACE, X, "ntk", argparse.Namespace(dask="tcp://there:1"), tmp_path) as elsewhere:
        np.testing.assert_array_equal(gram(LAPLACE.gram, X, tile=4, elsewhere=elsewhere), gram(LAPLACE.gram, X, tile=4))
        (tmp_path / "inputs.partial.npy").rename(tmp_path / "kept.npy")
    (tmp_path / "kept.npy").rename(tmp_path / "inputs.partial.npy")
    return cells


def test_bands_are_dealt_out_in_few_cells(told: list[dict[str, Any]]) -> None:
    assert [(cell["tile"], cell["bands"]) for cell in told] == [(4, [0, 1, 2]), (4, [3, 4, 5]), (4, [6, 7])]


def test_a_machine_that_sees_other_files_computes_nothing(told: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "inputs.partial.npy"
    said = "all machines must see --out at the same path"
    with pytest.raises(ValueError, match="the network is another one here: all machines must see the same files"):
        computed_bands(told[0] | {"recipe": {"kernel": "laplace 3"}})
    np.save(file, X + 1)
    with pytest.raises(ValueError, match=rf"inputs\.partial\.npy holds other inputs here: {said}"):
        computed_bands(told[0] | {"identity": "none that was loaded before"})
    file.unlink()
    with pytest.raises(ValueError, match=rf"there is no .*inputs\.partial\.npy here: {said}"):
        computed_bands(told[0] | {"identity": "none that was loaded before"})


def test_a_cell_that_fails_ends_the_run_and_what_came_before_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def scatter(file: Path, function: str, cells: list[dict[str, Any]], *, dask: str) -> Iterator[Swept]:
        for cell in cells:
            found = computed_bands(cell) if cell["bands"] == [0] else {}
            yield Swept(cell, found, "" if found else "its Dask worker was lost 3 times, the last one at tcp://there:2")

    monkeypatch.setattr(_spread, "scatter", scatter)
    run = [
        "analyze",
        "kernel",
        "--net",
        "conv2x2 relu gap dense",
        "--out",
        str(tmp_path),
        "--count",
        "300",
        "--dask",
        "there:1",
    ]
    assert main(run) == 2
    lost = "ntkit: error: --dask there:1: its Dask worker was lost 3 times, the last one at tcp://there:2\n"
    assert capsys.readouterr().err == lost
    finished = (tmp_path / "ntk.partial.npy.progress").read_text().split()[1:]
    assert finished == ["0"]
    assert not (tmp_path / "inputs.partial.npy").exists()


def test_machines_need_a_folder_in_common(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "kernel", "--net", "dense relu dense", "--dask", "tcp://there:1"]) == 2
    said = "--dask tcp://there:1: needs --out, a folder that all machines see, where they find the inputs"
    assert capsys.readouterr().err == f"ntkit: error: {said}\n"
    assert main(["analyze", "spectrum", "--kernel", "laplace 2", "--dask", "there"]) == 2
    assert "--dask there: must be the address of a scheduler" in capsys.readouterr().err


def test_where_no_matrix_is_kept_there_is_nothing_to_spread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spectrum, "MOST_HELD", 50)
    monkeypatch.setattr("ntkit._commands.analyze._load", lambda file: spectrum)
    assert main(["analyze", "spectrum", "--kernel", "laplace 2", "--count", "60", "--dask", "local:2"]) == 2
    said = "--dask local:2: takes up to 50 inputs here; beyond, no matrix is kept"
    assert capsys.readouterr().err == f"ntkit: error: {said}\n"
