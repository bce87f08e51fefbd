"""What does the loss look like around a network, and how much of it does the picture show?

The network is given in words with widths, such as dense32 or conv3x3x16 (`ntkit analyze
kernel --help` has all of them), or as FILE.py:function, and trained here by Adam, words in
the standard parametrisation, with the numbers of --steps, --rate, --batch; what comes out
is written to weights.npz, which --weights takes in place of training. Or it comes from a
file, --weights without --net: .npz, .safetensors or .onnx, as for `ntkit analyze lipschitz`,
and is taken as it is.

The loss, cross-entropy or half the squared distance, is the mean over the inputs. Drawn
are lines along two filter-normalised Gaussian directions (biases fixed, from an
orthogonal pair), the plane that they span, as contours and as a surface, and beside them
the density of the Hessian's eigenvalues, with its largest and its smallest one.

The verdict says what such a picture can and cannot show: how much the loss curves within
the plane, against all curvatures that the Hessian has, and whether units can be rescaled
without changing the function, which changes the picture.

Into --out go record.json with all numbers and what repeats them, line.csv, data.npz with
the plane and the spectrum, weights.npz, figure.svg, and surface.html, the plane to turn by
hand. The plane is written row by row to plane.npz, which is gone at the end: the same
command, run again after an interruption, goes on with it.

Examples:
  ntkit analyze landscape --net "dense32 relu dense32 relu dense10" -o mlp
  ntkit analyze landscape --net "conv3x3x16 relu conv3x3x16 relu gap dense10" --count 300 --points 15 -o cnn
  ntkit analyze landscape --weights net.npz --data points.npz --key x --labels y --loss cross-entropy -o net
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies import (
    Inputs,
    Output,
    Parts,
    Scenery,
    Studied,
    add_output_options,
    add_study_options,
    add_target_option,
    announce,
    announce_memory,
    drawn_scenery,
    files_of,
    output,
    percent,
    positive,
    progress_line,
    short,
    studied_network,
    surface_page,
    targets,
    timed,
    whole,
    write_whole,
)

if TYPE_CHECKING:
    import jax


Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
LOSSES = ("cross-entropy", "squared")
COUNT = 500  # inputs of files, as of studies
VECTORS = 60  # of the size of the parameters, which steps of Lanczos hold
PARALLEL = 1 - 1e-6  # a cosine from which on two directions are one


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_study_options(parser, files=True)
    parser.add_argument("--activation", metavar="NAME", help="between layers, for files that do not say it, such as relu")
    add_target_option(parser)
    parser.add_argument("--loss", choices=LOSSES, help="default: cross-entropy of classes, squared for numbers")
    parser.add_argument("--steps", type=whole(1), default=1000, metavar="N", help="of training (default: 1000)")
    parser.add_argument("--rate", type=positive, default=1e-3, metavar="R", help="of learning (default: 0.001)")
    parser.add_argument("--batch", type=whole(1), metavar="N", help="inputs that a step sees (default: 64, or all)")
    parser.add_argument("--span", type=positive, default=1.0, metavar="A", help="the picture goes from -A to A (default: 1)")
    parser.add_argument("--points", type=whole(3), default=25, metavar="N", help="on each side of the plane (default: 25)")
    parser.add_argument("--eigenvalues", type=whole(1), default=10, metavar="N", help="largest ones to find (default: 10)")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Train or read, measure, print, write, draw."""
    import jax

    keys = dict(
        zip(("start", "order", "directions", "spectrum"), jax.random.split(jax.random.key(options.seed), 4), strict=True)
    )
    studied, inputs = studied_network(options, keys["start"])
    values = _targets(inputs, options)
    _check_outputs(studied, inputs, values)
    places = output(options)
    train_it = options.net is not None and options.weights is None
    _announce(studied, inputs, values, train_it, options)
    parts = places.parts()
    about = {"net": studied.words, "code": studied.code, "x": inputs.x, "y": values, "loss": _kind(values, options)}
    about |= {"seed": options.seed}
    if train_it:
        studied = _trained(studied, inputs, values, keys["order"], options, parts, about)
    weights = _kept(studied, places)
    point = _loss(studied, inputs, values, options)
    found = measured(studied, point, keys, places.unfinished("plane.npz"), options, parts, about)
    for line in described(studied, inputs, found, options):
        print(line)
    title = f"{short(studied.words)} on {len(inputs.x)} {inputs.name}"
    places.write(
        _facts(found),
        arrays=_arrays(found),
        draw=lambda: drawn_scenery(title, found),
        conventions={
            "network": studied.words, "trained": studied.trained, "data": inputs.name, "loss": _kind(values, options),
            "slices": list(found.conventions),
        },
        read=files_of(options, inputs),
        tables={"line.csv": _csv(found), **_page(title, found)},
        besides=weights,
    )  # fmt: skip
    return 0


