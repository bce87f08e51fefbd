"""Zhang, Zhou, Saab (2022): greedy path-following quantisation of a layer's weights, column after column."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Identity, Inequality, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="zhang2022gpfq",
    title="Post-training Quantization for Neural Networks with Provable Guarantees",
    authors="Jinjie Zhang, Yixuan Zhou, Rayan Saab",
    year=2022,
    arxiv="2201.11113",
)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

SHAPES = ((1, 40), (2, 40), (5, 40), (16, 40), (40, 40), (60, 40))  # samples m, columns N
ALPHABETS = ((1, 1.0), (2, 0.5), (4, 0.25), (3, 0.2))  # M and delta of {-M, .., M} delta; the last is too narrow at times
# Of sums of 60 squares, in units of the terms that u_t is a sum of: u_t itself may be much smaller than these.
ROUNDING = 1e-13
MULTIPLES = (1, 4, 8, 16, 32)  # columns, in units of samples


class Step(NamedTuple):
    """One column: errors before and after it, shape (case, m); the column; what is rounded, and to what, shape (case,)."""

    before: Floats
    after: Floats
    column: Floats
    weight: Floats
    argument: Floats
    chosen: Floats


@paper.claim(
    "step-identity",
    where="the algorithm, as in the authors' code; the identity is ours",
    kind="derived",
    checked="code",
    statement=r"u_0 = 0,\ a_t = w_t + \frac{\langle X_t, u_{t-1} \rangle}{\| X_t \|^2},\ q_t = Q(a_t),\ "
    r"u_t = u_{t-1} + (w_t - q_t) X_t: \ \| u_t \|^2 = \| P_t u_{t-1} \|^2 + (a_t - q_t)^2 \| X_t \|^2,\ P_t \perp X_t; \ "
    r"q_t \text{ minimises } \| u_t \| \text{ over } \{-M, \dots, M\} \delta; \ "
    r"|a_t| \le (M + \frac{1}{2}) \delta \implies |a_t - q_t| \le \frac{\delta}{2}",
    rule=All(
        recursion=Identity(rtol=0, atol=ROUNDING),
        greedy=Inequality(rtol=0, atol=ROUNDING),
        half=Inequality(rtol=1e-12),
    ),
    controls={
        "memoryless": Control("q_t = Q(w_t)", parts=("greedy",)),
        "norm-not-squared": Control("||X_t|| in place of its square in a_t", parts=("greedy",)),
        "previous-column": Control("X_(t-1) in place of X_t in a_t", parts=("greedy",)),
        "no-projection": Control("||u_(t-1)|| in place of the norm of its projection", parts=("recursion",)),
        "saturated": Control("all steps, also those with |a_t| > (M + 1/2) delta", parts=("half",)),
    },
)
def step_identity(trial: Trial) -> dict[str, Sides | Bounds]:
    """40 Gaussian columns of 1 to 60 entries, weights uniform in [-1, 1], four alphabets, 10 cases of each (full: 100).

    `recursion`: by Pythagoras, since u_t = P_t u_(t-1) + (a_t - q_t) X_t; every step of every case, in units of
    ||u_(t-1)||^2 + (w_t^2 + q_t^2) ||X_t||^2. `greedy`: against the least norm over the whole alphabet, in the same units. The
    alphabet of step 0.2 ends at 0.6, so that many steps saturate there, where `half` does not apply but the other two do.
    """
    random = trial.rng()
    count = trial.scale(quick=10, full=100)
    found: dict[str, list[Floats]] = {name: [] for name in ("norms", "sums", "least", "distance", "half")}
    for m, n in trial.progress(SHAPES):
        for levels, delta in ALPHABETS:
            alphabet = delta * np.arange(-levels, levels + 1)
            columns, weights = random.normal(size=(n, count, m)), random.uniform(-1, 1, (n, count))
            for step in quantise(columns, weights, levels, delta, trial.control):
                square = (step.column**2).sum(axis=-1)
                along = (step.column * step.before).sum(axis=-1) / square
                rest = step.before if trial.control == "no-projection" else step.before - along[:, None] * step.column
                rounding = step.weight + along - step.chosen
                scale = (step.before**2).sum(axis=-1) + (step.weight**2 + step.chosen**2) * square
                found["norms"].append((step.after**2).sum(axis=-1) / scale)
                found["sums"].append(((rest**2).sum(axis=-1) + rounding**2 * square) / scale)
                every = step.before + (step.weight - alphabet[:, None])[..., None] * step.column
                found["least"].append((every**2).sum(axis=-1).min(axis=0) / scale)
                inside = np.abs(step.argument) <= (levels + 0.5) * delta
                inside |= trial.control == "saturated"
                found["distance"].append(np.abs(step.argument - step.chosen)[inside])
                found["half"].append(np.full(inside.sum(), delta / 2))
    norms, sums, least, distance, half = map(np.concatenate, found.values())
    return {
        "recursion": Sides(norms, sums, x_label="||u||^2, scaled", y_label="sum of squares"),
        "greedy": Bounds(norms, upper=least, x_label="least over the alphabet, scaled", y_label="||u||^2"),
        "half": Bounds(distance, upper=half, x_label="delta / 2", y_label="|a - q|"),
    }


@paper.claim(
    "relative-error-rate",
    where="abstract: the relative square error decays linearly in the number of weights; the exact mean is ours",
    kind="derived",
    checked="text",
    statement=r"X \in \mathbb{R}^{m \times N} \text{ Gaussian},\ w_t \text{ uniform in } [-1, 1],\ M \delta = 1: \ "
    r"\frac{\| X (w - q) \|^2}{\| X w \|^2} \sim \frac{m \delta^2}{4 N}; \ \text{ with an endless alphabet } "
    r"\mathbb{E} \| X (w - q) \|^2 = \frac{m^2 \delta^2}{12} \left( 1 - \left( 1 - \frac{1}{m} \right)^N \right)",
    rule=All(
        # Saturation adds up to 2 % at three levels (pilots); a cell's standard error is 1.1 % at m = 16, its interval with 20
        # cells 3.3 % to either side, and the worst of 20 cells is off by another 3 %.
        mean=Agreement(rtol=0.1),
        three_levels=Slope(tol=0.1),  # standard error 0.016
        nine_levels=Slope(tol=0.1),
    ),
    controls={
        "memoryless": "q_t = Q(w_t): the error grows with N as X w does",
        "half-correction": Control("half of the error that X_t sees taken back, not all", parts=("mean",)),
        "steady-state": Control("the mean of N to infinity at every N", parts=("mean",)),
        "overloaded": Control("weights of [-1.5, 1.5] with an alphabet of [-1, 1]", parts=("mean",)),
    },
)
def relative_error_rate(trial: Trial) -> dict[str, Estimates | Series]:
    """For m = 16 and 32 samples, N = m to 32 m columns; steps 1 and 1/4, that is 3 and 9 levels; 800 repeats (full: 4000).

    Weights that are uniform in an interval of a whole number of steps are uniform modulo delta, and so is a_t = w_t + c for
    every c that does not depend on w_t. Hence a_t - q_t is uniform in [-delta / 2, delta / 2] and independent of the past, but
    for saturation; and a Gaussian column takes 1 / m of ||u||^2 away on average, so that E ||u_t||^2 = (1 - 1 / m)
    E ||u_(t-1)||^2 + m delta^2 / 12. With an endless alphabet this is exact, and E ||X w||^2 = m N / 3 gives the ratio. At
    three levels 0.6 to 0.8 % of steps saturate, at nine 0.2 %.

    `mean`: ||X (w - q)||^2 for each m, step and N. The slopes: of log relative error over log N, from N = 8 m on, m = 16, where
    (1 - 1 / m)^N no longer counts. The theorem has a factor log N, which the mean has not. Controls take a quarter of
    the repeats.
    """
    random, repeats = trial.rng(), trial.repeats(quick=800, full=4000) // (4 if trial.control else 1)
    half_width = 1.5 if trial.control == "overloaded" else 1.0
    found, law, relative = [], [], {}
    for m in trial.progress((16, 32)):
        marks = m * np.array(MULTIPLES)
        for levels in (1, 4):
            columns = (random.normal(size=(repeats, m)) for _ in range(marks[-1]))
            weights = (random.uniform(-half_width, half_width, repeats) for _ in range(marks[-1]))
            error, signal, total = [], [], np.zeros((repeats, m))
            for t, step in enumerate(quantise(columns, weights, levels, 1 / levels, trial.control), start=1):
                total += step.weight[:, None] * step.column
                if t in marks:
                    error.append((step.after**2).sum(axis=-1))
                    signal.append((total**2).sum(axis=-1))
            found.append(np.stack(error, axis=-1))
            relative[m, levels] = found[-1] / np.stack(signal, axis=-1)
            law.append(mean_square(m, 1 / levels, marks * (1000 if trial.control == "steady-state" else 1)))
    late = slice(MULTIPLES.index(8), None)
    x = 16 * np.array(MULTIPLES)[late]

    def series(levels: int) -> Series:
        errors = relative[16, levels][:, late]
        return Series(x, errors, -1.0, reduce="geometric", x_label="weights N", y_label="relative square error")

    return {
        "mean": Estimates.from_samples(
            np.stack(found, axis=1), np.stack(law), x_label="m and step, N", y_label="||X (w - q)||^2"
        ),
        "three_levels": series(1),
        "nine_levels": series(4),
    }


def mean_square(m: int, delta: float, n: Floats) -> Floats:
    """E ||X (w - q)||^2 after n Gaussian columns of m entries, for an endless alphabet of step delta."""
    return np.asarray((m * delta) ** 2 / 12 * -np.expm1(n * np.log1p(-1 / m)))


def quantise(
    columns: Iterable[Floats],
    weights: Iterable[Floats],
    levels: int,
    delta: float,
    control: str | None = None,
) -> Iterator[Step]:
    """Greedy path-following quantisation of N columns (case, m) and weights (case,) with {-levels, .., levels} delta."""
    error: Floats | None = None
    previous: Floats | None = None
    for column, weight in zip(columns, weights, strict=True):
        before = np.zeros_like(column) if error is None else error
        square = (column**2).sum(axis=-1)
        seen = column if control != "previous-column" or previous is None else previous
        along = (seen * before).sum(axis=-1) / (np.sqrt(square) if control == "norm-not-squared" else square)
        along = along * {"memoryless": 0.0, "half-correction": 0.5}.get(control or "", 1.0)
        argument = weight + along
        chosen = delta * np.clip(np.rint(argument / delta), -levels, levels)
        error, previous = before + (weight - chosen)[:, None] * column, column
        yield Step(before, error, column, weight, argument, chosen)
