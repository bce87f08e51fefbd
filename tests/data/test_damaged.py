"""Files of every format, cut short and changed at random: either data come out, or one error that names the file."""

import gzip
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from ntkit import data
from tests.data.files import LABELS, PIXELS, POINTS, RNG, cifar, idx, image, npy, npz, write

LIMIT = 10**6
SLACK = 3 * 10**6  # what libraries and Python take beside the data: text of an image, tables of names
COLOURS = RNG.integers(0, 256, (8, 7, 3), dtype=np.uint8)
TABLE = "height;width;kind\n" + "".join(f'{x};{y};"cat {n % 3}"\n' for n, (x, y, _) in enumerate(POINTS))


def _read(file: Path) -> np.ndarray:
    return data.read(file, max_bytes=LIMIT).x


def _table(file: Path) -> np.ndarray:
    return data.read(file, labels="3", max_bytes=LIMIT).x


def _folder(file: Path) -> np.ndarray:
    return data.read(file.parents[1], max_bytes=LIMIT).x


def _labels(file: Path) -> np.ndarray:
    write(file.parent / "x-images-idx3-ubyte", idx(PIXELS))
    return data.read(file.parent / "x-images-idx3-ubyte", labels=str(file), max_bytes=LIMIT).x


def _weights(file: Path) -> np.ndarray:
    return np.concatenate([array.ravel() for array in data.arrays(file, max_bytes=LIMIT).values()])


FORMATS: dict[str, tuple[bytes, Callable[[Path], np.ndarray]]] = {
    "x.npy": (npy(POINTS), _read),
    "x.npz": (npz(X=POINTS, y=LABELS), _read),
    "packed.npz": (npz(X=POINTS, y=LABELS, packed=True), _read),
    "weights.npz": (npz(W1=POINTS, b1=LABELS, packed=True), _weights),
    "weights.npy": (npy(POINTS), _weights),
    "weights.safetensors": (save({"W1": POINTS, "b1": LABELS}), _weights),
    "x.csv": (TABLE.encode(), _table),
    "x-idx3-ubyte": (idx(PIXELS), _read),
    "x-idx3-ubyte.gz": (gzip.compress(idx(PIXELS)), _read),
    "x-labels-idx1-ubyte": (idx(LABELS), _labels),
    "x.bin": (cifar([(3,)], RNG.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)), _read),
    **{f"{kind}/cat/1.{kind}": (image(COLOURS, kind.upper()), _folder) for kind in ("png", "jpeg", "bmp", "ppm")},
}


@contextmanager
def _within(size: int) -> Iterator[None]:
    """Fail if more than so many bytes are allocated at a time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size


@st.composite
def _changes(draw: st.DrawFn, content: bytes) -> bytes:
    """The content cut short, or with some bytes changed, most of them near its beginning, where headers are."""
    changed = bytearray(content[: draw(st.integers(0, len(content) - 1))] if draw(st.booleans()) else content)
    for _ in range(draw(st.integers(0, 6)) if changed else 0):
        place = draw(st.integers(0, min(len(changed), draw(st.sampled_from([60, 200, len(content)]))) - 1))
        changed[place] = draw(st.sampled_from([changed[place] ^ (1 << bit) for bit in range(8)] + [0, 255]))
    return bytes(changed)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data())
def test_data_or_one_error_within_the_limit(here: Path, name: str, drawn: st.DataObject) -> None:
    content, read = FORMATS[name]
    file = write(here / name, drawn.draw(_changes(content)))
    with _within(LIMIT + SLACK):
        try:
            read(file)
        except data.DataError as error:
            message = str(error)
        else:
            return
    assert "\n" not in message
    assert len(message) < 1000
    assert file.name in message or "cat" in message or str(file.parents[1]) in message


@pytest.mark.parametrize("name", FORMATS)
def test_undamaged_they_are_read(here: Path, name: str) -> None:
    content, read = FORMATS[name]
    assert read(write(here / name, content)).size


def test_a_piece_of_an_image_that_says_to_be_long_takes_no_memory(here: Path) -> None:
    png = image(PIXELS[0])
    place = png.index(b"IDAT") - 4
    write(here / "1.png", png[:place] + b"\xff\xff\xff\xff" + png[place + 4 :])
    with _within(LIMIT + SLACK):
        np.testing.assert_array_equal(data.read(here).x[0, ..., 0], PIXELS[0])