def _check_outputs(studied: Studied, inputs: Inputs, y: Floats) -> None:
    """Refuse a network that has fewer outputs than there are classes, or another number than there are numbers."""
    import jax.numpy as jnp

    outputs = studied.outputs(studied.params, jnp.asarray(inputs.x[:1])).reshape(1, -1).shape[1]
    count = y.shape[1] if y.ndim > 1 else (int(y.max()) + 1 if y.dtype.kind == "i" else 1)
    if count > outputs or (y.dtype.kind != "i" and count != outputs):
        raise UsageError(
            f"--labels: there are {count} classes or numbers, which do not go with the network's {outputs} outputs"
        )


def _announce(studied: Studied, inputs: Inputs, y: Floats, train_it: bool, options: argparse.Namespace) -> None:
    """Memory of the spectrum, from shapes and a compiled gradient; how long training and the picture take, from a loss."""
    import jax

    loss = _loss(studied, inputs, y, options)["loss"]
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(studied.params))
    gradient = jax.jit(jax.grad(loss)).lower(studied.params).compile().memory_analysis()
    vectors = max(VECTORS, 2 * options.eigenvalues + 1)
    announce_memory("the Hessian's spectrum", vectors * size + 2 * (gradient.temp_size_in_bytes if gradient else 0))
    once = jax.jit(loss)
    of_loss = timed(lambda: once(studied.params).block_until_ready())
    if train_it:
        share = min(64 if options.batch is None else options.batch, len(inputs.x)) / len(inputs.x)
        announce("training", 3 * of_loss * share * options.steps)  # a gradient takes about three losses
    announce("the plane", of_loss * options.points**2)


def _kept(studied: Studied, places: Output) -> list[Path]:
    """The weights that were trained here, written as soon as they are there."""
    import jax

    if studied.trained is None or places.folder is None:
        return []
    file, leaves = places.folder / "weights.npz", jax.tree.leaves(studied.params)
    write_whole(file, lambda stream: np.savez(stream, *map(np.asarray, leaves)))
    return [file]


def _trained(
    studied: Studied,
    inputs: Inputs,
    y: Floats,
    key: jax.Array,
    options: argparse.Namespace,
    parts: Parts,
    about: dict[str, Any],
) -> Studied:
    """After training, which is stated."""
    import jax
    import jax.numpy as jnp

    from ntkit.landscape import Adam, train

    batch = min(64 if options.batch is None else options.batch, len(inputs.x))
    if options.batch is not None and options.batch > len(inputs.x):
        raise UsageError(f"--batch {options.batch}: there are only {len(inputs.x)} inputs")
    loss = _losses(studied.outputs, _kind(y, options))

    def trained() -> dict[str, Any]:
        found = train(
            lambda params, data: loss(params, *data).mean(), studied.params, Adam(options.rate), options.steps,
            data=(jnp.asarray(inputs.x), jnp.asarray(y)), batch=batch, key=key,
        )  # fmt: skip
        if found.diverged:
            raise UsageError(f"--rate {options.rate:g}: training diverged; take a smaller one")
        return _named(found.params)

    start, structure = _named(studied.params), jax.tree.structure(studied.params)
    how_long = {"steps": options.steps, "rate": options.rate, "batch": batch}
    found = parts.found_or({**about, **how_long, "start": list(start.values())}, trained)
    params = jax.tree.unflatten(structure, [jnp.asarray(found[name]) for name in start])
    how = f"Adam, rate {options.rate:g}, {options.steps} steps of {batch} inputs, seed {options.seed}"
    return replace(studied, params=params, trained=how)


