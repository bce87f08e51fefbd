"""Predicted errors against brute force: regressions on random data sets, written here a second time, and averaged."""

import jax
import numpy as np
import pytest

from ntkit.spectra import Modes, Sample, eigenframework, gradient_flow, learning_curve, optimal_ridge, training_curve

I = np.arange(1.0, 401)  # noqa: E741
TASK = Modes(I**-1.5, I**-1.3 / np.sum(I**-1.3))
KEY = jax.random.key(12)


def agrees(mean, stderr, predicted, bias):
    """Within 4.5 standard errors (1e-5 a cell) and the allowance for finite n."""
    return (np.abs(mean - predicted) <= 4.5 * stderr + bias * np.abs(predicted) + 1e-20).all()


def brute(n, k, ridge, noise, repeats, seed=0):
    """Mean and standard error of test error, training error and bias, by linear algebra in feature space."""
    rng, rows, means = np.random.default_rng(seed), [], []
    root, target = TASK.eigenvalues**0.5, TASK.power**0.5
    for _ in range(repeats):
        x = rng.normal(size=(n, 400))
        w = np.diag(root) if np.isinf(k) else (rng.normal(size=(int(k), 400)) * root) / k**0.5
        phi, y = x @ w.T, x @ target + noise**0.5 * rng.normal(size=n)
        beta = np.linalg.solve(phi.T @ phi + ridge * np.eye(len(w)), phi.T @ y)
        learnt = w.T @ beta
        rows.append([((target - learnt) ** 2).sum() + noise, ((y - phi @ beta) ** 2).mean()])
        means.append(learnt)
    mean, second = np.mean(means, axis=0), np.var(means, axis=0, ddof=1)
    bias = ((target - mean) ** 2).sum() - second.sum() / repeats
    return np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / repeats**0.5, bias


@pytest.mark.parametrize(("n", "k"), [(40, np.inf), (120, np.inf), (40, 100), (100, 40), (60, 60)])
@pytest.mark.parametrize(("ridge", "noise"), [(0.1, 0.0), (1.0, 0.3)])
def test_kernel_and_random_feature_regression_have_the_predicted_errors(n, k, ridge, noise):
    mean, stderr, bias = brute(n, k, ridge, noise, 40)
    risk = eigenframework(TASK, n, ridge=ridge, noise=noise, features=k)
    assert agrees(mean, stderr, np.array([risk.test, risk.train]), 0.03)
    assert bias == pytest.approx(float(risk.bias), rel=0.1)


@pytest.mark.parametrize("features", [np.inf, 80])
def test_our_simulation_is_that_one(features):
    curve = learning_curve(TASK, [30, 100], ridge=0.3, noise=0.1, features=features, key=KEY, repeats=40)
    for point, n in enumerate((30, 100)):
        mean, stderr, _ = brute(n, features, 0.3, 0.1, 40, seed=1)
        error = np.hypot(stderr[0], curve.stderr()[point])
        assert abs(mean[0] - curve.mean()[point]) < 4.5 * error
        train = curve.simulated_train[:, point]
        assert abs(mean[1] - train.mean()) < 4.5 * np.hypot(stderr[1], train.std() / 40**0.5)
    assert agrees(curve.mean(), curve.stderr(), curve.test, 0.03)


@pytest.mark.parametrize("features", [np.inf, 50])
def test_tails_and_what_lies_outside_are_simulated_as_predicted(features):
    task = Modes(TASK.eigenvalues[:100], TASK.power[:100], tail=0.2, outside=0.05)
    curve = learning_curve(task, [40, 100], ridge=0.2, noise=0.1, features=features, key=KEY, repeats=40)
    train = curve.simulated_train
    assert agrees(curve.mean(), curve.stderr(), curve.test, 0.03)
    assert agrees(train.mean(axis=0), train.std(axis=0, ddof=1) / 40**0.5, curve.train, 0.03)


def test_functions_on_the_circle_that_are_not_gaussian():
    """Kernel sum_j c_j cos(j (s - t)); test error by Parseval on a grid that resolves every frequency."""
    count, j, repeats, ridge = 60, np.arange(1.0, 61), 40, 0.02
    c, v = j**-2.0, j**-1.0
    task = Modes(c / 2, v**2, multiplicities=np.full(count, 2.0))
    rng, grid = np.random.default_rng(3), 2 * np.pi * np.arange(256) / 256
    errors = []
    for _ in range(repeats):
        t = rng.uniform(0, 2 * np.pi, size=48)
        kernel = lambda a, b: np.cos((a[:, None, None] - b[None, :, None]) * j) @ c  # noqa: E731
        target = lambda a: 2**0.5 * np.cos(a[:, None] * j) @ v  # noqa: E731
        alpha = np.linalg.solve(kernel(t, t) + ridge * np.eye(48), target(t))
        errors.append(((target(grid) - kernel(grid, t) @ alpha) ** 2).mean())
    predicted = eigenframework(task, 48, ridge=ridge).test
    assert agrees(np.mean(errors), np.std(errors, ddof=1) / repeats**0.5, predicted, 0.05)


