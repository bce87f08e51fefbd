"""Le Magoarou, Gribonval (2014): fast transforms are products of few sparse matrices, which can be found again."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from ntkit.claims import All, Control, Exact, Identity, Integers, Paper, Sides, Trial

paper = Paper(
    key="lemagoarou2014",
    title="Learning Computationally Efficient Dictionaries and Their Implementation as Fast Transforms",
    authors="Luc Le Magoarou, Rémi Gribonval",
    year=2014,
    arxiv="1406.5388",
)

Numbers = NDArray[np.float64] | NDArray[np.complex128]


@paper.claim(
    "hadamard-butterfly",
    where="abstract and experiment: factorisation of the Hadamard matrix; here by fixed supports, not by learnt ones",
    kind="derived",
    checked="memory",
    statement=r"H_n = B_1 B_2 \cdots B_p,\ n = 2^p, \text{ where } B_l \text{ has } 2 n \text{ nonzeros, those of }"
    r"I_{2^{l-1}} \otimes 1_{2 \times 2} \otimes I_{2^{p-l}}; \quad"
    r"\text{splitting into blocks of rank 1, from } l = 1 \text{ on, finds them}",
    # Entries of norm 1, p <= 7 steps, each a decomposition with rounding of a few epsilon: 1e-14.
    rule=All(hadamard=Identity(rtol=0, atol=1e-12), fourier=Identity(rtol=0, atol=1e-12), nonzeros=Exact()),
    controls={
        "order": Control(
            "columns of Hadamard in bit-reversed order, those of Fourier in their natural one", parts=("hadamard", "fourier")
        ),
        "gaussian": Control("a Gaussian matrix, which has no such factors", parts=("hadamard",)),
        "one-for-each-row": Control("n nonzeros in a factor in place of 2 n", parts=("nonzeros",)),
    },
)
def hadamard_butterfly(trial: Trial) -> dict[str, Sides | Integers]:
    """Products of the factors found against the matrices, n = 8, 32, 128 (full: also 512): Hadamard's and Fourier's.

    In a product of butterflies, rows r and r + n/2 meet each half of the columns in a block of rank 1. Its two vectors are
    entries of B_1 and of the rest, which falls apart into two matrices of half the size. The same holds for Fourier's matrix
    with its columns in bit-reversed order, as the fast transform has it. The paper learns where the nonzeros are, which is not
    measured here.
    """
    rng = trial.rng()
    powers = trial.scale(quick=[3, 5, 7], full=[3, 5, 7, 9])
    found: dict[str, list[Numbers]] = {"hadamard": [], "fourier": []}
    given: dict[str, list[Numbers]] = {"hadamard": [], "fourier": []}
    nonzeros, expected = [], []
    for p in trial.progress(powers):
        n = 2**p
        walsh = hadamard(n, dtype=float)
        fourier = np.exp(-2j * np.pi * (np.outer(np.arange(n), np.arange(n)) % n) / n)
        if trial.control == "order":
            walsh = walsh[:, _bit_reversed(p)]
        else:
            fourier = fourier[:, _bit_reversed(p)]
        if trial.control == "gaussian":
            walsh = rng.normal(size=(n, n))
        for name, matrix in (("hadamard", walsh), ("fourier", fourier)):
            factors = _butterflies(matrix)
            found[name].append(np.linalg.multi_dot(factors))
            given[name].append(matrix)
            if name == "hadamard":
                nonzeros.append(sum(int(np.count_nonzero(factor)) for factor in factors))
                expected.append((1 if trial.control == "one-for-each-row" else 2) * n * p)
    return {
        **{
            name: Sides(_flat(found[name]), _flat(given[name]), x_label="product of factors", y_label="matrix")
            for name in ("hadamard", "fourier")
        },
        "nonzeros": Integers(nonzeros, expected, x_label="size", y_label="nonzeros in all factors"),
    }


def _butterflies(matrix: Numbers) -> list[Numbers]:
    """The factors B_1, .., B_p of a square matrix of size 2^p whose product is closest, level by level."""
    n = len(matrix)
    rest, factors = matrix.reshape(1, n, n), []
    while len(rest) < n:
        count, half = len(rest), rest.shape[1] // 2
        # Axes: block, row of a half, half of the columns; then a matrix of two rows, one of each half, and a half's columns.
        pairs = rest.reshape(count, 2, half, 2, half).transpose(0, 2, 3, 1, 4)
        u, s, vh = np.linalg.svd(pairs, full_matrices=False)
        left = u[..., 0] * s[..., :1]
        factors.append(np.einsum("brca,bB,rR->barBcR", left, np.eye(count), np.eye(half)).reshape(n, n))
        rest = vh[..., 0, :].transpose(0, 2, 1, 3).reshape(2 * count, half, half)
    return [*factors[:-1], factors[-1] * rest.ravel()]


def _bit_reversed(p: int) -> NDArray[np.int64]:
    """Numbers below 2^p in the order of their digits read backwards."""
    return np.arange(2**p).reshape((2,) * p).transpose().ravel()


def _flat(matrices: list[Numbers]) -> NDArray[np.float64]:
    """All real and imaginary parts, one after the other."""
    return np.concatenate([np.ascontiguousarray(m).view(np.float64).ravel() for m in matrices])
