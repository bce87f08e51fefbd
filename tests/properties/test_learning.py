"""Laws of learning curves, on random spectra, targets and sizes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.spectra import (
    Modes,
    Sample,
    eigenframework,
    fit_power_law,
    gradient_flow,
    learning_curve,
    optimal_ridge,
    target_power,
    training_curve,
)

SEEDS = st.integers(0, 10**6)
RIDGES = st.sampled_from((0.0, 1e-6, 0.01, 1.0, 100.0))
NOISES = st.sampled_from((0.0, 0.1, 1.0))
SIZES = st.floats(1, 200)
FEATURES = st.floats(1, 500) | st.just(np.inf)


@st.composite
def tasks(draw):
    """Log-normal eigenvalues over many decades, log-normal target, sometimes multiplicities and a tail."""
    rng = np.random.default_rng(draw(SEEDS))
    count, spread = draw(st.integers(1, 60)), draw(st.sampled_from((0.1, 2.0, 6.0)))
    eigenvalues, power = np.exp(spread * rng.normal(size=count)), np.exp(rng.normal(size=count))
    multiplicities = rng.integers(1, 5, size=count) if draw(st.booleans()) else 1.0
    return Modes(eigenvalues, power, multiplicities=multiplicities, tail=draw(st.sampled_from((0.0, 0.3))))


@given(tasks(), SIZES, FEATURES, RIDGES, NOISES)
def test_learnability_is_conserved(task, n, features, ridge, noise):
    risk = eigenframework(task, n, ridge=ridge, noise=noise, features=features)
    most = min(n, features, task.rank)
    assert risk.learnt <= most * (1 + 1e-12)
    if ridge == 0:
        np.testing.assert_allclose(risk.learnt, most, rtol=1e-10)
    if risk.kappa > 0:
        np.testing.assert_allclose(risk.learnt + ridge / risk.kappa, n, rtol=1e-9)
    assert risk.kappa <= risk.gamma * (1 + 1e-12)


@given(tasks(), SIZES, FEATURES, RIDGES, NOISES)
def test_errors_are_in_order(task, n, features, ridge, noise):
    risk = eigenframework(task, n, ridge=ridge, noise=noise, features=features)
    assert risk.overfitting >= 1 - 1e-12
    assert 0 <= risk.train <= risk.test * (1 + 1e-12)
    assert risk.test >= (risk.bias + noise) * (1 - 1e-12)
    if np.isfinite(risk.test):
        np.testing.assert_allclose(risk.bias + risk.variance + noise, risk.test, rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(risk.ratio * risk.test, risk.train, rtol=1e-6, atol=1e-12 * task.variance + 1e-12 * noise)


@given(tasks(), SIZES, FEATURES, RIDGES, NOISES, st.floats(1e-3, 1e3))
def test_kernel_and_ridge_scale_together_and_targets_by_themselves(task, n, features, ridge, noise, c):
    options = {"features": features}
    risk = eigenframework(task, n, ridge=ridge, noise=noise, **options)
    shape = {"multiplicities": task.multiplicities}
    kernel = Modes(c * task.eigenvalues, task.power, tail=c * task.tail, **shape)
    target = Modes(task.eigenvalues, c * task.power, tail=task.tail, **shape)
    np.testing.assert_allclose(eigenframework(kernel, n, ridge=c * ridge, noise=noise, **options).test, risk.test, rtol=1e-7)
    np.testing.assert_allclose(
        eigenframework(target, n, ridge=ridge, noise=c * noise, **options).test, c * risk.test, rtol=1e-9
    )


@given(tasks(), SIZES, RIDGES, NOISES)
def test_many_features_are_the_kernel(task, n, ridge, noise):
    kernel = eigenframework(task, n, ridge=ridge, noise=noise)
    if np.isfinite(kernel.test):
        many = eigenframework(task, n, ridge=ridge, noise=noise, features=1e13)
        np.testing.assert_allclose(many.test, kernel.test, rtol=1e-6, atol=1e-12 * task.variance)


@given(tasks(), SIZES, FEATURES, NOISES)
def test_without_learning_the_error_is_the_variance(task, n, features, noise):
    want = task.variance + noise
    everything = eigenframework(task, n, ridge=np.inf, noise=noise, features=features)
    np.testing.assert_allclose(everything.test, want, rtol=1e-13)
    large = 1e9 * task.trace * n
    np.testing.assert_allclose(eigenframework(task, n, ridge=large, noise=noise, features=features).test, want, rtol=1e-6)


@given(tasks(), RIDGES, NOISES)
def test_with_all_data_the_error_is_the_noise(task, ridge, noise):
    n = 1e12 * (1 + task.trace / task.eigenvalues.min()) * (1 + ridge)
    risk = eigenframework(task, n, ridge=ridge, noise=noise)
    np.testing.assert_allclose(risk.test, noise, rtol=1e-6, atol=1e-6 * task.variance)


@settings(max_examples=15)
@given(tasks(), NOISES)
def test_more_is_better_at_the_optimal_ridge(task, noise):
    sizes = np.array([2.0, 5.0, 40.0])
    best = optimal_ridge(task, sizes[:, None], noise=noise, features=np.array([3.0, 10.0, np.inf])).test
    slack = 1e-8 * best.max()
    assert (np.diff(best, axis=0) <= slack).all()
    assert (np.diff(best, axis=1) <= slack).all()


@given(tasks(), SIZES, FEATURES, RIDGES, SEEDS)
def test_the_order_of_modes_means_nothing(task, n, features, ridge, seed):
    order = np.random.default_rng(seed).permutation(len(task.power))
    other = Modes(task.eigenvalues[order], task.power[order], multiplicities=task.multiplicities[order], tail=task.tail)
    one, two = (eigenframework(t, n, ridge=ridge, features=features).test for t in (task, other))
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-13 * task.variance)


@st.composite
def samples(draw):
    rng = np.random.default_rng(draw(SEEDS))
    count = draw(st.integers(4, 24))
    x = rng.normal(size=(count, draw(st.sampled_from((2, 10, 40))))) * draw(st.sampled_from((1e-3, 1.0, 30.0)))
    return Sample(x @ x.T, rng.normal(size=count))


@given(samples())
def test_targets_keep_parseval(sample):
    total = (sample.targets**2).mean()
    found = target_power(sample)
    np.testing.assert_allclose([sample.power.sum(), found.tails[0]], total, rtol=1e-12)
    np.testing.assert_allclose(sample.modes.variance, total, rtol=1e-12)
    assert (np.diff(found.tails) <= 0).all()
    np.testing.assert_allclose(sample.eigenvalues.sum(), np.trace(sample.gram) / len(sample), rtol=1e-12)


@given(samples(), SEEDS)
def test_permuting_the_points_changes_nothing(sample, seed):
    order = np.random.default_rng(seed).permutation(len(sample))
    other = Sample(sample.gram[np.ix_(order, order)], sample.targets[order])
    n = [1, len(sample) - 1]
    one, two = (learning_curve(s, n, ridge=0.1 * np.trace(sample.gram)) for s in (sample, other))
    np.testing.assert_allclose(one.test, two.test, rtol=1e-9)


@given(samples(), st.sampled_from((0.01, 0.3, 3.0)))
def test_parts_of_a_sample_add_up_to_it(sample, share):
    """Errors on both parts are positive, and training errors fall below test errors."""
    n = np.arange(1, len(sample))
    curve = learning_curve(sample, n, ridge=share * np.trace(sample.gram) / len(sample))
    assert (curve.train > 0).all()
    assert (curve.train <= curve.test * (1 + 1e-9)).all()


@given(samples(), st.floats(0, 50), st.floats(0, 50))
def test_flows_compose_and_fall(sample, one, two):
    rate = 1 / sample.eigenvalues[0]
    flow = gradient_flow(sample, [one, two, one + two], rate=rate)
    np.testing.assert_allclose(flow.factors[0] * flow.factors[1], flow.factors[2], rtol=1e-12, atol=1e-300)
    assert flow.error[2] <= min(flow.error[:2]) * (1 + 1e-12)


TIMES = np.r_[0.0, np.geomspace(1e-2, 1e8, 6)]


@given(tasks(), st.integers(2, 200), NOISES)
def test_training_errors_fall_in_time_from_the_null_predictor_to_interpolation(task, n, noise):
    times = TIMES / task.trace
    curve = training_curve(task, n, times, noise=noise)
    start = task.variance + noise
    assert (np.diff(curve.train) <= 1e-9 * start).all()
    assert (curve.train <= curve.test + 1e-9 * start).all()
    assert (curve.test >= noise * (1 - 1e-9)).all()
    assert curve.train[-1] >= eigenframework(task, n, noise=noise).train - 1e-9 * start


@given(tasks(), st.integers(2, 200), NOISES, st.floats(1e-3, 1e3))
def test_kernel_and_time_scale_inversely(task, n, noise, c):
    scaled = Modes(c * task.eigenvalues, task.power, multiplicities=task.multiplicities, tail=c * task.tail)
    one = training_curve(task, n, TIMES, noise=noise)
    other = training_curve(scaled, n, TIMES / c, noise=noise)
    np.testing.assert_allclose(one.test, other.test, rtol=1e-7, atol=1e-12 * one.test[0])
    np.testing.assert_allclose(one.train, other.train, rtol=1e-7, atol=1e-12 * one.train[0])


@given(samples())
def test_training_errors_on_parts_of_a_sample_fall_in_time(sample):
    curve = training_curve(sample, max(2, len(sample) // 2), TIMES / np.trace(sample.gram) * len(sample))
    assert (np.diff(curve.train) <= 1e-9 * curve.train[0]).all()
    assert (curve.train <= curve.test + 1e-9 * curve.train[0]).all()


@given(st.floats(0.6, 5), st.floats(-0.5, 20), st.floats(1e-6, 1e6))
def test_pure_power_laws_have_their_exponent(exponent, shift, scale):
    law = fit_power_law(scale * (np.arange(1.0, 101) + shift) ** -exponent)
    assert law.verdict == "power law"
    np.testing.assert_allclose(law.exponent, exponent, rtol=1e-4)
