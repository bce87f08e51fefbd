"""Archives of arrays: no member is unpacked further than it says, nor than the budget has."""

import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ntkit.data._limits import Budget, DataError, InParts, check_claim, check_unpacked, size_of
from ntkit.data._npy import damaged, pickled, read_array

MAGIC = b"PK"
_MOST_AT_ONCE = 2**22  # bytes of an archive's table of contents: some 40,000 arrays
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # NumPy's; others can take memory as they like


class Archive:
    """The arrays of an .npz file that is open, by name."""

    def __init__(self, stream: BinaryIO, file: str | Path, budget: Budget) -> None:
        self._file, self._budget, self._there = file, budget, size_of(stream)
        self._zip = zipfile.ZipFile(InParts(stream, file, _MOST_AT_ONCE))
        self._members = {member.filename.removesuffix(".npy"): member for member in self._zip.infolist()}
        if any(name.endswith(".pkl") for name in self._members):  # as PyTorch writes them
            raise pickled(file)

    @property
    def names(self) -> list[str]:
        """Of the arrays, in their order."""
        return list(self._members)

    def chosen(self, key: str | None) -> np.ndarray:
        """The array of that name, or the only one."""
        names = self.names
        if key is None and len(names) != 1:
            raise DataError(f"{self._file}: holds {len(names)} arrays ({', '.join(names)}); choose one by its key")
        if key is not None and key not in names:
            raise DataError(f"{self._file}: holds no array {key!r}, only {', '.join(names)}")
        return self.array(names[0] if key is None else key)

    def every(self) -> dict[str, np.ndarray]:
        """All arrays; none is read if together they say to be too large."""
        total = sum(member.file_size for member in self._members.values())
        if total > self._budget.left:
            self._budget.take(self._file, total)
        return {name: self.array(name) for name in self._members}

    def array(self, name: str) -> np.ndarray:
        """One array."""
        member, file = self._members[name], self._file
        if member.compress_type not in _METHODS:
            raise damaged(file)
        check_claim(file, member.compress_size, self._there, name)
        check_unpacked(file, member.file_size, member.compress_size, name)
        with self._zip.open(member) as stream:
            array = read_array(stream, member.file_size, file, self._budget, name)
            if stream.read(1):  # at the end the checksum is compared
                raise damaged(file)
        return array
