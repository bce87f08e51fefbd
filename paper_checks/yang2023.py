"""Yang, Simon, Bernstein (2023): features are learnt when weights and their updates have the right spectral norm."""

import numpy as np
from _parametrizations import BATCH, STEPS, Floats, Path, batch, generator, path
from numpy.typing import NDArray

from ntkit.claims import All, Bounds, Control, Exact, Inequality, Integers, Paper, Series, Slope, Trial

paper = Paper(
    key="yang2023",
    title="A Spectral Condition for Feature Learning",
    authors="Greg Yang, James B. Simon, Jeremy Bernstein",
    year=2023,
    arxiv="2310.17813",
)

LAYERS = ("first", "second", "last")
# Slopes of 24 networks have standard errors up to 0.012, and those of 240 lay within 0.011 of the predictions (pilot).
WINDOW = Slope(tol=0.08)


@paper.claim(
    "spectral-scaling",
    where="spectral scaling condition (Condition 1, number from memory), and the low rank of updates behind it",
    kind="reading",
    checked="memory",
    statement=r"s_l = \|\Delta W_l\|_2 \sqrt{\frac{\mathrm{fan\_in}_l}{\mathrm{fan\_out}_l}} = \Theta(1) \text{ in every layer}"
    r" \text{ of maximal update parametrisation; in NTK parametrisation } s_1, s_2 = \Theta(n^{-1/2}), s_3 = \Theta(1)."
    r"\quad \mathrm{rank}\, \Delta W_l = \min(\mathrm{batch}, \mathrm{fan\_in}_l, \mathrm{fan\_out}_l)"
    r" \text{ after one step, and later } \frac{\|\Delta W_l\|_F^2}{\|\Delta W_l\|_2^2} \le \mathrm{batch}",
    rule=All(
        **{f"{name}_{layer}": WINDOW for name in ("mup", "ntk") for layer in LAYERS},
        rank=Exact(),
        stable_rank=Inequality(rtol=1e-9),
    ),
    controls={
        "entries": Control(
            "spectral norms guessed from the size of entries as if these were independent: 2 |dW|_F / sqrt(n)",
            parts=("mup_second", "ntk_second"),
        ),
        "plain-norm": Control("without the factor sqrt(fan_in / fan_out)", parts=("mup_first", "mup_last")),
        "one-rate": Control("maximal update without the factor n in the first layer's learning rate", parts=("mup_first",)),
        "one-less": Control("the batch counted one too small", parts=("rank",)),
        "weights": Control("the stable rank of the weights W_2 at the beginning, not of their update", parts=("stable_rank",)),
    },
)
def spectral_scaling(trial: Trial) -> dict[str, Series | Integers | Bounds]:
    r"""Normalised spectral norms of what five steps add to the weights, over widths; ranks after one step.

    The networks and the training of yang2021/feature-movement-exponents: two hidden tanh layers, batch of 4. The condition asks
    the same of the weights at the beginning, where it holds by how they are drawn; that is not measured.

    A gradient is a sum over the batch of outer products (input of the layer) x (gradient at its output), so its rank is at most
    the batch, and its spectral norm is the product of two lengths up to a constant. By the sizes given there, at
    width n: maximal update moves W_1, W_2, W_3 by n sqrt(d) / sqrt(n), sqrt(n) / sqrt(n), sqrt(n) / n, which are
    sqrt(fan_out / fan_in); NTK parametrisation by sqrt(d), 1 / sqrt(n), 1 / sqrt(n).

    Singular values below 1e-9 of the largest count as zero: rounding leaves 1e-13, the fourth is nearer to 1e-3.
    """
    widths = trial.scale(quick=[64, 128, 256, 512], full=[64, 128, 256, 512, 1024])
    parametrizations = {"mup": "one-rate" if trial.control == "one-rate" else "mup", "ntk": "ntk"}
    repeats = trial.repeats(quick=24, full=120) // (3 if trial.control else 1)
    norms: dict[str, list[list[list[float]]]] = {name: [] for name in parametrizations}
    ranks: list[list[int]] = []
    stable: list[float] = []
    for random in trial.progress(generator(trial.key).spawn(repeats)):
        x, y = batch(random)
        for name, parametrization in parametrizations.items():
            runs = [path(random, x, y, width, parametrization) for width in widths]
            values = [_singular_values(run.first, run.last) for run in runs]
            norms[name].append([_normalised(run, own, trial.control) for run, own in zip(runs, values, strict=True)])
            ranks += [[int((v > 1e-9 * v[0]).sum()) for v in _singular_values(run.first, run.second)] for run in runs]
            if trial.control == "weights":
                stable += [_stable_rank(np.linalg.svd(run.first[1], compute_uv=False)) for run in runs]
            else:
                stable += [_stable_rank(own[1]) for own in values]
    less = 1 if trial.control == "one-less" else 0
    slopes = {"mup": (0.0, 0.0, 0.0), "ntk": (-0.5, -0.5, 0.0)}
    return {
        **{
            f"{name}_{layer}": Series(
                x=widths,
                y=np.asarray(norms[name])[:, :, i],
                expected=slopes[name][i],
                reduce="geometric",
                x_label="width n",
                y_label=f"normalised spectral norm of the update of W_{i + 1}",
            )
            for name in norms
            for i, layer in enumerate(LAYERS)
        },
        "rank": Integers(
            got=ranks,
            expected=np.broadcast_to([BATCH - less, BATCH - less, 1], np.shape(ranks)),
            x_label="rank predicted",
            y_label="rank of the update after one step",
        ),
        "stable_rank": Bounds(stable, upper=BATCH, x_label="batch", y_label="stable rank of the update of W_2"),
    }


def _singular_values(before: list[Floats], after: list[Floats]) -> list[Floats]:
    """Those of the updates of all layers. Ranks are at most BATCH * STEPS, so that more random columns span the range."""
    values = []
    for update in (a - b for b, a in zip(before, after, strict=True)):
        if min(update.shape) > BATCH * STEPS:
            columns = np.random.default_rng(0).standard_normal((update.shape[1], BATCH * STEPS + 4))
            update = np.linalg.qr(update @ columns)[0].T @ update
        values.append(np.asarray(np.linalg.svd(update, compute_uv=False), np.float64))
    return values


def _normalised(run: Path, values: list[Floats], control: str | None) -> list[float]:
    """What is taken for the normalised spectral norm of each layer's update."""
    shapes = [w.shape for w in run.first]
    norms = [float(v[0]) for v in values]
    if control == "entries":
        norms[1] = float(2 * np.linalg.norm(values[1]) / np.sqrt(shapes[1][0]))
    if control == "plain-norm":
        return norms
    return [norm * float(np.sqrt(fan_in / fan_out)) for norm, (fan_in, fan_out) in zip(norms, shapes, strict=True)]


def _stable_rank(values: NDArray[np.floating]) -> float:
    """The squared Frobenius norm over the squared spectral norm."""
    return float((values**2).sum() / values[0] ** 2)
