"""Real data that ship with scikit-learn, by name; nothing is downloaded."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ntkit.data._data import Data
from ntkit.data._limits import DataError

SETS = {
    "breast_cancer": "breast tumours",
    "diabetes": "patients with diabetes",
    "digits": "handwritten digits",
    "iris": "iris flowers",
    "linnerud": "men in a gym",
    "wine": "wines",
}


class Digits(NamedTuple):
    """Images with their labels, NumPy arrays (JAX would cut float64 to float32 unless told otherwise).

    Attributes:
        images: float64, shape (1797, 8, 8), pixels in [0, 1].
        labels: int64, shape (1797,), digits 0 to 9.
    """

    images: Float[np.ndarray, "n height width"]
    labels: Int[np.ndarray, " n"]


def digits() -> Digits:
    """The 1797 handwritten digits of 8 x 8 pixels that ship with scikit-learn.

    Returns:
        Images scaled from 0..16 to [0, 1], and labels; new arrays at every call, in the order of the source.

    Example:
        >>> images, labels = digits()
        >>> images.shape, float(images.max()), labels[:5].tolist()
        ((1797, 8, 8), 1.0, [0, 1, 2, 3, 4])

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), its test part.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Digits(images=bunch.images.astype(np.float64) / 16.0, labels=bunch.target.astype(np.int64))


def named(name: str, labels: str | None) -> Data:
    """A set by its name, in the units of its source; linnerud has three columns of labels, of which one may be chosen."""
    from sklearn import datasets

    if name == "digits":
        _check_no_labels(name, labels)
        images, numbers = digits()
        return Data(images[..., None], numbers, SETS[name])
    bunch = datasets.load_diabetes(scaled=False) if name == "diabetes" else getattr(datasets, f"load_{name}")()
    if name == "linnerud":
        y = _chosen(bunch, labels)
    else:
        _check_no_labels(name, labels)
        y = bunch.target_names[bunch.target] if "target_names" in bunch else bunch.target
    return Data(np.array(bunch.data, np.float64), y, SETS[name])


def _chosen(bunch: Any, labels: str | None) -> np.ndarray | None:
    """A column of labels; none if none is asked for."""
    if labels is None:
        return None
    if labels not in bunch.target_names:
        raise DataError(f"labels {labels}: linnerud has {', '.join(bunch.target_names)}", "labels")
    return np.array(bunch.target[:, bunch.target_names.index(labels)], np.float64)


def _check_no_labels(name: str, labels: str | None) -> None:
    if labels is not None:
        raise DataError(f"labels {labels}: {name} has labels of its own; leave it out", "labels")
