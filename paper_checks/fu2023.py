"""Fu, Guo, Bai, Mei (2023): attention over keys, in the limit of random features, does not pay for how many there are."""

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ntkit.claims import All, Control, Crossings, Ordering, Pairs, Paper, Slope, Trial
from ntkit.separation import AveragedPolynomial, KernelRidge

paper = Paper(
    key="fu2023",
    title="What can a Single Attention Layer Learn? A Study Through the Random Features Lens",
    authors="Hengyu Fu, Tianyu Guo, Yu Bai, Song Mei",
    year=2023,
    arxiv="2307.11353",
)

Floats = Float[np.ndarray, "..."]

DIM = 8
QUADRATIC, LINEAR = (0.0, 0.0, 1.0), (0.0, 1.0)
RIDGES = (1e-3, 1e-2, 0.1, 1.0, 10.0)
STEPS = 2.0 ** np.arange(-1.5, 1.0, 0.5)  # numbers of samples, in units of about as many as there are harmonics
TESTED = 400


@paper.claim(
    "permutation-kernel",
    where="abstract, item 1; without a query, with endlessly many heads and an exponential kernel; sizes and windows are ours",
    kind="reading",
    checked="memory",
    statement=r"f(k_1, \dots, k_N) = \frac1N \sum_i \mathrm{He}_p(\langle b, k_i \rangle),\ p = 2: \quad "
    r"\frac{1}{N^2} \sum_{ij} e^{\langle k_i, k_j' \rangle / d} \text{ needs a number of samples independent of } N, \quad "
    r"e^{\langle X, X' \rangle / (N d)} \text{ needs } \sim N^p",
    # Finite N: (N d - 1)(N d + 2) / 2 harmonics give 1.95 for N = 1 to 4. Sampling, in pilots: 0.1.
    rule=All(
        averaged=Slope(tol=(-0.35, 0.2), refute=(None, 0.5)),
        vectorised=Slope(tol=(-0.4, 0.3), refute=(-0.7, None)),
        floor=Ordering(),
    ),
    controls={
        "vectorised": Control("the kernel on concatenated keys in place of the averaged one", parts=("averaged",)),
        "linear": Control("a target of degree 1, against the exponent of degree 2", parts=("vectorised",)),
        "all-keys": Control("a target of all keys, where that of one has to be out of reach", parts=("floor",)),
    },
)
def permutation_kernel(trial: Trial) -> dict[str, Crossings | Pairs]:
    """Keys on the sphere of radius sqrt d, d = 8, N = 1 to 4 (full: 6; controls: 3); samples for a relative error of 1/2.

    The best of five ridges is taken on the test inputs, for both kernels. Both are the same for N = 1; the averaged one has
    the 35 harmonics of degree 2 in d = 8 for every N, the other one those in N d dimensions. The target's variance falls as
    1 / N, which errors are relative to. `floor`: what does not depend on the order of N = 2 keys has at least the error
    1 - 1 / N on a target of the first key alone; n = 300.
    """
    numbers = (1, 2, 3) if trial.control else trial.scale(quick=(1, 2, 3, 4), full=(1, 2, 3, 4, 6))
    outer, power = (LINEAR, 1) if trial.control == "linear" else (QUADRATIC, 2)
    repeats = trial.repeats(quick=24, full=60)
    first, second, third = jax.random.split(trial.key, 3)
    average = trial.control != "vectorised"
    small = _crossings(first, numbers, outer, repeats, growth=0 if average else power, average=average)
    large = _crossings(second, numbers, outer, repeats, growth=power, average=False)
    task = AveragedPolynomial(2, DIM, QUADRATIC, used=2 if trial.control == "all-keys" else 1)
    errors = _learner(average=True).errors(task, [300], key=third, replicates=repeats, test_size=TESTED)[:, 0]
    return {
        "averaged": Crossings(numbers, *small, 0.5, 0.0, x_label="keys N", y_label="samples for an error of 1/2"),
        "vectorised": Crossings(numbers, *large, 0.5, 2.0, x_label="keys N", y_label="samples for an error of 1/2"),
        "floor": Pairs(errors, np.full_like(errors, 0.5), x_label="data set", y_label="error on one of 2 keys, and 1 - 1/N"),
    }


def _crossings(
    key: PRNGKeyArray, numbers: tuple[int, ...], outer: tuple[float, ...], repeats: int, *, growth: int, average: bool
) -> tuple[Floats, Floats]:
    """Numbers of samples around the prediction, (N, j), and errors there, (repeat, N, j)."""
    harmonics = DIM if outer == LINEAR else (DIM - 1) * (DIM + 2) // 2
    grid = np.array([np.round(harmonics * number**growth * STEPS).astype(int) for number in numbers])
    learner = _learner(average=average)
    errors = [
        learner.errors(
            AveragedPolynomial(number, DIM, outer),
            row,
            key=jax.random.fold_in(key, number),
            replicates=repeats,
            test_size=TESTED,
        )
        for number, row in zip(numbers, grid, strict=True)
    ]
    return grid, np.stack(errors, axis=1)


def _learner(*, average: bool) -> KernelRidge:
    return KernelRidge(_exponential, RIDGES, average=average, isotropic=True)


def _exponential(x: Floats, z: Floats) -> Floats:
    return np.asarray(np.exp(x @ z.T / x.shape[1]))
