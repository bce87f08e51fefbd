"""The page on clusters and its recipes: what one machine can tell of SLURM and Kubernetes."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ntkit.kernels import gram
from tests.pages import Session, blocks
from tests.support import equal_claim, verdicts, write_claims

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "cluster.md"
RECIPES = PAGE.parent / "recipes"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the recipes, and `ntkit` and `dask` as commands."""
    shutil.copytree(RECIPES, tmp_path / "recipes")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(PAGE, folder)
    for block in blocks(PAGE):
        session.run(block)
    spec = importlib.util.spec_from_file_location("gram_tiles", RECIPES / "gram_tiles.py")
    assert spec is not None
    assert spec.loader is not None
    tiles = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiles)
    tiles.plan(np.ones((10**6, 1), np.float32), Path("tiles"), 10_000)
    assert capsys.readouterr().out.startswith(
        "1000000 points: 5050 tiles of 10000 x 10000, 400 MB each, 2020 GB in all\na tile: "
    )
    points, x = np.load("points.npy"), np.random.default_rng(1).normal(size=(30, 2)).astype(np.float32)
    np.testing.assert_allclose(tiles.product(Path("tiles"), x, 10), gram(tiles.NETWORK, points) @ x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", re.findall(r"\]\((recipes/[^)]+)\)", PAGE.read_text()))
def test_recipes_that_the_page_links_are_there(name: str) -> None:
    assert (PAGE.parent / name).is_file()


def test_the_dask_job_with_srun_of_one_machine(folder: Path) -> None:
    """What `srun` would start on every node is started once; the rest is as it is."""
    write_claims(folder / "paper_checks", "doe2024", equal_claim("a"), equal_claim("b"))
    srun = folder / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text('#!/bin/bash\nset -eu\n[ "$1" = --overlap ]\nshift\nexec "$@"\n')
    srun.chmod(0o755)
    environ = {**os.environ, "PATH": f"{srun.parent}{os.pathsep}{os.environ['PATH']}", "SLURM_JOB_ID": "7"}
    command = ["bash", "recipes/dask.slurm", "doe2024", "--json", "verdicts.json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: found["verdict"] for name, found in verdicts(Path("verdicts.json")).items()} == {
        "doe2024/a": "supported",
        "doe2024/b": "supported",
    }
    assert not Path("scheduler-7.json").exists()


def kubernetes(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((RECIPES / name).read_text()))


def containers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return list(manifest["spec"]["template"]["spec"]["containers"])


def test_the_shards_of_kubernetes_are_as_many_as_its_pods(folder: Path) -> None:
    """The commands of two pods, with the volume here."""
    (job,) = kubernetes("kubernetes-shards.yaml")
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == 8
    (container,) = containers(job)
    (script,) = container["args"]
    assert "/8" in script
    write_claims(folder / "paper_checks", "doe2024", equal_claim("a"), equal_claim("false", "return Sides([1.0], [2.0])"))
    for index in range(2):
        here = script.replace("/8", "/2").replace("/results", "results").replace("--jobs 4", "--jobs 1")
        environ = {**os.environ, "JOB_COMPLETION_INDEX": str(index)}
        done = subprocess.run([*container["command"], here], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (merge,) = containers(kubernetes("kubernetes-merge.yaml")[0])
    words = merge["args"][0].replace("/results", "results")
    done = subprocess.run([*merge["command"], words], capture_output=True, text=True, check=False)
    assert done.returncode == 1, "a verdict against the record"
    assert "2 claims: 0 trials to measure, 4 stored" in done.stdout
    assert "1 supported, 1 refuted" in done.stdout


def test_the_parts_of_dask_on_kubernetes_know_each_other() -> None:
    scheduler, service, workers, driver = kubernetes("kubernetes-dask.yaml")
    assert [part["kind"] for part in (scheduler, service, workers, driver)] == ["Deployment", "Service", "Deployment", "Job"]
    address = f"tcp://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert address in containers(workers)[0]["command"]
    assert f"--dask {address} " in containers(driver)[0]["args"][0]
    assert service["spec"]["selector"] == scheduler["spec"]["template"]["metadata"]["labels"]
    for deployment in (scheduler, workers):
        assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    volumes = {"ntkit-results"}
    for name in ("kubernetes-shards.yaml", "kubernetes-merge.yaml", "kubernetes-dask.yaml"):
        job = kubernetes(name)[-1]["spec"]["template"]["spec"]
        assert {volume["persistentVolumeClaim"]["claimName"] for volume in job["volumes"]} == volumes
        assert job["containers"][0]["volumeMounts"] == [{"name": "results", "mountPath": "/results"}]
