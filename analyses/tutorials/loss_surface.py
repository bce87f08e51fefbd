"""What does my loss surface look like, honestly?

A picture of a loss around a trained network is a plane through a space of thousands of dimensions, scaled by a convention. Such
pictures have convinced many that skip connections make losses smooth. This script draws two of them, and beside each what the
picture leaves out: the curvatures of all other directions, and what the same function looks like with other weights.
"""

# %% [markdown]
# ## Two networks
#
# Ten layers, 16 units wide, with and without skip connections, trained on the same 300 digits until both fit them.

# %%
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax.flatten_util import ravel_pytree
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.data import digits
from ntkit.landscape import Adam, Slice2D, barrier, chain, density, direction_pair, hvp, match, slice_2d, train
from ntkit.studies import BLUE, GREY, ORANGE, out_folder, write_picture

jax.config.update("jax_enable_x64", True)
out = out_folder(__doc__)

DEPTH, WIDTH, STEPS = 10, 16, 400
Weights = list[jax.Array]

images, labels = digits()
chosen = np.random.default_rng(0).permutation(len(images))[:300]
x, y = jnp.asarray((images - images.mean(0))[chosen].reshape(len(chosen), -1)), jnp.asarray(labels[chosen])


def outputs(weights: Weights, skip: float) -> jax.Array:
    """Of all images: z + relu(z) W from layer to layer with skip connections (1), relu(z) W without (0)."""
    first, *middle, last = weights
    z = x @ first
    if middle:
        z, _ = jax.lax.scan(lambda z, w: (skip * z + jax.nn.relu(z) @ w, None), z, jnp.stack(middle))
    return jax.nn.relu(z) @ last


def loss(weights: Weights, skip: float) -> jax.Array:
    """Cross-entropy."""
    return -jnp.take_along_axis(jax.nn.log_softmax(outputs(weights, skip)), y[:, None], axis=1).mean()


@partial(jax.jit, static_argnames="widths")
def drawn_weights(key: jax.Array, widths: Sequence[int], middle: float = 1.0) -> Weights:
    """He's, those of middle layers times a number."""
    keys = jax.random.split(key, len(widths) - 1)
    sizes = [1.0, *[middle] * (len(widths) - 3), 1.0]
    return [
        size * (2 / a) ** 0.5 * jax.random.normal(key, (a, b))
        for size, key, (a, b) in zip(sizes, keys, pairwise(widths), strict=True)
    ]


losses = {"plain": partial(loss, skip=0.0), "with skips": partial(loss, skip=1.0)}
widths = (64, *[WIDTH] * (DEPTH - 1), 10)
starts = {"plain": 1.0, "with skips": DEPTH**-0.5}  # so that a sum over layers is of the size of one
trained = {}
for name, of in losses.items():
    trained[name] = train(of, drawn_weights(jax.random.key(0), widths, starts[name]), Adam(0.003), STEPS).params
    print(f"{name:10} loss {of(trained[name]):.1e}, {sum(w.size for w in trained[name])} weights")
    assert of(trained[name]) < 1e-3

# %% [markdown]
# ## The picture
#
# Two random directions, in which every filter (the weights into one unit) has the length that it has in the network: filter
# normalisation. The loss on the plane that they span:

# %%
GRID = np.linspace(-0.5, 0.5, 21)


def plane(name: str, weights: Weights) -> Slice2D:
    """The loss of a network around some weights, in filter-normalised directions from one key."""
    pair = direction_pair(jax.random.key(1), weights)
    return slice_2d(losses[name], weights, pair.first, pair.second, GRID, GRID)


planes = {name: plane(name, weights) for name, weights in trained.items()}
border = np.abs(np.meshgrid(GRID, GRID)).max(0) == GRID[-1]
edges = {name: np.median(found.values[border]) for name, found in planes.items()}
for name, found in planes.items():
    print(f"{name:10} loss {found.centre:.1e} in the middle, {edges[name]:.0f} at the edge (median)")
print("\nconventions:", *planes["plain"].conventions, sep="\n- ")
assert edges["plain"] > 5 * edges["with skips"]

