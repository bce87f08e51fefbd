"""Can my layer be orthogonal?

An orthogonal layer keeps lengths: signals neither explode nor vanish in it, and it adds nothing to the Lipschitz constant of
its network. A dense layer can always be orthogonal. A convolution is a matrix of a special form, and often no weights make it
so. This script asks first whether yours can be, then makes it so, keeps it so in training, and repairs one that is not.
"""

# %% [markdown]
# ## Is there such a layer at all?
#
# That is a matter of the layer's numbers alone: channels, window, stride. Here are layers of well-known networks.

# %%
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.data import digits
from ntkit.kernels import parse
from ntkit.landscape import Adam, train
from ntkit.orthoconv import Architecture, construct, exists, l_orth, nearest, singular_values, spectral_error_bounds
from ntkit.studies import BLUE, ORANGE, Convolution, out_folder, write_picture

jax.config.update("jax_enable_x64", True)
out = out_folder(__doc__)

layers = {  # in channels, out channels, window, stride
    "3x3, 64 to 64": (64, 64, 3, 1),
    "3x3, stride 2, 64 to 128": (64, 128, 3, 2),
    "shortcut 1x1, stride 2, 64 to 128": (64, 128, 1, 2),
    "stem 7x7, stride 2, 3 to 64": (3, 64, 7, 2),
    "patches 4x4, stride 4, 3 to 96": (3, 96, 4, 4),
}
found = {}
for name, (inputs, outputs, window, stride) in layers.items():
    found[name] = exists(out_channels=outputs, in_channels=inputs, kernel_size=window, stride=stride, ndim=2)
    print(f"{name:34}", "possible" if found[name].possible else "impossible")
shortcut = "shortcut 1x1, stride 2, 64 to 128"
assert [name for name, answer in found.items() if not answer.possible] == [shortcut]
print(f"\n{found[shortcut].reason}")

# %% [markdown]
# One cannot: the shortcut that residual networks have wherever they halve the image. No training can make it orthogonal. What
# is the nearest layer that can be?

# %%
inputs, outputs, window, stride = layers[shortcut]
layer = Convolution(shortcut, Architecture(outputs, inputs, (window,) * 2, (stride,) * 2), "circular", (56, 56), (28, 28))
for what, change in layer.changes.items():
    print(f"possible with {what} {change}")

# %% [markdown]
# A window of 2x2 is enough, at the same stride and with the same channels.
#
# ## Make one
#
# From here on, a small network on digits of 8 x 8 pixels, and its second layer: 4 to 8 channels, 3x3, stride 2. Where an
# orthogonal layer exists, `construct` gives a random one, with all taps in use. Orthogonal means that all singular values are
# 1, and it holds at every image size.

# %%
SHAPE: dict[str, Any] = {"out_channels": 8, "in_channels": 4, "kernel_size": 3, "stride": 2, "ndim": 2}
STRIDE = SHAPE["stride"]
SIZES = (1, 2, 4, 8, 16, 32)
assert exists(**SHAPE).possible
made = construct(jax.random.key(0), **SHAPE)
for size in SIZES:
    values = singular_values(made, size, STRIDE)
    print(f"{size:2} x {size:2} outputs: {len(values):5} singular values in 1 +- {np.abs(values - 1).max():.0e}")
    assert np.abs(values - 1).max() < 1e-12

# %% [markdown]
# ## Keep it so in training
#
# The network starts with that layer and is trained twice: on the loss alone, and with $L_\mathrm{orth}$ added, a penalty that
# costs no more than another convolution of the kernel with itself and is zero for orthogonal layers and for no others.

# %%
images, labels = digits()
order = np.random.default_rng(0).permutation(len(images))
x, y = jnp.asarray(images[order][..., None]), jnp.asarray(labels[order])
learn, test = (x[:1000], y[:1000]), (x[1000:], y[1000:])
net = parse("conv3x3x4:circular relu conv3x3x8/2:circular relu flatten dense10")


def kernel_of(params: Any) -> jax.Array:
    """The second layer as `ntkit.orthoconv` has it: (out, in, height, width)."""
    return jnp.transpose(params[2].w, (3, 2, 0, 1))


def with_kernel(params: Any, kernel: Any) -> Any:
    """The network with another second layer."""
    return (*params[:2], replace(params[2], w=jnp.transpose(jnp.asarray(kernel), (2, 3, 1, 0))), *params[3:])


def loss(params: Any, data: Any, penalty: float) -> jax.Array:
    """Cross-entropy, and so much of L_orth."""
    inputs, classes = data
    scores = jax.nn.log_softmax(net.apply(params, inputs))
    return -jnp.take_along_axis(scores, classes[:, None], axis=1).mean() + penalty * l_orth(kernel_of(params), STRIDE)


def accuracy(params: Any) -> float:
    """The share of test images that are right."""
    return float((net.apply(params, test[0]).argmax(1) == test[1]).mean())


