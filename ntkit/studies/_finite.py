"""Finite networks of studies: in words or of a user's file, with weights that are drawn or read."""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies._user_network import UserNetwork, is_place, user_network

if TYPE_CHECKING:
    import jax

    from ntkit.kernels import Network

LAYOUTS = ("hwio", "oihw")
_LEAF = re.compile(r"(weights?|kernel|bias|scale|[wb])(?=[0-9]*$)", re.IGNORECASE)  # what names a layer's own arrays apart


def add_weights_options(parser: argparse.ArgumentParser, meaning: str, *, required: bool = False) -> None:
    """Declare the file of weights, and the order of axes in it."""
    parser.add_argument("--weights", required=required, metavar="FILE", help=meaning)
    parser.add_argument(
        "--layout", choices=LAYOUTS, help="axes of weights in that file, with --net: hwio and (in, out) as here, which is "
        "the default, or oihw and (out, in) as in PyTorch",
    )  # fmt: skip


@dataclass(frozen=True)
class FiniteNetwork:
    """A network at its weights; a kernel, too: its tangent kernel, averaged over outputs.

    Attributes:
        net: in words, or the user's.
        words: that name it.
        params: its parameters, a pytree.
        weights: hash of the parameters, by which a matrix that was begun is known again.
        code: hash of the user's file, likewise; empty for words.
    """

    net: Network | UserNetwork = field(repr=False)
    words: str
    params: Any = field(repr=False)
    weights: str
    code: str

    @classmethod
    def at(cls, net: Network | UserNetwork, params: Any) -> FiniteNetwork:
        """A network at these parameters."""
        import jax

        digest = hashlib.sha256()
        for leaf in jax.tree.leaves(params):
            digest.update(f"{leaf.shape} {leaf.dtype} ".encode() + np.asarray(leaf).tobytes())
        code = net.code if isinstance(net, UserNetwork) else ""
        return cls(net, name_of(net), params, digest.hexdigest(), code)

    def gram(self, x1: Any, x2: Any = None) -> jax.Array:
        """The tangent kernel of all pairs of inputs."""
        from ntkit.kernels import empirical_ntk

        if isinstance(self.net, UserNetwork):
            return empirical_ntk(self.net.apply, self.params, x1, x2)
        return self.net.empirical_ntk(self.params, x1, x2)


def name_of(net: Network | UserNetwork) -> str:
    """Words of layers, or FILE.py:function."""
    from ntkit.kernels import words

    return net.place if isinstance(net, UserNetwork) else words(net)


def parsed_network(text: str, shape: tuple[int, ...] | None = None, *, finite: bool = False) -> Network:
    """The network of --net, in words.

    Raises:
        UsageError: words that cannot be; a note points at the one that is wrong.
    """
    from ntkit.kernels import parse

    try:
        return parse(text, shape, finite=finite)
    except ValueError as error:
        hint = "" if shape is None else f" (inputs of shape {shape}; --as reads them otherwise)"
        wrong = UsageError(f"--net: {error}{hint}")
        for note in getattr(error, "__notes__", ()):
            wrong.add_note(note)
        raise wrong from None


def drawn_network(options: argparse.Namespace, shape: tuple[int, ...], key: jax.Array) -> FiniteNetwork:
    """The network of --net, at the weights of --weights, else at random ones.

    Args:
        options: with net, weights, layout, dtype.
        shape: of one input.
        key: of the random weights.

    Raises:
        UsageError: words without a width, or weights of another network.
        UserCodeError: the user's code raised.
    """
    if options.layout == "oihw" and re.search(r"\bflatten\b", options.net, re.IGNORECASE):
        raise UsageError("--layout oihw: does not go with flatten, which puts pixels into another order there; use gap")
    net: Network | UserNetwork
    if is_place(options.net):
        net = user_network(options.net)
        params = net.init(key)
    else:
        net = parsed_network(options.net, shape, finite=True)
        params = net.init(key, shape, parametrization="standard", dtype=options.dtype)
    if options.weights is not None:
        layout, layers = options.layout or LAYOUTS[0], not is_place(options.net)
        params = read_weights(options.weights, params, layout, layers=layers, max_bytes=options.max_bytes)
    elif options.layout is not None:
        raise UsageError(f"--layout {options.layout}: goes with --weights")
    return FiniteNetwork.at(net, params)


def weights_error(error: Exception) -> UsageError:
    """What is wrong with the file of --weights, said of its option."""
    said = str(error).replace("max_bytes", "--max-bytes")
    for name in ("activation", "input_shape"):
        said = said.replace(f"{name} must be given", f"--{name.replace('_', '-')} must be given")
    return UsageError(f"--weights {said}")


def read_weights(file: str, like: Any, layout: str, *, layers: bool, max_bytes: int | None = None) -> Any:
    """Weights of a file, for a network whose parameters look like this.

    Arrays are taken by their names where those are the paths of the parameters, as in "block.first"; or in the order arr_0,
    arr_1, ..., as `ntkit analyze landscape` writes them; or, of layers alone, in the order that other names say.

    Args:
        file: its path.
        like: parameters of the same shapes.
        layout: of the axes in the file.
        layers: whether the parameters are those of layers, one after the other.
        max_bytes: that they may take; by default a quarter of the memory.

    Raises:
        UsageError: no such file, other names or shapes, or numbers that are not finite.
    """
    import jax
    import jax.numpy as jnp

    from ntkit.data import arrays

    try:
        found = arrays(file, max_bytes=max_bytes)
    except (ValueError, ImportError) as error:
        raise weights_error(error) from None
    leaves, structure = jax.tree.flatten(like)
    paths = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree_util.tree_leaves_with_path(like)]
    names = sorted(found, key=lambda name: _order(name, found[name]))
    if set(paths) == set(found):
        names = paths
    elif not layers and names != [f"arr_{i}" for i in range(len(names))]:
        raise UsageError(f"--weights {file}: must hold arrays {', '.join(paths)}, or arr_0, arr_1, ..., got {', '.join(names)}")
    turn: Callable[[np.ndarray], np.ndarray] = _from_oihw if layout == "oihw" else np.asarray
    named = [(name, turn(found[name])) for name in names]
    expected = [leaf.shape for leaf in leaves]
    if [array.shape for _, array in named] != expected:
        shown = ", ".join(f"{name} {array.shape}" for name, array in named) or "none"
        hint = "; dense64@,1 has a bias" if len(named) > len(expected) else ""
        raise UsageError(f"--weights {file}: must hold arrays of shapes {', '.join(map(str, expected))}, got {shown}{hint}")
    for name, array in named:
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise UsageError(f"--weights {file}: {name} must hold finite floating-point numbers")
    return jax.tree.unflatten(structure, [jnp.asarray(a, leaf.dtype) for (_, a), leaf in zip(named, leaves, strict=True)])


def _order(name: str, array: np.ndarray) -> tuple[Any, ...]:
    """Layers by the numbers in their names, and a layer's weights before its bias."""
    layer = [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", _LEAF.sub("", name))]
    return [(isinstance(part, str), part) for part in layer], -array.ndim


def _from_oihw(array: np.ndarray) -> np.ndarray:
    """Output channels last, and input channels before them."""
    return np.asarray(array if array.ndim < 2 else np.moveaxis(array, (0, 1), (-1, -2)))