def _named(params: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a pytree, by their numbers."""
    import jax

    return {str(number): np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(params))}


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
    unfinished: Path | None,
    options: argparse.Namespace,
    parts: Parts,
    about: dict[str, Any],
) -> Scenery:
    """Lines, plane and spectrum."""
    import jax

    from ntkit.landscape import direction_pair, slice_1d, slice_2d

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
            loss, params, pair.first, pair.second, grid, grid, metrics=metrics, resume=unfinished, progress=progress
        )
    except ValueError as error:
        said = str(error)
        if said.startswith("resume"):
            said = f"-o {options.out}: plane.npz there was begun for another picture; --no-resume deletes it ({said})"
        raise UsageError(said) from None
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    count = min(options.eigenvalues, size)
    spectrum = parts.found_or(
        {**about, "at": list(_named(params).values()), "eigenvalues": count},
        lambda: _spectrum(loss, params, keys["spectrum"], count),
    )
    ends = spectrum["trace_interval"]
    return Scenery(
        grid=grid, lines=[line.values for line in lines], plane=plane.values, centre=plane.centre,
        accuracy=float(point["accuracy"](params)) if "accuracy" in point else None, gradient=_length(jax.grad(loss)(params)),
        curvatures=_in_plane(loss, params, [pair.first.tree, pair.second.tree]), top=spectrum["top"],
        residuals=spectrum["residuals"], smallest=float(spectrum["smallest"]),
        smallest_residual=float(spectrum["smallest_residual"]), params=size, accuracies=plane.metrics.get("accuracy"),
        trace=float(spectrum["trace"]), trace_interval=(float(ends[0]), float(ends[1])),
        density_grid=spectrum["grid"], density=spectrum["density"], density_interval=spectrum["density_interval"],
        conventions=plane.conventions, homogeneous=studied.homogeneous,
    )  # fmt: skip


def _spectrum(loss: Callable[[Any], jax.Array], params: Any, key: jax.Array, count: int) -> dict[str, Any]:
    """The Hessian's largest eigenvalues and the smallest one, their density, and the trace."""
    from ntkit.landscape import density, smallest_eigenvalue, top_eigenpairs, trace

    top = top_eigenpairs(loss, params, count, key=key, rtol=1e-4)
    low = smallest_eigenvalue(loss, params, key=key)
    spread = density(loss, params, key=key, probes=4, width=(float(top.values[0]) - low.value) / 200 or None)
    total = trace(loss, params, key=key, rtol=0.1, max_probes=512)
    return {
        "top": np.asarray(top.values, float), "residuals": np.asarray(top.residuals, float),
        "smallest": low.value, "smallest_residual": low.residual, "trace": total.value, "trace_interval": total.interval,
        "grid": spread.grid, "density": spread.value, "density_interval": spread.interval,
    }  # fmt: skip


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


def _page(title: str, found: Scenery) -> dict[str, str]:
    """The plane to turn by hand, if there is any of it to see."""
    if not np.isfinite(found.plane).any():
        return {}
    mark = (0.0, 0.0, found.centre, "the network")
    return {"surface.html": surface_page(title, found.grid, found.grid, found.plane, mark=mark, notes=found.conventions)}


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