# %% [markdown]
# At the edge the loss without skips is more than five times as high. So much for the picture. It is true, and it shows two
# directions.
#
# ## How much of it the picture shows
#
# The Hessian has a curvature for each of its eigenvectors. Lanczos iterations give the density of all of them, and its ends;
# two Hessian products give what the plane shows.


# %%
def in_plane(name: str) -> np.ndarray:
    """The two principal curvatures of the loss on the plane, for a step of length 1, the smaller one first."""
    weights = trained[name]
    pair = direction_pair(jax.random.key(1), weights)
    ways = [ravel_pytree(way.tree)[0] for way in (pair.first, pair.second)]
    curved = [ravel_pytree(hvp(losses[name], weights, way.tree))[0] for way in (pair.first, pair.second)]
    products = [[[float(a @ b) for b in rows] for a in ways] for rows in (curved, ways)]
    return np.asarray(scipy.linalg.eigvalsh(*products))


def spectrum(name: str, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Curvatures, falling, and of each how many of all are at least as large, estimated."""
    found = density(losses[name], weights, key=jax.random.key(2), probes=4, steps=40)
    order = np.argsort(-found.nodes.ravel())
    count = sum(w.size for w in weights)
    return found.nodes.ravel()[order], count * np.cumsum(found.weights.ravel()[order]) / len(found.nodes)


shown = {name: in_plane(name) for name in trained}
spectra = {name: spectrum(name, weights) for name, weights in trained.items()}
for name, (curvatures, counts) in spectra.items():
    above = counts[np.searchsorted(-curvatures, -shown[name][1]) - 1]
    low, high = shown[name]
    print(f"{name:10} curvatures from {curvatures[-1]:.1e} to {curvatures[0]:.2g}; the plane has {low:.1e} and {high:.1e},")
    print(f"{'':10} {high / curvatures[0]:.2%} of the sharpest one; about {above:.0f} directions are sharper")
    assert 0 < shown[name][0] < shown[name][1] < 0.01 * curvatures[0]
    assert curvatures[-1] < 0

# %% [markdown]
# Both planes show less than 1 % of the sharpest curvature, as random directions among thousands must. And both look convex in
# the middle, where the Hessian has negative eigenvalues: neither network is at a minimum.
#
# ## The same function, another picture
#
# ReLU networks do not change if all weights into a unit are multiplied by a number and those out of it divided by it. A
# picture of *the function's* loss would not change either. Two such changes of the network without skips:
#
# - all units of the first layer, times 8: filter normalisation was invented for this, and takes it back;
# - every other unit of the first layer times 8, the others divided by 8.


# %%
def rescaled(weights: Weights, factors: np.ndarray) -> Weights:
    """The same function with units of the first layer of other sizes."""
    first, second, *others = weights
    return [first * factors, second / factors[:, None], *others]


changes = {"all units": np.full(WIDTH, 8.0), "every other unit": np.where(np.arange(WIDTH) % 2, 8.0, 1 / 8)}
before = planes["plain"].values
sharpest = spectra["plain"][0][0]
for name, factors in changes.items():
    other = rescaled(trained["plain"], factors)
    apart = jnp.abs(outputs(other, 0.0) - outputs(trained["plain"], 0.0)).max()
    planes[name] = plane("plain", other)
    steeper = np.median(planes[name].values / before)
    sharper = spectrum("plain", other)[0][0] / sharpest
    print(f"{name:16} outputs differ by {apart:.0e}; loss on the plane times {steeper:.1f} (median),")
    print(f"{'':16} sharpest curvature times {sharper:.1f}")
    assert apart < 1e-9
    assert sharper > 2
assert np.allclose(planes["all units"].values, before, rtol=1e-9)
assert np.median(planes["every other unit"].values / before) > 3

# %% [markdown]
# The first change leaves the picture as it is, though it makes the Hessian sharper. The second one makes the picture of the
# very same function more than three times as steep. So the valleys of two networks may differ in width by nothing but such
# factors, which no picture shows. What does not depend on them is `sharpness(..., "scaled-trace")` and its kin, which say by
# what they are unchanged.
#
# ## What lies between two solutions
#
# Another property that pictures show is a wall between two trained networks. Two networks with one hidden layer, from
# different starts:

# %%
small = losses["plain"]
one, other = (train(small, drawn_weights(jax.random.key(seed), (64, 32, 10)), Adam(0.01), 200).params for seed in (1, 2))
matched = match(one, other, chain(one), key=jax.random.key(3)).params
walls = {"as they are": barrier(small, one, other), "units in one order": barrier(small, one, matched)}
for name, wall in walls.items():
    print(f"{name:18} from {wall.losses[0]:.4f} to {wall.losses[-1]:.4f}, and between them {wall.value:.3f} above the chord")
assert walls["as they are"].value > 5 * walls["units in one order"].value

# %% [markdown]
# Most of the wall was an accident of numbering: hidden units have no order, and with the units of the second network in that
# of the first less than a fifth of it is left.


# %%
def drawn() -> Figure:
    """Three planes, and what they leave out."""
    figure = Figure(figsize=(7.6, 5.0))
    (plain, skips, same), (hessian, rescaling, wall) = figure.subplots(2, 3)
    titles = {"plain": "without skips", "with skips": "with skips", "every other unit": "without skips, units rescaled"}
    levels = np.linspace(-4, 4, 17)
    for axes, (name, title) in zip((plain, skips, same), titles.items(), strict=True):
        filled = axes.contourf(GRID, GRID, np.log10(planes[name].values).T, levels, cmap="viridis", extend="both")
        axes.set(title=title, xlabel="first direction", xticks=[-0.5, 0, 0.5], yticks=[-0.5, 0, 0.5], aspect="equal")
    plain.set_ylabel("second direction")
    figure.colorbar(filled, ax=[plain, skips, same], label="loss", ticks=[-4, -2, 0, 2, 4], format="$10^{%d}$", pad=0.01)
    curvatures_of(hessian)
    along_first(rescaling)
    for (name, found), colour in zip(walls.items(), (ORANGE, BLUE), strict=True):
        wall.plot(found.grid, found.losses, color=colour)
        wall.text(0.5, found.losses.max() + 0.01, name.replace("units in ", "units in\n"), color=colour, ha="center")
    wall.set(xlabel="from one network to the other", ylabel="loss", title="between two solutions", ylim=(0, 0.33))
    return figure


def curvatures_of(axes: Axes) -> None:
    """How many curvatures are larger than a number, and what the planes show."""
    for (name, (curvatures, counts)), colour in zip(spectra.items(), (BLUE, GREY), strict=True):
        large = curvatures > 5e-4
        axes.step(curvatures[large], np.maximum(counts[large], 1), color=colour, label=name.replace("plain", "without skips"))
        axes.axvline(shown[name][1], color=colour, linestyle="--", linewidth=1)
    axes.text(2.8e-3, 1.1, "dashed: the\nplane's own")
    axes.set(xscale="log", yscale="log", xlim=(3e-4, 2), ylim=(0.8, 200))
    axes.set(xlabel="curvature", ylabel="directions that curve more", title="what the planes leave out")
    axes.legend(loc="upper right")


def along_first(axes: Axes) -> None:
    """The loss of one function along the first direction, at three sets of weights."""
    middle = len(GRID) // 2
    axes.plot(GRID, planes["plain"].values[:, middle], color=BLUE, label="as trained")
    axes.plot(GRID, planes["all units"].values[:, middle], ":", color="black", label="all units times 8")
    axes.plot(GRID, planes["every other unit"].values[:, middle], color=ORANGE, label="every other unit")
    axes.set(yscale="log", xlabel="first direction", ylabel="loss", title="one function, three sets of weights")
    axes.set(ylim=(1e-8, 1e4), xticks=[-0.5, 0, 0.5])
    axes.legend(loc="lower right")


write_picture(out / "loss-surface.svg", drawn)

# %% [markdown]
# Above, three planes in the same colours: without skips, with skips, and once more the first function with its units rescaled.
# Below, how many curvatures of the Hessian are larger than a number, with what the planes show as dashed lines; what rescaling
# does along the first direction; and the wall.
#
# ![Above: three contour pictures of the logarithm of the loss, narrow without skips, wide with skips, and narrower still for
# the first function with rescaled units. Below: numbers of curvatures above a size, with the planes' own far down; three lines
# through the loss, two of which are one; losses between two networks, with a wall before and a low one after
# matching](loss-surface.svg)
