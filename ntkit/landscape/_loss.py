"""What a loss is here: a function of parameters, perhaps a sum over parts of the data; and what is asked of both."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

Params: TypeAlias = Any  # a pytree of arrays
Loss = Callable[[Params], Float[Array, ""]]


class SumOfParts:
    """A loss that is a weighted sum over parts of the data, computed one after another in a fixed order.

    Only one part is in memory at a time, in derivatives too, and the sum is the same in every run.

    Args:
        part_loss: of parameters and a part, a number.
        parts: a pytree of arrays with the parts along the first axis.
        weights: of the parts, shape (parts,); None for equal ones that add up to 1.

    Raises:
        ValueError: there are no parts, their number is not the same everywhere, or a weight is not finite.

    Example:
        >>> loss = SumOfParts(lambda w, x: (w - x) ** 2, jnp.array([1.0, 3.0]))
        >>> float(loss(jnp.array(0.0)))
        5.0
    """

    def __init__(
        self,
        part_loss: Callable[[Params, Any], Float[Array, ""]],
        parts: PyTree[Array],
        weights: Float[Array, " parts"] | Sequence[float] | None = None,
    ) -> None:
        leaves = jax.tree.leaves(parts)
        counts = sorted({leaf.shape[0] if np.ndim(leaf) else 0 for leaf in leaves})
        if len(counts) != 1 or counts[0] == 0:
            raise ValueError(f"parts must be arrays with the same number of parts, at least 1, along axis 0, got {counts}")
        self.part_loss, self.parts, self.count = part_loss, parts, counts[0]
        self.weights = np.full(self.count, 1 / self.count) if weights is None else np.asarray(weights)
        if self.weights.shape != (self.count,) or not np.isfinite(self.weights).all():
            raise ValueError(f"weights must be {self.count} finite numbers, one for each part, got {weights!r}")

    def __call__(self, params: Params) -> Float[Array, ""]:
        value: Array = self.added(lambda part: self.part_loss(params, part))
        return value

    def added(self, function: Callable[[Any], Any]) -> Any:
        """The weighted sum of a function of the parts, which gives a pytree of arrays."""

        def weighted(part: Any, weight: Float[Array, ""]) -> Any:
            return jax.tree.map(lambda leaf: weight.astype(leaf.dtype) * leaf, function(part))

        weights = jnp.asarray(self.weights)
        like = jax.eval_shape(weighted, jax.tree.map(lambda leaf: leaf[0], self.parts), weights[0])
        start = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)

        def step(total: Any, one: Any) -> tuple[Any, None]:
            return jax.tree.map(jnp.add, total, weighted(*one)), None

        return jax.lax.scan(step, start, (self.parts, weights))[0]


class AffineFirst:
    """A loss whose first step is affine in the parameters, and is therefore computed along a direction only once.

    On a slice the first layer of a network on all data is Z + a Z1 + b Z2, so that three products take the place of one for
    each point. It pays where inputs are wide.

    Args:
        first: of the parameters, affine in them: a pytree of arrays, such as what goes into the first activation.
        rest: of what `first` gives and the parameters, a number.

    Example:
        >>> loss = AffineFirst(lambda w: jnp.array([1.0, 2.0]) * w, lambda z, w: jnp.tanh(z).sum())
        >>> float(loss(jnp.array(0.0)))
        0.0
    """

    def __init__(self, first: Callable[[Params], PyTree[Array]], rest: Callable[[Any, Params], Float[Array, ""]]) -> None:
        self.first, self.rest = first, rest

    def __call__(self, params: Params) -> Float[Array, ""]:
        return self.rest(self.first(params), params)


def check_params(params: Params) -> None:
    """Refuse what cannot be moved along a direction."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    if not leaves:
        raise ValueError(f"params must have at least one array, got {params!r}")
    kinds = set()
    for path, leaf in leaves:
        name = f"params{jax.tree_util.keystr(path)}"
        dtype = getattr(leaf, "dtype", None)
        if dtype is None or not jnp.issubdtype(dtype, jnp.floating):
            raise ValueError(f"{name} must be an array of floating point numbers, got {leaf if dtype is None else dtype}")
        if dtype == np.float64 and jnp.zeros(0, float).dtype != np.float64:
            raise ValueError(
                f"{name} must be float32 while JAX is in single precision, got float64: convert it, or call "
                "jax.config.update('jax_enable_x64', True) first"
            )
        lost = _nonfinite(leaf)
        if lost:
            raise ValueError(f"{name} must be finite, got NaN or infinity in {lost} of {leaf.size}")
        kinds.add(str(dtype))
    if len(kinds) > 1:
        raise ValueError(f"params must all have one dtype, got {sorted(kinds)}")


def check_loss(loss: Loss, params: Params, name: str = "loss") -> float:
    """Refuse a loss that is not one number, or not the same number twice.

    Returns:
        Its value at the parameters.

    Raises:
        ValueError: see above; also for `params` without arrays, with integers, NaN, or several dtypes.
    """
    check_params(params)
    shape = jax.eval_shape(loss, params)
    if getattr(shape, "shape", None) != () or not jnp.issubdtype(shape.dtype, jnp.floating):
        raise ValueError(f"{name} must return one floating point number, got {shape}")
    first, second = np.asarray(loss(params)), np.asarray(loss(params))
    if not np.array_equal(first, second, equal_nan=True):
        raise ValueError(
            f"{name} must be deterministic, got {first} and then {second} for the same parameters: fix the data's order and "
            "the keys of dropout and augmentation, and evaluate batch normalisation in one mode"
        )
    return float(first)


def check_direction(name: str, direction: Params, params: Params) -> None:
    """Refuse a direction of another structure, shape or dtype than the parameters, or with NaN."""
    own, others = (str(jax.tree.structure(tree)) for tree in (params, direction))
    if own != others:
        raise ValueError(f"{name} must have the structure of params, {own}, got {others}")
    for (path, leaf), way in zip(jax.tree_util.tree_leaves_with_path(params), jax.tree.leaves(direction), strict=True):
        where = f"{name}{jax.tree_util.keystr(path)}"
        if np.shape(way) != leaf.shape or getattr(way, "dtype", None) != leaf.dtype:
            got = f"{getattr(way, 'dtype', type(way).__name__)}{list(np.shape(way))}"
            raise ValueError(f"{where} must be {leaf.dtype}{list(leaf.shape)}, as in params, got {got}")
        if _nonfinite(way):
            raise ValueError(f"{where} must be finite, got NaN or infinity")


def _nonfinite(leaf: Array | np.ndarray) -> int:
    """How many numbers are NaN or infinite; of a traced array nothing is known."""
    return 0 if isinstance(leaf, jax.core.Tracer) else int((~np.isfinite(np.asarray(leaf))).sum())
