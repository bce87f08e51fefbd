"""Renew the pins in pyproject.toml: resolve everything anew, as the oldest supported Python sees it, and write it down.

Run `uv run --no-project python .ci/pins.py`, then the tests. One set of versions serves every Python and platform, so the
variant that the oldest Python gets is taken, without markers.
"""

import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EMPTY = re.compile(r"^constraint-dependencies = \[.*?^\]", re.MULTILINE | re.DOTALL)
EXPORT = [
    "uv",
    "export",
    "--quiet",
    "--no-hashes",
    "--all-extras",
    "--all-groups",
    "--no-emit-project",
    "--no-annotate",
    "--no-header",
]


def main() -> None:
    """Rewrite the table of constraints in pyproject.toml."""
    project = (ROOT / "pyproject.toml").read_text()
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("README.md", "LICENSE"):
            (Path(scratch) / name).write_text((ROOT / name).read_text())
        unpinned = EMPTY.sub("constraint-dependencies = []", project)
        (Path(scratch) / "pyproject.toml").write_text(unpinned)
        lines = subprocess.run(EXPORT, cwd=scratch, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    pins: dict[str, str] = {}
    for line in lines:
        requirement, _, marker = line.partition(" ; ")
        if "'never'" in marker or re.search(r"python_full_version >= ", marker):
            continue
        pins[requirement.partition("==")[0]] = requirement
    table = "".join(f'    "{pin}",\n' for _, pin in sorted(pins.items()))
    (ROOT / "pyproject.toml").write_text(EMPTY.sub(f"constraint-dependencies = [\n{table}]", project))
    print(f"{len(pins)} versions pinned")


if __name__ == "__main__":
    main()
