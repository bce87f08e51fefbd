"""What does the loss look like around a network, and how much of it does the picture show?

The network is given in words, as for `ntkit analyze kernel`, and trained here by Adam in
the standard parametrisation, with the numbers of --width, --steps, --rate, --batch; what
comes out is written to weights.npz, which --weights takes in place of training. Or it
comes from a file, --weights without --net: .npz, .safetensors or .onnx, as for `ntkit
analyze lipschitz`, and is taken as it is.

The loss, cross-entropy or half the squared distance, is the mean over the inputs. Drawn
are lines along two filter-normalised Gaussian directions (biases fixed, from an
orthogonal pair), the plane that they span, as contours and as a surface, and beside them
the density of the Hessian's eigenvalues, with its largest and its smallest one.

The verdict says what such a picture can and cannot show: how much the loss curves within
the plane, against all curvatures that the Hessian has, and whether units can be rescaled
without changing the function, which changes the picture.

Into --out go record.json with all numbers and what repeats them, line.csv, slices.npz
with the plane and the spectrum, weights.npz, and the picture figure.pdf. The plane is
written row by row to plane.npz, which is gone at the end: the same command, run again
after an interruption, goes on with it.

Examples:
  ntkit analyze landscape --net "dense relu dense relu dense" -o mlp
  ntkit analyze landscape --net "conv3x3 relu avgpool2x2 conv3x3 relu gap dense" --count 300 --points 15 -o cnn
  ntkit analyze landscape --weights net.npz --data points.npz --key x --labels y --loss cross-entropy -o net
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import shlex
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies import (
    MOST_SEEDS,
    Inputs,
    Scenery,
    add_format_option,
    add_study_options,
    add_target_option,
    channels_first,
    chosen_inputs,
    drawn_scenery,
    every_layer,
    hashed,
    network_and_inputs,
    percent,
    positive,
    progress_line,
    results_file,
    results_folder,
    short,
    targets,
    versions,
    whole,
    write_picture,
    write_record,
    write_whole,
)

if TYPE_CHECKING:
    import jax

    from ntkit.kernels import Layer
    from ntkit.lipschitz import Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
LOSSES = ("cross-entropy", "squared")
COUNT = 500  # inputs of files, as of studies
PARALLEL = 1 - 1e-6  # a cosine from which on two directions are one


@dataclass(frozen=True)
class Studied:
    """A network with its weights.

    Attributes:
        words: what it is.
        params: a pytree.
        outputs: of params and inputs, shape (n, outputs).
        filter_axis: of output units in the weights.
        homogeneous: whether units can be rescaled without changing the function.
        trained: how, in words; None for weights of a file.
    """

    words: str
    params: Any
    outputs: Callable[[Any, Any], jax.Array]
    filter_axis: int
    homogeneous: bool
    trained: str | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_study_options(parser, files=True)
    parser.add_argument(
        "--weights", metavar="FILE", help="weights.npz of this study with --net; or a file that holds a network"
    )
    parser.add_argument("--activation", metavar="NAME", help="between layers, for files that do not say it, such as relu")
    add_target_option(parser)
    parser.add_argument("--loss", choices=LOSSES, help="default: cross-entropy of classes, squared for numbers")
    parser.add_argument("--width", type=whole(1), default=32, metavar="N", help="channels of hidden layers (default: 32)")
    parser.add_argument("--steps", type=whole(1), default=1000, metavar="N", help="of training (default: 1000)")
    parser.add_argument("--rate", type=positive, default=1e-3, metavar="R", help="of learning (default: 0.001)")
    parser.add_argument("--batch", type=whole(1), metavar="N", help="inputs that a step sees (default: 64, or all)")
    parser.add_argument("--span", type=positive, default=1.0, metavar="A", help="the picture goes from -A to A (default: 1)")
    parser.add_argument("--points", type=whole(3), default=25, metavar="N", help="on each side of the plane (default: 25)")
    parser.add_argument("--eigenvalues", type=whole(1), default=10, metavar="N", help="largest ones to find (default: 10)")
    parser.add_argument("--seed", type=whole(0, MOST_SEEDS), default=0, metavar="S", help="of all that is random (default: 0)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    add_format_option(parser)


def run(options: argparse.Namespace) -> int:
    """Train or read, measure, print, write, draw."""
    import jax

    numbers = results_file(options.json) if options.json else None
    if options.net is None and options.weights is None:
        raise UsageError("--net or --weights must be given: the network, in words or from a file")
    keys = dict(
        zip(("start", "order", "directions", "spectrum"), jax.random.split(jax.random.key(options.seed), 4), strict=True)
    )
    studied, inputs, values = _of_file(options) if options.net is None else _in_words(options, keys["start"])
    folder = results_folder(options.out)
    if options.net is not None and options.weights is None:
        studied = _trained(studied, inputs, values, keys["order"], options)
    point = _loss(studied, inputs, values, options)
    found = measured(studied, point, keys, folder, options)
    for line in described(studied, inputs, found, options):
        print(line)
    results = _facts(found)
    record, table, arrays, picture = (
        folder / name for name in ("record.json", "line.csv", "slices.npz", f"figure.{options.format}")
    )
    write_record(record, _record(studied, inputs, options, results))
    write_whole(table, lambda file: file.write(_csv(found).encode()))
    write_whole(arrays, lambda file: np.savez(file, **_arrays(found)))
    write_picture(picture, lambda: drawn_scenery(f"{short(studied.words)} on {len(inputs.x)} {inputs.name}", found))
    (folder / "plane.npz").unlink(missing_ok=True)  # all of it is in slices.npz
    written = [record, table, arrays, picture]
    if studied.trained:
        written.append(folder / "weights.npz")
    if numbers:
        write_record(numbers, results)
        written.append(numbers)
    print(f"wrote {', '.join(map(str, written))}")
    return 0


def _in_words(options: argparse.Namespace, key: jax.Array) -> tuple[Studied, Inputs, Floats]:
    """The network of --net, at its start or with the weights of a file, inputs as it takes them, and classes or numbers."""
    if options.activation is not None:
        raise UsageError(f"--activation {options.activation}: goes with a network of a file, not with --net")
    net, inputs = network_and_inputs(options)
    y = _targets(inputs, options)
    from ntkit.kernels import words

    count = y.shape[1] if y.ndim > 1 else (int(y.max()) + 1 if y.dtype.kind == "i" else 1)
    try:
        start = net.init(key, inputs.x.shape[1:], options.width, count, parametrization="standard", dtype=options.dtype)
    except ValueError as error:
        raise UsageError(f"--net: {error}") from None
    studied = Studied(words(net), start, net.apply, -1, rescalable(net.layers), None)
    return studied if options.weights is None else replace(studied, params=_read(options.weights, start)), inputs, y


def rescalable(layers: Sequence[Layer]) -> bool:
    """Whether there are units between two layers of weights, through homogeneous functions alone, without normalisation."""
    from ntkit.kernels import Abs, AvgPool, Conv, Dense, Flatten, GlobalAvgPool, Identity, LeakyRelu, Relu

    kinds = {"w": Dense | Conv, "h": Relu | LeakyRelu | Abs, "-": AvgPool | GlobalAvgPool | Flatten | Identity}
    letters = "".join(
        next((letter for letter, kind in kinds.items() if isinstance(layer, kind)), "x") for layer in every_layer(layers)
    )
    return re.search("w-*h[h-]*w", letters) is not None


def _trained(studied: Studied, inputs: Inputs, y: Floats, key: jax.Array, options: argparse.Namespace) -> Studied:
    """After training, which is stated; and its weights written."""
    import jax
    import jax.numpy as jnp

    from ntkit.landscape import Adam, train

    batch = min(64 if options.batch is None else options.batch, len(inputs.x))
    if options.batch is not None and options.batch > len(inputs.x):
        raise UsageError(f"--batch {options.batch}: there are only {len(inputs.x)} inputs")
    loss = _losses(studied.outputs, _kind(y, options))
    found = train(
        lambda params, data: loss(params, *data).mean(), studied.params, Adam(options.rate), options.steps,
        data=(jnp.asarray(inputs.x), jnp.asarray(y)), batch=batch, key=key,
    )  # fmt: skip
    if found.diverged:
        raise UsageError(f"--rate {options.rate:g}: training diverged; take a smaller one")
    how = f"Adam, rate {options.rate:g}, {options.steps} steps of {batch} inputs, width {options.width}, seed {options.seed}"
    leaves = jax.tree.leaves(found.params)
    write_whole(Path(options.out) / "weights.npz", lambda file: np.savez(file, *map(np.asarray, leaves)))
    return replace(studied, params=found.params, trained=how)


def _read(file: str, like: Any) -> Any:
    """Weights that this study wrote, for the same network."""
    import jax
    import jax.numpy as jnp

    leaves, structure = jax.tree.flatten(like)
    try:
        with np.load(file) as found:
            arrays = [found[f"arr_{i}"] for i in range(len(found.files))]
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UsageError(f"--weights {file}: must be weights.npz of this study where --net is given ({error})") from None
    shapes, expected = [array.shape for array in arrays], [leaf.shape for leaf in leaves]
    if shapes != expected:
        raise UsageError(f"--weights {file}: must have arrays of shapes {expected}, as --net and --width say, got {shapes}")
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays):
        raise UsageError(f"--weights {file}: must be finite floating point numbers")
    return jax.tree.unflatten(structure, [jnp.asarray(a, leaf.dtype) for a, leaf in zip(arrays, leaves, strict=True)])


def _of_file(options: argparse.Namespace) -> tuple[Studied, Inputs, Floats]:
    """A network of a file, as it is."""
    import jax
    import jax.numpy as jnp

    from ntkit.lipschitz import load_network

    for name, given in (("as", options.shape), ("centre", options.centre), ("normalise", options.normalise)):
        if given:
            raise UsageError(f"--{name}: goes with --net; a network of a file takes its inputs as they are")
    try:
        net: Network = load_network(options.weights, activation=options.activation)
    except (ValueError, ImportError) as error:
        raise UsageError(f"--weights {str(error).replace('activation must be given', '--activation must be given')}") from None
    inputs, _ = chosen_inputs(options, options.dtype, COUNT, least=2)
    inputs = replace(inputs, x=channels_first(net.input_shape, inputs.x))
    y = _targets(inputs, options)
    count = y.shape[1] if y.ndim > 1 else (int(y.max()) + 1 if y.dtype.kind == "i" else 1)
    if count > net.outputs or (y.dtype.kind != "i" and count != net.outputs):
        raise UsageError(
            f"--labels: there are {count} classes or numbers, which do not go with the network's {net.outputs} outputs"
        )
    structure = jax.tree.structure(net)
    parts = [_part(path, jnp.asarray(leaf, options.dtype)) for path, leaf in jax.tree_util.tree_leaves_with_path(net)]

    def outputs(params: list[jax.Array], x: Any) -> jax.Array:
        filled: Network = jax.tree.unflatten(structure, [fill(own) for own, (_, fill) in zip(params, parts, strict=True)])
        return filled(x)

    moved = [own for own, _ in parts]
    return Studied(repr(net), moved, outputs, 0, net.piecewise and len(net.steps) > 1, None), inputs, y


def _part(path: Any, leaf: jax.Array) -> tuple[jax.Array, Callable[[jax.Array], jax.Array]]:
    """The parameters that a leaf of a network is made of, and how: biases stand there once for each place of an image."""
    import jax.numpy as jnp

    if getattr(path[-1], "name", "") != "bias" or leaf.ndim < 2:
        return leaf, lambda own: own
    rows = leaf.reshape(len(leaf), -1)
    if (rows == rows[:, :1]).all():
        return rows[:, 0], lambda own: jnp.broadcast_to(own.reshape(-1, *[1] * (leaf.ndim - 1)), leaf.shape)
    return leaf.ravel(), lambda own: own.reshape(leaf.shape)


def _targets(inputs: Inputs, options: argparse.Namespace) -> Floats:
    """Classes as whole numbers for cross-entropy, else numbers or rows with a one."""
    if inputs.labels is None:
        raise UsageError("--labels must be given: a loss needs what is to be learnt")
    found = targets(inputs.labels, options)
    if found.names is None and options.loss == "cross-entropy":
        raise UsageError("--loss cross-entropy: goes with classes, and labels are numbers (--labels-are)")
    if found.names is not None and options.loss != "squared":
        return np.asarray((found.values + found.mean).argmax(1))
    return np.asarray(found.values, options.dtype)


def _kind(y: Floats, options: argparse.Namespace) -> str:
    return options.loss or ("cross-entropy" if y.dtype.kind == "i" else "squared")


def _losses(outputs: Callable[[Any, Any], jax.Array], kind: str) -> Callable[[Any, Any, Any], jax.Array]:
    """The loss of every input."""
    import jax
    import jax.numpy as jnp

    def losses(params: Any, x: Any, y: Any) -> jax.Array:
        made = outputs(params, x).reshape(len(x), -1)
        if kind == "cross-entropy":
            logs: jax.Array = jnp.take_along_axis(jax.nn.log_softmax(made), y[:, None], axis=1)
            return -logs[:, 0]
        apart: jax.Array = made - y.reshape(made.shape)
        return 0.5 * (apart**2).sum(axis=1)

    return losses


def _loss(studied: Studied, inputs: Inputs, y: Floats, options: argparse.Namespace) -> dict[str, Callable[[Any], jax.Array]]:
    """The loss of the parameters, and the share of inputs that are right where they have classes."""
    import jax.numpy as jnp

    x, labels = jnp.asarray(inputs.x), jnp.asarray(y)
    losses = _losses(studied.outputs, _kind(y, options))
    found: dict[str, Callable[[Any], jax.Array]] = {"loss": lambda params: losses(params, x, labels).mean()}

    def accuracy(params: Any) -> jax.Array:
        right: jax.Array = studied.outputs(params, x).argmax(1) == labels
        return right.astype(x.dtype).mean()

    return found | {"accuracy": accuracy} if y.dtype.kind == "i" else found


def measured(
    studied: Studied,
    point: dict[str, Callable[[Any], jax.Array]],
    keys: dict[str, jax.Array],
    folder: Path,
    options: argparse.Namespace,
) -> Scenery:
    """Lines, plane and spectrum."""
    import jax

    from ntkit.landscape import density, direction_pair, slice_1d, slice_2d, smallest_eigenvalue, top_eigenpairs, trace

    loss, params = point["loss"], studied.params
    metrics = {name: function for name, function in point.items() if name != "loss"}
    grid = np.linspace(-options.span, options.span, options.points)
    try:
        pair = direction_pair(keys["directions"], params, filter_axis=studied.filter_axis)
        if min(_length(way.tree) for way in (pair.first, pair.second)) == 0 or abs(pair.cosine) > PARALLEL:
            raise UsageError("the weights leave no plane: it takes at least two that are not zero")
        lines = [slice_1d(loss, params, way, grid, metrics=metrics) for way in (pair.first, pair.second)]
        progress = progress_line("drawing", power=1)
        plane = slice_2d(
            loss, params, pair.first, pair.second, grid, grid, metrics=metrics, resume=folder / "plane.npz", progress=progress
        )
    except ValueError as error:
        said = str(error)
        if said.startswith("resume"):
            said = f"-o {folder}: plane.npz there was begun for another picture; delete it, or take another folder ({said})"
        raise UsageError(said) from None
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    count = min(options.eigenvalues, size)
    top = top_eigenpairs(loss, params, count, key=keys["spectrum"], rtol=1e-4)
    low = smallest_eigenvalue(loss, params, key=keys["spectrum"])
    spread = density(loss, params, key=keys["spectrum"], probes=4, width=(float(top.values[0]) - low.value) / 200 or None)
    total = trace(loss, params, key=keys["spectrum"], rtol=0.1, max_probes=512)
    return Scenery(
        grid=grid, lines=[line.values for line in lines], plane=plane.values, centre=plane.centre,
        accuracy=float(point["accuracy"](params)) if "accuracy" in point else None, gradient=_length(jax.grad(loss)(params)),
        curvatures=_in_plane(loss, params, [pair.first.tree, pair.second.tree]), top=np.asarray(top.values, float),
        residuals=np.asarray(top.residuals, float), smallest=low.value, smallest_residual=low.residual, params=size,
        accuracies=plane.metrics.get("accuracy"),
        trace=total.value, trace_interval=total.interval, density_grid=spread.grid, density=spread.value,
        density_interval=spread.interval, conventions=plane.conventions, homogeneous=studied.homogeneous,
    )  # fmt: skip


def _in_plane(loss: Any, params: Any, ways: list[Any]) -> Floats:
    """The two principal curvatures of the loss on the plane, for a step of length 1, the larger one first."""
    import scipy.linalg

    from ntkit.landscape import hvp

    rows = [_row(way) for way in ways]
    images = [_row(hvp(loss, params, way)) for way in ways]
    curved = np.array([[a @ b for b in images] for a in rows])
    return np.asarray(scipy.linalg.eigvalsh((curved + curved.T) / 2, np.array([[a @ b for b in rows] for a in rows]))[::-1])


def _row(tree: Any) -> Floats:
    from jax.flatten_util import ravel_pytree

    return np.asarray(ravel_pytree(tree)[0], np.float64)


def _length(tree: Any) -> float:
    return float(np.linalg.norm(_row(tree)))


def described(studied: Studied, inputs: Inputs, found: Scenery, options: argparse.Namespace) -> Iterable[str]:
    """What was found, and what the picture can and cannot show."""
    yield f"network  {studied.words}, {found.params} parameters"
    yield f"data     {len(inputs.x)} of {inputs.total} {inputs.name}, {' x '.join(map(str, inputs.x.shape[1:]))}"
    yield f"weights  {studied.trained or options.weights}"
    right = "" if found.accuracy is None else f", accuracy {percent(found.accuracy)}"
    yield f"here     loss {found.centre:.4g}{right}, gradient {found.gradient:.3g}"
    yield (
        "Hessian  "
        + ", ".join(f"{value:.4g}" for value in found.top)
        + f" (largest {len(found.top)}), {found.smallest:.4g} (smallest)"
    )
    yield f"         trace {found.trace:.4g}, 95 %: {found.trace_interval[0]:.4g} to {found.trace_interval[1]:.4g}"
    yield f"plane    curvatures {found.curvatures[0]:.4g} and {found.curvatures[1]:.4g} for a step of length 1"
    for sentence in found.conventions:
        yield f"         {sentence}"
    for number, sentence in enumerate(found.verdict()):
        yield f"{'verdict  ' if number == 0 else '         '}{sentence}"


def _facts(found: Scenery) -> dict[str, Any]:
    return {
        "loss": found.centre, "accuracy": found.accuracy, "gradient": found.gradient,
        "parameters": found.params, "eigenvalues": found.top.tolist(), "residuals": found.residuals.tolist(),
        "smallest": found.smallest, "smallest_residual": found.smallest_residual, "trace": found.trace,
        "trace_interval": list(found.trace_interval), "plane_curvatures": found.curvatures.tolist(),
        "nonfinite": found.nonfinite,
        "rescalable_units": found.homogeneous, "conventions": list(found.conventions), "verdict": found.verdict(),
    }  # fmt: skip


def _record(studied: Studied, inputs: Inputs, options: argparse.Namespace, results: dict[str, Any]) -> dict[str, Any]:
    """Results, and what it takes to repeat them."""
    chosen = {name: value for name, value in vars(options).items() if value not in (None, False)}
    words = ["ntkit", "analyze", "landscape"]
    for name, value in chosen.items():
        words += [f"--{'as' if name == 'shape' else name.replace('_', '-')}", *([] if value is True else [str(value)])]
    files = [file for file in (options.weights, options.data) if file]
    return {
        "command": shlex.join(words), "versions": versions(), "seed": options.seed, "inputs": [*map(hashed, files)],
        "network": studied.words, "trained": studied.trained, "data": inputs.name, "results": results,
    }  # fmt: skip


def _csv(found: Scenery) -> str:
    """A row for each point of the two lines."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["multiple", "first", "second"])
    writer.writerows(zip(found.grid, *found.lines, strict=True))
    return text.getvalue()


def _arrays(found: Scenery) -> dict[str, Any]:
    """The plane and the spectrum."""
    arrays = {
        "grid": found.grid, "plane": found.plane, "first": found.lines[0], "second": found.lines[1], "eigenvalues": found.top,
        "density_grid": found.density_grid, "density": found.density, "density_interval": found.density_interval,
    }  # fmt: skip
    return arrays if found.accuracies is None else arrays | {"accuracy": found.accuracies}
