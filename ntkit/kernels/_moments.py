"""What of a layer's outputs the limit of infinite width needs to know: variances, angles and the tangent kernel.

Kernels of kinked activations have square-root singularities at correlation 1, where rounding of 1e-16 in the
correlation becomes 1e-8 in the kernel. So layers hand on the half-angle t between two outputs as the pair sin(t)^2,
cos(t)^2, each obtained without cancellation: the angle stays correct to rounding at both ends, for equal and for
opposite inputs.

Arrays of pairs have the axes (*space, n, m), or (*space, *space, n, m) where all pairs of pixels are known; arrays of
one side have the same number of axes, with 1 where they do not vary, so that everything broadcasts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ntkit.kernels._arc import root


class Needs(NamedTuple):
    """What the layers still to come ask of the moments at some point of a network.

    Attributes:
        pairs: all pairs of pixels, not only equal ones, since a pooling follows.
        angles: variances and angles, not only covariances, since a nonlinearity follows.
        own: the moments of every input with itself for all pairs of pixels, since a nonlinearity follows a pooling.
    """

    pairs: bool = False
    angles: bool = False
    own: bool = False

    def __or__(self, other: "Needs") -> "Needs":
        return Needs(*(a or b for a, b in zip(self, other, strict=True)))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Moments:
    """Second moments of a layer's outputs for all pairs of two sets of inputs, in the limit of infinite width.

    Attributes:
        space: number of spatial axes.
        pairs: whether pairs of pixels stand on 2 * space axes.
        ntk: the tangent kernel up to this layer.
        covariance: of one unit; None where angles are kept instead.
        var1, var2: variance of one unit at each input; None with `covariance`.
        sin2: sin^2 of half the angle of a pair. Where a variance is zero there is no angle, and any finite value
            stands here; so for cos2.
        cos2: cos^2 of half the angle; None where no correlation is negative, so that 1 - sin2 has all digits.
        own: moments of each input of either side with itself, (*space, *space, n, 1) and (*space, *space, 1, m).
    """

    space: int = field(metadata={"static": True})
    pairs: bool = field(metadata={"static": True})
    ntk: Any  # arrays; JAX also builds these objects with placeholders
    covariance: Any = None
    var1: Any = None
    var2: Any = None
    sin2: Any = None
    cos2: Any = None
    own: Any = None

    @property
    def nngp(self) -> Float[Array, "..."]:
        """Covariance of the outputs."""
        if self.covariance is not None:
            covariance: Array = self.covariance
            return covariance
        angles = self.angles
        return angles.norms * angles.cosine

    @property
    def angles(self) -> "Angles":
        """Variances and angles; only where they are known."""
        assert self.var1 is not None
        assert self.var2 is not None
        assert self.sin2 is not None
        return Angles(self.var1, self.var2, self.sin2, self.cos2)

    def with_angles(self, angles: "Angles", ntk: Float[Array, "..."]) -> "Moments":
        """The same places with other moments."""
        return replace(self, ntk=ntk, covariance=None, var1=angles.var1, var2=angles.var2, sin2=angles.sin2, cos2=angles.cos2)

    def reduced(self, needs: Needs) -> "Moments":
        """Without the pairs of pixels and the inputs' own moments that are not needed."""
        moments = self if needs.own else replace(self, own=None)
        if needs.pairs or not self.pairs:
            return moments
        return replace(moments.map(lambda x: at_equal_pixels(x, self.space)), pairs=False)

    def map(self, function: Callable[[Array], Array]) -> "Moments":
        """The function of every array but those of the inputs with themselves."""
        out: Moments = jax.tree.map(function, replace(self, own=None))
        return replace(out, own=self.own)


def at_equal_pixels(x: Float[Array, "..."], space: int) -> Float[Array, "..."]:
    """(*space, *space, n, m) -> (*space, n, m); an array that does not vary along one of two axes has length 1 there."""
    pixels = tuple(max(pair) for pair in zip(x.shape[:space], x.shape[space : 2 * space], strict=True))
    letters = "ab"[:space]
    return jnp.einsum(f"{letters}{letters}...->{letters}...", jnp.broadcast_to(x, (*pixels, *pixels, *x.shape[2 * space :])))


def everywhere(function: Callable[[Moments], Moments], moments: Moments) -> Moments:
    """The function of the moments, and of those of the inputs with themselves."""
    out = function(moments)
    return out if moments.own is None else replace(out, own=(function(moments.own[0]), function(moments.own[1])))


class Angles(NamedTuple):
    """Variances and half-angles; see `Moments`."""

    var1: Float[Array, "..."]
    var2: Float[Array, "..."]
    sin2: Float[Array, "..."]
    cos2: Float[Array, "..."] | None

    @property
    def norms(self) -> Float[Array, "..."]:
        """Product of the two standard deviations."""
        return root(self.var1) * root(self.var2)

    @property
    def cosine(self) -> Float[Array, "..."]:
        """The correlation."""
        return 1 - 2 * self.sin2 if self.cos2 is None else self.cos2 - self.sin2

    @property
    def both(self) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """sin2 and cos2."""
        return self.sin2, 1 - self.sin2 if self.cos2 is None else self.cos2

    @property
    def same(self) -> Bool[Array, "..."]:
        """Whether the two variances are equal."""
        return jnp.asarray(self.var1 == self.var2)

    def with_gaps(self, var1: Array, var2: Array, below: Array, above: Array | None) -> "Angles":
        """Other variances, and angles from norms - nngp and norms + nngp; without an angle, keep what was there."""
        twice = 2 * root(var1) * root(var2)
        some = twice > 0
        safe = jnp.where(some, twice, 1)
        cos2 = None if above is None else jnp.where(some, jnp.maximum(above, 0) / safe, self.both[1])
        return Angles(var1, var2, jnp.where(some, jnp.maximum(below, 0) / safe, self.sin2), cos2)
