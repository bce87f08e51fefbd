"""Predictions of kernel regression against closed forms, and what is refused."""

import dataclasses

import jax
import numpy as np
import pytest

from ntkit.spectra import (
    Modes,
    Sample,
    cross_validation,
    eigenframework,
    gradient_flow,
    learning_curve,
    optimal_ridge,
    samples_needed,
    target_power,
    training_curve,
)

INDEX = np.arange(1.0, 301)
POWER_LAW = Modes(INDEX**-1.5, INDEX**-1.3)
KEY = jax.random.key(3)


def random_gram(count, dim, seed=0):
    x = np.random.default_rng(seed).normal(size=(count, dim))
    return x @ x.T / dim


def random_sample(count=12, dim=20, outputs=None):
    shape = (count,) if outputs is None else (count, outputs)
    return Sample(random_gram(count, dim), np.random.default_rng(1).normal(size=shape))


# Closed forms of the eigenframework.


def test_isotropic_features_have_the_marchenko_pastur_root():
    dim, n, ridge = 30, np.array([10.0, 30.0, 90.0]), 2.0
    kappa = eigenframework(Modes([1.0], [1.0], multiplicities=[dim]), n, ridge=ridge).kappa
    b = ridge + dim - n  # n kappa^2 + (n - dim - ridge) kappa - ridge = 0, eigenvalue 1
    np.testing.assert_allclose(kappa, (b + np.sqrt(b**2 + 4 * n * ridge)) / (2 * n), rtol=1e-13)


def test_a_multiplicity_is_that_many_modes():
    once = Modes([2.0, 0.3, 0.3, 0.3], [1.0, 0.1, 0.2, 0.3])
    folded = Modes([2.0, 0.3], [1.0, 0.6], multiplicities=[1, 3])
    for options in ({"ridge": 0.1}, {"ridge": 0.0, "noise": 0.2}, {"ridge": 0.1, "features": 3.0}):
        one, other = eigenframework(once, [1, 2, 3], **options), eigenframework(folded, [1, 2, 3], **options)
        np.testing.assert_allclose(one.test, other.test, rtol=1e-13)
        np.testing.assert_allclose(one.gamma, other.gamma, rtol=1e-13)


def test_many_modes_are_summed_in_blocks():
    count, n = 50_000, [1, 400, 60_000]
    spectrum, power = np.r_[2.0, np.full(count, 1e-3)], np.r_[1.0, np.full(count, 1e-4)]
    folded = Modes([2.0, 1e-3], [1.0, count * 1e-4], multiplicities=[1, count])
    one, other = (eigenframework(task, n, ridge=0.3) for task in (Modes(spectrum, power), folded))
    np.testing.assert_allclose(one.gamma, other.gamma, rtol=1e-12)
    np.testing.assert_allclose(one.test, other.test, rtol=1e-11)


def test_least_squares_beyond_the_rank_has_the_classical_errors():
    risk = eigenframework(Modes([3.0, 1.0], [1.0, 1.0], multiplicities=[5, 5]), [20, 40], noise=0.5)
    np.testing.assert_allclose(risk.test, 0.5 / (1 - 10 / risk.n))
    np.testing.assert_allclose(risk.train, 0.5 * (1 - 10 / risk.n))
    np.testing.assert_array_equal(risk.kappa, 0)
    np.testing.assert_array_equal(risk.bias, 0)


def test_interpolation_at_the_rank_is_perfect_without_noise_and_infinitely_bad_with_it():
    modes = Modes([2.0, 1.0, 0.5], [1.0, 1.0, 1.0])
    assert eigenframework(modes, 3).test == 0
    assert eigenframework(modes, 3, noise=1e-6).test == np.inf
    assert eigenframework(POWER_LAW, 50, features=50.0).test == np.inf
    assert np.isfinite(eigenframework(POWER_LAW, 50, features=50.0, ridge=1e-6).test)


def test_random_features_of_a_matched_target_have_one_law():
    """Target power = eigenvalues, ridge 0: m gamma_m M / (M - m)."""
    modes = Modes(INDEX**-1.5, INDEX**-1.5)
    for n, k in ((20, 70), (70, 20)):
        gamma = eigenframework(modes, min(n, k)).gamma
        want = min(n, k) * gamma * max(n, k) / abs(n - k)
        np.testing.assert_allclose(eigenframework(modes, n, features=k).test, want, rtol=1e-12)


