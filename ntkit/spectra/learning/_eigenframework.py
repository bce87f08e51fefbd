"""Omniscient risk estimates: errors of kernel ridge and random-feature regression from eigenvalues and target alone."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ntkit.spectra.learning._effective import effective_regularisation
from ntkit.spectra.learning._modes import Modes, Numbers, Sums, counts, learnability, nonnegative, sums


@dataclass(frozen=True, eq=False)
class Risk:
    """What the eigenframework predicts, arrays over the grid that was asked for.

    Attributes:
        modes: what was learnt from.
        n: number of samples; features: number of random features (inf: kernel regression); ridge: added to the Gram matrix;
            noise: variance of the noise on the labels.
        kappa: effective regularisation of the kernel ridge regression; gamma: that of the modes (kappa if features = inf).
        overfitting: E0, by how much overfitting multiplies the error; n / (n - sum L^2) if features = inf.
        test: mean squared error on new noisy labels; train: on the training set, (ridge / (n kappa))^2 of it.
        bias: of the mean predictor, sum (1 - L)^2 v^2, plus what lies outside; variance: test - noise - bias.
        learnt: sum of the learnabilities, at most min(n, features).
    """

    modes: Modes
    n: Float[np.ndarray, "*grid"]
    features: Float[np.ndarray, "*grid"]
    ridge: Float[np.ndarray, "*grid"]
    noise: Float[np.ndarray, "*grid"]
    kappa: Float[np.ndarray, "*grid"]
    gamma: Float[np.ndarray, "*grid"]
    overfitting: Float[np.ndarray, "*grid"]
    test: Float[np.ndarray, "*grid"]
    train: Float[np.ndarray, "*grid"]
    bias: Float[np.ndarray, "*grid"]
    variance: Float[np.ndarray, "*grid"]
    learnt: Float[np.ndarray, "*grid"]

    @property
    def learnabilities(self) -> Float[np.ndarray, "*grid modes"]:
        """L_i = lambda_i / (lambda_i + gamma): the share of mode i that the mean predictor has."""
        return learnability(self.modes.eigenvalues, self.gamma.ravel())[0].reshape(*self.gamma.shape, -1)

    @property
    def ratio(self) -> Float[np.ndarray, "*grid"]:
        """Train over test error, (ridge / (n kappa))^2; also where both errors are 0."""
        return np.asarray((1 - self.learnt / self.n) ** 2)


def eigenframework(modes: Modes, n: Numbers, *, ridge: Numbers = 0.0, noise: Numbers = 0.0, features: Numbers = np.inf) -> Risk:
    """Predicted errors of ridge regression with a kernel, or with random features of it, averaged over data sets.

    With L_i = lambda_i / (lambda_i + gamma), z = sum L_i, q = sum L_i^2 and k features, gamma and kappa solve

        n = z + ridge / kappa,    k = z + k kappa / gamma    (k = inf: kappa = gamma),
        test = E0 (sum_i ((1 - L_i) - L_i (1 - L_i) (k - z) / (k - q)) v_i^2 + noise),
        E0 = n (k - q) / ((k - z) (z - q) + (n - z) (k - q))    (k = inf: n / (n - q)),    train = (1 - z / n)^2 test.

    Kernel regression minimises |f - y|^2 + ridge |f|^2: the ridge is added to the n x n Gram matrix as it is; with features
    the kernel is the mean over them. Exact for large n under Gaussian universality of the eigenfunctions; for what it is
    worth at finite n, `learning_curve` simulates beside it.

    Args:
        modes: eigenvalues and target.
        n: numbers of samples, at least 1; n, ridge, noise and features broadcast against each other.
        ridge: at least 0; inf predicts 0. At 0 the interpolating (n > rank: least-squares) solution of least norm.
        noise: variance of the noise on the labels, at least 0.
        features: number of random features, at least 1; inf (default) is the kernel itself.

    Returns:
        A `Risk` on the broadcast grid. Errors are inf at the interpolation peak (ridge 0 and n = features below the rank,
        or n = rank with noise).

    Raises:
        ValueError: an argument is out of range, NaN or empty, or shapes do not broadcast.

    Example:
        >>> risk = eigenframework(Modes([1.0], [1.0], multiplicities=[4]), n=[1, 2, 4, 8], noise=0.5)  # a linear model
        >>> risk.test.round(6).tolist(), risk.learnt.tolist()  # noise / (1 - 4 / n) beyond n = 4
        ([1.416667, 1.5, inf, 1.0], [1.0, 2.0, 4.0, 4.0])

    Source: Simon, Dickens, Karkada, DeWeese (2023), The Eigenlearning Framework; Simon, Karkada, Ghosh, Belkin (2023), More
        is better, the RF eigenframework (from memory; the equations agree with the authors' public code). The form of E0
        without cancellation is derived here.
    """
    samples, widths = counts("n", n), counts("features", features, infinite=True)
    ridges, noises = nonnegative("ridge", ridge, infinite=True), nonnegative("noise", noise)
    try:
        grid = np.broadcast_arrays(samples, widths, ridges, noises)
    except ValueError:
        shapes = ", ".join(str(np.shape(a)) for a in (n, features, ridge, noise))
        raise ValueError(f"n, features, ridge and noise must broadcast against each other, got shapes {shapes}") from None
    if not grid[0].size:
        raise ValueError("ridge and noise must not be empty")
    shape, flat = grid[0].shape, [np.array(a, dtype=np.float64).ravel() for a in grid]
    gamma = effective_regularisation(modes, flat[0], flat[1], flat[2])
    risk = at_gamma(modes, gamma, *flat)
    return Risk(modes, *(a.reshape(shape) for a in (*flat, *risk)))


def at_gamma(
    modes: Modes,
    gamma: Float[np.ndarray, " points"],
    n: Float[np.ndarray, " points"],
    features: Float[np.ndarray, " points"],
    ridge: Float[np.ndarray, " points"] | None,
    noise: Float[np.ndarray, " points"],
) -> tuple[Float[np.ndarray, " points"], ...]:
    """Everything in `Risk` from kappa on; ridge None means the ridge that belongs to this gamma."""
    at = sums(modes, gamma)
    a, b, infinite = _margins(modes, at, gamma, n, features, ridge)
    k = np.where(infinite, 1.0, features)  # unused where infinite
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.where(infinite, gamma, np.where(np.isinf(gamma), np.inf, gamma * (b / k)))
        beyond = b + at.spread  # k - q
        share = np.where(infinite, 1.0, np.where(beyond > 0, b / beyond, 0.0))
        overfitting = n / (share * at.spread + a)
        error = at.missed + at.edge * (1 - share) + modes.outside + noise
        test = np.where(error > 0, overfitting * error, 0.0)
    bias = at.missed + modes.outside
    return kappa, gamma, overfitting, test, (a / n) ** 2 * np.where(a > 0, test, 0.0), bias, test - noise - bias, n - a


def _margins(
    modes: Modes,
    at: Sums,
    gamma: Float[np.ndarray, " points"],
    n: Float[np.ndarray, " points"],
    features: Float[np.ndarray, " points"],
    ridge: Float[np.ndarray, " points"] | None,
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"], np.ndarray]:
    """How far z is below n and k, the smaller of them from the equation that gamma solves; and where k is infinite."""
    infinite = np.isinf(features)
    k = np.where(infinite, 1.0, features)
    a, b = at.left(n), np.where(infinite, np.inf, at.left(k))
    if ridge is None:
        return np.maximum(a, 0.0), np.maximum(b, 0.0), infinite
    small, big = np.minimum(n, k), np.maximum(n, k)
    solvable = (gamma > 0) & np.isfinite(ridge)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(infinite, 1.0, np.where(n == k, np.sqrt(ridge / (gamma * k)), at.left(big) / k))
        solved = np.where(ridge > 0, ridge / (gamma * room), 0.0)
    solved = np.where(solvable, solved, np.where(infinite, a, at.left(small)))
    a = np.where(infinite | (n <= k), solved, a)
    b = np.where(infinite | (n < k), b, solved)
    return a, b, infinite
