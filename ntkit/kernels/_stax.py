"""Architectures of neural-tangents, with the faces of ours."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ntkit.kernels._door import as_pair


@dataclass(frozen=True)
class StaxKernel:
    """Kernels of an architecture of neural-tangents; made by `from_stax`. Tiles: `gram(kernel.ntk, x)`."""

    kernel_fn: Callable[..., Any]

    def nngp(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """As `Network.nngp`, with the accuracy of neural-tangents: correlations near 1 lose half of their digits."""
        return self._evaluate("nngp", x1, x2)

    def ntk(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """As `Network.ntk`; see `nngp`."""
        return self._evaluate("ntk", x1, x2)

    def _evaluate(self, kind: str, x1: ArrayLike, x2: ArrayLike | None) -> Array:
        first, second = as_pair(x1, x2)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            out: Array = _compiled(self.kernel_fn, kind, first, None if x2 is None else second)
        return out


def from_stax(kernel_fn: Any) -> StaxKernel:
    """An architecture of neural-tangents, from the third part of what its layers return.

    Raises:
        ValueError: kernel_fn is not callable, for example the whole triple (init_fn, apply_fn, kernel_fn).

    Example:
        >>> import numpy as np
        >>> from ntkit._compat import neural_tangents
        >>> stax = neural_tangents.load().stax
        >>> _, _, kernel_fn = stax.serial(stax.Dense(1), stax.Relu(), stax.Dense(1))
        >>> from_stax(kernel_fn).nngp(np.eye(2) * 2).tolist()[0][0]  # E relu(g)^2 for g of variance |x|^2 / 2
        1.0
    """
    if not callable(kernel_fn):
        raise ValueError(f"kernel_fn must be callable, the third part of what stax returns, got {kernel_fn!r}")
    return StaxKernel(kernel_fn)


@partial(jax.jit, static_argnums=(0, 1))
def _compiled(kernel_fn: Callable[..., Any], kind: str, x1: Array, x2: Array | None) -> Array:
    out: Array = kernel_fn(x1, x2, kind)
    return out