def test_infinite_ridge_and_no_eigenvalue_predict_nothing():
    risk = eigenframework(POWER_LAW, 10, ridge=np.inf, noise=0.3)
    assert risk.test == pytest.approx(POWER_LAW.variance + 0.3)
    assert (risk.learnt, risk.ratio, risk.kappa) == (0, 1, np.inf)
    empty = eigenframework(Modes([0.0], [0.0], outside=2.0), 5)
    assert (empty.test, empty.learnt) == (2.0, 0.0)


def test_a_tail_of_small_eigenvalues_is_a_ridge():
    head, tail = Modes(INDEX[:50] ** -1.5, INDEX[:50] ** -1.3), 0.07
    many = Modes(np.r_[head.eigenvalues, tail / 1e9], np.r_[head.power, 0.2], multiplicities=np.r_[np.ones(50), 1e9])
    for features in (np.inf, 40.0):
        want = eigenframework(many, [10, 100], ridge=0.1, features=features)
        got = eigenframework(
            Modes(head.eigenvalues, head.power, tail=tail, outside=0.2), [10, 100], ridge=0.1, features=features
        )
        np.testing.assert_allclose(got.test, want.test, rtol=1e-6)
        np.testing.assert_allclose(got.train, want.train, rtol=1e-6)


def test_the_learnabilities_are_those_of_gamma():
    risk = eigenframework(POWER_LAW, [[5, 50]], ridge=[[0.1], [1.0]])
    assert risk.learnabilities.shape == (2, 2, 300)
    np.testing.assert_allclose(risk.learnabilities.sum(axis=-1), risk.learnt, rtol=1e-12)
    np.testing.assert_allclose(risk.learnt + risk.ridge / risk.kappa, risk.n, rtol=1e-12)


# Optimal ridge, samples needed.


def test_bayes_ridge_of_a_matched_prior_is_the_noise():
    modes = Modes(INDEX**-1.5, INDEX**-1.5)  # v_i^2 = lambda_i: the ridge is the noise, at every n
    np.testing.assert_allclose(optimal_ridge(modes, [3, 30, 1000], noise=0.2).ridge, 0.2, rtol=1e-5)


def test_the_best_ridge_may_be_none_or_all():
    assert optimal_ridge(Modes([1.0, 0.5], [1.0, 1.0]), 2).ridge == 0
    assert optimal_ridge(Modes([1.0], [0.0], multiplicities=[5]), 10, noise=1.0).ridge == np.inf
    assert optimal_ridge(Modes([0.0], [0.0], outside=1.0), 10).ridge == 0


def test_the_optimal_ridge_beats_a_grid():
    modes = Modes(INDEX**-1.5, INDEX**-1.3)
    for features in (np.inf, 40.0):
        best = optimal_ridge(modes, [8, 40, 200], noise=0.1, features=features)
        grid = eigenframework(modes, [8, 40, 200], ridge=np.geomspace(1e-5, 1e3, 200)[:, None], noise=0.1, features=features)
        assert (best.test <= grid.test.min(axis=0) * (1 + 1e-12)).all()


@pytest.mark.parametrize("ridge", ["optimal", 0.0, 0.5])
def test_samples_needed_is_the_last_crossing(ridge):
    need = samples_needed(POWER_LAW, 1.0, ridge=ridge, noise=0.1)
    options = {"noise": 0.1}
    risk = optimal_ridge if ridge == "optimal" else lambda *a, **k: eigenframework(*a, ridge=ridge, **k)
    assert risk(POWER_LAW, need, **options).test <= 1.0 < risk(POWER_LAW, need - 1, **options).test


def test_samples_have_an_optimal_ridge_and_a_number_needed():
    sample = Sample(random_gram(60, 10), random_gram(60, 10)[0] + np.random.default_rng(3).normal(size=60))
    n = np.array([3.0, 10.0, 11.0, 50.0])
    best = learning_curve(sample, n, ridge="optimal")
    for ridge in np.geomspace(1e-4, 1e3, 50):
        assert (best.test <= learning_curve(sample, n, ridge=ridge).test * (1 + 1e-9)).all()
    for ridge in ("optimal", 0.5):
        middle = learning_curve(sample, [20], ridge=ridge).test[0]
        assert samples_needed(sample, middle * (1 + 1e-9), ridge=ridge) == 20
    assert samples_needed(sample, 0.01) == np.inf


