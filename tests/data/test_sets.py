"""Sets by name: the ones of scikit-learn, as their sources have them, and files that are called like them."""

from pathlib import Path

import numpy as np
import pytest

from ntkit import data
from tests.data.files import POINTS, npy, write


def test_digits_are_the_ones_of_the_source() -> None:
    images, labels = data.digits()
    assert images.shape == (1797, 8, 8)
    assert images.dtype == np.float64
    assert labels.dtype == np.int64
    assert (images.min(), images.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(images * 16, np.round(images * 16))
    np.testing.assert_array_equal(np.bincount(labels), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    found = data.read("digits")
    np.testing.assert_array_equal(found.x, images[..., None])
    np.testing.assert_array_equal(found.y, labels)


def test_digits_are_new_arrays_at_every_call() -> None:
    data.digits().images[:] = 7.0
    assert data.digits().images.max() == 1.0


@pytest.mark.parametrize(
    ("name", "shape", "mean", "classes"),  # means of the first column, as the data sets' descriptions state them
    [
        ("iris", (150, 4), 5.84, {"setosa": 50, "versicolor": 50, "virginica": 50}),
        ("wine", (178, 13), 13.0, {"class_0": 59, "class_1": 71, "class_2": 48}),
        ("breast_cancer", (569, 30), 14.127, {"benign": 357, "malignant": 212}),
        ("diabetes", (442, 10), 48.52, None),
    ],
)
def test_sets_are_as_their_sources_have_them(
    name: str, shape: tuple[int, int], mean: float, classes: dict[str, int] | None
) -> None:
    found = data.read(name)
    assert found.x.shape == shape
    assert found.x.dtype == np.float64
    assert found.x[:, 0].mean() == pytest.approx(mean, rel=2e-3)
    assert found.y is not None
    assert found.files == ()
    if classes is None:
        assert (found.y.min(), found.y.max()) == (25, 346)
    else:
        assert {word: int((found.y == word).sum()) for word in np.unique(found.y)} == classes


def test_every_set_that_is_named_is_there() -> None:
    for name, words in data.SETS.items():
        found = data.read(name)
        assert found.name == words
        assert np.isfinite(found.x).all()


def test_of_linnerud_a_column_of_labels_is_chosen() -> None:
    assert data.read("linnerud").y is None
    waists = data.read("linnerud", labels="Waist").y
    assert waists is not None
    np.testing.assert_array_equal(waists[:3], [36, 37, 38])
    with pytest.raises(data.DataError, match="labels Height: linnerud has Weight, Waist, Pulse") as caught:
        data.read("linnerud", labels="Height")
    assert caught.value.argument == "labels"


def test_a_file_with_the_name_of_a_set_is_reached_by_its_path(here: Path) -> None:
    write(here / "iris", npy(POINTS))
    assert len(data.read("iris").x) == 150
    for path in ("./iris", here / "iris", Path("iris")):
        np.testing.assert_array_equal(data.read(path).x, POINTS)


def test_what_a_set_does_not_take(here: Path) -> None:
    with pytest.raises(data.DataError, match="labels y: digits has labels of its own; leave it out"):
        data.read("digits", labels="y")
    with pytest.raises(data.DataError, match=r"iris: a key chooses one of several arrays of a \.npz file, got key 'x'"):
        data.read("iris", key="x")
    with pytest.raises(data.DataError, match=r"irs: there is no such file or folder, nor a data set of that name \(breast_c"):
        data.read("irs")
    assert np.array_equal(data.read("iris", labels=str(write(here / "y.npy", npy(np.arange(150))))).y, np.arange(150))
