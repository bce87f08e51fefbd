"""What of a layer's output the limit of infinite width needs to know: variances, angles and the tangent kernel.

Kernels of kinked activations have square-root singularities at correlation 1, where rounding of 1e-16 in the
correlation becomes 1e-8 in the kernel. So layers hand on the half-angle t between two outputs as the pair sin(t)^2,
cos(t)^2, each obtained without cancellation: the angle stays correct to rounding at both ends, for equal and for
opposite inputs.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Moments(NamedTuple):
    """Second moments of a layer's outputs for all pairs of two sets of inputs, in the limit of infinite width.

    Attributes:
        var1, var2: variance of an output unit at each input.
        sin2, cos2: sin^2 and cos^2 of half the angle of a pair (the correlation is cos2 - sin2). Where a variance is
            zero there is no angle, and any finite values stand here.
        ntk: the tangent kernel up to this layer.
    """

    var1: Float[Array, " n"]
    var2: Float[Array, " m"]
    sin2: Float[Array, "n m"]
    cos2: Float[Array, "n m"]
    ntk: Float[Array, "n m"]

    @property
    def norms(self) -> Float[Array, "n m"]:
        """Product of the two standard deviations."""
        return outer(jnp.sqrt(self.var1), jnp.sqrt(self.var2))

    @property
    def nngp(self) -> Float[Array, "n m"]:
        """Covariance of the outputs."""
        return self.norms * (self.cos2 - self.sin2)

    def with_gaps(self, below: Float[Array, "n m"], above: Float[Array, "n m"]) -> "Moments":
        """Replace the angles, given norms - nngp and norms + nngp; without an angle, keep what was there."""
        twice = 2 * self.norms
        safe = jnp.where(twice > 0, twice, 1)
        return self._replace(
            sin2=jnp.where(twice > 0, below / safe, self.sin2), cos2=jnp.where(twice > 0, above / safe, self.cos2)
        )


def moments_of_inputs(x1: Float[Array, "n d"], x2: Float[Array, "m d"]) -> Moments:
    """The moments before the first layer: mean squares and angles of the inputs."""
    unit1, unit2 = _directions(x1), _directions(x2)
    sin2 = _squared_distances(unit1, unit2) / 4
    return Moments(
        var1=jnp.mean(x1**2, axis=1),
        var2=jnp.mean(x2**2, axis=1),
        sin2=sin2,
        cos2=_squared_distances(unit1, -unit2) / 4,
        ntk=jnp.zeros_like(sin2),
    )


def outer(a: Float[Array, " n"], b: Float[Array, " m"]) -> Float[Array, "n m"]:
    """All products of two vectors."""
    return a[:, None] * b[None, :]


def _directions(x: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Unit vectors; zero stays zero."""
    norms = jnp.linalg.norm(x, axis=1, keepdims=True)
    return x / jnp.where(norms > 0, norms, 1)


@jax.jit  # one fused loop: neither n x m x d numbers in memory nor the cancellation of |x|^2 + |z|^2 - 2 <x, z>
def _squared_distances(x1: Float[Array, "n d"], x2: Float[Array, "m d"]) -> Float[Array, "n m"]:
    return jnp.sum((x1[:, None, :] - x2[None, :, :]) ** 2, axis=-1)
