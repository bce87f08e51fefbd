"""The page of the command: what `ntkit COMMAND --help` prints, and what each study says of itself. Nothing is run."""

from __future__ import annotations

import argparse
import ast
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

from ntkit._commands.analyze import studies
from ntkit.cli import parser

PAGE, MARK = "reference/command.md", "<!-- the commands -->"
WIDTH = {"COLUMNS": "96"}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the commands into their page."""
    if page.file.src_uri != PAGE:
        return markdown
    with mock.patch.dict(os.environ, WIDTH):
        return markdown.replace(MARK, "\n\n".join([*_commands(), *_studies()]))


def _commands() -> Iterator[str]:
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        if name != "analyze":
            yield f"## ntkit {name}\n\n{_text(command.format_help())}"


def _studies() -> Iterator[str]:
    yield "## ntkit analyze"
    for name, (file, _) in sorted(studies().items()):
        yield f"### ntkit analyze {name}\n\n{_text(ast.get_docstring(ast.parse(file.read_bytes())) or '')}"


def _text(text: str) -> str:
    return f"```text\n{text.strip()}\n```"
