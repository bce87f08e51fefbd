"""Is my width in the kernel regime?

A network of infinite width is a kernel machine: its tangent kernel is the same for every random start, and stands still
while the network is trained. A network of your width is close to that, or it is not. How close is a number, and this script
finds it. Change `NET`, `WIDTH` and the data, leave out the lines with `assert`, which hold this text to its numbers, and it
is about your network.
"""

# %% [markdown]
# ## The network and its limit
#
# Two digits, some images to learn from and some to be tested on. The network is given in words, so that one object has two
# faces: the tangent kernel of infinite width, and finite networks of any width, in the parametrisation in which they tend to
# it.

# %%
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.data import digits
from ntkit.kernels import parse
from ntkit.landscape import Descent, train
from ntkit.spectra import Sample, gradient_flow
from ntkit.studies import BLUE, GREY, ORANGE, out_folder, write_picture

jax.config.update("jax_enable_x64", True)
out = out_folder(__doc__)

NET, WIDTH = "dense erf dense", 512  # the question
TRAIN, STEPS = 60, 150

images, labels = digits()
chosen = np.flatnonzero((labels == 3) | (labels == 8))[:160]
x = (images - images.mean(0))[chosen].reshape(len(chosen), -1)
x = 8 * x / np.linalg.norm(x, axis=1, keepdims=True)
y = np.where(labels[chosen] == 3, 1.0, -1.0)

net = parse(NET)
limit = np.asarray(net.ntk(x))
rate = TRAIN / np.linalg.eigvalsh(limit[:TRAIN, :TRAIN])[-1]  # the inverse of the largest curvature of the loss


def predicted(kernel: np.ndarray) -> np.ndarray:
    """What a kernel machine says of the test images after as many steps of gradient descent."""
    course = gradient_flow(Sample(kernel[:TRAIN, :TRAIN], y[:TRAIN]), [STEPS], rate=rate, discrete=True)
    return course.predictions(kernel[TRAIN:, :TRAIN])[0]


right = np.mean(predicted(limit) * y[TRAIN:] > 0)
print(f"{NET}, {TRAIN} images to learn from: at infinite width {right:.0%} of {len(x) - TRAIN} others are told apart")

# %% [markdown]
# ## Four distances from the limit
#
# Of each width twelve networks with different random weights are trained, by the same steps of gradient descent on the mean
# squared error. What a network computes at the start is subtracted, so that all start from zero. Then we look how far
#
# - its kernel was from that of infinite width before training: the *fluctuation*;
# - training has moved its kernel: the *drift*;
# - its predictions are from those of the kernel of infinite width;
# - its predictions are from those of *its own* kernel, as it was before training.

# %%
NETWORKS = 12
EXPONENTS = {"fluctuation": 1 / 2, "drift": 1, "from the limit": 1 / 2, "from its own kernel": 1}


