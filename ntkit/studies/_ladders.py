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
        reach: how far from each input its class is certain, by the bounds at each radius: shape (radii, inputs).
    """

    norm: str
    radii: list[float]
    bounds: dict[str, Floats]
    status: dict[str, list[str]]
    lower: Floats
    values: Floats
    labels: np.ndarray[Any, Any] | None
    reach: Floats | None

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
        return None if self.reach is None else np.asarray(self.reach > np.array(self.radii)[:, None])

    @property
    def certified_radius(self) -> Floats | None:
        """The largest radius up to which that is known, for each input."""
        return None if self.reach is None else np.minimum(self.reach, np.array(self.radii)[:, None]).max(0)

    def median(self, name: str) -> Floats:
        """Over inputs, of the largest output: what a method bounds it by, or "attained"; shape (radii,)."""
        numbers = self.lower if name == "attained" else self.bounds[name]
        return np.asarray(np.median(numbers.max(2), axis=1))