init = jax.jit(partial(net.init, input_shape=(8, 8, 1), parametrization="standard"))
start = with_kernel(init(jax.random.key(1)), made)
trained = {
    name: train(partial(loss, penalty=penalty), start, Adam(0.01), 400, data=learn, batch=64, key=jax.random.key(2)).params
    for name, penalty in (("freely", 0.0), ("with penalty", 0.1))
}
kernels = {name: np.asarray(kernel_of(params)) for name, params in trained.items()}
spectra = {name: singular_values(kernel, 4, STRIDE) for name, kernel in kernels.items()}
bounds = {name: spectral_error_bounds(kernel, STRIDE) for name, kernel in kernels.items()}
for name, values in spectra.items():
    low, high = bounds[name].singular_values
    print(f"trained {name}: {accuracy(trained[name]):.1%} of {len(test[1])} test images are right")
    print(f"  singular values at 4 x 4 outputs from {values[-1]:.3f} to {values[0]:.3f}")
    print(f"  L_orth {bounds[name].l_orth:.3g}, so that at every size they lie from {low:.3f} to {high:.3f}")
assert spectra["freely"][0] > 3
assert np.abs(spectra["with penalty"] - 1).max() < 0.15
assert accuracy(trained["with penalty"]) > accuracy(trained["freely"]) - 0.02

# %% [markdown]
# Free training leaves orthogonality at once: some signals come out of this one layer three times as long as they went in, and
# more. The penalty holds all singular values within 15 % of 1, and the network is no worse for it. The last number of each is
# a theorem at work: from $L_\mathrm{orth}$ alone, bounds on all singular values at every image size, also at those at which
# nobody looked. For the freely trained layer they say little, near orthogonality a lot.
#
# ## Repair one
#
# Close to orthogonal is not orthogonal. `nearest` moves a trained kernel onto the set of orthogonal ones, by as little as it
# can.

# %%
repaired = {name: nearest(kernel, STRIDE) for name, kernel in kernels.items()}
right = {name: accuracy(with_kernel(trained[name], moved.kernel)) for name, moved in repaired.items()}
for name, moved in repaired.items():
    share = moved.distance / np.linalg.norm(kernels[name])
    print(f"trained {name}: moved by {share:.0%}, then {right[name]:.1%} are right; orthogonal to {moved.spectral_error:.0e}")
    assert moved.spectral_error < 1e-8
assert repaired["with penalty"].distance < 0.2 * np.linalg.norm(kernels["with penalty"])
assert abs(right["with penalty"] - accuracy(trained["with penalty"])) < 0.02
assert right["freely"] < accuracy(trained["freely"]) - 0.03

# %% [markdown]
# So the order of things is: choose numbers for which the layer exists, start from an orthogonal one, train with the penalty,
# and repair at the end. That costs nothing that could be measured here. To repair what was trained freely does cost: it lies
# far away.

# %%
SHOWN = {"freely": ORANGE, "with penalty": BLUE}


def drawn() -> Figure:
    """Singular values at one size, and their ends at many."""
    figure = Figure(figsize=(7.6, 2.8))
    falling, sized = figure.subplots(1, 2, sharey=True)
    for name, colour in SHOWN.items():
        values = spectra[name]
        falling.plot(np.linspace(0, 100, len(values)), values, color=colour, linewidth=2)
        ends(sized, kernels[name], colour)
    for axes in (falling, sized):
        axes.axhline(1, color="black", linewidth=1)
        axes.set(yscale="log", ylim=(0.45, 8))
        axes.set_yticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
        axes.minorticks_off()
        axes.grid(True)
    for bound in bounds["with penalty"].singular_values:
        sized.axhline(bound, color=BLUE, linestyle="--", linewidth=1)
    falling.text(28, 3.5, "trained freely", color=ORANGE)
    falling.text(3, 1.13, "with penalty", color=BLUE)
    falling.text(3, 0.83, "repaired, or made by construct", color="black")
    falling.set(xlabel="percent of all, the largest first", ylabel="singular value", title="at 4 x 4 outputs")
    sized.text(SIZES[-1], bounds["with penalty"].singular_values[1] * 1.05, "bound for every size", color=BLUE, ha="right")
    sized.set(xlabel="outputs along each axis", title="from the smallest to the largest, by image size", xscale="log")
    sized.set_xticks(SIZES, [str(size) for size in SIZES])
    sized.minorticks_off()
    return figure


def ends(axes: Axes, kernel: np.ndarray, colour: str) -> None:
    """The band from the smallest to the largest singular value, over the image size."""
    values = [singular_values(kernel, size, STRIDE) for size in SIZES]
    low, high = [each[-1] for each in values], [each[0] for each in values]
    axes.fill_between(SIZES, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(SIZES, high, "o-", color=colour)
    axes.plot(SIZES, low, "o-", color=colour)


write_picture(out / "orthogonal-layer.svg", drawn)

# %% [markdown]
# On the left all singular values of the layer in this network; on the right the largest and the smallest at image sizes from
# one output to 32 by 32, and as dashes the bounds that hold at all sizes.
#
# ![Left: singular values of three kernels from the largest to the smallest: trained freely, from 5 down to less than 1; with
# the penalty, near 1; repaired, on 1. Right: largest and smallest ones over the image size, as bands, and around the second
# one its bounds](orthogonal-layer.svg)
