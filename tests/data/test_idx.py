"""MNIST's format: images with the labels beside them, plain or packed."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from ntkit import data
from tests.data.files import LABELS, PIXELS, idx, idx_header, npy, write


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte.gz"),
        ("emnist letters/emnist-letters-test-images-idx3-ubyte.gz", "emnist letters/emnist-letters-test-labels-idx1-ubyte"),
    ],
)
def test_labels_are_found_beside_images(here: Path, images: str, labels: str) -> None:
    for name, array in ((images, PIXELS), (labels, LABELS)):
        write(here / name, gzip.compress(idx(array)) if name.endswith(".gz") else idx(array))
    found = data.read(images)
    np.testing.assert_array_equal(found.x, PIXELS[..., None])
    assert found.x.dtype == np.uint8
    np.testing.assert_array_equal(found.y, LABELS)
    assert found.files == (Path(images), Path(labels))
    assert found.notes == (f"labels of {Path(images).name} are those of {Path(labels).name}",)


def test_labels_may_be_another_file_or_none(here: Path) -> None:
    write(here / "pictures", idx(PIXELS))
    write(here / "kinds", idx(LABELS))
    write(here / "kinds.npy", npy(LABELS))
    assert data.read("pictures").y is None
    for labels in ("kinds", "kinds.npy"):
        np.testing.assert_array_equal(data.read("pictures", labels=labels).y, LABELS)


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", ">i4", ">f4", ">f8"])
def test_numbers_of_every_kind(here: Path, dtype: str) -> None:
    array = np.arange(-6, 6).astype(dtype).reshape(4, 3)
    found = data.read(write(here / "x", idx(array)))
    assert found.x.dtype == array.dtype
    np.testing.assert_array_equal(found.x, array)


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_refused(here: Path, packed: bool) -> None:
    name = "x-images-idx3-ubyte" + ".gz" * packed
    for content, plain, gz in (
        (idx(PIXELS)[:-1], "it says to hold 336 bytes, and has 335", "it ends after 335 of 336 bytes"),
        (idx(PIXELS) + b"\0", "it says to hold 336 bytes, and has more", "it says to hold 336 bytes, and has more"),
        (idx_header((60000, 28, 28)), "it says to hold 47,040,000 bytes, and has 0", "it .* more than its .* packed ones can"),
        (idx_header((2**32 - 1,) * 8), r"it says to hold more than 1e\+18 bytes", r"it says to hold more than 1e\+18 bytes"),
        (idx(PIXELS)[:9], "it ends within its header", "it ends within its header"),
    ):
        write(here / name, gzip.compress(content) if packed else content)
        with pytest.raises(data.DataError, match=f"{name}: is damaged: {gz if packed else plain}"):
            data.read(name)
    write(here / name, gzip.compress(idx(LABELS)) if packed else idx(LABELS))
    with pytest.raises(data.DataError, match=f"{name}: must hold inputs, got a single number for each, as files of labels"):
        data.read(name)


def test_what_is_refused_of_packed_files_and_labels(here: Path) -> None:
    write(here / "text.gz", gzip.compress(b"1 2 3"))
    write(here / "plain.gz", idx(PIXELS))
    write(here / "short.gz", gzip.compress(idx(PIXELS))[:-9])
    for name in ("text.gz", "plain.gz", "short.gz"):
        with pytest.raises(data.DataError, match=f"{name}: is no IDX file, or is damaged"):
            data.read(name)
    write(here / "train-images-idx3-ubyte", idx(PIXELS))
    write(here / "train-labels-idx1-ubyte", idx(LABELS[:5]))
    for labels, message in {
        None: "labels train-labels-idx1-ubyte: must be one number or word for each of the 6 inputs, got shape (5,) of uint8",
        "nowhere": "labels nowhere: there is no such file", "text.gz": "labels text.gz: is no IDX file, or is damaged",
    }.items():  # fmt: skip
        with pytest.raises(data.DataError) as caught:
            data.read("train-images-idx3-ubyte", labels=labels)
        assert str(caught.value) == message
        assert caught.value.argument == "labels"
