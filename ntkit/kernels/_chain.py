"""Layers one after the other, and side by side: what networks are made of."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._arc import root
from ntkit.kernels._conv import Conv
from ntkit.kernels._dense import Dense
from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Draw, Layer, Params
from ntkit.kernels._moments import Angles, Moments, Needs

_FEWEST = 3  # repetitions of layers that are worth a loop


def check_gaussian(layers: Sequence[Layer], before: bool) -> bool:
    """Whether the last outputs are Gaussian; ValueError that names the layer which cannot follow the one before it."""
    for i, layer in enumerate(layers):
        try:
            before = layer.gaussian(before)
        except ValueError as error:
            previous = layers[i - 1] if i else "nothing"
            raise ValueError(f"layer {i}, {layer}, {error}; got {previous} before it") from None
    return before


def needs_of(layers: Sequence[Layer], after: Needs) -> list[Needs]:
    """What is asked of the moments before each layer, and after the last one."""
    needs = [after]
    for layer in reversed(layers):
        needs.append(layer.needs(needs[-1]))
    return needs[::-1]


def propagate(layers: Sequence[Layer], moments: Moments | Inputs, after: Needs) -> Moments | Inputs:
    """From the moments of the inputs to those of the last layer's outputs."""
    steps = list(zip(layers, needs_of(layers, after)[1:], strict=True))
    i = 0
    while i < len(steps):
        period, count = _repetition(steps, i)
        if count >= _FEWEST and isinstance(moments, Moments) and isinstance(moments.ntk, jax.core.Tracer):
            rolled = _rolled(steps[i : i + period], moments, count)
            if rolled is not None:
                moments, i = rolled, i + period * count
                continue
        layer, needs = steps[i]
        try:
            moments = layer.propagate(moments, needs)
        except ValueError as error:
            raise ValueError(f"layer {i}, {layer}, {error}") from None
        i += 1
    return moments


def _repetition(steps: Sequence[tuple[Layer, Needs]], start: int) -> tuple[int, int]:
    """The period, of at most four layers, in which the layers from start on repeat most often, and how often."""
    best = (1, 1)
    for period in range(1, 5):
        block = steps[start : start + period]
        count = 1
        while _alike(steps[start + count * period : start + (count + 1) * period], block):
            count += 1
        if count * period > best[0] * best[1] and count > 1:
            best = (period, count)
    return best


def _alike(steps: Sequence[tuple[Layer, Needs]], block: Sequence[tuple[Layer, Needs]]) -> bool:
    """Whether the steps are those of the block, but for finite widths, and angles that nothing needs after the last ones."""

    def essence(step: tuple[Layer, Needs]) -> tuple[Layer, Needs]:
        layer, needs = step
        return replace(layer, width=None) if isinstance(layer, Dense | Conv) else layer, needs._replace(angles=False)

    return list(map(essence, steps)) == list(map(essence, block))


def _rolled(steps: Sequence[tuple[Layer, Needs]], moments: Moments, count: int) -> Moments | None:
    """The layers `count` times over, as a loop that is compiled once; None where they change the moments' shapes."""

    def once(moments: Moments) -> Moments:
        for layer, needs in steps:
            out = layer.propagate(moments, needs)
            assert isinstance(out, Moments)
            moments = out
        return moments

    try:
        shapes = jax.eval_shape(once, moments)
    except ValueError:
        return None  # a layer that does not fit is named where it stands
    if str(shapes) != str(jax.eval_shape(lambda x: x, moments)):
        return None
    out, _ = jax.lax.scan(lambda moments, _: (once(moments), None), moments, length=count)
    return out


def draw_layers(
    layers: Sequence[Layer], key: PRNGKeyArray, shape: tuple[int, ...], draw: Draw
) -> tuple[tuple[int, ...], tuple[Params, ...]]:
    """Shape of an output, and parameters of all layers."""
    weighted = [i for i, layer in enumerate(layers) if layer.weighted]
    params = []
    for i, layer in enumerate(layers):
        first, last = draw.first and not any(j < i for j in weighted), draw.last and not any(j > i for j in weighted)
        try:
            shape, own = layer.init(jax.random.fold_in(key, i), shape, replace(draw, first=first, last=last))
        except ValueError as error:
            raise ValueError(f"layer {i}, {layer}, {error}") from None
        params.append(own)
    return shape, tuple(params)


def own_widths(layers: Sequence[Layer]) -> list[int]:
    """The widths that layers have, those in branches too."""
    widths = []
    for layer in layers:
        if isinstance(layer, Branches):
            widths += [width for branch in layer.branches for width in own_widths(branch)]
        elif isinstance(layer, Dense | Conv) and layer.width is not None:
            widths.append(layer.width)
    return widths


def last_widths(layers: Sequence[Layer]) -> list[int]:
    """The widths that the last layers with weights have: one, or one of each branch."""
    for layer in reversed(layers):
        if layer.weighted and isinstance(layer, Branches):
            return [width for branch in layer.branches for width in last_widths(branch)]
        if layer.weighted:
            return own_widths([layer])
    return []


