"""What a claim's evidence depends on: the sources of the modules it imports, and the versions of its libraries.

Sources are read, not imported: the imports of a file, those inside functions too, are followed through every module that is
found as a source file outside the installed libraries. A module counts by its code without comments, docstrings and
declarations, so that a changed tolerance or sentence derives verdicts again but measures nothing again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ntkit.claims._places import cache_folder, file_digest, is_installed, write_atomically

ALWAYS = ("jax", "jaxlib", "numpy", "scipy")
_HOME = Path(__file__).resolve().parents[2]  # the folder that holds this package
# What the user may set and a worker passes on although it changes numbers.
NUMERICAL_ENVIRONMENT = ("JAX_PLATFORMS", "JAX_THREEFRY_PARTITIONABLE", "JAX_DEFAULT_PRNG_IMPL", "XLA_FLAGS")


@dataclass(frozen=True)
class Sources:
    """The sources behind a claim file.

    Attributes:
        modules: module -> digest of its code.
        versions: library -> version.
        files: file -> SHA-256 of its bytes when it was read.
    """

    modules: dict[str, str]
    versions: dict[str, str]
    files: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def digest(self) -> str:
        """One hash of everything."""
        return hashlib.sha256(json.dumps([self.modules, self.versions], sort_keys=True).encode()).hexdigest()

    @property
    def code_digest(self) -> str:
        """One hash of the code alone, the same with other versions of the libraries."""
        return hashlib.sha256(json.dumps(self.modules, sort_keys=True).encode()).hexdigest()

    def changed_files(self) -> list[str]:
        """The files that are no longer as they were read."""
        return [name for name, digest in self.files.items() if digest_or_gone(name) != digest]

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
        self._found: dict[tuple[str, tuple[Path, ...]], list[tuple[str, Path]]] = {}
        self._roots = _own_roots()
        self._parser = sys.version.encode() + Path(__file__).read_bytes()  # how sources are read is part of what is cached
        try:
            cached = json.loads(self._cache_file.read_text())
            self._parsed = cached if isinstance(cached, dict) else {}
        except (OSError, ValueError):
            self._parsed = {}  # only a cache

    def read(self, file: Path) -> Sources:
        """The sources behind one claim file."""
        roots = (*self._roots, file.parent, file.parent.parent)  # the order in which Python looks
        file = file.resolve()
        modules: dict[str, str] = {}
        files: dict[str, str] = {}
        libraries: set[str] = set(ALWAYS)
        todo: list[tuple[str, Path]] = [(f"{file.parent.name}/{file.name}", file)]
        while todo:
            name, path = todo.pop()
            if name in modules:
                continue
            source = path.read_bytes()
            files[str(path)] = hashlib.sha256(source).hexdigest()
            digest, imports = self._parse(source, claims=path == file)
            modules[name] = digest
            for wanted in imports:
                absolute = _absolute(wanted, name, path)
                found = self._find(absolute, roots)
                todo += [(n, p) for n, p in found if not _is_framework(n)]
                if not found:
                    libraries.add(absolute.partition(".")[0])
        versions = {lib: v for lib in sorted(libraries) if (v := self._version(lib)) is not None}
        versions["python"] = platform.python_version()
        versions |= {name: value for name, value in sorted(os.environ.items()) if name in NUMERICAL_ENVIRONMENT}
        return Sources(dict(sorted(modules.items())), versions, files)

    def save(self) -> None:
        """Keep what was parsed for the next run."""
        if self._dirty:
            try:
                write_atomically(self._cache_file, json.dumps(self._parsed).encode())
            except OSError:
                return  # only a cache
            self._dirty = False

    def _find(self, name: str, roots: tuple[Path, ...]) -> list[tuple[str, Path]]:
        if (name, roots) not in self._found:
            self._found[name, roots] = _find(name, roots)
        return self._found[name, roots]

    def _parse(self, source: bytes, claims: bool) -> tuple[str, list[str]]:
        key = hashlib.sha256(source + b"claims" * claims + self._parser).hexdigest()
        if key not in self._parsed:
            imports, code = [], source  # what cannot be parsed counts by its bytes
            try:
                tree = ast.parse(source)
                imports = sorted(set(_imports(tree)))
                code = ast.dump(_Code(claims).visit(tree), annotate_fields=False).encode()
            except (SyntaxError, ValueError, RecursionError):
                pass
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
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and _is_declaration(decorator, "claim"):
                        decorator.keywords = []  # the name stays: it says which claim this function measures
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


def _find(name: str, roots: tuple[Path, ...]) -> list[tuple[str, Path]]:
    """The source files that importing `name` runs: the packages on the way and the module, if they lie in the roots."""
    parts = name.split(".")
    for root in (_HOME,) if parts[0] == "ntkit" else roots:
        found = []
        for depth in range(1, len(parts) + 1):
            place = root.joinpath(*parts[:depth])
            for candidate in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                if candidate.is_file():
                    found.append((".".join(parts[:depth]), candidate.resolve()))
                    break
        if found:
            return found
    return []


def _own_roots() -> tuple[Path, ...]:
    """The folders on the path that hold nobody's installed library."""
    folders = dict.fromkeys(Path(entry).resolve() for entry in sys.path)
    return tuple(folder for folder in folders if folder.is_dir() and not is_installed(folder))


def digest_or_gone(name: str) -> str:
    """SHA-256 of a file's bytes, nothing if it is not there."""
    try:
        return file_digest(Path(name))
    except OSError:
        return ""


def _is_framework(module: str) -> bool:
    """This package's own code: verdicts are derived again when it changes, evidence is not measured again."""
    return module == "ntkit.claims" or module.startswith("ntkit.claims.")


def _installed_version(library: str) -> str | None:
    if library in sys.stdlib_module_names or library == "ntkit":
        return None
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        distributions = _distributions().get(library, [])  # sklearn is scikit-learn, PIL is pillow
        return metadata.version(distributions[0]) if distributions else None


@cache
def _distributions() -> dict[str, list[str]]:
    return {name: list(found) for name, found in metadata.packages_distributions().items()}
