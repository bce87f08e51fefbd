"""CIFAR's binary version, of which the pickled one is not read."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from ntkit import data
from tests.data.files import RNG, cifar, npy, write

IMAGES = RNG.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
TEN = [(3,), (0,), (9,), (3,)]
HUNDRED = [(3, 99), (0, 10), (19, 0), (3, 50)]


def test_a_file_of_ten_classes(here: Path) -> None:
    found = data.read(write(here / "test_batch.bin", cifar(TEN, IMAGES)))
    np.testing.assert_array_equal(found.x, IMAGES)
    np.testing.assert_array_equal(found.y, [3, 0, 9, 3])
    assert found.x.dtype == np.uint8


def test_a_folder_is_what_is_for_training(here: Path) -> None:
    folder = here / "cifar-10-batches-bin"
    for number in (2, 1):
        write(folder / f"data_batch_{number}.bin", cifar(TEN[:number], IMAGES[:number]))
    write(folder / "test_batch.bin", cifar(TEN, IMAGES))
    found = data.read("cifar-10-batches-bin")
    np.testing.assert_array_equal(found.x, IMAGES[[0, 0, 1]])
    np.testing.assert_array_equal(found.y, [3, 3, 0])
    assert [file.name for file in found.files] == ["data_batch_1.bin", "data_batch_2.bin"]


@pytest.mark.parametrize(
    ("labels", "expected"), [(None, [99, 10, 0, 50]), ("fine", [99, 10, 0, 50]), ("coarse", [3, 0, 19, 3])]
)
def test_a_hundred_classes_have_two_labels(here: Path, labels: str | None, expected: list[int]) -> None:
    write(here / "train.bin", cifar(HUNDRED, IMAGES))
    for place in ("train.bin", "."):
        found = data.read(place, labels=labels)
        np.testing.assert_array_equal(found.x, IMAGES)
        np.testing.assert_array_equal(found.y, expected)


def test_labels_may_be_a_file(here: Path) -> None:
    write(here / "y.npy", npy(np.arange(4)))
    np.testing.assert_array_equal(data.read(write(here / "x.bin", cifar(TEN, IMAGES)), labels="y.npy").y, np.arange(4))


def test_what_is_refused(here: Path) -> None:
    write(here / "ten.bin", cifar(TEN, IMAGES))
    write(here / "train.bin", cifar(HUNDRED, IMAGES))
    write(here / "short.bin", cifar(TEN, IMAGES)[:-1])
    write(here / "empty.bin", b"")
    write(here / "other.bin", cifar([(10,)] * 4, IMAGES))
    write(here / "both/data_batch_1.bin", cifar(TEN, IMAGES))
    write(here / "both/data_batch_2.bin", cifar(HUNDRED, IMAGES))
    for name, labels, message in (
        ("short.bin", None, "short.bin: must be a CIFAR file, of 3073 or 3074 bytes for each image, got 12,291 bytes"),
        ("empty.bin", None, "empty.bin: must be a CIFAR file, of 3073 or 3074 bytes for each image, got 0 bytes"),
        ("other.bin", None, "other.bin: must be a CIFAR file, but has labels that CIFAR has not"),
        ("both", None, "both: must hold files of one data set, got CIFAR-10 and CIFAR-100"),
        ("ten.bin", "fine", "labels fine: ten.bin has labels of its own; leave it out"),
        ("train.bin", "all", "labels all: train.bin has the labels coarse and fine"),
    ):
        with pytest.raises(data.DataError) as caught:
            data.read(name, labels=labels)
        assert str(caught.value) == message


def test_the_pickled_version_is_refused_with_the_name_of_the_binary_one(here: Path) -> None:
    for name in ("cifar-10-batches-py/data_batch_1", "cifar-10-batches-py/batches.meta", "cifar-100-python/train"):
        write(here / name, pickle.dumps({b"labels": [1]}))
    for place in ("cifar-10-batches-py", "cifar-10-batches-py/data_batch_1", "cifar-100-python", "cifar-100-python/train"):
        with pytest.raises(data.DataError, match=rf"^{place}: is the pickled version of CIFAR.*cifar-10-binary\.tar\.gz"):
            data.read(place)
