"""What `verify` shows: verdicts as they come, what is running, and how much is left; plain lines where nobody looks live."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ntkit._commands._words import duration, interval_words, number, region_words
from ntkit.claims._claim import KINDS, Claim
from ntkit.claims._derive import VERDICTS, Record
from ntkit.claims._outcome import Outcome, Task

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

COLOURS = {
    "supported": "green", "refuted": "magenta", "inconclusive": "yellow", "failed": "red", "flaky": "red", "toothless": "red",
}  # fmt: skip
WIDTH = 80


class Display:
    """Listens to a verification and shows it: live on a terminal, line by line elsewhere."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._console: Console | None = None
        if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            from rich.console import Console

            self._console = Console(highlight=False)
        self._running: dict[str, float] = {}
        self._claims = self._verdicts = self._trials = self._done = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._console is not None:
            from rich.live import Live

            self._live = Live(get_renderable=self._status, console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def planned(self, claims: Sequence[Claim], missing: int) -> None:
        """Say how much there is to do."""
        self._claims, self._trials = len(claims), missing
        stored = sum(len(claim.variants) for claim in claims) - missing
        self._print(f"{len(claims)} claims: {missing} trials to measure, {stored} stored")

    def running(self, task: Task, share: float) -> None:
        """A trial has done this share of its steps."""
        self._running[task.shown] = share

    def trial_done(self, task: Task, outcome: Outcome) -> None:
        """A trial is over."""
        self._running.pop(task.shown, None)
        self._done += 1

    def repeating(self, claim: Claim, trials: int) -> None:
        """A surprise is repeated."""
        self._trials += trials
        self._print(f"{claim.name}: not as recorded, repeated once with four times the repeats")

    def verdict(self, record: Record) -> None:
        """A claim is complete: two lines, what and how well."""
        self._verdicts += 1
        colour = COLOURS[record["verdict"]]
        mark = "" if record["as_recorded"] else f" (recorded: {record['recorded']})"
        cost = duration(record["seconds"])
        room = WIDTH - len(record["verdict"]) - len(mark) - len(cost) - 4
        name = record["claim"]
        self._print(f"{name:<{room}}  {record['verdict']}{mark}  {cost}", colour)
        self._indented(_measured(record))
        if not record["as_recorded"]:
            self._indented(record["sentence"], colour)
        if record["repaired"]:
            self._indented(f"repaired version: {record['repaired']['verdict']}")

    def summary(self, records: Sequence[Record], errors: Sequence[str]) -> None:
        """The count of verdicts, what could not be read, and whether all is as recorded."""
        for error in errors:
            print(f"ntkit: error: {error}", file=sys.stderr)
        counts = Counter(record["verdict"] for record in records)
        words = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word]) or "no claims"
        unexpected = sum(not record["as_recorded"] for record in records)
        ending = f"{unexpected} not as recorded" if unexpected else "all as recorded, every control refuted"
        unread = f"; {len(errors)} files could not be read" if errors else ""
        for kind in KINDS:
            of_kind = Counter(record["verdict"] for record in records if record["kind"] == kind)
            if of_kind and len(of_kind) < len(records):
                self._print(f"  {kind}: {', '.join(f'{of_kind[word]} {word}' for word in VERDICTS if of_kind[word])}")
        self._print(f"{words}; {ending if records else 'nothing to do'}{unread} ({duration(time.monotonic() - self._began)})")

    def interrupted(self, command: str, store: str) -> None:
        """Say what is kept and how to go on."""
        self._print(f"interrupted: {self._verdicts} of {self._claims} claims have a verdict")
        self._print(f"what was measured is kept in {store}")
        self._print(f"go on with: {command}")

    def _indented(self, text: str, colour: str = "") -> None:
        self._print(textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    "), colour)

    def _print(self, text: str, colour: str = "") -> None:
        if self._console is None:
            print(text, flush=True)
        else:
            from rich.text import Text

            self._console.print(Text(text, style=colour))

    def _status(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        partly = self._done + sum(self._running.values())
        elapsed = time.monotonic() - self._began
        left = f", about {duration(elapsed * (self._trials - partly) / partly)} left" if partly >= 1 else ""
        lines = Table.grid()
        for name, share in list(self._running.items()):
            percent = f" {share:.0%}" if share else ""
            lines.add_row(Text(f"  {name}{percent}", style="dim", overflow="ellipsis", no_wrap=True))
        lines.add_row(ProgressBar(total=max(self._trials, 1), completed=partly, width=WIDTH - 2))
        lines.add_row(Text(f"{self._done} of {self._trials} trials, {duration(elapsed)}{left}"))
        return lines


def _measured(record: Record) -> str:
    """Statistic against region, and the controls, in one line."""
    statistic = f"{number(record['statistic'])}{interval_words(record['interval'])}"
    region = region_words(record["regions"]["supported"])
    controls = ", ".join(f"{name} {control['verdict']}" for name, control in record["controls"].items())
    return f"{statistic} (asked {region}); controls: {controls}"
