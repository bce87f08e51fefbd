"""Brute force: ridge regression on random data sets, with Gaussian eigenfunctions or on parts of a given data set."""

from typing import cast

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from ntkit.spectra.learning._flow import gradient_flow
from ntkit.spectra.learning._modes import Modes
from ntkit.spectra.learning._sample import Sample

_MOST = 100_000  # eigenfunctions in a simulation


def generator(key: PRNGKeyArray) -> np.random.Generator:
    """NumPy's generator, seeded by a JAX key."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())


def kernel_weights(
    gram: Float[np.ndarray, "n n"], targets: Float[np.ndarray, "n ..."], ridge: float
) -> Float[np.ndarray, "n ..."]:
    """(gram + ridge)^-1 targets, 0 at ridge inf; the pseudo-inverse at ridge 0, n epsilon |gram| counting as eigenvalue 0."""
    if np.isinf(ridge):
        return np.zeros_like(targets)
    if ridge > 0:
        try:
            return cast(np.ndarray, cho_solve(cho_factor(gram + ridge * np.eye(len(gram)), lower=True), targets))
        except LinAlgError:  # a ridge below rounding
            pass
    values, vectors = np.linalg.eigh(gram)
    kept = values > len(gram) * np.finfo(np.float64).eps * np.abs(values).max()
    inverse = np.divide(1.0, values + ridge, out=np.zeros_like(values), where=kept)
    return np.asarray((vectors * inverse) @ (vectors.T @ targets))


def simulate_modes(
    modes: Modes,
    n: Float[np.ndarray, " points"],
    features: Float[np.ndarray, " points"],
    ridge: Float[np.ndarray, " points"],
    noise: Float[np.ndarray, " points"],
    key: PRNGKeyArray,
    repeats: int,
) -> tuple[Float[np.ndarray, "repeats points"], Float[np.ndarray, "repeats points"]]:
    """Test and training errors of kernel or random-feature regression on independent standard normal eigenfunctions.

    The test error is exact given the data set: sum (v - learnt)^2 + outside + noise. To a kernel the tail is ridge, to
    random features it is independent noise in each; what lies outside is noise on the labels. All points of one repeat
    share eigenfunctions, noise and features, as far as they go.
    """
    if (features[np.isfinite(features)] % 1).any():
        raise ValueError(f"features must be integers to be simulated, got {features[np.isfinite(features)][0]:g}")
    scale, target = _expanded(modes)
    rng, most = generator(key), int(n.max())
    test, train = np.empty((repeats, len(n))), np.empty((repeats, len(n)))
    wide = int(np.max(features, where=np.isfinite(features), initial=0))
    for r in range(repeats):
        x = rng.normal(size=(most, len(scale)))
        clean, disturbance = x @ target, rng.normal(size=most)
        weights = rng.normal(size=(wide, len(scale))) * scale
        for p, m in enumerate(n.astype(int)):
            y = clean[:m] + np.sqrt(noise[p] + modes.outside) * disturbance[:m]
            lost = 0.0
            if np.isinf(features[p]):
                phi = x[:m] * scale
                alpha, train[r, p] = _fit(phi @ phi.T, y, float(ridge[p]), modes.tail)
                learnt = scale * (phi.T @ alpha)
            else:
                w = weights[: int(features[p])] / np.sqrt(features[p])
                phi = x[:m] @ w.T + np.sqrt(modes.tail / features[p]) * rng.normal(size=(m, len(w)))
                alpha, train[r, p] = _fit(phi @ phi.T, y, float(ridge[p]), 0.0)
                beta = phi.T @ alpha
                learnt, lost = w.T @ beta, modes.tail / features[p] * float(beta @ beta)
            test[r, p] = ((target - learnt) ** 2).sum() + lost + modes.outside + noise[p]
    return test, train


def _expanded(modes: Modes) -> tuple[Float[np.ndarray, " modes"], Float[np.ndarray, " modes"]]:
    """Square roots of the eigenvalues and coefficients of the target, each eigenvalue as often as its multiplicity says."""
    total = modes.multiplicities.sum()
    if total > _MOST or (modes.multiplicities % 1).any():
        raise ValueError(f"multiplicities must be integers of sum at most {_MOST} to be simulated, got the sum {total:g}")
    count = modes.multiplicities.astype(int)
    target = np.zeros(int(total))
    target[np.cumsum(count) - count] = np.sqrt(modes.power)  # rotations of an eigenspace change nothing
    return np.sqrt(np.repeat(modes.eigenvalues, count)), target


def _fit(gram: Float[np.ndarray, "n n"], y: Float[np.ndarray, " n"], ridge: float, tail: float) -> tuple[np.ndarray, float]:
    """Weights, and the mean squared error on the training set, whose residual is ridge times the weights."""
    alpha = kernel_weights(gram, y, ridge + tail)
    residual = ridge * alpha if 0 < ridge < np.inf else y - gram @ alpha - tail * alpha
    return alpha, float((residual**2).mean())


def simulate_sample(
    sample: Sample, n: Float[np.ndarray, " points"], ridge: Float[np.ndarray, " points"], key: PRNGKeyArray, repeats: int
) -> tuple[Float[np.ndarray, "repeats points"], Float[np.ndarray, "repeats points"]]:
    """Errors on the other N - n points and on the n points learnt from, nested in one random order for each repeat."""
    rng, N = generator(key), len(sample)
    targets = sample.targets.reshape(N, -1)
    test, train = np.empty((repeats, len(n))), np.empty((repeats, len(n)))
    for r in range(repeats):
        order = rng.permutation(N)
        gram, y = sample.gram[np.ix_(order, order)], targets[order]
        for p, m in enumerate(n.astype(int)):
            alpha = kernel_weights(gram[:m, :m], y[:m], float(ridge[p]))
            squares = (y - gram[:, :m] @ alpha) ** 2
            train[r, p], test[r, p] = squares[:m].sum() / m, squares[m:].sum() / (N - m)
    return test, train


def simulate_flow(
    task: Modes | Sample, n: int, times: Float[np.ndarray, " times"], noise: float, key: PRNGKeyArray, repeats: int
) -> tuple[Float[np.ndarray, "repeats times"], Float[np.ndarray, "repeats times"]]:
    """Test and training errors of gradient flow on the data sets that `simulate_modes` and `simulate_sample` draw."""
    scale, target = _expanded(task) if isinstance(task, Modes) else (np.empty(0),) * 2
    rng, test, train = generator(key), np.empty((repeats, len(times))), np.empty((repeats, len(times)))
    for r in range(repeats):
        if isinstance(task, Modes):
            x = rng.normal(size=(n, len(scale)))
            labels = x @ target + np.sqrt(noise + task.outside) * rng.normal(size=n)
            phi = x * scale
            flow = gradient_flow(Sample(phi @ phi.T + task.tail * np.eye(n), labels), times)
            learnt = flow.predictions(phi.T * scale[:, None])
            test[r] = ((target - learnt) ** 2).sum(axis=1) + task.outside + noise
        else:
            order = rng.permutation(len(task))
            here, rest = order[:n], order[n:]
            flow = gradient_flow(Sample(task.gram[np.ix_(here, here)], task.targets[here]), times)
            residual = task.targets[rest] - flow.predictions(task.gram[np.ix_(rest, here)])
            test[r] = (residual**2).reshape(len(times), -1).sum(axis=1) / len(rest)
        train[r] = flow.error
    return test, train
