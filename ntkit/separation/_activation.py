"""The activation of local signal adaptivity: a soft threshold."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def soft_threshold(z: Float[Array, "..."], threshold: float) -> Float[Array, "..."]:
    """relu(z - b) - relu(-z - b): what of z lies beyond the threshold b >= 0, with its sign; b = 0 is the identity.

    Odd, 1-Lipschitz, and soft_threshold(soft_threshold(z, b), c) = soft_threshold(z, b + c). Its derivative is `gate`.

    Example:
        >>> soft_threshold(jnp.array([-3.0, 0.5, 2.0]), 1.0).tolist()
        [-2.0, 0.0, 1.0]

    Source: Karp, Winston, Li, Singh (2021), local signal adaptivity; Lahoti et al. (2024), equation unconfirmed.
    """
    return z - jnp.clip(z, -threshold, threshold)


@soft_threshold.defjvp
def _derivative(threshold: float, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (z,), (change,) = primals, tangents
    return soft_threshold(z, threshold), jnp.where(gate(z, threshold), change, 0)


def gate(z: Float[Array, "..."], threshold: float) -> Bool[Array, "..."]:
    """Where the derivative of `soft_threshold` is 1: |z| > b, and everywhere for b = 0.

    Written as a difference of two ReLUs, the identity would get the derivative 0 at 0, and training from zero would not start.
    """
    return (jnp.abs(z) > threshold) | jnp.equal(threshold, 0.0)