def apply_layers(layers: Sequence[Layer], params: Sequence[Params], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
    """Outputs of the last layer."""
    for i, (layer, own) in enumerate(zip(layers, params, strict=True)):
        try:
            x = layer.apply(own, x)
        except ValueError as error:
            raise ValueError(f"layer {i}, {layer}, {error}") from None
    return x


@dataclass(frozen=True)
class Branches(Layer):
    """Several chains of layers on the same inputs; their outputs are added, or multiplied element by element.

    The kernels hold since at infinite width the branches are independent given their inputs.
    """

    branches: tuple[tuple[Layer, ...], ...]
    join: Literal["sum", "product"]

    @property
    def weighted(self) -> bool:  # type: ignore[override]
        """Whether any branch has weights."""
        return any(layer.weighted for branch in self.branches for layer in branch)

    def gaussian(self, before: bool) -> bool:
        """Sums of Gaussians are."""
        gaussian = [check_gaussian(branch, before) for branch in self.branches]
        return all(gaussian) and self.join == "sum"

    def needs(self, after: Needs) -> Needs:
        """What any branch asks for."""
        needs = Needs()
        for branch in self.branches:
            needs |= needs_of(branch, after)[0]
        return needs

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        out = []
        for branch in self.branches:
            given = moments if isinstance(moments, Inputs) else moments.reduced(needs_of(branch, after)[0])
            part = propagate(branch, given, after)
            out.append(part.moments(after) if isinstance(part, Inputs) else part)
        shapes = {part.ntk.shape for part in out}
        if len(shapes) > 1:
            raise ValueError(
                f"has branches whose outputs differ in their pixels: {sorted(part.ntk.shape[: part.space] for part in out)}"
            )
        total = out[0]
        for part in out[1:]:
            total = _joined(total, part, _add if self.join == "sum" else _multiply)
        return total

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """That of every branch."""
        shapes = []
        for branch in self.branches:
            own = shape
            for layer in branch:
                own = layer.output_shape(own, width)
            shapes.append(own)
        return _common(shapes)

    def init(self, key: PRNGKeyArray, shape: tuple[int, ...], draw: Draw) -> tuple[tuple[int, ...], tuple[Params, ...]]:
        """Parameters of all branches."""
        drawn = [draw_layers(branch, jax.random.fold_in(key, i), shape, draw) for i, branch in enumerate(self.branches)]
        return _common([own for own, _ in drawn]), tuple(params for _, params in drawn)

    def apply(self, params: Sequence[Params], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The layer's outputs."""
        out = [apply_layers(branch, own, x) for branch, own in zip(self.branches, params, strict=True)]
        return sum(out[1:], start=out[0]) if self.join == "sum" else math.prod(out[1:], start=out[0])


def _common(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    if len(set(shapes)) > 1:
        raise ValueError(f"has branches whose outputs have different shapes: {', '.join(map(str, shapes))}")
    return shapes[0]


def _joined(first: Moments, second: Moments, join: Callable[[Moments, Moments], Moments]) -> Moments:
    out = join(first, second)
    if first.own is None or second.own is None:
        return replace(out, own=None)
    return replace(out, own=(join(first.own[0], second.own[0]), join(first.own[1], second.own[1])))


def _add(first: Moments, second: Moments) -> Moments:
    """Covariances and tangent kernels add up; with b, c the standard deviations, Cauchy-Schwarz leaves a square."""
    ntk = first.ntk + second.ntk
    if first.covariance is not None or second.covariance is not None:
        return Moments(first.space, first.pairs, ntk, covariance=first.nngp + second.nngp)
    a, b = first.angles, second.angles
    var1, var2 = a.var1 + b.var1, a.var2 + b.var2
    norms = root(var1) * root(var2)
    square = (root(a.var1) * root(b.var2) - root(b.var1) * root(a.var2)) ** 2
    total = norms + a.norms + b.norms
    gap = jnp.where(total > 0, square / jnp.where(total > 0, total, 1), 0)
    below = gap + 2 * a.norms * a.sin2 + 2 * b.norms * b.sin2
    above = None
    if a.cos2 is not None or b.cos2 is not None:
        above = gap + 2 * a.norms * a.both[1] + 2 * b.norms * b.both[1]
    return first.with_angles(a.with_gaps(var1, var2, below, above), ntk)


def _multiply(first: Moments, second: Moments) -> Moments:
    """Covariances are multiplied, and the product rule holds for tangent kernels."""
    ntk = first.ntk * second.nngp + first.nngp * second.ntk
    if first.covariance is not None or second.covariance is not None:
        return Moments(first.space, first.pairs, ntk, covariance=first.nngp * second.nngp)
    a, b = first.angles, second.angles
    (sin_a, cos_a), (sin_b, cos_b) = a.both, b.both
    cos2 = None if a.cos2 is None and b.cos2 is None else cos_a * cos_b + sin_a * sin_b
    out = Angles(a.var1 * b.var1, a.var2 * b.var2, sin_a * cos_b + cos_a * sin_b, cos2)
    return first.with_angles(out, ntk)
