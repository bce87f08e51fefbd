"""Every version that is installed here is pinned in pyproject.toml."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text())
UNPINNED = {"ntkit", "pip", "uv", "setuptools", "wheel"}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_installed_is_what_is_pinned() -> None:
    pins = dict(pin.split("==") for pin in PROJECT["tool"]["uv"]["constraint-dependencies"])
    installed = {_canonical(d.name): d.version for d in metadata.distributions()}
    wrong = {name: version for name, version in installed.items() if name not in UNPINNED and pins.get(name) != version}
    assert not wrong, "renew the pins (CONTRIBUTING.md), or install from them"


def test_the_wheel_asks_for_ranges_without_upper_ends() -> None:
    extras = [r for requirements in PROJECT["project"]["optional-dependencies"].values() for r in requirements]
    for requirement in [*PROJECT["project"]["dependencies"], *extras]:
        assert re.fullmatch(r"[\w.\[\]-]+>=[\d.]+", requirement), requirement
