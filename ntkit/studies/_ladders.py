"""What bounds of many kinds say of a network around inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]


@dataclass(frozen=True, eq=False)
class Ladder:
    """Bounds around n inputs, at some radii.

    Attributes:
        norm: of balls and changes, by name.
        radii: rising.
        bounds: by method, from crude to tight, shape (radii, inputs, outputs).
        status: of methods with a deadline, how each radius ended.
        lower: what is attained, shape (radii, inputs, outputs).
        values: of the network, shape (inputs, outputs).
        labels: numbers of outputs, or None.
        certified_radius: how far from each input its class is certain, up to the largest radius; None of a single output.
    """

    norm: str
    radii: list[float]
    bounds: dict[str, Floats]
    status: dict[str, list[str]]
    lower: Floats
    values: Floats
    labels: np.ndarray[Any, Any] | None
    certified_radius: Floats | None

    @property
    def solved(self) -> dict[str, list[bool]]:
        """Of methods with a deadline, whether they came to their end, by radius."""
        return {name: [not status.startswith("stopped") for status in every] for name, every in self.status.items()}

    @property
    def classes(self) -> np.ndarray[Any, Any]:
        """The largest output of each input."""
        return np.asarray(self.values.argmax(1))

    @property
    def right(self) -> np.ndarray[Any, Any] | None:
        """Whether the classes are the labels."""
        return None if self.labels is None else np.asarray(self.classes == self.labels)

    @property
    def certain(self) -> np.ndarray[Any, Any] | None:
        """Whether the class is certain in the ball: shape (radii, inputs)."""
        known = self.certified_radius
        return None if known is None else np.asarray(known >= np.array(self.radii)[:, None])

    def median(self, name: str) -> Floats:
        """Over inputs, of the largest output: what a method bounds it by, or "attained"; shape (radii,)."""
        numbers = self.lower if name == "attained" else self.bounds[name]
        return np.asarray(np.median(numbers.max(2), axis=1))
