"""Laws behind the claims on local linearity, quantisation, explanations and proximal networks."""

import importlib
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

elle, gpfq, explain, lpn, training = (
    importlib.import_module(name) for name in ("abadrocamora2024", "zhang2022gpfq", "han2022", "fang2024", "_proximal_training")
)


@settings(max_examples=20)
@given(st.integers(1, 4), st.floats(0.1, 10), seeds())
def test_affine_terms_do_not_change_the_interpolation_error_and_factors_scale_it(d, factor, seed):
    random = np.random.default_rng(seed)
    net, slope = elle._network(random, d), random.normal(size=d)
    ends, alpha = random.uniform(-1, 1, (2, 50, d)), random.uniform(size=50)
    plain = elle.interpolation_errors(lambda y: elle.value(net, y, np.tanh), ends, alpha)
    more = elle.interpolation_errors(lambda y: factor * elle.value(net, y, np.tanh) + y @ slope + 1, ends, alpha)
    np.testing.assert_allclose(more, factor * plain, rtol=0, atol=1e-12 * factor + 1e-13)


@settings(max_examples=20)
@given(st.integers(1, 4), st.floats(0.01, 0.999), seeds())
def test_a_relu_network_is_affine_up_to_its_nearest_kink(d, share, seed):
    random = np.random.default_rng(seed)
    net, x = elle._network(random, d), random.normal(size=d)
    eps = share * elle._kink_distances(net, x, 1).min()
    ends, alpha = x + eps * np.sign(random.normal(size=(2, 50, d))), random.uniform(size=50)
    errors = elle.interpolation_errors(lambda y: elle.value(net, y, elle.relu), ends, alpha)
    np.testing.assert_allclose(errors, 0, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(1, 3), st.floats(0.01, 10), seeds())
def test_the_closed_form_is_that_of_every_quadratic(d, eps, seed):
    square = np.random.default_rng(seed).normal(size=(d, d))
    hessian = square + square.T
    ends, alpha, weight = elle.nodes(d, 3)
    errors = elle.interpolation_errors(lambda y: ((y @ hessian) * y).sum(axis=-1) / 2, eps * ends, alpha)
    np.testing.assert_allclose(weight @ errors**2, elle.closed_form(hessian, eps), rtol=1e-11)


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 20), st.integers(1, 4), st.floats(0.05, 1), seeds())
def test_the_last_error_is_that_of_the_layer_and_no_choice_is_better(m, n, levels, delta, seed):
    random = np.random.default_rng(seed)
    columns, weights = random.normal(size=(n, 3, m)), random.uniform(-1, 1, (n, 3))
    steps = list(gpfq.quantise(columns, weights, levels, delta))
    chosen = np.stack([step.chosen for step in steps])
    assert np.isin(np.rint(chosen / delta), np.arange(-levels, levels + 1)).all()
    np.testing.assert_allclose(chosen, delta * np.rint(chosen / delta), rtol=1e-15)
    total = ((weights - chosen)[..., None] * columns).sum(axis=0)
    np.testing.assert_allclose(steps[-1].after, total, rtol=0, atol=1e-12)
    for step in steps:
        for other in delta * np.arange(-levels, levels + 1):
            error = step.before + (step.weight - other)[:, None] * step.column
            assert ((step.after**2).sum(axis=-1) <= (error**2).sum(axis=-1) * (1 + 1e-9) + 1e-12).all()


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 20), st.integers(1, 4), st.sampled_from((0.125, 8.0, -2.0)), seeds())
def test_weights_of_the_alphabet_are_kept_and_scaled_columns_change_no_choice(m, n, levels, factor, seed):
    random = np.random.default_rng(seed)
    columns, weights = random.normal(size=(n, 2, m)), random.uniform(-1, 1, (n, 2))
    kept = random.integers(-levels, levels + 1, (n, 2)) / 4
    for step in gpfq.quantise(columns, kept, levels, 0.25):
        assert not step.after.any()
        assert (step.chosen == step.weight).all()
    pair = (gpfq.quantise(scale * columns, weights, levels, 0.25) for scale in (1, factor))
    for one, other in zip(*pair, strict=True):
        np.testing.assert_array_equal(one.chosen, other.chosen)


@settings(max_examples=20)
@given(st.integers(2, 6), seeds())
def test_shapley_values_are_efficient_symmetric_and_blind_to_null_players(d, seed):
    random = np.random.default_rng(seed)
    masks = explain.coalitions(d)
    alone = random.normal(size=d)
    alone[-1] = 0
    both = masks[:, 0].astype(float) + masks[:, 1]  # players 0 and 1 count together, the last not at all
    values = np.tanh(both) + np.sin(masks[:, 2:] @ alone[2:]) * both
    for found in (explain.shapley(masks, values), explain.kernel_shap(masks, values)):
        np.testing.assert_allclose(found.sum(), values[-1] - values[0], atol=1e-12)
        np.testing.assert_allclose(found[0], found[1], atol=1e-12)
        if d > 2:
            np.testing.assert_allclose(found[-1], 0, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(2, 6), st.sampled_from((None, "uniform-weights", "no-binomial", "no-constraint")), seeds())
