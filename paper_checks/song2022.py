"""Song, Sebe, Wang (2022): square roots of matrices by Taylor and Padé approximants, their errors in closed form."""

from functools import cache

import mpmath
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_sylvester

from ntkit.claims import All, Control, Identity, Paper, Sides, Trial

paper = Paper(
    key="song2022",
    title="Fast Differentiable Matrix Square Root",
    authors="Yue Song, Nicu Sebe, Wei Wang",
    year=2022,
    arxiv="2201.08663",
)

Floats = NDArray[np.float64]

SIZE, NORM = 8, 3.0
SMALLEST = (0.3, 0.05, 0.01)
TAYLOR, PADE = (5, 10, 20, 40), (3, 5, 8)
ITERATIONS = 12  # the authors' code takes eight


@paper.claim(
    "matrix-sqrt-errors",
    where="Taylor polynomial, Padé approximant and backward iteration as in the authors' code; their errors are ours",
    kind="derived",
    checked="code",
    statement=r"l \text{ the smallest eigenvalue of } A / \|A\|_F,\ x = \sqrt{l}: \quad"
    r"\text{Taylor } \|A\|_F^{1/2} \sum_{j > K} \left| \binom{1/2}{j} \right| (1 - l)^j; \quad"
    r"\text{Pade } [K/K]\ \|A\|_F^{1/2} \frac{2 x \rho}{1 - \rho},\ \rho = \left(\frac{1 - x}{1 + x}\right)^{2K + 1}; \quad"
    r"\text{gradient } X:\ A^{1/2} X + X A^{1/2} = G,"
    r"\ X_k = X_{ij} (1 - (e_i + e_j) / 2),\ e \mapsto e^2 (3 - e) / 2",
    # Errors are 1e-9 or more, with rounding of 1e-13 (polynomials of Pade alternate in sign); 1e-3 and 5 % are the
    # protocol's. Differences with a step of 1e-5 are off by 1e-8 at the smallest eigenvalue.
    rule=All(
        taylor=Identity(rtol=1e-3, refute=50),
        pade=Identity(rtol=1e-3, refute=50),
        gradient=Identity(rtol=1e-6, atol=1e-6),
        iteration=Identity(rtol=0, atol=1e-12),
    ),
    controls={
        "one-term-more": Control("the Taylor error without its first term", parts=("taylor",)),
        "even-order": Control("exponent 2 K in place of 2 K + 1", parts=("pade",)),
        "one-sided": Control("A^(1/2) X = G / 2", parts=("gradient",)),
        "one-step-less": Control("the error of the step before", parts=("iteration",)),
    },
)
def matrix_sqrt_errors(trial: Trial) -> dict[str, Sides]:
    """Random positive definite matrices of size 8 and Frobenius norm 3, smallest eigenvalue over norm 0.3, 0.05, 0.01; 10 each.

    Degrees K = 5, 10, 20, 40 (Taylor) and 3, 5, 8 (Pade, with coefficients from 50 digits: double precision would
    lose them from there on). Errors are spectral norms, against the root by eigenvalues; the smallest eigenvalue has the
    largest. Gradients of a random linear function of the root, X by a solver for Sylvester's equation, against central
    differences in a random symmetric direction.

    `iteration`: the sign iteration for X, twelve steps; after the authors' eight it is off by up to 2e-3 for 0.01. Why the
    closed form: a step takes an eigenvalue b of A^(1/2) / |A|_F^(1/2) to f(b) = b (3 - b^2) / 2, and entry ij of X in the
    eigenbasis to (f(b_i) + f(b_j)) / (b_i + b_j) times itself, so that after k steps it is X_ij (b_i + b_j) / 2 with the b of
    that step; e = 1 - b then obeys the law.
    """
    rng = trial.rng()
    draws = trial.scale(quick=10, full=100)
    sides: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in ("taylor", "pade", "gradient", "iteration")}
    for smallest in trial.progress(SMALLEST):
        for _ in range(draws):
            a = _positive_definite(rng, smallest)
            values, vectors = np.linalg.eigh(a)
            root = vectors * np.sqrt(values) @ vectors.T
            less = np.eye(SIZE) - a / NORM
            off = [np.linalg.norm(root - NORM**0.5 * _taylor(less, degree), 2) for degree in TAYLOR]
            sides["taylor"].append((np.array(off), NORM**0.5 * _taylor_error(smallest, trial.control == "one-term-more")))
            off = [np.linalg.norm(root - NORM**0.5 * _pade(less, degree), 2) for degree in PADE]
            sides["pade"].append((np.array(off), NORM**0.5 * _pade_error(smallest, trial.control == "even-order")))

            weights, direction = rng.normal(size=(2, SIZE, SIZE))
            direction = (direction + direction.T) / np.linalg.norm(direction + direction.T)
            gradient = solve_sylvester(root, root, weights)
            if trial.control == "one-sided":
                gradient = np.linalg.solve(root, weights / 2)
            change = _root(a + 1e-5 * direction) - _root(a - 1e-5 * direction)
            sides["gradient"].append((np.array([(weights * change).sum() / 2e-5]), np.array([(gradient * direction).sum()])))

            exact = vectors.T @ solve_sylvester(root, root, weights) @ vectors
            steps = [vectors.T @ x @ vectors for x in _iteration(root / NORM**0.5, weights / NORM**0.5)]
            errors = _iteration_errors(1 - np.sqrt(values / NORM), late=trial.control == "one-step-less")
            sides["iteration"].append((np.array(steps), exact * (1 - (errors[:, :, None] + errors[:, None, :]) / 2)))
    labels = {
        "taylor": ("spectral error", "tail of the series"),
        "pade": ("spectral error", "closed form"),
        "gradient": ("differences", "Sylvester's equation"),
        "iteration": ("entry of X_k", "closed form"),
    }
    return {
        name: Sides(*map(np.array, zip(*pairs, strict=True)), x_label=labels[name][0], y_label=labels[name][1])
        for name, pairs in sides.items()
    }


