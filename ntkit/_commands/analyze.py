"""`ntkit analyze`: studies of a user's own network or data; each is a file in analyses/."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import os
import shlex
import sys
import traceback
from pathlib import Path
from types import ModuleType

from ntkit.claims._errors import UsageError
from ntkit.claims._places import bundled_folder, cache_folder
from ntkit.cli import Parser

DESCRIPTION = "Study your own network or data."
EPILOG = 'example: ntkit analyze kernel --net "conv3x3 relu gap dense" -o kernel'


def run(options: argparse.Namespace) -> int:
    """Run the study that the first argument names, with the options that it declares."""
    arguments = ["--help"] if options.help else options.arguments
    parser = Parser(prog="ntkit analyze", description=DESCRIPTION, epilog=EPILOG)
    commands = parser.add_subparsers(title="studies", metavar="STUDY", required=True)
    module = None
    for name, (file, purpose) in sorted(studies().items()):
        command = commands.add_parser(name, help=purpose, formatter_class=argparse.RawDescriptionHelpFormatter)
        if arguments[:1] == [name]:
            module = _load(file)
            command.description = module.__doc__
            module.add_options(command)
    chosen = parser.parse_args(arguments)
    chosen.command = shlex.join(["ntkit", "analyze", *arguments])
    assert module is not None  # the parser has refused everything else
    _set_numerics()
    return int(module.run(chosen))


def studies() -> dict[str, tuple[Path, str]]:
    """Name, file and purpose of every study: those that ship with ntkit, and what ./analyses adds to them.

    A study is a file `analyses/NAME.py` with functions `add_options(parser)` and `run(options) -> exit status`; the purpose is
    the first line of its docstring. It is imported when it is asked for, so that what it needs is not loaded for others.
    """
    found = {}
    for folder in (Path("analyses").resolve(), bundled_folder("analyses")):
        for file in sorted(folder.glob("[!_]*.py")):
            purpose = _purpose(file)
            if purpose is not None:
                found[file.stem.replace("_", "-")] = (file, purpose)
    return found


def _purpose(file: Path) -> str | None:
    """What a study is for; None for a file that is none."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        return f"(cannot be read: {error})"
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    if not functions >= {"add_options", "run"}:
        return None
    return (ast.get_docstring(tree) or "").partition("\n")[0].replace("%", "%%")


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_ntkit_analyses_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else 1
        raise UsageError(f"analyses/{file.name}:{line}: {type(error).__name__}: {error}") from error
    return module


def _set_numerics() -> None:
    """Float64 where it is asked for, full precision, compilations kept; before JAX is imported."""
    os.environ |= {"JAX_ENABLE_X64": "1", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder() / "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
