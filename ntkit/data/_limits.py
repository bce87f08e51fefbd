"""What may be read: plain files, as many bytes as the budget has, and nothing that only claims to be there."""

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, runtime_checkable

import numpy as np

from ntkit._memory import memory_bytes

CHUNK = 2**20  # bytes that are read at a time, so that nothing is unpacked beyond what was asked for
DEFLATE = 1032  # times its length is the most that deflated data can unpack to (zlib, Technical Details)
PICKLED = "holds pickled Python objects, which are not read, since that can run code"
_MOST_SAID = 10**18
_UNKNOWN = 2**34  # bytes of memory, where the system does not say


class DataError(ValueError):
    """Data that cannot be read; one line that names the file.

    Attributes:
        argument: of `read` that is wrong, "labels" if the inputs themselves can be read.
    """

    def __init__(self, message: str, argument: Literal["source", "labels"] = "source") -> None:
        super().__init__(message)
        self.argument = argument


@runtime_checkable
class Source(Protocol):
    """What bytes are read from: a file, or what unpacks one."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def byte_limit(max_bytes: int | None = None) -> int:
    """How many bytes may be read: what is given, or a quarter of the memory that there is for this process.

    Raises:
        ValueError: max_bytes is below 1.

    Example:
        >>> byte_limit(10**6)
        1000000
    """
    if max_bytes is not None and max_bytes < 1:
        raise ValueError(f"max_bytes must be at least 1, got {max_bytes}")
    return (memory_bytes() or _UNKNOWN) // 4 if max_bytes is None else max_bytes


class Budget:
    """The bytes that may still be read, of all files together; asked before they are allocated."""

    def __init__(self, max_bytes: int | None) -> None:
        self.limit = self.left = byte_limit(max_bytes)

    def take(self, file: str | Path, size: int, what: str = "holds, or says that it holds,") -> None:
        """Count bytes that are about to be read from a file, or raise a DataError."""
        if size > self.left:
            more = _said(self.limit - self.left + size)
            raise DataError(f"{file}: {what} {more} bytes, more than max_bytes = {self.limit:,}")
        self.left -= size


class InParts(io.RawIOBase):
    """A file that never takes more memory for a read than there are bytes left, nor than `most`, whatever a header says."""

    def __init__(self, stream: BinaryIO, file: str | Path, most: int) -> None:
        self._stream, self._file, self._most, self._size = stream, file, most, size_of(stream)

    def seekable(self) -> bool:
        """As files are."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As files do."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """As files do."""
        return self._stream.tell()

    def read(self, size: int | None = -1) -> bytes:
        """As files do, or a DataError."""
        left = max(self._size - self._stream.tell(), 0)
        asked = left if size is None or size < 0 else min(size, left)
        if asked > self._most:
            raise DataError(f"{self._file}: has a piece of {asked:,} bytes, of which at most {self._most:,} are read at once")
        return self._stream.read(asked)


@contextmanager
def opened(file: str | Path) -> Iterator[BinaryIO]:
    """A file, open for bytes; a DataError if it is not there, cannot be read, or would never end."""
    try:
        kind = os.stat(file).st_mode
        endless = not (stat.S_ISREG(kind) or stat.S_ISDIR(kind))
        stream = None if endless else Path(file).open("rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if stream is None:
        raise DataError(f"{file}: must be a file on disk, got a pipe or a device")
    with stream:
        yield stream


def whole_file(file: str | Path, max_bytes: int | None = None) -> bytes:
    """All bytes of a plain file, for a reader of formats that are not read here.

    Args:
        file: its path.
        max_bytes: that it may have; by default a quarter of the machine's memory.

    Raises:
        DataError: there is no such file, it cannot be read, would never end, or is larger.
    """
    with opened(file) as stream:
        size = size_of(stream)
        return take_bytes(stream, size, file, Budget(max_bytes)).tobytes()


@contextmanager
def parsing(file: str | Path, kind: str) -> Iterator[None]:
    """Whatever a library raises on bytes that it does not understand, as a DataError: the file is none of that kind."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except MemoryError:
        raise DataError(f"{file}: holds, or says that it holds, more than fits into memory") from None
    except Exception:  # parsers of damaged files raise nearly everything
        raise DataError(f"{file}: is no {kind}, or is damaged") from None


def size_of(stream: BinaryIO) -> int:
    """How many bytes an open file has."""
    return os.fstat(stream.fileno()).st_size


def check_claim(file: str | Path, claimed: int, there: int, what: str = "it") -> None:
    """A DataError if data say to be longer than what is there."""
    if claimed > there:
        raise DataError(f"{file}: is damaged: {what} says to hold {_said(claimed)} bytes, and has {there:,}")


def check_unpacked(file: str | Path, claimed: int, packed: int, what: str = "it") -> None:
    """A DataError if packed data say to be longer than so many bytes can be."""
    if claimed > DEFLATE * packed:
        raise DataError(
            f"{file}: is damaged: {what} says to hold {_said(claimed)} bytes, more than its {packed:,} packed ones can make"
        )


def take_bytes(stream: Source, size: int, file: str | Path, budget: Budget) -> np.ndarray:
    """So many bytes, no fewer, as an array of uint8."""
    budget.take(file, size)
    found = np.empty(size, np.uint8)
    fill(stream, found, file)
    return found


def fill(stream: Source, found: np.ndarray, file: str | Path) -> None:
    """Read bytes into an array of uint8 until it is full."""
    done = 0
    while done < len(found):
        part = stream.read(min(CHUNK, len(found) - done))
        if not part:
            raise DataError(f"{file}: is damaged: it ends after {done:,} of {len(found):,} bytes")
        found[done : done + len(part)] = np.frombuffer(part, np.uint8)
        done += len(part)


def _said(size: int) -> str:
    return f"{size:,}" if size < _MOST_SAID else f"more than {_MOST_SAID:.0e}"
