"""Nothing larger than the limit is read, by what it says or in truth; and nothing that would never end."""

import gzip
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from ntkit import data
from tests.data import memory_probe
from tests.data.files import (
    LABELS,
    PIXELS,
    POINTS,
    RNG,
    cifar,
    idx,
    idx_header,
    image,
    npy,
    npy_header,
    npz,
    resized,
    write,
    zipped,
)

LARGE = 2**25  # bytes that bombs unpack to
LIMIT = 10**6
PIXEL = 16  # bytes that decoding an image counts for


def test_the_limit_is_a_quarter_of_the_memory_or_what_is_given(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ntkit._memory._GROUPS", here)  # without the limits of a control group
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024 if Path("/proc/meminfo").exists() else None
    if total is not None:
        assert data.byte_limit() == pytest.approx(total / 4, rel=1e-6)
    assert data.byte_limit(7) == 7
    with pytest.raises(ValueError, match="max_bytes must be at least 1, got 0"):
        data.read("iris", max_bytes=0)


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [
        ("x.npz", npz(X=POINTS, y=LABELS), POINTS.nbytes + LABELS.nbytes),
        ("x.npz", npz(X=POINTS, y=LABELS, packed=True), POINTS.nbytes + LABELS.nbytes),
        ("x.csv", "1,2\n3,4\n5,6\n", 48),
        ("x-idx3-ubyte", idx(PIXELS), PIXELS.nbytes),
        ("x-idx3-ubyte.gz", gzip.compress(idx(PIXELS)), PIXELS.nbytes),
        ("x.bin", cifar([(3,)], RNG.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)), 3073),
        ("cat/x.png", image(PIXELS[0]), (1 + PIXEL) * 56 + 4 * len("cat")),
    ],
)
def test_exactly_what_the_limit_allows_is_read(here: Path, name: str, content: bytes | str, size: int) -> None:
    write(here / name, content)
    source = name if "/" not in name else "."
    assert len(data.read(source, max_bytes=size).x)
    with pytest.raises(
        data.DataError, match=rf"holds, or says that it holds, [0-9,]+ bytes, more than max_bytes = {size - 1:,}"
    ):
        data.read(source, max_bytes=size - 1)


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.safetensors"])
def test_weights_have_the_same_limit(here: Path, name: str) -> None:
    given = {"a": POINTS, "b": POINTS}
    make: dict[str, Callable[[], bytes]] = {
        ".npz": lambda: npz(**given),
        ".npy": lambda: npy(POINTS),
        ".safetensors": lambda: save(given),
    }
    write(here / name, make[Path(name).suffix]())
    assert data.arrays(name)
    assert data.arrays(name, max_bytes=1000)
    with pytest.raises(
        data.DataError, match=rf"{name}: holds, or says that it holds, [0-9,]+ bytes, more than max_bytes = 143"
    ):
        data.arrays(name, max_bytes=143)


def test_labels_count_and_are_named(here: Path) -> None:
    write(here / "x.npz", npz(X=POINTS, y=LABELS))
    with pytest.raises(data.DataError, match=r"labels y: x\.npz: holds, or says that it holds, 150 bytes") as caught:
        data.read("x.npz", max_bytes=149)
    assert caught.value.argument == "labels"


def test_what_never_ends_is_refused(here: Path) -> None:
    os.mkfifo("pipe.npy")
    for place in ("pipe.npy", "/dev/zero"):
        for reader in (data.read, data.load, data.arrays):
            with pytest.raises(data.DataError, match=f"{place}: must be a file on disk, got a pipe or a device"):
                reader(place)
    with pytest.raises(data.DataError, match="cannot be read"):
        data.read("a\0b.npy")
    with pytest.raises(data.DataError, match="cannot be read"):
        data.load("long" * 1000)


def _understated(packed: bytes, size: int) -> bytes:
    """An archive of one member that says in all its headers to unpack to fewer bytes."""
    changed = bytearray(packed)
    for mark, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", changed, changed.index(mark) + offset, size)
    return bytes(changed)


def _bombs() -> dict[str, tuple[bytes, str]]:
    """By name: content, and what is said of it."""
    zeros = npy_header((LARGE // 8,)) + bytes(LARGE)
    return {
        "zip.npz": (zipped({"X.npy": zeros}), "holds, or says that it holds, 33,554,432 bytes"),
        "liar.npz": (_understated(zipped({"X.npy": zeros}), 200), "or is damaged"),
        "nested.npz": (zipped({"X.npy": zipped({"X.npy": zeros})}), "or is damaged"),
        "many.npz": (
            zipped({f"{i}{'a' * 60_000}": b"" for i in range(80)}),
            "bytes, of which at most 4,194,304 are read at once",
        ),
        "gz.gz": (gzip.compress(idx_header((LARGE,)) + bytes(LARGE)), "holds, or says that it holds, 33,554,432 bytes"),
        "more.gz": (gzip.compress(idx_header((9,)) + bytes(LARGE)), "it says to hold 9 bytes, and has more"),
        "line.csv": (b"1" * LARGE, "line 1: is longer than 4,194,304 characters"),
        "cells.csv": (b"1,2,3,4\n" * (LARGE // 32), "holds, or says that it holds, 1,000,032 bytes"),
        "claim.npy": (npy_header((LARGE,)), "says to hold 268,435,456 bytes, and has 0"),
        "claim": (idx_header((60000, 28, 28)), "says to hold 47,040,000 bytes, and has 0"),
        "large/1.png": (image(np.zeros((8192, 8192), np.uint8)), "holds, or says that it holds, 1,073,741,824 bytes"),
        "wide/1.png": (resized(image(PIXELS[0]), 2**20, 2**20), "says to have more pixels than any image here may have"),
    }


def test_bombs_are_refused_and_take_no_memory(here: Path) -> None:
    write(here / "fine/1.png", image(PIXELS[0]))
    write(here / "fine.npz", npz(X=POINTS, y=LABELS, packed=True))
    write(here / "second/0.png", image(PIXELS[0]))
    bombs = _bombs()
    write(here / "second/1.png", bombs["large/1.png"][0])
    sources = {"fine": "", "fine.npz": "", "second": "1.png: must be an image of 7 x 8 pixels"}
    for name, (content, said) in bombs.items():
        write(here / name, content)
        sources[name.partition("/")[0]] = said
    command = [sys.executable, memory_probe.__file__, str(LIMIT), *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for source, expected in sources.items():
        message, taken = found[source]
        assert expected in message
        assert bool(message) is bool(expected)
        assert "\n" not in message
        assert taken < 12 * LIMIT, (source, taken)  # a part of the limit, and what the longest line and its cells take
