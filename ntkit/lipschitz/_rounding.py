"""How far a computed number may lie from the true one, so that bounds can be rounded outward.

Bounds are sums over the nodes of a relaxation (`ntkit.lipschitz._relaxation`): a row of coefficients is pulled from node to
node, and leaves a constant at each. Take the computed coefficients A of a node as they are, whatever they should have been, and
ask by how much the next step is off. Pulled through a linear map L of a parent p with |p| <= m, they are A L in truth, and
fl(A L) differs from it by at most gamma_n |A| |L|, entry by entry, n being the terms of the longest sum (Higham 2002, section
3.5: in whatever order they are added, with or without fused operations). The bound therefore is off by at most

    gamma_n |A| |L| m + gamma_N |A| |b|,

b being the node's constants and N how many there are, as they add up to one number. So every node has two weights, |L| m and
|b|, bounds of what they belong to that know no cancellation, and a bound is off by at most the sum of this over its nodes. That
costs two more products with vectors for each node, and needs no products of the matrices' absolute values. The same holds for
lines (L is diagonal), for sums, and for the ball (whose largest |x| counts as a constant). N is much larger than n, but most
constants are small or 0. Errors of these errors are of the order gamma_n gamma_N, and covered by doubling n and N.

A compiler may fuse and reorder, therefore nothing is rounded operation by operation. It may also compute a number anew wherever
it is read, rounded otherwise each time; barriers do not keep it from that on CPUs. Sums of many terms are taken to be computed
once (XLA counts them as expensive), but what is done to them number by number need not be. So nothing is decided by comparing
computed numbers where the decision makes more difference than their rounding: an interval's end may be compared with 0, as the
lines on both sides of 0 meet, but of two planes none may be chosen for being higher somewhere. What the readers of one number
differ by is a few roundings, which the terms that are counted beyond n cover; where coefficients from two children are added,
it is their absolute values that count. Underflow is covered by the smallest normal number: what underflows, flushed to zero or
not, is off by at most that.
"""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Arithmetic = Literal["float64", "float64+outward", "float32+outward", "ball"]
FLOATS: tuple[Arithmetic, ...] = ("float64", "float64+outward", "float32+outward")
ARITHMETICS: tuple[Arithmetic, ...] = (*FLOATS, "ball")
Real = Float[Array, "..."]


@dataclass(frozen=True)
class Rounding:
    """Outward rounding, or none.

    Attributes:
        outward: whether bounds are moved outward by what they may be off by.
    """

    outward: bool

    def up(self, value: Real, weight: Real, terms: int) -> Real:
        """No less than the true number, for a value computed by sums of so many terms whose absolute values add up to `weight`.

        Example:
            >>> x = jnp.float32(1.0)
            >>> bool(Rounding(True).up(x, x, 10) > x), bool(Rounding(False).up(x, x, 10) == x)
            (True, True)
        """
        return value + self.slack(weight, terms) if self.outward else value

    def down(self, value: Real, weight: Real, terms: int) -> Real:
        """No more than the true number."""
        return value - self.slack(weight, terms) if self.outward else value

    @staticmethod
    def slack(weight: Real, terms: int) -> Real:
        """By how much a number may be off."""
        limits = np.finfo(weight.dtype)
        unit, tiny = float(limits.eps) / 2, float(limits.tiny)
        n = 2 * (terms + 8)
        if n * unit >= 0.5:
            raise ValueError(f"arithmetic must have more digits for sums of {terms} terms, got {weight.dtype}")
        return jnp.asarray(n * unit / (1 - n * unit), weight.dtype) * weight + jnp.asarray(n * tiny, weight.dtype) * (
            1 + weight
        )
