"""Imports run one way: claims know no instrument, instruments know no paper, private names stay at home."""

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTRUMENTS = ("kernels", "spectra", "separation", "orthoconv", "lipschitz", "landscape")
SHARED = ("data", "_compat", "_memory", "_threads")  # what any instrument may use
ALLOWED = {  # instrument -> others whose public names it may use
    **dict.fromkeys(INSTRUMENTS, SHARED),
    "spectra": (*SHARED, "kernels"),
    "lipschitz": (*SHARED, "orthoconv", "kernels"),
    "landscape": (*SHARED, "kernels"),
    "strategies": (*SHARED, *INSTRUMENTS),
    "data": ("_memory",),
    "_compat": (),
    "_memory": (),
    "_threads": (),
}
WEIGHTS = {"analyses/benchmarks/digits_networks.npz"}  # of networks that a benchmark measures; made by the script beside it
OUTSIDE = ("paper_checks", "analyses", "figures")
MODULES = sorted(p for folder in ("ntkit", *OUTSIDE, "tests") for p in (ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[str]:
    """Every imported name in full; `from a import b` counts as a.b."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _part(name: str) -> str:
    """The part of the package that a name belongs to: kernels, claims, cli, ..."""
    return [*name.split("."), ""][1]


@pytest.mark.parametrize("path", [p for p in MODULES if p.is_relative_to(ROOT / "ntkit")], ids=_name)
def test_parts_of_the_package_import_only_what_they_may(path: Path) -> None:
    home = _part(_name(path))
    wanted = [name for name in _imports(path) if name.startswith("ntkit.")]
    for name in wanted:
        other = _part(name)
        if other in (home, "__version__"):
            continue
        if home == "claims":
            pytest.fail(f"{name}: ntkit.claims knows nothing else of the package")
        if home in ALLOWED:
            assert other in ALLOWED[home], f"{name}: {home} may use {ALLOWED[home]}"
            private = any(word.startswith("_") for word in name.split(".")[2:])
            assert not private, f"{name}: of each other, instruments may use public names"


@pytest.mark.parametrize("path", [p for p in MODULES if p.relative_to(ROOT).parts[0] in OUTSIDE], ids=_name)
def test_claims_studies_and_figures_use_public_names(path: Path) -> None:
    for name in _imports(path):
        peer = name.startswith("ntkit._compat.") and path.is_relative_to(ROOT / "analyses" / "benchmarks")
        private = any(word.startswith("_") for word in name.split(".")[1:])
        assert not private or not name.startswith("ntkit.") or peer, name
        assert name.split(".")[0] not in set(OUTSIDE) - {path.relative_to(ROOT).parts[0]}, name


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_private_names_of_jax_and_unstable_libraries_stay_in_their_adapter(path: Path) -> None:
    if path.is_relative_to(ROOT / "ntkit" / "_compat"):
        return
    for name in _imports(path):
        words = name.split(".")
        assert not (words[0] in ("jax", "jaxlib") and any(word.startswith("_") for word in words)), name
        assert words[0] != "neural_tangents", f"{name}: import it through ntkit._compat"


def test_there_is_no_cycle() -> None:
    graph = {_name(p): {n for n in _imports(p) if n.startswith("ntkit")} for p in MODULES if p.is_relative_to(ROOT / "ntkit")}
    edges = {m: {_nearest(n, graph) for n in names} - {m, None} for m, names in graph.items()}
    done: set[str] = set()
    while ready := {m for m, wanted in edges.items() if m not in done and wanted - _above(m) <= done}:
        done |= ready
    left = {m: sorted(wanted - done) for m, wanted in edges.items() if m not in done}
    assert not left, f"these import each other: {left}"


def _nearest(name: str, graph: dict[str, set[str]]) -> str | None:
    """The module that an imported name comes from."""
    while name and name not in graph:
        name = name.rpartition(".")[0]
    return name or None


def _above(module: str) -> set[str]:
    """The packages around a module, which re-export its names: naming them is no cycle."""
    words = module.split(".")
    return {".".join(words[:depth]) for depth in range(1, len(words))}


def test_modules_are_small() -> None:
    lengths = {p: len(p.read_text().splitlines()) for p in MODULES if not p.is_relative_to(ROOT / "tests")}
    assert max(lengths.values()) <= 500, max(lengths, key=lambda p: lengths[p])
    assert statistics.median(lengths.values()) <= 150


def test_every_module_says_what_it_is() -> None:
    for path in MODULES:
        source = path.read_text()
        assert not source.strip() or ast.get_docstring(ast.parse(source)), f"{path} has no docstring"


def test_lock_files_and_results_are_not_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:  # not in an unpacked archive
        forbidden = [
            f for f in listed.stdout.split() if f.endswith(("uv.lock", ".sqlite", ".npz", "/index.json")) and f not in WEIGHTS
        ]
        assert not forbidden
