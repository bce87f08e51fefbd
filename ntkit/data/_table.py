"""Tables of numbers as text, with a column of labels."""

import csv
import io
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ntkit.data._data import Data
from ntkit.data._limits import Budget, DataError, opened, parsing

SUFFIXES = (".csv", ".tsv")
_MOST_LINE = 2**22  # characters: room for 200,000 numbers
_WORD = 64  # bytes that Python takes for a word, besides its characters
_SHOWN = 40  # characters of a cell, and names of columns, in a message


def read_table(file: Path, labels: str | None, budget: Budget) -> Data:
    """Rows of numbers; words are allowed in the column of labels alone, given by its name or its number, from 1."""
    with opened(file) as stream, parsing(file, "table of numbers in UTF-8"):
        return _Table(file, stream, labels, budget).read()


class _Table:
    """A table that is being read."""

    def __init__(self, file: Path, stream: BinaryIO, labels: str | None, budget: Budget) -> None:
        self.file, self.budget, self.labels = file, budget, labels
        self.lines = _lines(file, stream)
        self.header: list[str] | None = None
        self.column: int | None = None  # of labels, from 0
        self.values = array("d")
        self.words: list[str] = []  # labels; equal ones are one object
        self.known: dict[str, str] = {}

    def read(self) -> Data:
        """All of it."""
        first = next(self.lines, None)
        if first is None:
            raise DataError(f"{self.file}: is empty")
        number, cells = first
        self.look(cells)
        width = len(cells)
        if self.header is None:
            self.add(number, cells)
        for number, cells in self.lines:
            if len(cells) != width:
                raise DataError(f"{self.file}: line {number}: must have {width} cells, as the first line, got {len(cells)}")
            self.add(number, cells)
        if not self.values:
            raise DataError(f"{self.file}: has no rows after its header")
        x = np.frombuffer(self.values, np.float64).reshape(-1, width - (self.column is not None))
        said = [] if self.header is None else [f"the first line of {self.file.name} is read as a header: {_names(self.header)}"]
        return Data(x, self.y(), f"rows of {self.file.name}", (self.file,), tuple(said))

    def look(self, cells: list[str]) -> None:
        """Find the column of labels, and whether the first line is a header: whether it has no number beside that column."""
        names, labels = [cell.strip() for cell in cells], self.labels
        if labels is not None and labels.isdecimal():
            if not 1 <= int(labels) <= len(cells):
                raise DataError(f"labels {labels}: {self.file} has columns 1 to {len(cells)}", "labels")
            self.column = int(labels) - 1
        elif labels is not None:
            if names.count(labels) != 1:
                many = "more than one such column" if labels in names else "no such column"
                raise DataError(f"labels {labels}: {self.file} has {many}; its first line is {_names(names)}", "labels")
            self.column = names.index(labels)
        if len(cells) == 1 and self.column == 0:
            raise DataError(f"labels {labels}: {self.file} has no other column, and so no inputs", "labels")
        inputs = [cell for place, cell in enumerate(names) if place != self.column]
        if (labels is not None and not labels.isdecimal()) or not any(map(_is_number, inputs)):
            self.header = names

    def add(self, number: int, cells: list[str]) -> None:
        """Take one line."""
        if self.column is not None:
            self.label(number, cells.pop(self.column).strip())
        self.budget.take(self.file, 8 * len(cells))
        try:
            self.values.extend(map(float, cells))
            if "_" in "".join(cells):  # Python would read 1_000
                raise ValueError
        except ValueError:
            raise self.wrong(number, cells) from None

    def label(self, number: int, word: str) -> None:
        """Take the label of one line."""
        if not word:
            raise DataError(f"labels {self.labels}: {self.file}: line {number}: has no label", "labels")
        self.budget.take(self.file, 8 if word in self.known else 8 + _WORD + len(word))
        self.words.append(self.known.setdefault(word, word))

    def wrong(self, number: int, cells: list[str]) -> DataError:
        """What is said of a line with something that is no number."""
        place = next(place for place, cell in enumerate(cells) if not _is_number(cell))
        column = place + (self.column is not None and place >= self.column)
        name = "" if self.header is None else f" ({self.header[column]})"
        cell = cells[place].strip()
        shown = repr(cell[:_SHOWN]) if cell else "nothing"
        hint = "" if self.column is not None else "; is it the column of labels?"
        return DataError(f"{self.file}: line {number}, column {column + 1}{name}: must be a number, got {shown}{hint}")

    def y(self) -> np.ndarray | None:
        """The labels: whole numbers, numbers, or words."""
        if self.column is None:
            return None
        for convert in (np.int64, np.float64):
            if all(map(_is_number, self.known)):
                try:
                    table = {word: convert(word) for word in self.known}
                except (ValueError, OverflowError):
                    continue
                self.budget.take(self.file, 8 * len(self.words))
                return np.fromiter(map(table.__getitem__, self.words), convert, len(self.words))
        longest = max(map(len, self.known))
        self.budget.take(self.file, 4 * longest * len(self.words))
        return np.array(self.words, f"U{longest}")


def _lines(file: Path, stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Numbers and cells of the lines that are not blank."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    delimiter = "\t" if file.suffix.lower() == ".tsv" else None
    for number, line in enumerate(iter(lambda: text.readline(_MOST_LINE), ""), 1):
        if len(line) == _MOST_LINE:
            raise DataError(f"{file}: line {number}: is longer than {_MOST_LINE:,} characters")
        line = line.rstrip("\r\n")
        if not line.strip():
            continue
        if delimiter is None:
            delimiter = next((sign for sign in (";", "\t") if sign in line), ",")
        yield number, _cells(file, number, line, delimiter)


def _cells(file: Path, number: int, line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        raise DataError(f"{file}: line {number}: has quotes that do not close, or stand within a cell") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:_SHOWN] for name in names[:_SHOWN]) + more
