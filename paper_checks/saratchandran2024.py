"""Saratchandran, Wang, Lucey (2024): does scaling the rows of a weight matrix to unit norm always improve its condition?"""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Bounds, Inequality, Paper, Trial

paper = Paper(
    key="saratchandran2024",
    title="Weight Conditioning for Smooth Optimization of Neural Networks",
    authors="Hemanth Saratchandran, Thomas X. Wang, Simon Lucey",
    year=2024,
    arxiv="2409.03424",
)

STEPS = 100  # of the search for the best scaling; 1000 find condition numbers another 0.1 % lower


@paper.claim(
    "row-equilibration",
    where="weight conditioning, taken as row equilibration, as often read; the repaired bound is that of van der Sluis (1969)",
    kind="reading",
    checked="memory",
    statement=r"\kappa(E W) \le \kappa(W), \quad E = \operatorname{diag}(1 / \| w_1 \|, \dots, 1 / \| w_m \|),"
    r"\quad \kappa = \sigma_{\max} / \sigma_{\min}",
    rule=Inequality(rtol=1e-9),
    recorded="refuted",
    because="rows of equal norm need not be the best ones: of square Gaussian matrices with three to five rows, 5 to 7 % are"
    " in a worse condition afterwards, by up to 17 %; with two rows none is",
    repaired="kappa(E W) <= sqrt(m) kappa(D W) for every diagonal D: equilibration loses no more than a factor of sqrt(m), "
    "against W itself and against its best scaling",
    controls={
        "best-scaling": "the repaired bound without its factor sqrt(m)",
        "columns": "columns in place of rows scaled to unit norm",
    },
)
def row_equilibration(trial: Trial) -> Bounds:
    """Condition numbers after equilibration against those before, of square matrices with three, four and five rows.

    400 of each size (full: 4000), Gaussian, half of them with rows scaled by random factors, exp of 1.5 times a Gaussian. The
    repaired bound is tested at the best D that a descent finds, which holds for every other D with more room. Its proof:
    ||E W|| <= sqrt(m), as rows have norm 1; and sigma_min(D W) <= max_i (d_i / e_i) sigma_min(E W), where d_i / e_i is the norm
    of row i of D W, at most ||D W||.
    """
    rng = trial.rng()
    count = trial.scale(quick=400, full=4000)
    before, after, best = [], [], []
    for rows in trial.progress((3, 4, 5)):
        w = rng.normal(size=(count, rows, rows))
        w[::2] *= np.exp(1.5 * rng.normal(size=(len(w[::2]), rows, 1)))
        before.append(_condition(w))
        after.append(_condition(_columns(w) if trial.control == "columns" else _equilibrated(w)))
        if trial.control in ("repaired", "best-scaling"):
            best.append(_best_condition(w) * (rows**0.5 if trial.control == "repaired" else 1.0))
    return Bounds(after, upper=best or before, x_label="before, or bound", y_label="condition number after equilibration")


def _condition(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest over smallest singular value, of each matrix."""
    values = np.linalg.svd(w, compute_uv=False)
    return np.asarray(values[..., 0] / values[..., -1])


def _equilibrated(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrices with rows of norm 1."""
    return np.asarray(w / np.linalg.norm(w, axis=-1, keepdims=True))


def _columns(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrices with columns of norm 1."""
    return np.asarray(w / np.linalg.norm(w, axis=-2, keepdims=True))


def _best_condition(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """The least condition number of D W that subgradient descent over log D finds, from equilibrated rows.

    With u and v the left singular vectors of the largest and the smallest singular value, log kappa grows by u_i^2 - v_i^2
    for each unit of log d_i.
    """
    rows = _equilibrated(w)
    gram = rows @ rows.swapaxes(-1, -2)
    logs = np.zeros(gram.shape[:-1])
    best = np.full(len(gram), np.inf)
    for step in range(STEPS):
        scale = np.exp(logs)
        values, vectors = np.linalg.eigh(scale[:, :, None] * gram * scale[:, None, :])
        best = np.minimum(best, np.sqrt(values[:, -1] / values[:, 0]))
        slope = vectors[:, :, -1] ** 2 - vectors[:, :, 0] ** 2
        size = np.linalg.norm(slope, axis=1, keepdims=True)
        logs -= 0.5 / np.sqrt(step + 1) * np.divide(slope, size, out=np.zeros_like(slope), where=size > 0)
    return best
