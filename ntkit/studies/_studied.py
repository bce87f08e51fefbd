"""A finite network as a function of its parameters: of words, of a user's function, or of a file that holds it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ntkit.claims import UsageError
from ntkit.studies._finite import weights_error
from ntkit.studies._inputs import COUNT, Inputs, channels_first, chosen_inputs, every_layer, finite_network_and_inputs
from ntkit.studies._user_network import UserNetwork

if TYPE_CHECKING:
    import jax

    from ntkit.kernels import Layer
    from ntkit.lipschitz import Network


@dataclass(frozen=True)
class Studied:
    """A network with its weights.

    Attributes:
        words: what it is.
        params: a pytree.
        outputs: of params and inputs, shape (n, outputs).
        filter_axis: of output units in the weights.
        homogeneous: whether units can be rescaled without changing the function; None if that is not known.
        trained: how, in words; None for weights of a file.
        code: what else the function is made of: the hash of a user's file, or the structure of a network of a file.
    """

    words: str
    params: Any
    outputs: Callable[[Any, Any], jax.Array]
    filter_axis: int
    homogeneous: bool | None
    trained: str | None
    code: str = ""


def studied_network(options: argparse.Namespace, key: jax.Array) -> tuple[Studied, Inputs]:
    """The network that --net or --weights name, and inputs as it takes them.

    Args:
        options: those of `add_study_options(files=True)`, and activation.
        key: of random weights.

    Raises:
        UsageError: no network, a wrong one, or options that do not go together.
        UserCodeError: the user's code raised.
    """
    if options.net is not None:
        return _in_words(options, key)
    if options.weights is None:
        raise UsageError("--net or --weights must be given: the network, in words or from a file")
    return _of_file(options)


def _in_words(options: argparse.Namespace, key: jax.Array) -> tuple[Studied, Inputs]:
    """The network of --net, at random weights or those of a file."""
    if options.activation is not None:
        raise UsageError(f"--activation {options.activation}: goes with a network of a file, not with --net")
    finite, inputs = finite_network_and_inputs(options, key)
    homogeneous = None if isinstance(finite.net, UserNetwork) else rescalable(finite.net.layers)
    return Studied(finite.words, finite.params, finite.net.apply, -1, homogeneous, None, finite.code), inputs


def rescalable(layers: Sequence[Layer]) -> bool:
    """Whether there are units between two layers of weights, through homogeneous functions alone, without normalisation."""
    from ntkit.kernels import Abs, AvgPool, Conv, Dense, Flatten, GlobalAvgPool, Identity, LeakyRelu, Relu

    kinds = {"w": Dense | Conv, "h": Relu | LeakyRelu | Abs, "-": AvgPool | GlobalAvgPool | Flatten | Identity}
    letters = "".join(
        next((letter for letter, kind in kinds.items() if isinstance(layer, kind)), "x") for layer in every_layer(layers)
    )
    return re.search("w-*h[h-]*w", letters) is not None


def _of_file(options: argparse.Namespace) -> tuple[Studied, Inputs]:
    """A network of a file, as it is."""
    import jax
    import jax.numpy as jnp

    from ntkit.lipschitz import load_network

    for name, given in (("as", options.shape), ("centre", options.centre), ("normalise", options.normalise)):
        if given:
            raise UsageError(f"--{name}: goes with --net; a network of a file takes its inputs as they are")
    if options.layout is not None:
        raise UsageError(f"--layout {options.layout}: goes with --net")
    try:
        net: Network = load_network(options.weights, activation=options.activation, max_bytes=options.max_bytes)
    except (ValueError, ImportError) as error:
        raise weights_error(error) from None
    inputs, _ = chosen_inputs(options, options.dtype, COUNT, least=2)
    inputs = replace(inputs, x=channels_first(net.input_shape, inputs.x))
    structure = jax.tree.structure(net)
    parts = [_part(path, jnp.asarray(leaf, options.dtype)) for path, leaf in jax.tree_util.tree_leaves_with_path(net)]

    def outputs(params: list[jax.Array], x: Any) -> jax.Array:
        filled: Network = jax.tree.unflatten(structure, [fill(own) for own, (_, fill) in zip(params, parts, strict=True)])
        return filled(x)

    moved = [own for own, _ in parts]
    return Studied(repr(net), moved, outputs, 0, net.piecewise and len(net.steps) > 1, None, str(structure)), inputs


def _part(path: Any, leaf: jax.Array) -> tuple[jax.Array, Callable[[jax.Array], jax.Array]]:
    """The parameters that a leaf of a network is made of, and how: biases stand there once for each place of an image."""
    import jax.numpy as jnp

    if getattr(path[-1], "name", "") != "bias" or leaf.ndim < 2:
        return leaf, lambda own: own
    rows = leaf.reshape(len(leaf), -1)
    if (rows == rows[:, :1]).all():
        return rows[:, 0], lambda own: jnp.broadcast_to(own.reshape(-1, *[1] * (leaf.ndim - 1)), leaf.shape)
    return leaf.ravel(), lambda own: own.reshape(leaf.shape)