def test_samples_of_pure_noise_are_best_not_learnt():
    noise = np.random.default_rng(3).choice([-1.0, 1.0], size=60)
    sample = Sample(random_gram(60, 10), noise - random_gram(60, 10) @ np.linalg.pinv(random_gram(60, 10)) @ noise)
    curve = learning_curve(sample, [5, 50], ridge="optimal", key=KEY, repeats=2)
    assert curve.ridge.tolist() == [np.inf, np.inf]
    np.testing.assert_allclose([curve.test, curve.train], (sample.targets**2).mean())
    np.testing.assert_allclose(5 * curve.simulated_train[:, 0] + 55 * curve.simulated_test[:, 0], 60 * curve.test[0])
    assert learning_curve(Sample(np.eye(8), np.ones(8)), [3], ridge="optimal").ridge.tolist() == [0.0]


def test_an_error_below_the_noise_is_never_reached():
    assert samples_needed(POWER_LAW, 0.5, noise=0.5) == np.inf
    assert samples_needed(POWER_LAW, 100.0) == 1


# Data sets.


@pytest.mark.parametrize("ridge", [0.0, 1.0, 7.0])
def test_without_any_similarity_the_finite_population_is_exact(ridge):
    N, n = 8, np.array([1.0, 3.0, 7.0])
    y = np.random.default_rng(0).normal(size=N)
    curve = learning_curve(Sample(np.eye(N), y), n, ridge=ridge)
    np.testing.assert_allclose(curve.test, (y**2).mean(), rtol=1e-12)
    np.testing.assert_allclose(curve.train, (ridge / (1 + ridge)) ** 2 * (y**2).mean(), rtol=1e-12, atol=1e-15)


def test_a_large_population_is_the_eigenframework():
    spectrum = np.r_[2.0, 1.0, 0.5, np.full(9, 0.1)]
    N = 1000
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(N, 12)))[0]
    sample = Sample(N * (vectors * spectrum) @ vectors.T, vectors @ np.ones(12) * N**0.5)
    curve = learning_curve(sample, [5, 8, 30], ridge=0.3)
    np.testing.assert_allclose(curve.test, eigenframework(Modes(spectrum, np.ones(12)), [5, 8, 30], ridge=0.3).test, rtol=0.05)


def test_samples_keep_parseval_and_predict_like_a_solver():
    sample = random_sample(outputs=2)
    assert sample.power.sum() == pytest.approx((sample.targets**2).sum() / 12)
    cross = np.random.default_rng(2).normal(size=(4, 12))
    want = cross @ np.linalg.solve(sample.gram + 0.3 * np.eye(12), sample.targets)
    np.testing.assert_allclose(sample.predict(cross, ridge=0.3), want, rtol=1e-10)
    one = Sample(sample.gram, sample.targets[:, 0])
    np.testing.assert_allclose(one.predict(cross, ridge=0.3), want[:, 0], rtol=1e-10)
    np.testing.assert_allclose(one.predict(one.gram), one.targets, rtol=1e-8)


def test_duplicated_points_leave_the_span():
    gram = random_gram(5, 20)[np.ix_([0, 1, 2, 3, 4, 0], [0, 1, 2, 3, 4, 0])]
    sample = Sample(gram, np.array([1.0, 0, 0, 0, 0, 3.0]))  # two labels for one point
    assert sample.eigenvalues[-1] == 0
    assert sample.modes.outside == pytest.approx((1.0**2 + 1.0**2) / 6)
    assert sample.predict(gram)[[0, 5]] == pytest.approx(2.0), "the mean of both"
    curve = learning_curve(sample, [2, 5])
    assert np.isfinite(curve.test).tolist() == [True, False], "the interpolation peak of contradictory labels is at the rank"
    assert curve.train.tolist() == [0, 0]


def test_cross_validation_is_leaving_out():
    sample = random_sample()
    found = cross_validation(sample, [0.0, 0.5])
    for r, ridge in enumerate((1e-10, 0.5)):
        errors = []
        for i in range(12):
            rest = np.delete(np.arange(12), i)
            weights = np.linalg.solve(sample.gram[np.ix_(rest, rest)] + ridge * np.eye(11), sample.targets[rest])
            errors.append((sample.targets[i] - sample.gram[i, rest] @ weights) ** 2)
        assert found.left_out[r] == pytest.approx(np.mean(errors), rel=1e-6)
        assert found.stderr[r] == pytest.approx(np.std(errors, ddof=1) / 12**0.5, rel=1e-6)
    residual = 0.5 * np.linalg.solve(sample.gram + 0.5 * np.eye(12), sample.targets)
    assert found.train[1] == pytest.approx((residual**2).mean())
    assert found.generalised[1] == pytest.approx(found.train[1] / (1 - found.learnt[1] / 12) ** 2)
    low, high = found.interval()
    assert ((low < found.left_out) & (found.left_out < high)).all()
    assert found.best == int(np.argmin(found.generalised))


