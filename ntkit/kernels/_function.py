"""A function with parameters at the door: what the empirical kernels demand of it, and of what goes into it."""

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Apply = Callable[[Any, Array], Array]


class Problem(NamedTuple):
    """A checked function with its checked arguments.

    Attributes:
        apply: hashable, so that what is compiled for it is found again.
        params: a pytree of arrays of one floating dtype.
        x1, x2: inputs; x2 is None where it stands for x1.
        outputs: the number k of outputs.
    """

    apply: Apply
    params: Any
    x1: Array
    x2: Array | None
    outputs: int


def as_problem(apply: Apply, params: Any, x1: ArrayLike, x2: ArrayLike | None = None) -> Problem:
    """The arguments of an empirical kernel, or a ValueError that names what is wrong. Values are seen outside of `jit` only."""
    if not _is_key(apply):
        apply = partial(apply)  # known by identity: compiled again at each call
    params = _as_params(params)
    first = _as_inputs("x1", x1)
    second = None if x2 is None else _as_inputs("x2", x2)
    if second is not None and first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"x1 and x2 must have the same shape behind the first axis, got {first.shape[1:]} and {second.shape[1:]}"
        )
    if second is not None and first.dtype != second.dtype:
        raise ValueError(f"x1 and x2 must have the same dtype, got {first.dtype} and {second.dtype}")
    outputs = _outputs(apply, params, first)
    if _seen(*jax.tree.leaves(params), first):
        _refuse_mixing(apply, params, first)
    return Problem(apply, params, first, second, outputs)


def check_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """One of a few values, or a ValueError that lists them."""
    if value not in allowed:
        raise ValueError(f"{name} must be {' or '.join(map(repr, allowed))}, got {value!r}")


def check_count(name: str, value: int, least: int = 1) -> None:
    """An integer that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")


def _is_key(apply: Apply) -> bool:
    """Whether what JAX compiles can be filed under the function: a frozen dataclass that holds arrays has no hash, say."""
    try:
        hash(apply)
        weakref.ref(apply)
    except TypeError:
        return False
    return True


def _as_params(params: Any) -> Any:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    if not leaves:
        raise ValueError("params must hold at least one array, got none")
    dtypes = {}
    for path, leaf in leaves:
        name = f"params{jax.tree_util.keystr(path)}"
        dtypes[name] = _check_array(name, leaf).dtype
        if jnp.size(leaf) == 0:
            raise ValueError(f"{name} must not be empty, got shape {jnp.shape(leaf)}")
    if len(set(dtypes.values())) > 1:
        names = [next(name for name, own in dtypes.items() if own == dtype) for dtype in dict.fromkeys(dtypes.values())]
        shown = " and ".join(f"{name} of {dtypes[name]}" for name in names[:2])
        raise ValueError(f"params must all have one dtype, got {shown}")
    return jax.tree.map(jnp.asarray, params)


def _as_inputs(name: str, x: ArrayLike) -> Float[Array, "n ..."]:
    inputs = _check_array(name, x)
    if inputs.ndim == 0 or 0 in inputs.shape:
        raise ValueError(f"{name} must have shape (batch, ...) with no axis of length 0, got shape {inputs.shape}")
    return inputs


def _check_array(name: str, value: ArrayLike) -> Array:
    """The value as an array of finite floating-point numbers."""
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"{name} must be real floating point, got dtype {array.dtype}")
    if _seen(array):
        bad = array.size - int(jnp.isfinite(array).sum())
        if bad:
            raise ValueError(f"{name} must be finite, got {bad} values (of {array.size}) that are nan or infinite")
    return array


def _seen(*arrays: Array) -> bool:
    """Whether values can be looked at: nothing is being traced, not even what the arrays are used in."""
    return not any(isinstance(array, jax.core.Tracer) for array in (*arrays, jnp.add(1, 1)))


def _outputs(apply: Apply, params: Any, x: Array) -> int:
    """How many outputs the function has."""
    found = jax.eval_shape(apply, params, x)
    if not isinstance(found, jax.ShapeDtypeStruct):
        raise ValueError(f"apply must return one array, got {jax.tree.structure(found)}")
    if len(found.shape) != 2 or found.shape[0] != len(x) or found.shape[1] == 0:
        advice = "; give a single output an axis, [:, None]" if found.shape == x.shape[:1] else ""
        raise ValueError(f"apply must map shape {x.shape} to ({len(x)}, outputs), got {found.shape}{advice}")
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise ValueError(f"apply must return real floating point, got dtype {found.dtype}")
    return int(found.shape[1])


def _refuse_mixing(apply: Apply, params: Any, x: Array) -> None:
    """The first row's output must not move with the second row; batch normalisation in training mode is the usual case."""
    same, other = _with_two_neighbours(apply, params, x[:1])
    scale = float(jnp.abs(same).max())
    if not bool((jnp.abs(same - other) <= float(jnp.spacing(jnp.ones((), same.dtype))) ** 0.5 * scale).all()):
        raise ValueError(
            "apply must act on each row by itself, got an output of row 0 that changes with row 1, from"
            f" {float(same[0]):.6g} to {float(other[0]):.6g}; batch normalisation needs its evaluation mode"
        )


@partial(jax.jit, static_argnums=0)
def _with_two_neighbours(apply: Apply, params: Any, row: Float[Array, "1 ..."]) -> tuple[Array, Array]:
    """Outputs of one row beside itself, and beside a row that differs from it in every entry."""
    same, other = (apply(params, jnp.concatenate([row, second]))[0] for second in (row, row + 1 + jnp.abs(row)))
    worst = jnp.argmax(jnp.abs(same - other))[None]
    return jnp.concatenate([same[worst], same]), jnp.concatenate([other[worst], other])
