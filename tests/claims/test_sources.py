"""What evidence is keyed by: the code behind a claim file and the versions of its libraries, and nothing else."""

from pathlib import Path

import pytest

from ntkit.claims._sources import SourceReader, Sources


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))


def _read(folder: Path, files: dict[str, str]) -> Sources:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return SourceReader().read(folder / "checks" / "doe2024.py")


BASE = {
    "checks/doe2024.py": "import _helper\n@paper.claim('a', rule=R(1))\ndef a(trial):\n"
    "    '''Doc.'''\n    from mine import deep\n    return 1\n",
    "checks/_helper.py": "x = 1\n",
    "mine/__init__.py": "",
    "mine/deep.py": "from . import other\nfrom ..nowhere import x\nimport sklearn.datasets\n",
    "mine/other.py": "y = 1\n",
    "mine/unused.py": "z = 1\n",
}


def test_imports_are_followed_into_own_code_only(tmp_path: Path) -> None:
    found = _read(tmp_path, BASE)
    assert set(found.modules) == {"checks/doe2024.py", "_helper", "mine", "mine.deep", "mine.other"}
    assert {"jax", "numpy", "scipy", "scikit-learn", "sklearn", "python"} & set(found.versions) >= {
        "jax",
        "numpy",
        "scipy",
        "python",
        "sklearn",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("checks/doe2024.py", "return 1", "return 2", True),
        ("checks/doe2024.py", "R(1)", "R(2)", False),
        ("checks/doe2024.py", "Doc.", "Other.", False),
        ("checks/doe2024.py", "return 1", "return 1  # why", False),
        ("checks/_helper.py", "x = 1", "x = 2", True),
        ("mine/deep.py", "import sklearn", "import  sklearn", False),
        ("mine/other.py", "y = 1", "y = 2", True),
        ("mine/unused.py", "z = 1", "z = 2", False),
    ],
)
def test_what_counts(tmp_path: Path, file: str, old: str, new: str, counts: bool) -> None:
    before = _read(tmp_path, BASE)
    assert old in BASE[file]
    after = _read(tmp_path, {file: BASE[file].replace(old, new)})
    assert (before.digest != after.digest) is counts
    assert bool(after.changes(before)) is counts


def test_instruments_count_and_this_package_s_framework_does_not(tmp_path: Path) -> None:
    found = _read(tmp_path, {"checks/doe2024.py": "from ntkit import data\nfrom ntkit.claims import Paper\n"})
    assert "ntkit.data" in found.modules
    assert not any(name.startswith("ntkit.claims") for name in found.modules)


def test_changes_are_named(tmp_path: Path) -> None:
    old = Sources({"a": "1", "b": "1"}, {"numpy": "2.0", "jax": "0.10"})
    new = Sources({"a": "2", "c": "1"}, {"numpy": "2.1", "jax": "0.10"})
    assert new.changes(old) == ["a changed", "b is gone", "c is new", "numpy went from 2.0 to 2.1"]


def test_reading_again_parses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = SourceReader()
    for name, text in BASE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    first = reader.read(tmp_path / "checks" / "doe2024.py")
    reader.save()
    monkeypatch.setattr("ast.parse", lambda *_: pytest.fail("parsed again"))
    assert SourceReader().read(tmp_path / "checks" / "doe2024.py") == first


def test_namespace_packages_and_names_that_stay(tmp_path: Path) -> None:
    files = {
        "checks/doe2024.py": "import lib.sub.core\n@paper.claim('a', rule=R(1))\ndef a(trial): pass\n",
        "lib/sub/core.py": "x = 1\n",
    }
    before = _read(tmp_path, files)
    assert "lib.sub.core" in before.modules
    assert _read(tmp_path, {"lib/sub/core.py": "x = 2\n"}).digest != before.digest
    swapped = {**files, "checks/doe2024.py": files["checks/doe2024.py"].replace("'a'", "'b'")}
    assert _read(tmp_path, swapped).digest != before.digest


def test_code_too_deep_to_parse_counts_by_its_bytes(tmp_path: Path) -> None:
    deep = "x = " + "+".join(["1"] * 5000) + "\n"
    before = _read(tmp_path, {"checks/doe2024.py": deep})
    assert _read(tmp_path, {"checks/doe2024.py": deep + "y = 1\n"}).digest != before.digest


def test_how_sources_are_read_is_part_of_what_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _read(tmp_path, BASE)
    monkeypatch.setattr("ntkit.claims._sources._imports", lambda tree: iter(()))
    reader = SourceReader()
    reader._parser += b"another version of this module"
    assert set(reader.read(tmp_path / "checks" / "doe2024.py").modules) == {"checks/doe2024.py"}


def test_what_the_user_sets_in_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _read(tmp_path, BASE)
    monkeypatch.setenv("JAX_THREEFRY_PARTITIONABLE", "0")
    assert _read(tmp_path, {}).changes(before) == ["JAX_THREEFRY_PARTITIONABLE went from nothing to 0"]
