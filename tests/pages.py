"""Code blocks of Markdown pages, and what runs them: whatever a page shows is what happens.

| block | what happens |
| --- | --- |
| `pycon` | its examples run in this process, one session for the page, and print what is shown (`...` stands for anything) |
| `python` with `title="FILE"` | is written to that file; if an earlier block made the file, it is what stands there |
| `python` with a paper | a claim file, written to paper_checks/KEY.py |
| other `python` | a program of its own |
| `sh` | its lines run, one after the other |
| `console` | the lines behind `$` run, and print what is shown, but for times |
"""

import doctest
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.support import CALL, environment

SHELL = f'ntkit() {{ "{sys.executable}" -P -c "{CALL}" "$@"; }}\n'
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_FENCED = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_TIMES = re.compile(r"\b(?:\d+ min \d\d s|\d+\.\d+ s|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\b")
_PAPER = re.compile(r'^paper = Paper\(key="(\w+)"', re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        language: as the fence says it.
        text: without the fences, and without what the whole block is indented by.
        file: the file that it is to be written to, if any.
        line: where it begins.
    """

    language: str
    text: str
    file: str | None
    line: int


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page, in order."""
    text = page.read_text()
    found = []
    for match in _FENCED.finditer(text):
        body = dedent(match[4])
        title, paper = re.search(r'title="([^"]+)"', match[3]), _PAPER.search(body)
        file = title[1] if title else f"paper_checks/{paper[1]}.py" if paper and match[2] == "python" else None
        found.append(Block(match[2], body, file, text[: match.start()].count("\n") + 2))
    assert text.count("```") == 2 * len(found), f"{page}: a fence is not closed, or stands within a line"
    return found


def run_page(page: Path, folder: Path) -> None:
    """Run all code blocks of a page, in a folder that is the current one meanwhile."""
    session = Session(page, folder)
    with chdir(folder):
        for block in blocks(page):
            session.run(block)


class Session:
    """What the blocks of a page share: a folder, the current one, and the names that examples have defined."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def run(self, block: Block) -> None:
        """Run one block; a failure says where in the page it is."""
        runners = {"pycon": self._examples, "python": self._python, "sh": self._shell, "console": self._console}
        assert block.language in runners, f"{self.page}:{block.line}: a block of {block.language!r} is run by nothing"
        runners[block.language](block)

    def _examples(self, block: Block) -> None:
        said: list[str] = []
        parsed = doctest.DocTestParser().get_doctest(block.text, {}, self.page.name, str(self.page), block.line - 1)
        parsed.globs = self.names
        result = doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(parsed, out=said.append, clear_globs=False)
        assert result.attempted, f"{self.page}:{block.line}: no example in it"
        assert not result.failed, "".join(said)

    def _python(self, block: Block) -> None:
        if block.file is None:
            subprocess.run([sys.executable, "-c", block.text], cwd=self.folder, check=True)
            return
        file = self.folder / block.file
        if file.exists():
            assert file.read_text() == block.text, f"{self.page}:{block.line}: {block.file} is another one by now"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)

    def _shell(self, block: Block) -> None:
        for line in block.text.splitlines():
            done = self.command(line)
            assert done.returncode == 0, f"{self.page}:{block.line}: {line}\n{done.stdout}"

    def _console(self, block: Block) -> None:
        for line, shown in _shown(block.text):
            shown, printed = _TIMES.sub("TIME", shown), _TIMES.sub("TIME", self.command(line).stdout)
            if not doctest.OutputChecker().check_output(shown, printed, FLAGS):
                raise AssertionError(f"{self.page}:{block.line}: {line}\nshown:\n{shown}\nprinted:\n{printed}")

    def command(self, line: str) -> subprocess.CompletedProcess[str]:
        """One line of a shell that has `ntkit`; all that it prints is in `stdout`."""
        run = ["bash", "-c", SHELL + line]
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(run, cwd=self.folder, env=environment(self.folder / "cache"), timeout=300, check=False, **streams)


def _shown(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console, each with the output below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        yield line, output