def _positive_definite(rng: np.random.Generator, smallest: float) -> Floats:
    """A random matrix of Frobenius norm NORM whose smallest eigenvalue is `smallest` times that."""
    u = rng.uniform(size=SIZE - 1)
    # The others are smallest + c u, where c makes the squares add up to 1.
    p, q, rest = u @ u, smallest * u.sum(), 1 - SIZE * smallest**2
    c = (-q + np.sqrt(q**2 + p * rest)) / p
    values = NORM * np.append(smallest, smallest + c * u)
    basis = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))[0]
    return np.asarray(basis * values @ basis.T)


def _root(a: Floats) -> Floats:
    values, vectors = np.linalg.eigh(a)
    return np.asarray(vectors * np.sqrt(values) @ vectors.T)


def _series(count: int) -> Floats:
    """|binom(1/2, j)| for j = 1 .. count: sqrt(1 - z) = 1 - sum_j of these times z^j."""
    j = np.arange(1, count)
    return np.cumprod(np.append(0.5, (j - 0.5) / (j + 1)))


def _polynomial(coefficients: Floats, z: Floats) -> Floats:
    """The matrix polynomial, lowest power first, by Horner's rule."""
    out = np.zeros_like(z)
    for coefficient in coefficients[::-1]:
        out = out @ z + coefficient * np.eye(len(z))
    return out


def _taylor(z: Floats, degree: int) -> Floats:
    """The Taylor polynomial of sqrt(I - z)."""
    return _polynomial(np.append(1.0, -_series(degree)), z)


def _taylor_error(smallest: float, shifted: bool) -> Floats:
    """The tail of the series at 1 - smallest, for each degree; 5000 terms reach 1e-16 of it at 0.99."""
    j = np.arange(1, 5001)
    tails = np.cumsum((_series(5000) * (1 - smallest) ** j)[::-1])[::-1]
    return np.asarray(tails[np.array(TAYLOR) + (1 if shifted else 0)])


@cache
def _pade_coefficients(degree: int) -> tuple[Floats, Floats]:
    """Numerator and denominator of the [K/K] approximant of sqrt(1 - z), lowest power first."""
    with mpmath.workdps(50):
        half = mpmath.mpf(1) / 2
        series = [(-1) ** j * mpmath.binomial(half, j) for j in range(2 * degree + 1)]
        above, below = mpmath.pade(series, degree, degree)
        return np.array([float(c) for c in above]), np.array([float(c) for c in below])


def _pade(z: Floats, degree: int) -> Floats:
    """The Padé approximant of sqrt(I - z)."""
    above, below = _pade_coefficients(degree)
    return np.asarray(np.linalg.solve(_polynomial(below, z), _polynomial(above, z)))


def _pade_error(smallest: float, even: bool) -> Floats:
    """The closed form, for each degree."""
    x = smallest**0.5
    rho = ((1 - x) / (1 + x)) ** (2 * np.array(PADE) + (0 if even else 1))
    return np.asarray(2 * x * rho / (1 - rho))


def _iteration(b: Floats, c: Floats) -> list[Floats]:
    """X after each step of the sign iteration; b and c are the root and the gradient G, over the square root of the norm."""
    found, three = [], 3 * np.eye(len(b))
    for _ in range(ITERATIONS):
        square = b @ b
        c = (c @ (three - square) - square @ c + b @ c @ b) / 2
        b = b @ (three - square) / 2
        found.append(c / 2)
    return found


def _iteration_errors(e: Floats, late: bool) -> Floats:
    """Relative errors on the eigenvalues after each step, shape (steps, size); or those before it."""
    out = [e]
    for _ in range(ITERATIONS):
        out.append(out[-1] ** 2 * (3 - out[-1]) / 2)
    return np.array(out[:-1] if late else out[1:])
