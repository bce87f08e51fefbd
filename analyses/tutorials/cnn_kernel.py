"""What can my CNN's kernel learn?

At infinite width a network is its kernel, and a kernel can be asked before anything is trained: which functions does it
learn from few examples, which from many, and which never? The answers are in the eigenvalues of its Gram matrix and in the
share of the target that lies on each of them. Here they are read off for a convolutional and a dense network, for two targets
on the same images, and then checked by regression.
"""

# %% [markdown]
# ## Images, two targets, two kernels
#
# Handwritten digits, each pushed to the left or to the right by two pixels, and up or down by up to two, so that what leaves
# on one side comes back on the other. Two questions about such an image: is the digit odd? And was it pushed to the left?

# %%
import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.data import digits
from ntkit.kernels import gram, parse
from ntkit.spectra import Sample, learning_curve, samples_needed, target_power
from ntkit.studies import BLUE, ORANGE, out_folder, write_picture

jax.config.update("jax_enable_x64", True)
out = out_folder(__doc__)

COUNT = 300
rng = np.random.default_rng(0)
images, labels = digits()
chosen = rng.permutation(len(images))[:COUNT]
right, down = rng.choice([-2, 2], COUNT), rng.integers(-2, 3, COUNT)
x = np.stack([np.roll(image, push, (1, 0)) for image, *push in zip(images[chosen], right, down, strict=True)])[..., None]
targets = {"odd?": np.where(labels[chosen] % 2, 1.0, -1.0), "pushed left?": np.where(right < 0, 1.0, -1.0)}

networks = {
    "convolutional": parse("conv3x3:circular relu conv3x3:circular relu gap dense"),
    "dense": parse("flatten dense relu dense relu dense"),
}
grams = {name: gram(net, x) for name, net in networks.items()}
samples = {(name, target): Sample(grams[name], y) for name in networks for target, y in targets.items()}

# %% [markdown]
# ## The spectrum
#
# A kernel learns along its eigenfunctions, those with large eigenvalues first. The eigenvalues alone already differ: those of
# the convolutional kernel fall faster, since after an average over all pixels most images look alike to it.

# %%
for name in networks:
    values = samples[name, "odd?"].eigenvalues
    print(f"{name:13}", *(f"  no. {k}: {values[k - 1] / values[0]:.1e}" for k in (1, 2, 10, 100)))

# %% [markdown]
# But it is not the eigenvalues that decide, it is where the target lies among them. Take the leading modes one after the
# other: how much of the target is left?

# %%
power = {task: target_power(sample) for task, sample in samples.items()}
for (name, target), found in power.items():
    print(f"{name:13} {target:13}", *(f"  beyond {k:2} modes {found.tails[k] / found.tails[0]:4.0%}" for k in (5, 20, 50)))
beyond = {task: found.tails[20] / found.tails[0] for task, found in power.items()}
assert beyond["convolutional", "odd?"] < 0.3 < 0.9 < beyond["convolutional", "pushed left?"]
assert beyond["dense", "pushed left?"] < 0.1 < 0.7 < beyond["dense", "odd?"]

# %% [markdown]
# The convolutional kernel holds most of *odd?* in twenty modes and next to nothing of *pushed left?*; the dense one the other
# way round.
#
# ## The learning curves, predicted and measured
#
# From eigenvalues and shares follows the test error for every number of training images, at the best ridge. An error of 1 is
# that of answering zero always. Beside each prediction stand regressions from as many images, drawn at random and tested on
# the others.

# %%
SIZES = [10, 20, 40, 80, 160, 240]
curves = {
    task: learning_curve(sample, SIZES, ridge="optimal", key=jax.random.key(1), repeats=20) for task, sample in samples.items()
}
for (name, target), curve in curves.items():
    print(f"{name}, {target}")
    print("  images   ", *(f"{n:6}" for n in SIZES))
    print("  predicted", *(f"{error:6.3f}" for error in curve.test))
    print("  measured ", *(f"{error:6.3f}" for error in curve.mean()))
    assert np.all(np.abs(curve.mean() / curve.test - 1) < 0.15)

