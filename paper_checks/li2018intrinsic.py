"""Li, Farkhoor, Liu, Yosinski (2018). How many random directions does it take to solve a problem?"""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Inequality, Paper, Trial

paper = Paper(
    key="li2018intrinsic",
    title="Measuring the Intrinsic Dimension of Objective Landscapes",
    authors="Chunyuan Li, Heerad Farkhoor, Rosanne Liu, Jason Yosinski",
    year=2018,
    arxiv="1804.08838",
)

Floats = NDArray[np.float64]

PARAMS, BLOCKS = 1000, 10
DIMS = (1, 3, 5, 8, 9, 10, 11, 15)
LEAST = 1e-10  # of a loss that is not 0: at d = 9, 385 Beta(1/2, 9/2), one is smaller with a probability of 1e-6


@paper.claim(
    "toy-dimension",
    where="toy problem: 1000 parameters, ten constraints on sums of 100; the mean for fewer dimensions is ours",
    kind="theorem",
    checked="memory",
    statement=r"L(\theta) = \sum_{i=1}^{10} \left(\sum_{j \in \text{block } i} \theta_j - i\right)^2: \quad"
    r" \min_z L(P z) = 0 \iff d \ge 10, \quad \mathbb{E} \min_z L(P z) = (1 - d / 10)\, 385 \text{ below}",
    # Zero: rounding times the condition of a Gaussian matrix, squared; 6e-15 was the largest of 40,000 draws at d = 10.
    # Means: standard errors of 0.3 to 5 %.
    rule=All(
        solved=Inequality(rtol=0.0, atol=1e-12),
        unsolved=Inequality(rtol=1e-9),
        means=Agreement(rtol=0.25),
    ),
    controls={
        "axes": Control("random coordinates in the place of random directions", parts=("solved",)),
        "eleven": Control("an eleventh constraint, on the sum of all", parts=("solved",)),
        "square": Control("a mean of (1 - d / 10)^2", parts=("means",)),
    },
)
def toy_dimension(trial: Trial) -> dict[str, Bounds | Estimates]:
    """Least losses in random subspaces of 1 to 15 dimensions through 0, by least squares, 800 draws each.

    Random columns are isotropic, so that what ten constraints leave of a fixed target is, in d dimensions, a share of
    1 - d / 10 on average (Beta distributed, with a heavy spread at d = 9). Random coordinates must hit every block: ten of them
    hardly ever do. Gradient descent would need very long at d = 10, which is badly conditioned.
    """
    draws = trial.repeats(quick=800, full=8000)
    rng = trial.rng()
    constraints = np.kron(np.eye(BLOCKS), np.ones(PARAMS // BLOCKS))
    target = np.arange(1.0, BLOCKS + 1)
    if trial.control == "eleven":
        constraints, target = np.vstack([constraints, np.ones(PARAMS)]), np.append(target, 0.0)
    least = np.empty((draws, len(DIMS)))
    for row in trial.progress(range(draws)):
        for column, dim in enumerate(DIMS):
            if trial.control == "axes":
                basis = np.eye(PARAMS)[:, rng.choice(PARAMS, dim, replace=False)]
            else:
                basis = rng.normal(size=(PARAMS, dim)) / PARAMS**0.5
            least[row, column] = least_loss(constraints @ basis, target)
    enough = np.array(DIMS) >= BLOCKS
    shares = 1 - np.array(DIMS)[~enough] / BLOCKS
    law = (target @ target) * (shares**2 if trial.control == "square" else shares)
    return {
        "solved": Bounds(least[:, enough], upper=0.0, x_label="draw, dimension 10, 11, 15", y_label="least loss"),
        "unsolved": Bounds(least[:, ~enough], lower=LEAST, x_label="draw, dimension 1 to 9", y_label="least loss"),
        "means": Estimates.from_samples(least[:, ~enough], law, x_label="dimension 1, 3, 5, 8, 9", y_label="mean least loss"),
    }


def least_loss(matrix: Floats, target: Floats) -> float:
    """The least |matrix z - target|^2."""
    z = np.linalg.lstsq(matrix, target, rcond=None)[0]
    return float(((matrix @ z - target) ** 2).sum())
