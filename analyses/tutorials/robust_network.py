"""How robust is my network, provably?

Somebody may change every pixel of an image by a little. Up to which amount is the network's answer certain to stay, whatever
the change? An attack that fails proves nothing, it may have been a weak one. A bound on how much the outputs can change
proves it, if the bound holds. This script has both, for a network that it trains on digits, and shows what lies between.
"""

# %% [markdown]
# ## A network
#
# One hidden layer of 64 ReLUs, so that this page is quickly made. Any other network will do: `load_network` reads files,
# `Network.from_ntkit` takes what was trained here.

# %%
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.data import digits
from ntkit.kernels import parse
from ntkit.landscape import Adam, train
from ntkit.lipschitz import Network, certified_radius, local_lipschitz
from ntkit.studies import BLUE, GREY, ORANGE, out_folder, write_picture

jax.config.update("jax_enable_x64", True)
out = out_folder(__doc__)

images, labels = digits()
order = np.random.default_rng(0).permutation(len(images))
x, y = jnp.asarray(images[order].reshape(len(images), -1)), jnp.asarray(labels[order])
learn, test = (x[:1000], y[:1000]), (x[1000:], y[1000:])
words = parse("dense64 relu dense10")


def loss(params: Any, data: Any) -> jax.Array:
    """Cross-entropy."""
    scores = jax.nn.log_softmax(words.apply(params, data[0]))
    return -jnp.take_along_axis(scores, data[1][:, None], axis=1).mean()


init = jax.jit(lambda key: words.init(key, (64,), parametrization="standard"))
trained = train(loss, init(jax.random.key(0)), Adam(0.01), 400, data=learn, batch=64, key=jax.random.key(1)).params
net = Network.from_ntkit(words, trained, (64,))
predicted = np.asarray(jax.vmap(net)(test[0])).argmax(1)
print(f"{np.mean(predicted == test[1]):.1%} of {len(predicted)} test images are right; pixels lie in [0, 1]")

# %% [markdown]
# ## How much can the outputs change?
#
# The Lipschitz constant on a ball around an image bounds the change of an output by so many times the change of the pixels,
# here of the largest one. No method finds the constant of a large network exactly, but it can be closed in: `rows` of a bound
# is above it, rounded outward, so that it holds for real numbers and not only for those that a computer has; `lower` is a
# derivative that some image in the ball attains. Cruder methods are quicker: a product of norms does not even look at the
# image.

# %%
RADII = (0.01, 0.04, 0.16)
METHODS: dict[Literal["product", "ibp", "lirpa"], str] = {
    "product": "product of norms",
    "ibp": "interval arithmetic",
    "lirpa": "linear bounds",
}
some, key = np.asarray(test[0][:10]), jax.random.key(2)
bounds = {
    method: [
        local_lipschitz(net, some, radius, method=method, clip=(0, 1), key=key if method == "lirpa" else None)
        for radius in RADII
    ]
    for method in METHODS
}
rungs = {METHODS[method]: [np.median(bound.rows.max(1)) for bound in found] for method, found in bounds.items()}
rungs["found by search"] = [np.median(bound.lower.max(1)) for bound in bounds["lirpa"]]
print("radius of the ball          ", *(f"{radius:8g}" for radius in RADII))
for name, values in rungs.items():
    print(f"{name:19}", "at least" if name == "found by search" else "at most ", *(f"{value:8.1f}" for value in values))
assert rungs["linear bounds"][0] < 1.05 * rungs["found by search"][0]
assert rungs["linear bounds"][-1] < 2 * rungs["found by search"][-1]
assert rungs["product of norms"][0] > 4 * rungs["linear bounds"][0]
for image in range(len(some)):
    assert all(np.all(bound.lower[image] <= bound.rows[image]) for bound in bounds["lirpa"])

# %% [markdown]
# In the smallest ball linear bounds are within 5 % of what is attained, in the largest within a factor of 2: larger balls hold
# more kinks. The product of norms is off by more than a factor of 4, and every further layer would add a factor.
#
# ## Up to where is the answer certain?
#
# The answer stays as long as the lead of the largest output over each other one is more than that difference can change.
# Bisection finds the largest radius for which the bounds say so, for each image.

# %%
COUNT = 60
shown, answers = test[0][:COUNT], predicted[:COUNT]
certified = certified_radius(net, np.asarray(shown), clip=(0, 1)).radius
low, middle, high = np.quantile(certified, [0.1, 0.5, 0.9])
print(
    f"certain up to {middle:.3f} for half of {COUNT} images; 10 % of them up to {low:.3f} at most, 10 % to {high:.3f} or more"
)

# %% [markdown]
# ## And from where on is it wrong?
#
# The other side is an attack: within a ball, follow the gradient of the lead downhill, and see whether the answer changes.
# Bisection again finds a small ball in which it succeeds. One image with another answer is a proof, too, of the opposite.


# %%
def attack(image: jax.Array, answer: jax.Array, radius: jax.Array) -> jax.Array:
    """An image within the radius at which the lead over the nearest other answer is small or gone."""

    def lead(image: jax.Array) -> jax.Array:
        outputs = net(image)
        return outputs[answer] - outputs.at[answer].set(-jnp.inf).max()

    def step(now: jax.Array, _: None) -> tuple[jax.Array, None]:
        ahead, slope = jax.value_and_grad(lead)(now)
        moved = jnp.clip(now - radius / 4 * jnp.sign(slope), image - radius, image + radius)
        return jnp.where(ahead < 0, now, jnp.clip(moved, 0, 1)), None

    return jax.lax.scan(step, image, None, length=20)[0]


