"""Modules of other libraries as a function and its parameters: three lines each, to be copied where they do not fit."""

from collections.abc import Callable, Mapping
from typing import Any

from jaxtyping import Array

from ntkit.kernels._function import Apply


def from_linen(module: Any, variables: Mapping[str, Any], **options: Any) -> tuple[Apply, Any]:
    """A Flax linen module: `module.apply` on its collection "params", all other collections kept as they are.

    Args:
        module: a `flax.linen.Module` that maps (batch, ...) to (batch, outputs).
        variables: what `module.init` returned, or the trained variables.
        options: passed on to `module.apply`, such as `train=False`.

    Returns:
        (apply, params), as `empirical_ntk` takes them.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flax import linen
        >>> module = linen.Dense(2)
        >>> apply, params = from_linen(module, module.init(jax.random.key(0), jnp.ones((1, 3), jnp.float32)))
        >>> apply(params, jnp.ones((5, 3), jnp.float32)).shape
        (5, 2)
    """
    others = {name: value for name, value in variables.items() if name != "params"}
    return lambda params, x: module.apply({**others, "params": params}, x, **options), variables["params"]


def from_nnx(module: Any) -> tuple[Apply, Any]:
    """A Flax NNX module: its variables of kind `nnx.Param`; all others, such as batch statistics, kept as they are.

    Args:
        module: a `flax.nnx.Module` that maps (batch, ...) to (batch, outputs), in its evaluation mode.

    Returns:
        (apply, params), as `empirical_ntk` takes them.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> apply, params = from_nnx(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
        >>> apply(params, jnp.ones((5, 3), jnp.float32)).shape
        (5, 2)
    """
    from flax import nnx

    graph, params, others = nnx.split(module, nnx.Param, ...)  # type: ignore[misc]
    return lambda params, x: nnx.merge(graph, params, others)(x), nnx.to_pure_dict(params)


def from_equinox(module: Callable[[Array], Array]) -> tuple[Apply, Any]:
    """An Equinox module, which maps one sample: its floating-point arrays; all else kept as it is.

    Args:
        module: an `equinox.Module` that maps shape (...) to (outputs,), in its inference mode.

    Returns:
        (apply, params), as `empirical_ntk` takes them.

    Example:
        >>> import equinox, jax, jax.numpy as jnp
        >>> apply, params = from_equinox(equinox.nn.Linear(3, 2, key=jax.random.key(0)))
        >>> apply(params, jnp.ones((5, 3))).shape
        (5, 2)
    """
    import equinox
    import jax

    params, others = equinox.partition(module, equinox.is_inexact_array)
    return lambda params, x: jax.vmap(equinox.combine(params, others))(x), params
