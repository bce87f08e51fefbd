"""Wen, Li, Ma (2023): of two flattest networks for XOR one memorises and one generalises; which does sharpness-aware find?"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from _sharpness import Floats, Net, cube, descend, output, second_differences, squared_gradients

from ntkit.claims import All, Bounds, Control, Exact, Identity, Inequality, Integers, Ordering, Pairs, Paper, Sides, Trial

paper = Paper(
    key="wen2023",
    title="Sharpness Minimization Algorithms Do Not Only Minimize Sharpness To Achieve Better Generalization",
    authors="Kaiyue Wen, Zhiyuan Li, Tengyu Ma",
    year=2023,
    arxiv="2307.11007",
)


@paper.claim(
    "flattest-memorises",
    where="Lemma 4.1, Theorem 4.1, Propositions 4.1 and 4.2",
    kind="theorem",
    checked="text",
    statement=r"f(x) = W_2\, \mathrm{relu}(W_1 x + b_1),\ x \in \{-1, 1\}^d,\ y = x_1 x_2,\ L = \frac{1}{n} \sum_i"
    r" (f(x_i) - y_i)^2 = 0: \quad \mathrm{tr}\, \nabla^2 L = \frac{2}{n} \sum_i \|\nabla f(x_i)\|^2 \ge 4 \sqrt{d + 1},"
    r" \text{ with equality for a network of error } 1 - n / 2^d \text{ and for one of error } 0",
    # Sums of at most 3200 terms of one sign in float64, second differences of losses below 1 over 1/16: a few 1e-13.
    rule=All(
        attained=Identity(rtol=1e-11),
        fit=Identity(rtol=0, atol=1e-12),
        bound=Inequality(rtol=1e-11, tight=1 - 1e-11),
        errors=Exact(),
    ),
    controls={
        "printed-scale": Control("hidden units of scale (d^2 + 1)^(1/4), as in the preprint", parts=("attained",)),
        "no-bias": Control("4 sqrt(d), the constant without a bias, in place of 4 sqrt(d + 1)", parts=("attained",)),
        "unbalanced": Control("hidden units times sqrt 2, outputs over sqrt 2", parts=("attained",)),
        "one-more": Control("d + 2 in place of d + 1 in the bound", parts=("bound",)),
        "ties-right": Control("an output of 0 counts as right", parts=("errors",)),
    },
)
def flattest_memorises(trial: Trial) -> dict[str, Sides | Bounds | Integers]:
    """Both networks for (d, n) = (30, 100), (10, 100), (4, 8), with traces from gradients and from second differences.

    The scale r of hidden units is (d + 1)^(1/4): the preprint prints another, which the first control has. Along a single
    parameter the loss is quadratic until a unit switches, so that second differences are exact; they are taken for all
    parameters of both networks for d = 4, and of the second for d = 30. Errors are counted over the whole cube for d of 4 and
    10, over 20,000 new inputs for d = 30; an output of 0 is wrong. The bound holds at each sample, with |f| on its left, of
    any network; it is measured for both, and for 10 with random hidden units and the output weights of least squares.

    Five draws of samples (full: 50).
    """
    rng, control = trial.rng(), trial.control
    traces, expected, outputs, labels, left, right, wrong, predicted = ([] for _ in range(8))
    for d, n in trial.progress([(30, 100), (10, 100), (4, 8)] * trial.scale(quick=5, full=50)):
        x = cube(rng.choice(2**d, n, replace=False), d)
        y = x[:, 0] * x[:, 1]
        new = cube(np.arange(2**d) if d <= 10 else rng.integers(2**d, size=20_000), d)
        known = int((new @ x.T == d + 1).any(axis=1).sum())
        scale = (d**2 + 1 if control == "printed-scale" else d + 1) ** 0.25 * (2**0.5 if control == "unbalanced" else 1.0)
        pair = memorising(x, scale), generalising(d, scale)
        found = [2 * squared_gradients(net, x).mean() for net in pair]
        found += [second_differences(net, x, y).sum() for net in pair[{4: 0, 30: 1}.get(d, 2) :]]
        traces += found
        expected += [4 * (d + (control != "no-bias")) ** 0.5] * len(found)
        for net, correct in zip(pair, (known, len(new)), strict=True):
            outputs.append(output(net, x))
            labels.append(y)
            margins = output(net, new) * new[:, 0] * new[:, 1]
            wrong.append(int(((margins < 0) if control == "ties-right" else (margins <= 0)).sum()))
            predicted.append(len(new) - correct)
        layers = rng.normal(size=(10, 2 * n, d + 1)) * np.exp(rng.normal(size=(10, 1, 1)))
        others = [(layer, np.linalg.lstsq(np.maximum(x @ layer.T, 0), y, rcond=None)[0]) for layer in layers]
        for net in (*pair, *others):
            left.append(2 * (d + (2 if control == "one-more" else 1)) ** 0.5 * np.abs(output(net, x)))
            right.append(squared_gradients(net, x))
    return {
        "attained": Sides(traces, expected, x_label="predicted", y_label="trace of the Hessian"),
        "fit": Sides(np.concatenate(outputs), np.concatenate(labels), x_label="label", y_label="output"),
        "bound": Bounds(np.concatenate(left), upper=np.concatenate(right), x_label="|grad f|^2", y_label="2 sqrt(d + 1) |f|"),
        "errors": Integers(wrong, predicted, x_label="predicted", y_label="inputs with a wrong output"),
    }


def memorising(x: Floats, scale: float) -> Net:
    """One unit for each sample, that is active there alone."""
    d = x.shape[1] - 1
    return scale * np.concatenate([x[:, :-1], np.full((len(x), 1), 1.0 - d)], axis=1), x[:, 0] * x[:, 1] / scale


def generalising(d: int, scale: float) -> Net:
    """One unit for each pair of signs of the first two coordinates."""
    hidden = np.zeros((4, d + 1))
    hidden[:, :2] = [[1, 1], [1, -1], [-1, 1], [-1, -1]]
    hidden[:, -1] = -1
    return scale * hidden, np.array([1.0, -1.0, -1.0, 1.0]) / scale


WIDTH, RADIUS = 300, 0.1


@paper.claim(
    "sam-reaches-bound",
    where="experiments of scenarios I and II (Figures 1 and 4); thresholds are those of a pilot",
    kind="trend",
    checked="text",
    statement=r"\text{sharpness-aware descent, one sample at a time: } \mathrm{tr}\, \nabla^2 L \text{ close to } 4 \sqrt{d}"
    r" \text{ without and } 4 \sqrt{d + 1} \text{ with a bias; without one it generalises, with one it does not}",
    # Pilots at 12 networks: ratios 1.33 and 1.04, deviations 0.04 and 0.01; 15 for plain descent; errors 0 and 0.25 +- 0.09.
    rule=All(flat=Ordering(), sharp=Ordering(), memorises=Ordering(margin=0.1, refute=0.03)),
    recorded={"quick": "inconclusive", "full": "supported"},
    because="after the 20,000 steps of the quick tier the traces of networks without a bias still fall",
    controls={
        "no-perturbation": Control("plain stochastic gradient descent in its place", parts=("flat",)),
        "both-perturbed": Control("sharpness-aware descent in place of the plain one", parts=("sharp",)),
        "small-cube": Control("60 samples in 10 dimensions, of 1024 inputs in all", parts=("memorises",)),
    },
)
def sam_reaches_bound(trial: Trial) -> dict[str, Pairs]:
    """Width 300, 100 samples in 30 dimensions, rate 0.005, rho = 0.1, errors on 20,000 new inputs, single precision.

    Ten networks without and ten with a bias, 500,000 steps (quick: three and 20,000 steps, which are too few). Traces over the
    bounds are asked to be below 1.5 for sharpness-aware descent, above 5 for plain descent of 20,000 steps. Outputs are linear
    in each parameter alone, so that the trace is (2/n) sum |grad f|^2 whether the network interpolates or not. Sharpness-aware
    descent hovers; a mean loss above 0.01, or a ratio that fell by 5 % in the last fifth of the steps, makes the verdict
    inconclusive. The difference takes the right number of samples: with 60 a pilot had errors of 0.4 for both kinds.
    """
    short = 20_000
    repeats = {None: trial.repeats(quick=3, full=10), "small-cube": 6}.get(trial.control, 3)
    steps = short if trial.control in ("no-perturbation", "both-perturbed") else trial.scale(quick=short, full=500_000)
    d, n, steps = (10, 60, 60_000) if trial.control == "small-cube" else (30, 100, steps)
    aware = _descended(trial, repeats, d, n, 0.0 if trial.control == "no-perturbation" else RADIUS, steps)
    plain = aware if trial.control else _descended(trial, repeats, d, n, 0.0, short)
    if not trial.control and not aware.loss.mean() < 0.01:
        trial.unmet("sharpness-aware descent does not interpolate")
    if not trial.control and not (aware.ratio.mean(axis=0) > 0.95 * aware.before.mean(axis=0)).all():
        trial.unmet("traces still fall")
    where = "without and with a bias"
    return {
        "flat": Pairs(np.full((repeats, 2), 1.5), aware.ratio, x_label=where, y_label="1.5, and trace over bound"),
        "sharp": Pairs(plain.ratio, np.full((repeats, 2), 5.0), x_label=where, y_label="trace over bound, plain, and 5"),
        "memorises": Pairs(aware.error[:, 1], aware.error[:, 0], x_label="run", y_label="error with a bias, and without"),
    }


class Descended(NamedTuple):
    """Trace over bound, the same after four fifths of the steps, test error and training loss: (repeat, without, with bias)."""

    ratio: Floats
    before: Floats
    error: Floats
    loss: Floats


def _descended(trial: Trial, repeats: int, d: int, n: int, radius: float, steps: int) -> Descended:
    """Networks with and without a bias from the same weights and samples."""
    data_key, *order_keys = jax.random.split(trial.key, 3)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(data_key)))
    x = np.repeat([cube(rng.choice(2**d, n, replace=False), d) for _ in range(repeats)], 2, axis=0)
    x[::2, :, -1] = 0  # without a bias
    hidden = np.repeat(rng.normal(size=(repeats, d + 1, WIDTH)) / d**0.5, 2, axis=0)
    hidden[:, -1] = 0
    outer = np.repeat(rng.normal(size=(repeats, WIDTH)) / WIDTH**0.5, 2, axis=0)
    inputs, last = (jnp.asarray(part, jnp.float32) for part in (x, outer))
    weights = jnp.asarray(hidden, jnp.float32), last
    ratios = []
    for key, share in zip(order_keys, (4, 1), strict=True):
        weights = descend(key, *weights, inputs, jnp.float32(radius), jnp.int32(steps * share // 5))
        nets = [(first.T, last) for first, last in zip(*(np.asarray(part, float) for part in weights), strict=True)]
        bounds = 4 * (x[:, 0] ** 2).sum(axis=1) ** 0.5
        ratios.append([2 * squared_gradients(net, own).mean() for net, own in zip(nets, x, strict=True)] / bounds)
    errors, losses = [], []
    for net, own in zip(nets, x, strict=True):
        new = cube(rng.integers(2**d, size=20_000), d)
        new[:, -1] = own[0, -1]
        errors.append((output(net, new) * new[:, 0] * new[:, 1] <= 0).mean())
        losses.append(((output(net, own) - own[:, 0] * own[:, 1]) ** 2).mean())
    return Descended(*np.reshape([ratios[1], ratios[0], errors, losses], (4, repeats, 2)))