# %% [markdown]
# Predictions hold to 15 % everywhere, from 10 images on, although no network was trained for them.
#
# ## Why: a symmetry
#
# The convolutions wrap around the edge and the outputs are averaged over all pixels. So the network does not see where a digit
# stands, at any weights, and neither does its kernel:

# %%
some = slice(20)
centred = images[chosen][some][..., None]
apart = np.abs(networks["convolutional"].ntk(centred) - grams["convolutional"][some, some]).max()
assert apart < 1e-12 * grams["convolutional"].max()
print(f"between digits where they stood before: the same kernel to {apart / grams['convolutional'].max():.0e}")

# %% [markdown]
# For *odd?* that is a gift: every image stands for all places at which it could be, and need not be seen there. For *pushed
# left?* it is the end: what the kernel cannot see it never learns, from however many images.

# %%
needed = {task: samples_needed(sample, 0.6) for task, sample in samples.items()}
for (name, target), n in needed.items():
    print(f"{name:13} {target:13} error 0.6 from {'no number of' if np.isinf(n) else f'{n:.0f}'} images on")
assert needed["dense", "odd?"] > 8 * needed["convolutional", "odd?"]
assert np.isinf(needed["convolutional", "pushed left?"])
assert needed["dense", "pushed left?"] < 10

# %%
COLOURS = {"convolutional": BLUE, "dense": ORANGE}


def drawn() -> Figure:
    """Where the targets lie in the spectrum, and both learning curves."""
    figure = Figure(figsize=(7.6, 2.8))
    shares, *errors = figure.subplots(1, 3)
    for (name, target), found in power.items():
        left = found.tails[:101] / found.tails[0]
        shares.plot(np.arange(101), left, "-" if target == "odd?" else ":", color=COLOURS[name])
    shares.set(
        xlabel="leading modes", ylabel="share of the target beyond them", ylim=(0, 1.05), title="what leading modes leave"
    )
    for place, target, colour in (
        ((45, 0.9), "pushed left?", BLUE),
        ((35, 0.69), "odd?", ORANGE),
        ((12, 0.35), "odd?", BLUE),
        ((12, 0.05), "pushed left?", ORANGE),
    ):
        shares.text(*place, target, color=colour)
    for axes, target in zip(errors, targets, strict=True):
        learning(axes, target)
    errors[0].set_ylabel("mean squared test error")
    for axes, convolutional, dense in ((errors[0], (24, 0.54), (42, 0.97)), (errors[1], (11, 0.92), (11, 0.13))):
        axes.text(*convolutional, "convolutional", color=BLUE)
        axes.text(*dense, "dense", color=ORANGE)
    return figure


def learning(axes: Axes, target: str) -> None:
    """Predicted and measured errors of both kernels."""
    for name, colour in COLOURS.items():
        curve = curves[name, target]
        error = 2 * curve.simulated_test.std(0, ddof=1) / len(curve.simulated_test) ** 0.5
        axes.plot(SIZES, curve.test, color=colour)
        axes.errorbar(SIZES, curve.mean(), error, fmt="o", color=colour, markersize=3.5)
    axes.set(xscale="log", xlabel="training images", ylim=(0, 1.05), title=target)
    axes.set_xticks(SIZES[:-1], [str(n) for n in SIZES[:-1]])
    axes.minorticks_off()
    axes.grid(True)


write_picture(out / "cnn-kernel.svg", drawn)

# %% [markdown]
# So the answer is one about targets, not about architectures. On the left, what the leading modes leave of each target; in the
# middle and on the right the learning curves that follow from it, as lines, and what was measured, as dots with twice their
# standard error.
#
# ![Three panels. Left: shares of targets beyond k modes. Middle: error of "odd?" over the number of images, falling at once
# for the convolutional kernel and late for the dense one. Right: error of "pushed left?", staying at 1 for the convolutional
# kernel, near 0 for the dense one](cnn-kernel.svg)