def distances(width: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The four distances, each relative to the limit, of many networks of a width; and what these say of the test images."""
    keys = jax.random.split(jax.random.fold_in(jax.random.key(0), width), NETWORKS)
    params = jax.jit(jax.vmap(lambda key: net.init(key, (64,), width, 1)))(keys)
    outputs = jax.vmap(lambda params: net.apply(params, x)[:, 0])
    kernels = jax.jit(jax.vmap(lambda params: net.empirical_ntk(params, x)))
    start = outputs(params)

    def loss(params: Any) -> jax.Array:
        """A sum over networks: each is trained as if it were alone."""
        return (((outputs(params) - start)[:, :TRAIN] - y[:TRAIN]) ** 2).mean(1).sum() / 2

    trained = train(loss, params, Descent(rate), STEPS).params
    before, after = np.asarray(kernels(params)), np.asarray(kernels(trained))
    learnt = np.asarray(outputs(trained) - start)[:, TRAIN:]
    answer = predicted(limit)
    found = {
        "fluctuation": (before - limit) / np.linalg.norm(limit),
        "drift": (after - before) / np.linalg.norm(limit),
        "from the limit": (learnt - answer) / np.linalg.norm(answer),
        "from its own kernel": (learnt - [predicted(kernel) for kernel in before]) / np.linalg.norm(answer),
    }
    return {name: np.sqrt((apart.reshape(NETWORKS, -1) ** 2).sum(1)) for name, apart in found.items()}, learnt


NARROW = (32, 128)
measured, learnt = {}, {}
for width in (*NARROW, WIDTH):
    measured[width], learnt[width] = distances(width)
    print(f"width {width:4}", *(f"  {name} {values.mean():.2%}" for name, values in measured[width].items()))

# %% [markdown]
# ## A law, and what it said beforehand
#
# Theory gives the exponents: with $n$ the width, the fluctuation falls as $n^{-1/2}$, since the kernel is a mean over $n$
# units, and the drift as $n^{-1}$ if the activation is smooth. (For ReLU only $n^{-1/2}$ is promised.) The constants are your
# network's own: take them from the two narrow widths, which cost next to nothing, and each law says what to expect of the wide
# one.

# %%
laws = {
    name: np.mean([width**exponent * measured[width][name].mean() for width in NARROW]) for name, exponent in EXPONENTS.items()
}
for name, exponent in EXPONENTS.items():
    expected, values = laws[name] / WIDTH**exponent, measured[WIDTH][name]
    error = values.std(ddof=1) / NETWORKS**0.5
    law = f"{laws[name]:.2f} / n^{exponent:g}"
    print(f"{name:20} {law:12} = {expected:.2%} at n = {WIDTH}, measured {values.mean():.2%} +- {error:.2%}")
    assert abs(values.mean() / expected - 1) < 1 / 4

# %% [markdown]
# The laws hold to a quarter, over a factor of four in width. So they may be turned around: which width does it take?

# %%
print("width needed for      10 %       1 %")
for name, exponent in EXPONENTS.items():
    print(f"{name:20}", *(f"{(laws[name] / to) ** (1 / exponent):9,.0f}" for to in (0.1, 0.01)))
assert (laws["from the limit"] / 0.1) ** 2 < WIDTH < (laws["from the limit"] / 0.01) ** 2
assert measured[WIDTH]["from its own kernel"].mean() < 0.01
assert measured[WIDTH]["fluctuation"].mean() < 0.1

# %% [markdown]
# ## The answer
#
# It depends on what is asked, and the two questions that are often taken for one have different answers at this width.
#
# - *Does training leave the kernel alone*, so that what the network learns is regression with its own kernel? Yes: predictions
#   differ by less than 1 %.
# - *Is it the kernel of infinite width?* To within 10 %, yes; to within 1 %, no: random weights matter more than training
#   does, and it would take the width in the table above.


# %%
def drawn() -> Figure:
    """Laws and measurements over the width, and outputs over those of the limit."""
    figure = Figure(figsize=(7.6, 2.7))
    kernels, predictions, outputs = figure.subplots(1, 3)
    laws_of(kernels, {"fluctuation": "fluctuation", "drift": "drift in training"})
    kernels.set(title="how far the kernel is off", ylabel="relative distance")
    kernels.annotate("predicted", (WIDTH, laws["fluctuation"] / WIDTH**0.5), (-4, 14), textcoords="offset points", ha="center")
    laws_of(predictions, {"from the limit": "from the limit", "from its own kernel": "from its own kernel"})
    predictions.set_title("how far predictions are off")
    ends = np.array([-1.6, 1.6])
    outputs.plot(ends, ends, color=GREY, linewidth=0.7)
    for width, colour, size in ((NARROW[0], ORANGE, 2.5), (WIDTH, BLUE, 2)):
        outputs.plot(predicted(limit), learnt[width][0], "o", color=colour, markersize=size, label=f"width {width}")
    outputs.set(xlabel="output at infinite width", ylabel="output of one network", title=f"{len(x) - TRAIN} test images")
    outputs.set_xticks([-1, 0, 1])
    outputs.set_yticks([-1, 0, 1])
    outputs.set_aspect("equal")
    outputs.legend(loc="upper left", handlelength=0.8)
    return figure


def laws_of(axes: Axes, names: dict[str, str]) -> None:
    """Two distances over the width: measured, their laws, and what these said of the wide one."""
    widths = np.array([*NARROW, WIDTH])
    for (name, label), colour in zip(names.items(), (BLUE, ORANGE), strict=True):
        means = np.array([measured[width][name].mean() for width in widths])
        law = laws[name] / widths ** EXPONENTS[name]
        axes.plot(widths, law, "--", color=colour, linewidth=1)
        axes.plot(widths, means, "o", color=colour)
        axes.plot(WIDTH, law[-1], "o", color=colour, markersize=9, markerfacecolor="none")
        axes.text(widths[1] * 1.1, means[1] * 1.15, label, color=colour)
    axes.set(xscale="log", yscale="log", xlabel="width", xlim=(24, 800), ylim=(4e-3, 0.5))
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.set_yticks([0.01, 0.1], ["1 %", "10 %"])
    axes.minorticks_off()
    axes.grid(True)


write_picture(out / "kernel-regime.svg", drawn)

# %% [markdown]
# In the picture, dashes are the laws as the narrow widths have them, and rings what they said of the wide one. On the right is
# what it means for predictions: each dot is a test image.
#
# ![Distances over the width on logarithmic axes, falling with slopes -1/2 and -1 into the rings at width 512; and outputs of
# single networks over those of the limit, scattered at width 32, on the diagonal at width 512](kernel-regime.svg)