@jax.jit
@jax.vmap
def smallest_attack(image: jax.Array, answer: jax.Array) -> tuple[jax.Array, jax.Array]:
    """An image close by with another answer, and its distance; infinity if none is found up to 1/2."""

    def halve(ends: tuple[jax.Array, jax.Array], _: None) -> tuple[tuple[jax.Array, jax.Array], None]:
        low, high = ends
        middle = (low + high) / 2
        fooled = net(attack(image, answer, middle)).argmax() != answer
        return (jnp.where(fooled, low, middle), jnp.where(fooled, middle, high)), None

    _, radius = jax.lax.scan(halve, (jnp.array(0.0), jnp.array(0.5)), None, length=12)[0]
    other = attack(image, answer, radius)
    return other, jnp.where(net(other).argmax() != answer, jnp.abs(other - image).max(), jnp.inf)


fooling, distance = (np.asarray(array) for array in smallest_attack(shown, jnp.asarray(answers)))
ratio = distance / certified
print(f"fooled at {np.median(distance):.3f} half of the time, {np.median(ratio):.2f} times as far as the answer is certain")
assert np.all(distance > certified)
assert np.isfinite(distance).all()
assert np.all(np.asarray(jax.vmap(net)(jnp.asarray(fooling))).argmax(1) != answers)
assert 1.3 < np.median(ratio) < 1.7

# %% [markdown]
# No attack came closer than what is certain: had one, the bounds would have been wrong. Between the two, mostly another half
# of the certain radius, nobody knows yet. (For small networks `local_lipschitz(..., method="bab")` leaves nothing between.)


# %%
def drawn() -> Figure:
    """The ladder, the shares of images, and an example."""
    figure = Figure(figsize=(7.6, 2.9))
    grid = figure.add_gridspec(2, 3, width_ratios=(3, 3, 1.25))
    steps(figure.add_subplot(grid[:, 0]))
    shares(figure.add_subplot(grid[:, 1]))
    example = int(np.argmin(np.abs(distance - np.median(distance))))
    other = int(net(jnp.asarray(fooling[example])).argmax())
    pictures = {
        f"a {answers[example]}, certain\nup to {certified[example]:.3f}": shown[example],
        f'at {distance[example]:.3f}:\n"a {other}"': fooling[example],
    }
    for row, (title, image) in enumerate(pictures.items()):
        axes = figure.add_subplot(grid[row, 2])
        axes.imshow(np.reshape(image, (8, 8)), cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
    return figure


def steps(axes: Axes) -> None:
    """The ladder of bounds over the radius."""
    looks = {"product of norms": (GREY, ":"), "interval arithmetic": (GREY, "--"), "linear bounds": (BLUE, "-")}
    for name, values in rungs.items():
        colour, style = looks.get(name, (ORANGE, "-"))
        axes.plot(RADII, values, style, color=colour, marker="o")
        axes.text(RADII[-1] * 1.25, values[-1], "\n".join(name.rsplit(" ", 1)), color=colour, va="center")
    axes.fill_between(RADII, rungs["found by search"], rungs["linear bounds"], color=BLUE, alpha=0.15, linewidth=0)
    axes.set(xscale="log", yscale="log", xlabel="radius, in pixel values", ylabel="change of output / change of pixels")
    axes.set_xticks(RADII, [f"{radius:g}" for radius in RADII])
    axes.set_yticks([100, 200, 500], ["100", "200", "500"])
    axes.minorticks_off()
    axes.set(xlim=(0.008, 0.7), ylim=(90, 700), title="bounds of the Lipschitz constant")


def shares(axes: Axes) -> None:
    """The share of images whose answer stays, over the radius."""
    radii = np.linspace(0, 0.16, 321)
    certain, standing = (100 * (values[:, None] > radii).mean(0) for values in (certified, distance))
    axes.fill_between(radii, certain, standing, color=GREY, alpha=0.2, linewidth=0)
    axes.plot(radii, certain, color=BLUE)
    axes.plot(radii, standing, color=ORANGE)
    axes.text(0.012, 30, "proved", color=BLUE)
    axes.text(0.093, 16, "unknown", color=GREY, ha="center")
    axes.text(0.085, 65, "attack found", color=ORANGE)
    axes.set_xticks([0, 0.05, 0.1, 0.15])
    axes.set(xlabel="radius, in pixel values", ylabel="percent of images", title="whose answer stays", ylim=(0, 103))
    axes.grid(True)


write_picture(out / "robust-network.svg", drawn)

# %% [markdown]
# On the left the ladder of bounds over the radius: what is true lies in the shaded part. In the middle the share of images
# whose answer stays: at least as many as are certain, at most as many as withstood the attack. On the right one image, and the
# nearest one found that fools the network.
#
# ![Left: three bounds from above, and what a search attains, over the radius. Middle: two falling curves over the radius with
# the unknown shaded between. Right: a digit and the same digit changed a little, with another answer](robust-network.svg)