def test_cross_validation_estimates_the_error_and_kappa_of_the_eigenframework():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 300)) * INDEX**-0.75
    y = x @ (INDEX**-0.65 / INDEX**-0.75) + 0.3 * rng.normal(size=200)
    found, risk = cross_validation(Sample(x @ x.T, y), 0.5), eigenframework(POWER_LAW, 200, ridge=0.5, noise=0.09)
    assert found.kappa[0] == pytest.approx(float(risk.kappa), rel=0.05)
    low, high = found.interval(0.999)
    assert low[0] < risk.test < high[0]


def test_tails_of_the_target_have_intervals():
    sample = Sample(random_gram(60, 5), random_gram(60, 5)[:, 0])
    found = target_power(sample, key=KEY, repeats=30)
    np.testing.assert_allclose(found.tails[0], (sample.targets**2).mean())
    assert found.tails[5] < 1e-12, "five modes hold everything"
    assert found.dimension(1.0) == 5
    low, high = found.interval()
    assert low.shape == (16,)
    assert (low >= 0).all()
    assert ((low <= found.tails[:16]) & (found.tails[:16] <= high)).all()


def test_half_sample_intervals_cover_the_expected_tails():
    rng, inside, truths = np.random.default_rng(0), 0, []
    draws = [rng.normal(size=(40, 30)) * INDEX[:30] ** -0.75 for _ in range(60)]
    intervals = []
    for x in draws:
        found = target_power(Sample(x @ x.T, x.sum(axis=1)), key=KEY, repeats=20)
        truths.append(found.tails[:11])
        intervals.append(found.interval())
    truth = np.mean(truths, axis=0)
    inside = np.mean([(low[:8] <= truth[:8]) & (truth[:8] <= high[:8]) for low, high in intervals])
    assert inside > 0.85


# Simulations.