@pytest.mark.parametrize("ridge", [0.0, 0.05, 2.0])
def test_parts_of_a_finite_population_have_the_predicted_errors(ridge):
    """A population of 120 points in Gaussian features: its own eigenframework needs no other."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(120, 400))
    sample = Sample((x * TASK.eigenvalues) @ x.T, x @ TASK.power**0.5 + 0.3 * rng.normal(size=120))
    curve = learning_curve(sample, [20, 60, 110], ridge=ridge, key=KEY, repeats=60)
    assert agrees(curve.mean(), curve.stderr(), curve.test, 0.04)
    train = curve.simulated_train
    assert agrees(train.mean(axis=0), train.std(axis=0, ddof=1) / 60**0.5, curve.train, 0.04)
    naive = eigenframework(sample.modes, 110, ridge=ridge).test
    if ridge < 1:
        assert abs(curve.mean()[2] - naive) > 4.5 * curve.stderr()[2] + 0.04 * naive, "the correction is not idle"


def test_the_optimal_ridge_is_best_in_simulation_too():
    n, noise = 60, 0.5
    ridge = float(optimal_ridge(TASK, n, noise=noise).ridge)
    curves = learning_curve(TASK, [n, n, n], ridge=[ridge / 10, ridge, ridge * 10], noise=noise, key=KEY, repeats=40)
    paired = curves.simulated_test - curves.simulated_test[:, [1]]  # the same data sets
    assert (paired[:, [0, 2]].mean(axis=0) > 3 * paired[:, [0, 2]].std(axis=0) / 40**0.5).all()


def descend(phi, y, read, steps, counts):
    """Small steps of gradient descent on the weights of features phi, shapes (data set, n, features); errors along the way.

    read: weights -> test errors of all data sets. Returns arrays (data set, count) of test and training errors.
    """
    weights, test, train = np.zeros((len(phi), phi.shape[2])), [], []
    for step in range(max(counts) + 1):
        residual = y - np.einsum("rnf,rf->rn", phi, weights)
        if step in counts:
            test.append(read(weights))
            train.append((residual**2).mean(axis=1))
        weights += steps * np.einsum("rnf,rn->rf", phi, residual) / phi.shape[1]
    return np.stack(test, axis=1), np.stack(train, axis=1)


def test_small_steps_of_gradient_descent_have_the_predicted_errors_in_time():
    n, noise, size, times, repeats = 30, 0.2, 0.02, np.array([1.0, 5.0, 20.0]), 60
    root, target = TASK.eigenvalues**0.5, TASK.power**0.5
    rng = np.random.default_rng(5)
    x = rng.normal(size=(repeats, n, 400))
    y = x @ target + noise**0.5 * rng.normal(size=(repeats, n))
    test, train = descend(
        x * root, y, lambda w: ((target - root * w) ** 2).sum(axis=1) + noise, size, (times / size).round().astype(int).tolist()
    )
    curve = training_curve(TASK, n, times, noise=noise, key=KEY, repeats=repeats)
    # Steps in place of the flow change a factor exp(-s t) by at most 2 size / (e^2 t), the errors by less than 1 %.
    for found, predicted, ours in ((test, curve.test, curve.simulated_test), (train, curve.train, curve.simulated_train)):
        error = found.std(axis=0, ddof=1) / repeats**0.5
        assert agrees(found.mean(axis=0), error, predicted, 0.04)
        assert (np.abs(found.mean(axis=0) - ours.mean(axis=0)) < 4.5 * 2**0.5 * error + 0.01 * predicted).all()
    population = gradient_flow(TASK, times).error + noise
    assert test.mean(axis=0)[2] > 1.2 * population[2], "the data sets are not idle"


def test_small_steps_on_parts_of_a_finite_population_have_the_predicted_errors_in_time():
    n, size, times, repeats = 60, 0.02, np.array([1.0, 5.0, 20.0]), 60
    rng = np.random.default_rng(6)
    phi = rng.normal(size=(100, 400)) * TASK.eigenvalues**0.5
    y = phi @ (TASK.power / TASK.eigenvalues) ** 0.5 + 0.3 * rng.normal(size=100)
    orders = [rng.permutation(100) for _ in range(repeats)]
    here, rest = (np.stack([order[part] for order in orders]) for part in (slice(n), slice(n, None)))
    test, train = descend(
        phi[here],
        y[here],
        lambda w: ((y[rest] - np.einsum("rnf,rf->rn", phi[rest], w)) ** 2).mean(axis=1),
        size,
        (times / size).round().astype(int).tolist(),
    )
    curve = training_curve(Sample(phi @ phi.T, y), n, times, key=KEY, repeats=repeats)
    for found, predicted, ours in ((test, curve.test, curve.simulated_test), (train, curve.train, curve.simulated_train)):
        error = found.std(axis=0, ddof=1) / repeats**0.5
        assert agrees(found.mean(axis=0), error, predicted, 0.04)
        assert (np.abs(found.mean(axis=0) - ours.mean(axis=0)) < 4.5 * 2**0.5 * error + 0.01 * predicted).all()
    infinite = training_curve(Sample(phi @ phi.T, y).modes, n, times)
    assert (np.abs(test.mean(axis=0) - infinite.test) > 0.04 * infinite.test).any(), "the correction is not idle"
