"""Yang and Hu (2021): which parametrisations learn features in the limit of infinite width?"""

import numpy as np
from _parametrizations import Floats, Path, batch, generator, path

from ntkit.claims import All, Control, Paper, Series, Slope, Trial

paper = Paper(
    key="yang2021",
    title="Tensor Programs IV: Feature Learning in Infinite-Width Neural Networks",
    authors="Greg Yang, Edward J. Hu",
    year=2021,
    arxiv="2011.14522",
)

# Slopes of 24 networks have standard errors up to 0.011, and those of 240 lay within 0.011 of the predictions (pilot).
NTK, MUP = Slope(tol=0.1), Slope(tol=0.08)


@paper.claim(
    "feature-movement-exponents",
    where="dynamical dichotomy theorem: every stable parametrisation that learns at all learns features or is a kernel method",
    kind="reading",
    checked="memory",
    statement=r"\left(\frac{1}{n} \sum_i |h_{l,i}(T) - h_{l,i}(0)|^2\right)^{1/2} ="
    r" \begin{cases} \Theta(n^{-1/2}) & \text{NTK parametrisation} \\ \Theta(1) & \text{maximal update} \end{cases},"
    r" \quad l = 1, 2, \qquad |f(T) - f(0)| = \Theta(1) \text{ in both}",
    rule=All(ntk_first=NTK, ntk_second=NTK, ntk_output=MUP, mup_first=MUP, mup_second=MUP, mup_output=MUP),
    controls={
        "swapped": Control(
            "the exponents of the two parametrisations exchanged", parts=("ntk_first", "ntk_second", "mup_first", "mup_second")
        ),
        "standard-as-ntk": Control(
            "standard parametrisation with learning rate 1/n in place of NTK parametrisation", parts=("ntk_first",)
        ),
        "standard-as-mup": Control(
            "standard parametrisation with learning rate 1/n in place of maximal update", parts=("mup_second",)
        ),
        "one-rate": Control("maximal update without the factor n in the first layer's learning rate", parts=("mup_first",)),
    },
)
def feature_movement_exponents(trial: Trial) -> dict[str, Series]:
    r"""Root mean square movement of pre-activations h_1, h_2 and outputs f, over widths, after five steps of training.

    Two hidden tanh layers, full batch of four Gaussian inputs in dimension 8 with Gaussian targets, squared loss on
    f - f(0): outputs at the beginning, which are of order 1 in NTK parametrisation only, are taken off. The same batch at all
    widths. One learning rate, which moves f by about a third.

    Why: a step changes h_1 by the learning rate times the gradient at h_1. Written with effective weights (learning rates d W):

    - NTK: W_3 ~ n^{-1/2}, so gradients at h are n^{-1/2} each; rates 1, 1/n, 1/n in front of sums over 1, n, n inputs: every h
      moves by n^{-1/2}, and f by a sum of n terms of size 1/n.
    - maximal update: W_3 ~ 1/n, gradients 1/n, rates n, 1, 1/n: h moves by 1.
    - standard, rate 1/n: gradients n^{-1/2}, rates 1/n: h_1 moves by n^{-3/2} and h_2 by n^{-1/2}.
    """
    widths = trial.scale(quick=[64, 128, 256, 512], full=[64, 128, 256, 512, 1024])
    standard = {"standard-as-ntk": "ntk", "standard-as-mup": "mup"}.get(trial.control or "")
    trained = {name: "standard" if name == standard else name for name in ("ntk", "mup")}
    if trial.control == "one-rate":
        trained["mup"] = "one-rate"
    expected = {"ntk": -0.5, "mup": 0.0}
    if trial.control == "swapped":
        expected = {"ntk": 0.0, "mup": -0.5}
    repeats = trial.repeats(quick=24, full=120) // (3 if trial.control else 1)
    moved: dict[str, list[list[list[float]]]] = {name: [] for name in trained}
    for random in trial.progress(generator(trial.key).spawn(repeats)):
        x, y = batch(random)
        for name, parametrization in trained.items():
            moved[name].append([_movements(path(random, x, y, width, parametrization)) for width in widths])
    return {
        f"{name}_{part}": Series(
            x=widths,
            y=np.asarray(values)[:, :, i],
            expected=0.0 if part == "output" else expected[name],
            reduce="geometric",
            x_label="width n",
            y_label=f"movement of {symbol}",
        )
        for name, values in moved.items()
        for i, (part, symbol) in enumerate({"first": "h_1", "second": "h_2", "output": "f"}.items())
    }


def _movements(run: Path) -> list[float]:
    """Root mean square over batch and units, of h_1, h_2 and f."""
    before, after = _layers(run.x, run.first), _layers(run.x, run.last)
    return [float(np.sqrt(np.mean((b - a) ** 2))) for a, b in zip(before, after, strict=True)]


def _layers(x: Floats, weights: list[Floats]) -> list[Floats]:
    """Pre-activations of the hidden layers, and outputs."""
    layers = [x @ weights[0]]
    for w in weights[1:]:
        layers.append(np.tanh(layers[-1]) @ w)
    return layers
