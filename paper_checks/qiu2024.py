"""Qiu, Potapczynski, Finzi, Goldblum, Wilson (2024): what a block tensor-train matrix can represent."""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import All, Control, Exact, Identity, Integers, Paper, Sides, Trial

paper = Paper(
    key="qiu2024",
    title="Compute Better Spent: Replacing Dense Layers with Structured Matrices",
    authors="Shikai Qiu, Andres Potapczynski, Marc Finzi, Micah Goldblum, Andrew Gordon Wilson",
    year=2024,
    arxiv="2406.06248",
)

SEVERED = 1e-9  # singular values below this share of the largest count as 0: rounding leaves 1e-15, generic ones 1e-4


@paper.claim(
    "btt-rank-and-params",
    where="definition of the block tensor-train, as in the authors' code; ranks and approximation errors are ours",
    kind="derived",
    checked="code",
    statement=r"W_{(i_1 i_2)(j_1 j_2)} = \sum_{\alpha = 1}^r L_{i_1 i_2 j_1 \alpha} R_{j_1 i_1 \alpha j_2} \text{, of size }"
    r"d = b^2 \text{, has } 2 r d^{3/2} \text{ parameters, rank } d \text{ even at } r = 1, "
    r"\text{slices } W_{(i_1 \cdot)(j_1 \cdot)}"
    r"\text{ of rank } r \text{, and is any matrix at } r = \sqrt{d}",
    # Squared distances are sums of 36 to 1296 terms of order 1, by two ways with rounding of 1e-13.
    rule=All(parameters=Exact(), slices=Exact(), whole=Exact(), dense=Exact(), distance=Identity(rtol=1e-10, atol=1e-10)),
    controls={
        "low-rank": Control("rank r b of the whole matrix, as if the slices made up a low-rank matrix", parts=("whole",)),
        "one-core": Control("the parameters of one of the two cores", parts=("parameters",)),
        "other-slices": Control("slices with i_1 and j_2 fixed in place of i_1 and j_1", parts=("slices",)),
    },
)
def btt_rank_and_params(trial: Trial) -> dict[str, Integers | Sides]:
    """Gaussian cores for b = 3, 4, 6 (full: also 8) and every r up to b, and the nearest such matrix to a Gaussian one.

    The slices are the b x b blocks of the matrix as it stands. Nothing but their ranks is restricted: the nearest matrix keeps
    the r leading singular values of each, and `distance` compares what its cores leave of the squared norm with the others. At
    r = b nothing is left, as `dense` says: blocks of a Gaussian matrix have rank b. Ranks are generic.
    """
    rng = trial.rng()
    other = trial.control == "other-slices"
    parameters, slices, whole, dense, distances = [], [], [], [], []
    for b in trial.progress(trial.scale(quick=[3, 4, 6], full=[3, 4, 6, 8])):
        target = rng.normal(size=(b * b, b * b))
        dense += [(int(rank), b) for rank in _ranks(_slices(target, b)).ravel()]
        for r in range(1, b + 1):
            left, right = rng.normal(size=(b, b, b, r)), rng.normal(size=(b, b, r, b))
            matrix = _matrix(left, right)
            parameters.append((left.size + right.size, (1 if trial.control == "one-core" else 2) * r * b**3))
            slices += [(int(rank), r) for rank in _ranks(_slices(matrix, b, other)).ravel()]
            whole.append((int(_ranks(matrix)), r * b if trial.control == "low-rank" else b * b))
            values = np.linalg.svd(_slices(target, b), compute_uv=False)
            distances.append((((target - _matrix(*_nearest(target, b, r))) ** 2).sum(), (values[..., r:] ** 2).sum()))
    labels = {"x_label": "b and r", "y_label": "found"}
    return {
        "parameters": Integers(*zip(*parameters, strict=True), **labels),
        "slices": Integers(*zip(*slices, strict=True), **labels),
        "whole": Integers(*zip(*whole, strict=True), **labels),
        "dense": Integers(*zip(*dense, strict=True), **labels),
        "distance": Sides(*zip(*distances, strict=True), x_label="squared distance", y_label="singular values left out"),
    }


def _matrix(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix of two cores of shapes (b, b, b, r) and (b, b, r, b)."""
    b = len(left)
    return np.asarray(np.einsum("iujr,jirv->iujv", left, right)).reshape(b * b, b * b)


def _slices(matrix: NDArray[np.float64], b: int, other: bool = False) -> NDArray[np.float64]:
    """Slices with i_1 and j_1 fixed, or i_1 and j_2; shape (b, b, b, b), the slice last."""
    return matrix.reshape(b, b, b, b).transpose((0, 3, 1, 2) if other else (0, 2, 1, 3))


def _nearest(matrix: NDArray[np.float64], b: int, r: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cores of the nearest matrix in Frobenius norm."""
    u, s, vh = np.linalg.svd(_slices(matrix, b))
    left = (u * s[..., None, :])[..., :r]
    return left.transpose(0, 2, 1, 3), vh[..., :r, :].transpose(1, 0, 2, 3)


def _ranks(matrices: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ranks over all leading axes."""
    return np.asarray(np.linalg.matrix_rank(matrices, rtol=SEVERED))