@pytest.mark.parametrize("task", [POWER_LAW, random_sample()])
def test_simulations_repeat_with_the_key(task):
    one, two, other = (learning_curve(task, [2, 9], ridge=0.1, key=k, repeats=3) for k in (KEY, KEY, jax.random.key(4)))
    np.testing.assert_array_equal(one.simulated_test, two.simulated_test)
    assert (one.simulated_test != other.simulated_test).all()
    assert one.interval().shape == (2, 2)
    rare = dataclasses.replace(one, simulated_test=np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    assert rare.interval()[0].tolist() == [0.0, 0.0]  # an error has no negative mean


def test_pure_noise_is_best_ignored_in_simulation_too():
    curve = learning_curve(Modes([1.0, 0.5], [0.0, 0.0]), [5], noise=2.0, ridge="optimal", key=KEY, repeats=400)
    assert curve.ridge[0] == np.inf
    assert curve.mean()[0] == curve.test[0] == curve.train[0] == 2.0
    assert curve.simulated_train.mean() == pytest.approx(2.0, abs=0.3)


def test_a_curve_without_simulation_says_so():
    with pytest.raises(ValueError, match="repeats must be at least 1 for this, got 0"):
        learning_curve(POWER_LAW, [3]).mean()
    with pytest.raises(ValueError, match="repeats must be at least 2 for this, got 1"):
        learning_curve(POWER_LAW, [3], key=KEY, repeats=1).interval()


# Learning in time.


def test_flow_and_steps_follow_the_training_loop():
    sample, rate = random_sample(), 0.3
    cross = np.random.default_rng(2).normal(size=(4, 12))
    weights, flow = np.zeros(12), gradient_flow(sample, [0, 1, 50], rate=rate, discrete=True)
    for step in range(51):
        if step in (0, 1, 50):
            t = [0, 1, 50].index(step)
            assert flow.error[t] == pytest.approx(((sample.gram @ weights - sample.targets) ** 2).mean())
            np.testing.assert_allclose(flow.predictions(cross)[t], cross @ weights, rtol=1e-9, atol=1e-14)
        weights = weights - rate / 12 * (sample.gram @ weights - sample.targets)


def test_flow_starts_at_zero_and_ends_at_interpolation():
    sample = random_sample(outputs=3)
    cross = np.random.default_rng(2).normal(size=(4, 12))
    flow = gradient_flow(sample, [0.0, 1e-9, 1e9], rate=2.0)
    start, soon, end = flow.predictions(cross)
    np.testing.assert_array_equal(start, 0)
    np.testing.assert_allclose(soon, 2e-9 / 12 * cross @ sample.targets, rtol=1e-6)
    np.testing.assert_allclose(end, sample.predict(cross), rtol=1e-8)
    assert flow.power.shape == (3, 12)


def test_population_modes_decay_at_twice_their_rate():
    flow = gradient_flow(Modes([2.0, 0.0], [1.0, 0.0], outside=0.5), [0.0, 1.0], rate=0.5)
    np.testing.assert_allclose(flow.error, [1.5, np.exp(-2) + 0.5])
    with pytest.raises(ValueError, match="task must be a Sample"):
        flow.predictions(np.zeros((1, 2)))


@pytest.mark.parametrize("task", [POWER_LAW, Modes([1.0, 0.2], [1.0, 0.5], tail=0.1, outside=0.3), random_sample(outputs=2)])
def test_training_starts_at_the_null_predictor_and_ends_at_interpolation(task):
    noise = 0.0 if isinstance(task, Sample) else 0.2
    curve = training_curve(task, 6, [1e12, 0.0], noise=noise, key=KEY, repeats=3)
    end = learning_curve(task, [6], noise=noise, key=KEY, repeats=3)
    start = (task.power.sum() if isinstance(task, Sample) else task.variance) + noise
    assert curve.test[1] == curve.train[1] == pytest.approx(start, rel=1e-14)
    assert curve.test[0] == pytest.approx(end.test[0], rel=1e-9)
    np.testing.assert_allclose(curve.simulated_test[:, 0], end.simulated_test[:, 0], rtol=1e-9)  # of the same data sets
    np.testing.assert_allclose([curve.train[0], *curve.simulated_train[:, 0]], 0, atol=1e-20)
    if isinstance(task, Sample):
        whole = 6 * curve.simulated_train[:, 1] + 6 * curve.simulated_test[:, 1]
        np.testing.assert_allclose(whole, 12 * start)
    else:
        np.testing.assert_allclose(curve.simulated_test[:, 1], start)


@pytest.mark.parametrize(("dim", "n"), [(30, 100), (100, 30)])
def test_isotropic_features_are_trained_by_the_law_of_marchenko_and_pastur(dim, n):
    """Test error: v^2 E exp(-2 s t) + noise (1 + dim / n E (1 - exp(-s t))^2 / s), s an eigenvalue of the covariance."""
    times, noise, c = np.array([0.0, 0.01, 1.0, 5.0, 100.0, 1e4]), 0.3, dim / n
    nodes, weights = np.polynomial.legendre.leggauss(400)
    angle, half = (nodes + 1) * np.pi / 2, 2 * c**0.5
    s = 1 + c - half * np.cos(angle)
    density = (half * np.sin(angle)) ** 2 / (2 * np.pi * c * s) * weights * np.pi / 2
    missed = np.exp(-np.outer(times, s))
    clean = missed**2 @ density + max(0, 1 - 1 / c)
    expected = 2 * clean + noise * (1 + c * ((1 - missed) ** 2 / s) @ density)
    curve = training_curve(Modes([1.0], [2.0], multiplicities=[dim]), n, times, noise=noise)
    np.testing.assert_allclose(curve.test, expected, rtol=1e-11)
    # Training error: v^2 E s exp(-2 s t), and of the noise what the n residuals of the flow leave.
    left = 1 - c + c * missed**2 @ density if dim < n else c * (missed**2 @ density)
    np.testing.assert_allclose(curve.train, 2 * (missed**2 * s) @ density + noise * left, rtol=1e-11, atol=1e-13)


def test_endless_samples_are_trained_like_the_population():
    times = [0.0, 0.3, 20.0]
    curve = training_curve(POWER_LAW, 10**12, times, noise=0.4, rate=2.0)
    np.testing.assert_allclose(curve.test, gradient_flow(POWER_LAW, times, rate=2.0).error + 0.4, rtol=1e-9)
    np.testing.assert_allclose(curve.train, curve.test, rtol=1e-9)


def test_the_rate_multiplies_the_times_in_any_order():
    one = training_curve(POWER_LAW, 9, [3.0, 0.1, 40.0], key=KEY, repeats=2)
    other = training_curve(POWER_LAW, 9, [4.0, 0.3, 0.01], rate=10.0, key=KEY, repeats=2)
    for name in ("test", "train", "simulated_test", "simulated_train"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name)[..., [1, 2, 0]], rtol=1e-9)


