"""What a claim's evidence depends on: the sources of the modules it imports, and the versions of its libraries.

Sources are read, not imported: the imports of a file, those inside functions too, are followed through every module that is
found as a source file outside the installed libraries. A module counts by its code without comments, docstrings and
declarations, so that a changed tolerance or sentence derives verdicts again but measures nothing again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ntkit.claims._places import cache_folder, file_digest, write_atomically

ALWAYS = ("jax", "jaxlib", "numpy", "scipy")
_HOME = Path(__file__).resolve().parents[2]  # the folder that holds this package
DISTRIBUTIONS = {"sklearn": "scikit-learn", "flint": "python-flint", "neural_tangents": "neural-tangents"}


@dataclass(frozen=True)
class Sources:
    """The sources behind a claim file.

    Attributes:
        modules: module -> digest of its code.
        versions: library -> version.
        file_digest: SHA-256 of the claim file's bytes, by which a worker knows that it measures what was planned.
    """

    modules: dict[str, str]
    versions: dict[str, str]
    file_digest: str = ""

    @property
    def digest(self) -> str:
        """One hash of everything."""
        return hashlib.sha256(json.dumps([self.modules, self.versions], sort_keys=True).encode()).hexdigest()

    @property
    def code_digest(self) -> str:
        """One hash of the code alone, the same with other versions of the libraries."""
        return hashlib.sha256(json.dumps(self.modules, sort_keys=True).encode()).hexdigest()

    def changes(self, before: Sources) -> list[str]:
        """What differs from earlier sources, in words."""
        lines = []
        for name in sorted(self.modules.keys() | before.modules.keys()):
            old, new = before.modules.get(name), self.modules.get(name)
            if old != new:
                lines.append(f"{name} {'is new' if old is None else 'is gone' if new is None else 'changed'}")
        for name in sorted(self.versions.keys() | before.versions.keys()):
            old, new = before.versions.get(name), self.versions.get(name)
            if old != new:
                lines.append(f"{name} went from {old or 'nothing'} to {new or 'nothing'}")
        return lines


class SourceReader:
    """Reads the sources of claim files; files that did not change are parsed once, over all runs."""

    def __init__(self) -> None:
        self._cache_file = cache_folder() / "sources.json"
        self._parsed: dict[str, Any] = {}
        self._dirty = False
        self._versions: dict[str, str | None] = {}
        try:
            self._parsed = json.loads(self._cache_file.read_text())
        except (OSError, ValueError):
            self._parsed = {}  # only a cache

    def read(self, file: Path) -> Sources:
        """The sources behind one claim file."""
        roots = [file.parent, file.parent.parent, *_own_roots()]
        digest_at_start = file_digest(file)
        modules: dict[str, str] = {}
        libraries: set[str] = set(ALWAYS)
        todo: list[tuple[str, Path]] = [(f"{file.parent.name}/{file.name}", file)]
        while todo:
            name, path = todo.pop()
            if name in modules:
                continue
            digest, imports = self._parse(path, claims=path == file)
            modules[name] = digest
            for wanted in imports:
                absolute = _absolute(wanted, name, path)
                found = list(_find(absolute, roots))
                todo += [(n, p) for n, p in found if not _is_framework(n)]
                if not found:
                    libraries.add(absolute.partition(".")[0])
        versions = {lib: v for lib in sorted(libraries) if (v := self._version(lib)) is not None}
        versions["python"] = platform.python_version()
        return Sources(dict(sorted(modules.items())), versions, digest_at_start)

    def save(self) -> None:
        """Keep what was parsed for the next run."""
        if self._dirty:
            try:
                write_atomically(self._cache_file, json.dumps(self._parsed).encode())
            except OSError:
                return  # only a cache
            self._dirty = False

    def _parse(self, path: Path, claims: bool) -> tuple[str, list[str]]:
        source = path.read_bytes()
        key = hashlib.sha256(source + b"claims" * claims + sys.version.encode()).hexdigest()
        if key not in self._parsed:
            try:
                tree = ast.parse(source)
                imports = sorted(set(_imports(tree)))
                code = ast.dump(_Code(claims).visit(tree), annotate_fields=False).encode()
            except (SyntaxError, ValueError):
                imports, code = [], source
            self._parsed[key] = [hashlib.sha256(code).hexdigest(), imports]
            self._dirty = True
        digest, imports = self._parsed[key]
        return digest, imports

    def _version(self, library: str) -> str | None:
        if library not in self._versions:
            self._versions[library] = _installed_version(library)
        return self._versions[library]


class _Code(ast.NodeTransformer):
    """Leaves the code that can change a measurement: no docstrings, and in claim files no declarations."""

    def __init__(self, claims: bool) -> None:
        self.claims = claims

    def visit(self, node: ast.AST) -> Any:
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = body[1:] or [ast.Pass()]
            if self.claims and isinstance(node, ast.FunctionDef):
                node.decorator_list = [d for d in node.decorator_list if not _is_declaration(d, "claim")]
        if self.claims and isinstance(node, ast.Assign) and _is_declaration(node.value, "Paper"):
            return None
        return self.generic_visit(node)


def _is_declaration(node: ast.expr, name: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (isinstance(called, ast.Attribute) and called.attr == name) or (isinstance(called, ast.Name) and called.id == name)


def _imports(tree: ast.AST) -> Iterator[str]:
    """Every module a file may import; `from a import b` may mean the module a.b, relative ones begin with dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            yield from (f"{base}{'' if base.endswith('.') else '.'}{alias.name}" for alias in node.names)


def _absolute(wanted: str, module: str, path: Path) -> str:
    dots = len(wanted) - len(wanted.lstrip("."))
    if not dots:
        return wanted
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    return ".".join([*package[: len(package) - dots + 1], wanted.lstrip(".")]).strip(".")


def _find(name: str, roots: list[Path]) -> Iterator[tuple[str, Path]]:
    """The source files that importing `name` runs: the packages on the way and the module, if they lie in the roots."""
    parts = name.split(".")
    for root in [_HOME] if parts[0] == "ntkit" else roots:
        top = root / parts[0]
        if not (top.is_dir() and any(top.glob("*.py"))) and not top.with_suffix(".py").is_file():
            continue
        for depth in range(1, len(parts) + 1):
            place = root.joinpath(*parts[:depth])
            for candidate in (place / "__init__.py", place.with_suffix(".py")):
                if candidate.is_file():
                    yield ".".join(parts[:depth]), candidate
                    break
        return


def _own_roots() -> list[Path]:
    """The folders on the path that hold nobody's installed library."""
    installed = [Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders = dict.fromkeys(Path(entry).resolve() for entry in sys.path)
    return [f for f in folders if f.is_dir() and not any(f.is_relative_to(place) for place in installed)]


def _is_framework(module: str) -> bool:
    """This package's own code: verdicts are derived again when it changes, evidence is not measured again."""
    return module == "ntkit.claims" or module.startswith("ntkit.claims.")


def _installed_version(library: str) -> str | None:
    if library in sys.stdlib_module_names or library == "ntkit":
        return None
    try:
        return metadata.version(DISTRIBUTIONS.get(library, library))
    except metadata.PackageNotFoundError:
        return None
