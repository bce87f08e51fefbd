"""Points on spheres, images and sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from hypothesis import strategies as st
from jaxtyping import Array, Float

from ntkit import data
from ntkit.strategies._seeds import seeds

PointStyle = Literal["generic", "equal", "antipodal", "near"]
ImageStyle = Literal["generic", "equal", "opposite", "shifted", "zero"]


@dataclass(frozen=True)
class Sphere:
    """Points on the unit sphere, as drawn by `spheres`.

    Attributes:
        count, dim: shape of the points.
        seed: of the points.
        style: "generic"; else what the second point is to the first: "equal", "antipodal" or "near" (1e-6 apart).
    """

    count: int
    dim: int
    seed: int
    style: PointStyle

    @property
    def points(self) -> Float[Array, "count dim"]:
        """The points, in JAX's default float."""
        points = data.sphere(jax.random.key(self.seed), self.count, self.dim)
        if self.style == "generic":
            return points
        first = points[0]
        if self.style == "near":
            moved = first + 1e-6 * points[1]
            second = moved / jnp.linalg.norm(moved)
        else:
            second = first if self.style == "equal" else -first
        return points.at[1].set(second)


@dataclass(frozen=True)
class Images:
    """Images or sequences with standard normal entries, as drawn by `images`.

    Attributes:
        count: number of images.
        shape: of one, (length, channels) or (height, width, channels).
        seed: of the entries.
        style: "generic"; else what the second image is to the first: "equal", "opposite", "shifted" (periodically, by one
            pixel along every axis), or "zero" whatever the first is.
    """

    count: int
    shape: tuple[int, ...]
    seed: int
    style: ImageStyle

    @property
    def images(self) -> Float[Array, "count ..."]:
        """The images, in JAX's default float."""
        images = jax.random.normal(jax.random.key(self.seed), (self.count, *self.shape))
        if self.style == "generic":
            return images
        first, axes = images[0], tuple(range(len(self.shape) - 1))
        second = {"equal": first, "opposite": -first, "shifted": jnp.roll(first, 1, axes), "zero": 0 * first}[self.style]
        return images.at[1].set(second)


@st.composite
def spheres(draw: st.DrawFn, counts: Sequence[int] = (1, 4), dims: Sequence[int] = (1, 3)) -> Sphere:
    """Points on spheres, degenerate ones among them: a single one, equal, antipodal and almost equal pairs."""
    count = draw(st.sampled_from(tuple(counts)))
    styles: Sequence[PointStyle] = ("generic", "equal", "antipodal", "near") if count > 1 else ("generic",)
    return Sphere(count, draw(st.sampled_from(tuple(dims))), draw(seeds()), draw(st.sampled_from(tuple(styles))))


@st.composite
def images(
    draw: st.DrawFn,
    counts: Sequence[int] = (4,),
    shapes: Sequence[tuple[int, ...]] = ((5, 2), (3, 4, 2)),
    styles: Sequence[ImageStyle] = ("generic", "equal", "opposite", "shifted", "zero"),
) -> Images:
    """Images and sequences, degenerate ones among them; a single image is generic."""
    count = draw(st.sampled_from(tuple(counts)))
    possible: Sequence[ImageStyle] = styles if count > 1 else ("generic",)
    return Images(count, draw(st.sampled_from(tuple(shapes))), draw(seeds()), draw(st.sampled_from(tuple(possible))))