def test_a_game_without_interactions_is_recovered_whatever_the_weights(d, control, seed):
    masks, alone = explain.coalitions(d), np.random.default_rng(seed).normal(size=d)
    if d > 2 or control != "no-constraint":  # two proper coalitions do not determine three numbers
        np.testing.assert_allclose(explain.kernel_shap(masks, masks @ alone + 0.3, control), alone, atol=1e-12)
    np.testing.assert_allclose(explain.shapley(masks, masks @ alone + 0.3), alone, atol=1e-12)


@settings(max_examples=10)
@given(st.floats(0.05, 0.5), seeds())
def test_a_gaussian_fit_has_the_mean_gradient_as_its_slope(scale, seed):
    random = np.random.default_rng(seed)
    f = explain.Waves(random.normal(size=(4, 3)), random.uniform(0, 7, 4), random.normal(size=4), random.normal(size=3))
    unit, weight = explain._grid(*np.polynomial.hermite_e.hermegauss(explain.NODES))
    found = explain._slope(unit, explain._waves(f, scale * unit), weight) / scale
    np.testing.assert_allclose(found, explain._mean_gradient(f, np.zeros(3), scale * np.eye(3)), rtol=0, atol=1e-9)


@settings(max_examples=20)
@given(st.integers(1, 4), st.lists(st.floats(-3, 3), min_size=5, max_size=5))
def test_no_polynomial_is_nearer_than_the_chebyshev_distance(n, coefficients):
    g = np.array(coefficients[: n + 1])
    assert explain._largest(g, n + 1, 0.0, explain.GRID) >= 2.0**-n * (1 - 1e-12)


@settings(max_examples=20)
@given(st.floats(0.1, 3), seeds())
def test_f_is_the_gradient_of_its_potential_and_monotone(scale, seed):
    random = np.random.default_rng(seed)
    net = lpn._network(random, None)
    y = scale * random.normal(size=(6, lpn.INPUTS))
    f = lpn.gradient(net, y)
    for i, step in enumerate(1j * 1e-30 * np.eye(lpn.INPUTS)):
        np.testing.assert_allclose(lpn.psi(net, y + step).imag / 1e-30, f[:, i], rtol=1e-12, atol=1e-12)
    apart = y[:, None] - y
    products = ((f[:, None] - f) * apart).sum(axis=-1)
    assert (products >= lpn.CURVATURE * (apart**2).sum(axis=-1) * (1 - 1e-9) - 1e-12).all()


@settings(max_examples=20)
@given(st.floats(0.3, 3), st.floats(0.3, 3), st.floats(1e-3, 1))
def test_the_matched_estimate_is_odd_and_does_not_decrease(sigma, b, tau):
    y = np.linspace(-4, 4, 81)
    c = lpn.matched(y, sigma, b, tau)
    np.testing.assert_allclose(c, -c[::-1], rtol=0, atol=1e-12)
    assert (np.diff(c) >= -1e-12).all()
    assert (np.abs(c) <= np.abs(y)).all()


@settings(max_examples=10)
@given(st.floats(0.5, 2), st.floats(0.5, 2), st.floats(0.2, 1), st.floats(0, 4))
def test_the_matched_estimate_maximises_the_convolved_posterior_on_a_grid(sigma, b, tau, y):
    x = np.linspace(-20, 20, 40001)
    log_density = -((x - y) ** 2) / (2 * sigma**2) - np.abs(x) / b
    found = lpn.matched(np.array([y]), sigma, b, tau)
    near = found + np.array([-0.01, 0, 0.01])
    smooth = np.exp(log_density - log_density.max() - (near[:, None] - x) ** 2 / (2 * tau**2)).sum(axis=1)
    assert smooth.argmax() == 1
    density = np.exp(log_density - log_density.max())
    mean = lpn.posterior_mean(np.array([y]), sigma, b)
    np.testing.assert_allclose(mean, (density @ x) / density.sum(), rtol=1e-4, atol=1e-4)
    median = lpn._posterior_median(np.array([y]), sigma, b)
    np.testing.assert_allclose(median, np.interp(0.5, np.cumsum(density) / density.sum(), x), atol=2e-3)


@settings(max_examples=10)
@given(st.floats(0.5, 2), st.floats(0.5, 2), st.floats(0.1, 2), seeds())
def test_the_trained_loss_is_least_at_the_matched_estimate(sigma, b, gamma, seed):
    y = np.random.default_rng(seed).uniform(-4, 4, 5)
    best = lpn.matched(y, sigma, b, gamma / 2**0.5)
    losses = [np.asarray(training._matched(best + off, y, gamma, sigma, b)) for off in (0, -0.03, 0.03)]
    assert (losses[0] <= losses[1] + 1e-12).all()
    assert (losses[0] <= losses[2] + 1e-12).all()
