"""Which filters a network has, and what each of them sees of a sample."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from ntkit.separation._gate import Draws

Architecture = Literal["fcn", "lcn", "cnn"]
ARCHITECTURES: tuple[Architecture, ...] = ("fcn", "lcn", "cnn")


@dataclass(frozen=True)
class Layout:
    """One filter is one weight vector; what it sees of a sample are its draws, in `dim` dimensions.

    fcn: all units are equal (they start at zero), one filter that sees the whole input, with the signal in k directions.
    lcn: a filter for each patch. cnn: one filter, which sees k patches of every sample, one of them with the signal.
    """

    architecture: Architecture
    patches: int
    filters: int
    signals: int
    dim: int

    def draws(self, n: Int[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
        """How many draws a filter has of n samples."""
        return n * (float(self.patches) if self.architecture == "cnn" else 1.0)

    def signals_in(self, counts: Int[np.ndarray, "points patches"]) -> Int[np.ndarray, "points filters signals"]:
        """How often each filter meets each signal, from how often each patch carries it."""
        if self.architecture == "cnn":
            return np.asarray(counts.sum(axis=1)[:, None, None])
        return counts[:, None, :] if self.architecture == "fcn" else counts[:, :, None]

    def of_samples(self, n: Int[np.ndarray, " points"], places: Int[np.ndarray, " samples"]) -> Draws:
        """The draws of samples whose signal is in these patches."""
        if self.architecture == "fcn":
            return Draws(n, np.zeros(1, dtype=np.int64), (np.zeros_like(places), places), 1, self.patches)
        filter_of = np.arange(self.patches) if self.architecture == "lcn" else np.zeros(self.patches, dtype=np.int64)
        return Draws(n, filter_of, (places, np.zeros_like(places)), self.filters, 1)


def check_architecture(architecture: object) -> None:
    """Refuse what is none of the three."""
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture must be {', '.join(map(repr, ARCHITECTURES))}, got {architecture!r}")


def layout_of(architecture: Architecture, patches: int, dim: int) -> Layout:
    """The layout of a network on inputs of this shape.

    Example:
        >>> layout_of("lcn", 4, 100).filters, layout_of("fcn", 4, 100).dim
        (4, 400)
    """
    check_architecture(architecture)
    if architecture == "fcn":
        return Layout(architecture, patches, 1, patches, patches * dim)
    return Layout(architecture, patches, patches if architecture == "lcn" else 1, 1, dim)
