"""What a bound says about itself."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Side = Literal["upper", "exact"]


@dataclass(frozen=True)
class Bound:
    """How much outputs of a network can change on a set of inputs, for a change of the input by 1 in a norm.

    Attributes:
        rows: one bound for each output, shape (outputs,), or (batch, outputs).
        value: of all outputs together, the operator norm: the norm `out_norm` of the rows, their maximum for inf.
        lower: what the Jacobian attains for each output at some point of the set, up to rounding, in the shape of `rows`.
        side: "upper", or "exact": met by `lower` up to the solver's tolerance. What is certified is "upper", met or not.
        method, forward: how it was computed.
        arithmetic: "float64+outward" and "float32+outward" hold for real numbers, given the weights as they are; "ball" does,
            too, and is rounded once, up from 128 bits; "float64" may be off by rounding; "float64, solver tolerance 1e-7" by
            that.
        box: the two corners of the smallest box that holds the set.
        seconds: it took, compilation included.
        status: a sentence on how it ended.
        closed: whether upper and lower bounds met, by branching or an exact solver.
        nodes: parts of balls that branching looked at.
    """

    rows: Float[np.ndarray, "..."]
    value: Float[np.ndarray, "..."]
    lower: Float[np.ndarray, "..."]
    side: Side
    method: str
    forward: str | None
    arithmetic: str
    box: tuple[np.ndarray, np.ndarray]
    seconds: float
    status: str = "computed"
    closed: bool = False
    nodes: int = 0