def test_nothing_is_learnt_where_all_eigenvalues_are_0():
    curve = training_curve(Modes([0.0], [0.0], outside=0.7), 5, [0.0, 1e9], noise=0.1)
    assert curve.test.tolist() == curve.train.tolist() == [0.7 + 0.1] * 2


# Refusals.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Modes([], []), r"eigenvalues must have shape \(modes,\), at least one, got shape \(0,\)"),
        (lambda: Modes([1.0, -0.1], [1.0, 0.0]), "eigenvalues must be finite and at least 0, got -0.1"),
        (lambda: Modes([np.nan], [1.0]), "eigenvalues must be finite and at least 0, got nan"),
        (lambda: Modes([1.0], [1.0, 1.0]), r"power must have the shape \(1,\)"),
        (lambda: Modes([1.0], [-1.0]), "power must be finite and at least 0, got -1"),
        (lambda: Modes([1.0, 0.0], [1.0, 0.2]), "power must be 0 where the eigenvalue is 0, got 0.2: .* see outside"),
        (lambda: Modes([1.0], [1.0], multiplicities=[0]), "multiplicities must be finite and at least 1, got 0"),
        (lambda: Modes([1.0], [1.0], multiplicities=[1, 1]), "multiplicities must have the shape"),
        (lambda: Modes([1.0], [1.0], tail=-1.0), "tail must be finite and at least 0, got -1"),
        (lambda: Modes([1.0], [1.0], outside=np.inf), "outside must be finite and at least 0, got inf"),
        (lambda: eigenframework(POWER_LAW, 0), "n must be finite and at least 1, got 0"),
        (lambda: eigenframework(POWER_LAW, []), "n must not be empty"),
        (lambda: eigenframework(POWER_LAW, np.inf), "n must be finite and at least 1, got inf"),
        (lambda: eigenframework(POWER_LAW, 5, features=0.5), "features must be at least 1, got 0.5"),
        (lambda: eigenframework(POWER_LAW, 5, ridge=-0.1), "ridge must be at least 0, got -0.1"),
        (lambda: eigenframework(POWER_LAW, 5, ridge=[]), "ridge and noise must not be empty"),
        (lambda: eigenframework(POWER_LAW, 5, noise=-1.0), "noise must be finite and at least 0, got -1"),
        (lambda: eigenframework(POWER_LAW, [5, 6], ridge=[1.0, 2.0, 3.0]), "must broadcast against each other"),
        (lambda: optimal_ridge(POWER_LAW, 0.5), "n must be finite and at least 1, got 0.5"),
        (lambda: samples_needed(POWER_LAW, 0.0), "error must be finite and positive, got 0.0"),
        (lambda: samples_needed(POWER_LAW, 1.0, ridge="best"), "ridge must be numbers or 'optimal', got 'best'"),
        (lambda: samples_needed(POWER_LAW, 1.0, ridge=-1.0), "ridge must be at least 0, got -1"),
        (lambda: learning_curve(POWER_LAW, [2.5]), "n must be integers of shape"),
        (lambda: learning_curve(POWER_LAW, 2), "n must be integers of shape"),
        (lambda: learning_curve(POWER_LAW, [2], ridge="best"), "ridge must be numbers or 'optimal', got 'best'"),
        (lambda: learning_curve(POWER_LAW, [2], ridge=[0.1, 0.2]), "ridge must be one number or one per point"),
        (lambda: learning_curve(POWER_LAW, [2], repeats=3), "repeats must be at least 1 with a key, 0 without, got 3"),
        (lambda: learning_curve(POWER_LAW, [2], key=KEY), "repeats must be at least 1 with a key, 0 without, got 0"),
        (
            lambda: learning_curve(Modes([1.0], [1.0], multiplicities=[1e6]), [2], key=KEY, repeats=1),
            "multiplicities must be integers of sum at most 100000 to be simulated",
        ),
        (
            lambda: learning_curve(POWER_LAW, [2], features=2.5, key=KEY, repeats=1),
            "features must be integers to be simulated, got 2.5",
        ),
        (lambda: learning_curve(random_sample(), [12]), "n must be below the 12 points of the sample, got 12"),
        (lambda: learning_curve(random_sample(), [3], noise=0.1), "noise must be 0 for a sample"),
        (lambda: learning_curve(random_sample(), [3], features=5.0), "features must be inf for a sample"),
        (lambda: learning_curve(random_sample(), [3], ridge="best"), "ridge must be numbers or 'optimal', got 'best'"),
        (lambda: learning_curve(random_sample(), [3], ridge=-1.0), "ridge must be finite and at least 0, got -1"),
        (lambda: Sample(np.eye(3)[:2], np.ones(2)), r"gram must have shape \(N, N\) with N >= 2, got \(2, 3\)"),
        (lambda: Sample(np.eye(3), np.ones(2)), r"targets must have shape \(3,\) or \(3, outputs\), got \(2,\)"),
        (lambda: Sample(np.diag([1.0, np.nan]), np.ones(2)), "gram must be finite, got nan"),
        (
            lambda: Sample(np.array([[1.0, 0.5], [0.0, 1.0]]), np.ones(2)),
            "gram must be symmetric, got entries that differ by 0.5",
        ),
        (
            lambda: Sample(np.diag([1.0, -0.1]), np.ones(2)).modes,
            r"gram must be positive semi-definite, got the eigenvalue -0\.1",
        ),
        (lambda: random_sample().predict(np.zeros((2, 3))), r"cross must have shape \(points, 12\), got \(2, 3\)"),
        (lambda: random_sample().predict(np.zeros((2, 12)), ridge=-1.0), "ridge must be finite and at least 0, got -1"),
        (lambda: cross_validation(random_sample(dim=3), 0.0), "ridge must be positive for a gram of rank 3 < 12, got 0"),
        (lambda: cross_validation(random_sample(), []), "ridge must be one number or have shape"),
        (lambda: cross_validation(random_sample(), 0.1).interval(1.0), "level must lie between 0 and 1, got 1.0"),
        (lambda: target_power(random_sample(), repeats=3), "repeats must be at least 1 with a key, 0 without, got 3"),
        (lambda: target_power(random_sample()).interval(), "repeats must be at least 2 for an interval, got 0"),
        (lambda: target_power(random_sample()).dimension(0.0), r"share must lie in \(0, 1\], got 0.0"),
        (lambda: gradient_flow(POWER_LAW, []), r"times must have shape \(times,\), not empty"),
        (lambda: gradient_flow(POWER_LAW, [-1.0]), "times must be finite and at least 0, got -1"),
        (lambda: gradient_flow(POWER_LAW, [0.5], discrete=True), "times must be integers for steps, got 0.5"),
        (lambda: gradient_flow(POWER_LAW, [1.0], rate=0.0), "rate must be finite and positive, got 0.0"),
        (lambda: training_curve(POWER_LAW, 9, []), r"times must have shape \(times,\), not empty"),
        (lambda: training_curve(POWER_LAW, 9, [-1.0]), "times must be finite and at least 0, got -1"),
        (lambda: training_curve(POWER_LAW, 9, [1.0], rate=np.inf), "rate must be finite and positive, got inf"),
        (lambda: training_curve(POWER_LAW, 9, [1e300], rate=1e100), r"rate \* times must be finite and at least 0, got inf"),
        (lambda: training_curve(POWER_LAW, 1, [1.0]), "n must be one integer of at least 2, got 1"),
        (lambda: training_curve(POWER_LAW, 9, [1.0], noise=-1.0), "noise must be finite and at least 0, got -1"),
        (lambda: training_curve(POWER_LAW, 9, [1.0], repeats=3), "repeats must be at least 1 with a key, 0 without, got 3"),
        (lambda: training_curve(POWER_LAW, 9, [1.0]).mean(), "repeats must be at least 1 for this, got 0"),
        (lambda: training_curve(random_sample(), 12, [1.0]), "n must be below the 12 points of the sample, got 12"),
        (lambda: training_curve(random_sample(), 3, [1.0], noise=0.1), "noise must be 0 for a sample"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
