"""Folders of images: what comes out, in which order, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from ntkit import data
from tests.data.files import PIXELS, RNG, image, npy, write

COLOURS = RNG.integers(0, 256, (6, 8, 7, 3), dtype=np.uint8)


def test_labels_are_the_folders_in_the_order_of_names(here: Path) -> None:
    places = ["fotos/böse katze/b.PNG", "fotos/böse katze/a.png", "fotos/Zebra/10.png", "fotos/Zebra/9.png"]
    for place, pixels in zip(places, COLOURS, strict=False):
        write(here / place, image(pixels))
    found = data.read("fotos")
    np.testing.assert_array_equal(found.x, COLOURS[[2, 3, 1, 0]])
    assert found.y is not None
    assert found.y.tolist() == ["Zebra", "Zebra", "böse katze", "böse katze"]
    assert found.x.dtype == np.uint8
    assert found.name == "images of fotos"
    assert [str(file) for file in found.files] == [places[i] for i in (2, 3, 1, 0)]
    assert found.notes == ()
    assert (found.total, found.rows) == (4, None)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM"])
@pytest.mark.parametrize("pixels", [PIXELS[0], COLOURS[0]], ids=["grey", "colours"])
def test_formats_without_loss(here: Path, kind: str, pixels: np.ndarray) -> None:
    write(here / f"x.{kind.lower()}", image(pixels, kind))
    found = data.read(here)
    np.testing.assert_array_equal(found.x[0], pixels.reshape(8, 7, -1))
    assert found.y is None


def test_other_pixels(here: Path) -> None:
    write(here / "deep/1.png", image(np.array([[0, 65535, 258]], np.uint16)))
    write(here / "clear/1.png", image(RNG.integers(0, 256, (2, 3, 4), dtype=np.uint8)))
    write(here / "photo/1.jpg", image(np.full((16, 16), 200, np.uint8), "JPEG"))
    deep = data.read("deep").x
    assert deep.dtype == np.uint16
    assert deep.ravel().tolist() == [0, 65535, 258]
    assert data.read("clear").x.shape == (1, 2, 3, 4)
    np.testing.assert_allclose(data.read("photo").x.astype(float), 200, atol=2)


def test_what_else_lies_there_is_passed_over_and_said(here: Path) -> None:
    for name in ("x/cat/1.png", "x/dog/1.png"):
        write(here / name, image(PIXELS[0]))
    for name in ("x/readme.txt", "x/dog/Thumbs.db", "x/.DS_Store", "x/.cache/1.png"):
        write(here / name, "")
    found = data.read("x")
    assert len(found.x) == 2
    assert found.notes == ("2 files of x are no images (.png, .jpg, .jpeg, .bmp, .ppm, .pgm), and are passed over",)
    np.testing.assert_array_equal(data.read("x", labels=str(write(here / "y.npy", npy(np.array([5, 6]))))).y, [5, 6])


def test_only_those_that_are_asked_for_are_decoded(here: Path) -> None:
    """Of 6 images every second: others may be damaged, and count for nothing."""
    for number, pixels in enumerate(PIXELS):
        write(here / f"x/{'cat' if number < 3 else 'dog'}/{number}.png", image(pixels) if number % 2 == 0 else b"none")
    numbers = str(write(here / "y.npy", npy(np.arange(6))))
    found = data.read("x", count=3, max_bytes=PIXELS[:4].nbytes + 16 * PIXELS[0].size)
    np.testing.assert_array_equal(found.x[..., 0], PIXELS[::2])
    assert found.y is not None
    assert found.y.tolist() == ["cat", "cat", "dog"]
    assert (found.total, found.rows is not None and found.rows.tolist()) == (6, [0, 2, 4])
    assert [file.name for file in found.files] == ["0.png", "2.png", "4.png"]
    np.testing.assert_array_equal(data.read("x", count=3, labels=numbers).y, [0, 2, 4])
    with pytest.raises(data.DataError, match="is no image"):
        data.read("x", count=4)
    write(here / "y.npy", npy(np.arange(3)))
    with pytest.raises(data.DataError, match="must be one number or word for each of the 6 inputs, got shape"):
        data.read("x", count=3, labels=numbers)


def test_every_source_spreads_what_is_asked_for(here: Path) -> None:
    write(here / "x.npy", npy(np.arange(20.0).reshape(10, 2)))
    for source, total in (("iris", 150), (str(here / "x.npy"), 10)):
        every, some = data.read(source), data.read(source, count=4)
        rows = np.arange(4) * total // 4
        np.testing.assert_array_equal(some.x, every.x[rows])
        if every.y is not None:
            assert some.y is not None
            np.testing.assert_array_equal(some.y, every.y[rows])
        assert (every.total, every.rows, some.total) == (total, None, total)
        assert len(data.read(source, count=1000).x) == total
    with pytest.raises(data.DataError, match="4 of its 10 inputs have 64 bytes, more than max_bytes = 60"):
        data.read(here / "x.npy", count=4, max_bytes=60)
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        data.read("iris", count=0)


def test_the_first_that_differs_is_named(here: Path) -> None:
    for number in range(3):
        write(here / f"x/cat/{number}.png", image(PIXELS[0]))
    for other, said in ((PIXELS[0][:, 1:], "6 x 8 in mode L"), (COLOURS[0], "7 x 8 in mode RGB")):
        write(here / "x/cat/1.png", image(other))
        with pytest.raises(data.DataError) as caught:
            data.read("x")
        assert str(caught.value) == (
            f"x/cat/1.png: must be an image of 7 x 8 pixels in mode L, as x/cat/0.png, got {said}"
        )  # fmt: skip


def test_what_is_refused(here: Path) -> None:
    write(here / "nested/cat/white/1.png", image(PIXELS[0]))
    write(here / "mixed/cat/1.png", image(PIXELS[0]))
    write(here / "mixed/2.png", image(PIXELS[0]))
    write(here / "short/cat/1.png", image(PIXELS[0])[:60])
    write(here / "text/cat/1.png", "1 2 3")
    write(here / "script/cat/1.png", "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")  # which Pillow would run
    write(here / "palette/cat/1.png", image(np.zeros((2, 2), bool)))
    (here / "empty/cat").mkdir(parents=True)
    for folder, message in {
        "nested": "nested/cat/white: must be an image, got a folder in a folder; name the one that holds the labels",
        "mixed": "mixed/2.png: must lie in a folder that is its label, as others do",
        "short": "short/cat/1.png: is no image (PNG, JPEG, BMP, PPM), or is damaged",
        "text": "text/cat/1.png: is no image (PNG, JPEG, BMP, PPM), or is damaged",
        "script": "script/cat/1.png: is no image (PNG, JPEG, BMP, PPM), or is damaged",
        "palette": "palette/cat/1.png: must be grey or in colours of 8 bits (modes L, LA, RGB, RGBA, I;16), got mode 1",
        "empty": "empty: holds no images (.png, .jpg, .jpeg, .bmp, .ppm, .pgm) in folders that are their labels, nor CIFAR's "
        "files",
    }.items():
        with pytest.raises(data.DataError) as caught:
            data.read(folder)
        assert str(caught.value) == message
    with pytest.raises(data.DataError, match="labels y: images of nested are labelled by their folders; leave it out"):
        data.read("nested", labels="y")
