"""Laws of claims from algebra and probability: second ways to their numbers, and their degenerate cases."""

import importlib
import itertools
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

MODULES = (
    "paquette2024",
    "brechet2023",
    "spectralcones2025",
    "woodruff2023",
    "nouy2023",
    "arora2019",
    "hu2025",
    "wang2023i",
    "patil2024",
    "tarzanagh2023",
)
paquette, brechet, cones, sensitivities, volumes, contrastive, aspects, supersample, sketched, attention = map(
    importlib.import_module, MODULES
)


# Paquette et al. (2024)


@pytest.mark.parametrize("exponent", [1.5, 2.3, 4.0])
def test_smooth_sums_are_those_of_zeta(exponent):
    j, weights = paquette.nodes()
    assert weights @ j**-exponent == pytest.approx(float(mpmath.zeta(exponent)), rel=1e-6)


@settings(max_examples=10)
@given(st.integers(1, 6), st.floats(0.6, 2.0), seeds())
def test_floors_fall_in_features_and_vanish_when_all_are_seen(d, alpha, seed):
    rng = np.random.default_rng(seed)
    lam, target = np.arange(1.0, 8.0) ** (-2 * alpha), np.exp(rng.normal(size=7))
    one = np.ones(7)
    floors = [paquette.equivalent_floor(lam, target, one, k) for k in range(1, 8)]
    assert (np.diff(floors) <= 1e-12).all()
    assert floors[-1] <= 1e-10
    assert 0 <= floors[d - 1] <= lam @ target
    assert paquette.random_floor(rng, lam, target, 6) <= lam @ target * (1 + 1e-12)


def test_one_random_feature_of_equal_coordinates_leaves_all_but_its_share():
    """With equal variances the equivalent is exact in the mean: (1 - d / v) of the target."""
    rng, v = np.random.default_rng(0), 5
    floors = [paquette.random_floor(rng, np.ones(v), np.ones(v), 1) for _ in range(4000)]
    assert paquette.equivalent_floor(np.ones(v), np.ones(v), np.ones(v), 1) == pytest.approx(v - 1, rel=1e-9)
    assert np.mean(floors) == pytest.approx(v - 1, abs=5 * np.std(floors) / 4000**0.5)


@settings(max_examples=10)
@given(st.integers(1, 6), st.floats(0.05, 0.3), seeds())
def test_the_volterra_equation_is_the_dense_recursion_of_moments(d, step, seed):
    rng = np.random.default_rng(seed)
    lam, c = rng.exponential(size=d) + 1e-3, rng.normal(size=d)
    g = step / lam.sum()
    curve = paquette.volterra_curve(lam, c, 0.1, g, 30)
    np.testing.assert_allclose(paquette.moment_curve(rng, lam, c, 0.1, g, 30), curve, rtol=1e-10)
    assert curve[0] == pytest.approx(0.1 + lam @ c**2)


def test_one_feature_has_a_closed_form():
    """P_t - P* = (1 - 2 a + 3 a^2)^t (P_0 - P*), with a = g lambda and P* (2 a - 3 a^2) = (2 a - 2 a^2) floor."""
    lam, c, floor, g = np.array([0.7]), np.array([1.3]), 0.2, 0.4
    a = g * 0.7
    limit = floor * (2 * a - 2 * a**2) / (2 * a - 3 * a**2)
    expected = limit + (1 - 2 * a + 3 * a**2) ** np.arange(20) * (floor + 0.7 * 1.3**2 - limit)
    np.testing.assert_allclose(paquette.volterra_curve(lam, c, floor, g, 20), expected, rtol=1e-12)


def test_sgd_on_the_features_as_they_are_has_the_errors_of_the_equation():
    """Inputs drawn as z, features as W D z, targets as b D z: nothing is diagonal, no residual is drawn."""
    rng, v, d, runs = np.random.default_rng(0), 12, 4, 20_000
    scale = np.arange(1.0, v + 1) ** -1.0
    features = scale[:, None] * rng.normal(size=(v, d)) / d**0.5
    y = scale * np.arange(1.0, v + 1) ** -0.8
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    lam, c = singular**2, left.T @ y / singular
    floor, g = float(np.sum((y - left @ (left.T @ y)) ** 2)), 0.3 / lam.sum()
    theta = np.zeros((runs, d))
    for _ in range(15):
        z = rng.normal(size=(runs, v))
        x = z @ features
        theta -= g * ((x * theta).sum(1) - z @ y)[:, None] * x
    errors = np.sum((theta @ features.T - y) ** 2, axis=1)
    expected = paquette.volterra_curve(lam, c, floor, g, 16)[15]
    assert errors.mean() == pytest.approx(expected, abs=5 * errors.std() / runs**0.5)


# Brechet et al. (2023)


@settings(max_examples=20)
@given(st.integers(2, 6), st.integers(1, 5), seeds())
def test_the_loss_is_the_bures_wasserstein_distance_by_matrix_roots(n, k, seed):
    rng = np.random.default_rng(seed)
    values, vectors = brechet.spectrum(rng, n)
    root, w = vectors * np.sqrt(values) @ vectors.T, rng.normal(size=(n, k))
    middle = scipy.linalg.eigvalsh(root @ w @ w.T @ root)
    expected = values.sum() + np.trace(w @ w.T) - 2 * np.sqrt(np.maximum(middle, 0)).sum()
    value, gradient = brechet.loss(w, root)
    # A root turns rounding of 1e-16 in the n - k zero eigenvalues into 1e-8.
    assert value == pytest.approx(expected, abs=1e-6)
    way, h = rng.normal(size=w.shape), 1e-5
    slope = (brechet.loss(w + h * way, root)[0] - brechet.loss(w - h * way, root)[0]) / (2 * h)
    if k <= n and np.linalg.svd(root @ w)[1][-1] > 1e-3:  # smooth there
        assert slope == pytest.approx((gradient * way).sum(), rel=1e-4, abs=1e-4)


@settings(max_examples=15)
@given(st.integers(1, 5), st.integers(0, 5), seeds())
def test_equal_and_vanishing_eigenvalues_keep_the_bound(n, rank, seed):
    """S_0 with rank eigenvalues 1 and the others 0, and matrices W of every rank, 0 included."""
    rng = np.random.default_rng(seed)
    root = np.diag((np.arange(n) < rank).astype(float))
    for k in range(1, n + 1):
        tail = max(min(rank, n) - k, 0)
        assert brechet.loss(np.zeros((n, k)), root)[0] == pytest.approx(min(rank, n))
        assert brechet.loss(rng.normal(size=(n, k)), root)[0] >= tail - 1e-12
        assert brechet.loss(root[:, :k], root)[0] == pytest.approx(tail, abs=1e-12)


def test_descent_in_one_dimension_finds_the_root():
    assert brechet.descended(np.array([[3.0]]), np.array([[0.5]])) == pytest.approx(0.0, abs=1e-12)


# Cederberg, Boyd (2025)


@settings(max_examples=25)
@given(
    st.sampled_from((-1.5, -0.3, 0.0, 0.2, 0.7, 1.5)), st.integers(1, 5), st.sampled_from(("random", "equal", "zero")), seeds()
)
def test_projections_onto_the_cone_of_the_l1_norm_solve_their_equation(share, n, kind, seed):
    """The shift is a root of a monotone function, found by bisection; inside the cone or its polar nothing is to be solved."""
    rng = np.random.default_rng(seed)
    sigma = {"random": np.sort(rng.exponential(size=n))[::-1], "equal": np.ones(n), "zero": np.zeros(n)}[kind]
    t = share * max(sigma.sum(), 1.0)
    s, x = cones.l1_cone(t, sigma)
    if sigma.sum() <= t:
        assert s == t
        np.testing.assert_array_equal(x, sigma)
    elif sigma[0] <= -t:
        assert s == 0
        assert not x.any()
    else:
        a = scipy.optimize.brentq(lambda a: np.maximum(sigma - a, 0).sum() - t - a, 0, sigma[0], xtol=1e-15)
        np.testing.assert_allclose([s, *x], [t + a, *np.maximum(sigma - a, 0)], atol=1e-12)


@settings(max_examples=25)
@given(seeds())
def test_projections_onto_the_cone_repeat_themselves_and_contract(seed):
    rng = np.random.default_rng(seed)
    (t, x), shift = cones.random_pair(rng), rng.normal()
    u, y = t + 0.1 * shift, x + 0.1 * rng.normal(size=x.shape)
    (s, p), (r, q) = cones.projected(t, x), cones.projected(u, y)
    again = cones.projected(s, p)
    assert again[0] == pytest.approx(s, abs=1e-13)
    np.testing.assert_allclose(again[1], p, atol=1e-13)
    assert np.hypot(s - r, np.linalg.norm(p - q)) <= np.hypot(t - u, np.linalg.norm(x - y)) + 1e-13
    for _ in range(20):  # no point of the cone is closer
        other = p + 0.3 * rng.normal(size=p.shape)
        away = np.hypot(np.linalg.norm(other, "nuc") + rng.exponential() - t, np.linalg.norm(other - x))
        assert np.hypot(s - t, np.linalg.norm(p - x)) <= away + 1e-13


# Woodruff, Yasuda (2023)


@settings(max_examples=8)
@given(st.integers(1, 4), st.integers(0, 3), seeds())
def test_vertices_find_the_sensitivities_of_linear_programs(d, kind, seed):
    """min sum t with -t <= A x <= t and a_i . x = 1, for the first two rows."""
    basis = sensitivities.span(sensitivities.random_rows(np.random.default_rng(seed), d, kind))
    n, d = basis.shape
    below = np.block([[basis, -np.eye(n)], [-basis, -np.eye(n)]])
    for i in range(2):
        program = scipy.optimize.linprog(
            np.r_[np.zeros(d), np.ones(n)],
            A_ub=below,
            b_ub=np.zeros(2 * n),
            A_eq=np.r_[basis[i], np.zeros(n)][None],
            b_eq=[1.0],
            bounds=[(None, None)] * (d + n),
        )
        assert sensitivities.of_vertices(basis)[i] == pytest.approx(1 / program.fun, rel=1e-7)


@settings(max_examples=12)
@given(st.integers(1, 4), st.integers(0, 3), st.sampled_from((1.0, 1.5, 4.0)), seeds())
def test_no_vector_has_a_larger_ratio_than_the_sensitivity(d, kind, p, seed):
    rng = np.random.default_rng(seed)
    basis = sensitivities.span(sensitivities.random_rows(rng, d, kind))
    most = sensitivities.of_vertices(basis) if p == 1 else sensitivities.of_powers(basis, p, sensitivities.ROUNDS)[0]
    values = np.abs(rng.normal(size=(500, basis.shape[1])) @ basis.T) ** p
    assert ((values / values.sum(1, keepdims=True)).max(0) <= most * (1 + 1e-9)).all()
    assert (most <= 1 + 1e-12).all()


def test_rows_of_zeros_and_equal_columns_have_the_sensitivities_of_what_is_left():
    column = np.array([1.0, 2.0, 0.0, -3.0])
    basis = sensitivities.span(np.stack([column, column, 0 * column], axis=1))
    assert basis.shape == (4, 1)
    np.testing.assert_allclose(sensitivities.of_vertices(basis), np.abs(column) / 6)
    assert sensitivities.span(np.zeros((4, 2))).shape == (4, 0)
    # Rows on a circle: with p = 4 each has the ratio 1 / sum cos^4 = 8 / (3 n) at itself.
    angles = np.pi * np.arange(6) / 6
    circle = sensitivities.span(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert sensitivities.of_powers(circle, 4.0, 80)[0].sum() == pytest.approx(8 / 3)


# Nouy, Michel (2023)


@settings(max_examples=20)
@given(st.integers(1, 3), st.integers(1, 4), seeds())
def test_volume_sampling_is_unbiased_with_a_factor_d_plus_one(d, extra, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(d + extra, d)), rng.normal(size=d + extra)
    w, least = volumes.least_squares(x, y)
    mean, error = volumes.enumerated(x, y)
    np.testing.assert_allclose(mean, w, atol=1e-9 * (1 + np.abs(w).max()))
    assert error == pytest.approx((d + 1) * least, rel=1e-8)


@settings(max_examples=10)
@given(st.integers(2, 4), seeds())
def test_rows_that_repeat_only_lower_the_error_and_no_noise_means_none(n, seed):
    """Sets without volume fall away; the mean solution stays the best one."""
    rng = np.random.default_rng(seed)
    x, y = np.repeat(rng.normal(size=(n, 2)), 2, axis=0), rng.normal(size=2 * n)
    w, least = volumes.least_squares(x, y)
    mean, error = volumes.enumerated(x, y)
    np.testing.assert_allclose(mean, w, atol=1e-9 * (1 + np.abs(w).max()))
    assert error <= 3 * least * (1 + 1e-9)
    assert volumes.enumerated(x, x @ w)[1] <= 1e-18 * (1 + (x @ w) @ (x @ w))


def test_one_column_by_hand():
    """Rows 1 and 2 of one column, y = (1, 0): solutions 1 and 0 with probabilities 1/5 and 4/5, errors 4 and 1."""
    mean, error = volumes.enumerated(np.array([[1.0], [2.0]]), np.array([1.0, 0.0]))
    assert mean == pytest.approx([0.2])
    assert error == pytest.approx(8 / 5)


# Arora et al. (2019)


@settings(max_examples=20)
@given(st.booleans(), st.booleans(), seeds())
def test_the_contrastive_loss_bounds_that_of_class_means(single, logistic, seed):
    rho, points, f = contrastive.random_problem(np.random.default_rng(seed), single)
    loss = contrastive.logistic if logistic else contrastive.hinge
    tau = (rho**2).sum()
    bound = (contrastive.contrastive_loss(rho, points, f, loss) - tau) / (1 - tau)
    found = contrastive.mean_classifier_loss(rho, points, f, loss)
    assert found <= bound * (1 + 1e-10)
    if single:
        assert found == pytest.approx(bound, rel=1e-10)


@settings(max_examples=5)
@given(seeds())
def test_both_losses_are_means_over_samples(seed):
    rng = np.random.default_rng(seed)
    rho, points, f = contrastive.random_problem(rng, single=False)
    f /= np.abs(f).max()
    n, means = 100_000, points @ f
    c, other = rng.choice(rho.size, n, p=rho), rng.choice(rho.size, n, p=rho)
    edges = np.cumsum(points, axis=1)
    x, positive, negative = (np.minimum((rng.random(n)[:, None] > edges[k]).sum(1), 5) for k in (c, c, other))
    losses = contrastive.hinge((f[x] * (f[positive] - f[negative])).sum(1))
    exact = contrastive.contrastive_loss(rho, points, f, contrastive.hinge)
    assert losses.mean() == pytest.approx(exact, abs=5 * losses.std() / n**0.5 + 1e-12)
    losses = contrastive.hinge((f[x] * (means[c] - means[other])).sum(1))[c != other]
    exact = contrastive.mean_classifier_loss(rho, points, f, contrastive.hinge)
    assert losses.mean() == pytest.approx(exact, abs=5 * losses.std() / losses.size**0.5 + 1e-12)


def test_a_representation_of_zeros_has_both_losses_one():
    rho, points, f = contrastive.random_problem(np.random.default_rng(0), single=False)
    for loss in (contrastive.hinge, contrastive.logistic):
        assert contrastive.contrastive_loss(rho, points, 0 * f, loss) == pytest.approx(1)
        assert contrastive.mean_classifier_loss(rho, points, 0 * f, loss) == pytest.approx(1)


# Hu et al. (2025)


@settings(max_examples=8)
@given(st.floats(0.05, 1.0))
def test_the_limit_of_hill_exponents_is_that_of_the_density_in_its_own_variable(ratio):
    """Marchenko and Pastur's density on a grid of values, in place of angles."""
    low, high = (1 - ratio**0.5) ** 2, (1 + ratio**0.5) ** 2
    middle = low + (high - low) * ((np.arange(200_000) + 0.5) / 200_000) ** 2  # denser near a pole at 0
    widths = np.gradient(middle)
    weights = widths * np.sqrt((high - middle) * (middle - low)) / (2 * np.pi * ratio * middle)
    assert weights.sum() == pytest.approx(1, abs=1e-3)
    upper = np.cumsum(weights[::-1])[::-1] < weights.sum() / 2
    mean = (weights * np.log(middle / middle[upper][0]))[upper].sum() / weights[upper].sum()
    assert aspects.hill_limit(ratio) == pytest.approx(1 + 1 / mean, rel=2e-3)


def test_the_limits_rise_without_end_as_matrices_widen():
    """A spectrum of width sqrt(ratio) about 1: the upper half of a semicircle of radius 2 sqrt(ratio)."""
    limits = [aspects.hill_limit(ratio) for ratio in (1.0, 0.5, 0.1, 0.01, 1e-4)]
    assert (np.diff(limits) > 0).all()
    assert (limits[-1] - 1) * 1e-4**0.5 == pytest.approx(1 / (8 / (3 * np.pi)), rel=0.02)


@settings(max_examples=10)
@given(st.floats(0.1, 10), st.floats(1.2, 6), seeds())
def test_hill_exponents_are_those_of_power_laws_and_ignore_scale(scale, exponent, seed):
    values = np.sort(np.random.default_rng(seed).pareto(exponent - 1, 20_000) + 1)[::-1]
    assert aspects.hill(values) == pytest.approx(exponent, abs=5 * (exponent - 1) / 100)
    assert aspects.hill(scale * values) == pytest.approx(aspects.hill(values), rel=1e-12)


@settings(max_examples=10)
@given(st.integers(1, 5), st.integers(0, 4), seeds())
def test_squares_are_those_of_singular_values_and_blocks_are_parts(rows, extra, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(rows, rows + extra))
    np.testing.assert_allclose(aspects.squares(weights), np.linalg.svd(weights)[1] ** 2, atol=1e-12)
    assert np.isin(aspects.block(rng, weights, 1, rows), weights).all()
    np.testing.assert_allclose(np.sort(aspects.block(rng, weights, *weights.shape), axis=None), np.sort(weights, axis=None))


# Wang, Mao (2023)


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(1, 2), st.sampled_from(("default", "wrong", "majority")), seeds())
def test_gaps_of_interpolating_learners_are_information_in_bits(m, n, learner, seed):
    rng = np.random.default_rng(seed)
    p, labels, default = rng.dirichlet(np.ones(m)), rng.integers(0, 2, m), rng.integers(0, 2, m)
    joint = supersample.difference_law(p, labels, default, n, learner)
    assert joint.sum(axis=(1, 2)) == pytest.approx(np.ones(n))
    np.testing.assert_allclose(joint.sum(axis=1), 0.5)
    np.testing.assert_allclose(supersample.gap_of(joint), supersample.mutual_information(joint) / np.log(2), atol=1e-12)
    if m == 1:  # the only point is always seen
        assert supersample.gap_of(joint) == pytest.approx(0)


def test_one_sample_by_hand():
    """Always wrong where unseen, n = 1: the gap is the probability that a fresh point is another one."""
    p, labels = np.array([0.5, 0.3, 0.2]), np.array([0, 1, 1])
    joint = supersample.difference_law(p, labels, 1 - labels, 1, "wrong")
    assert supersample.gap_of(joint) == pytest.approx([1 - (p**2).sum()])


def test_laws_of_differences_are_those_of_samples():
    rng, runs, n = np.random.default_rng(0), 20_000, 2
    p, labels = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0, 1, 1, 0])
    joint = supersample.difference_law(p, labels, labels, n, "majority")
    pairs, selector = rng.choice(4, (runs, n, 2), p=p), rng.integers(0, 2, (runs, n))
    training = np.take_along_axis(pairs, selector[..., None], 2)[..., 0]
    majority = labels[training].sum(1) * 2 > n
    predicted = np.where((pairs[:, 0, :, None] == training[:, None, :]).any(2), labels[pairs[:, 0]], majority[:, None])
    errors = (predicted != labels[pairs[:, 0]]).astype(int)
    cells = np.bincount((errors[:, 1] - errors[:, 0] + 1) * 2 + selector[:, 0], minlength=6).reshape(3, 2) / runs
    np.testing.assert_allclose(cells, joint[0], atol=5 * 0.5 / runs**0.5)


@given(st.integers(1, 4), seeds())
def test_information_is_symmetric_and_falls_when_values_are_merged(n, seed):
    """Of the difference it is at most that of the pair of losses."""
    pair = np.random.default_rng(seed).dirichlet(np.ones(8), n).reshape(n, 2, 2, 2)  # losses l_0, l_1, selector
    difference = np.stack([pair[:, 1, 0], pair[:, 0, 0] + pair[:, 1, 1], pair[:, 0, 1]], axis=1)
    merged, whole = (supersample.mutual_information(law) for law in (difference, pair.reshape(n, 4, 2)))
    assert (merged <= whole + 1e-14).all()
    np.testing.assert_allclose(supersample.mutual_information(np.swapaxes(difference, 1, 2)), merged, atol=1e-14)
    independent = difference.sum(2, keepdims=True) * difference.sum(1, keepdims=True)
    np.testing.assert_allclose(supersample.mutual_information(independent), 0, atol=1e-12)


# Patil, LeJeune (2024)


@settings(max_examples=15)
@given(st.integers(1, 4), st.integers(1, 3), st.floats(1e-3, 10), seeds())
def test_sketched_ridge_is_ridge_on_sketched_features(q, labels, ridge, seed):
    """Against least squares with extra rows sqrt(n ridge) I, and the trace against the matrix written down."""
    rng = np.random.default_rng(seed)
    n, p = 6, 3
    x, y, sketch = rng.normal(size=(n, p)), rng.normal(size=(n, labels)), rng.normal(size=(p, q))
    beta, freedom = sketched.sketched_ridge(x, y, sketch, ridge)
    z = x @ sketch
    rows = np.vstack([z, (n * ridge) ** 0.5 * np.eye(q)])
    inner = np.linalg.lstsq(rows, np.vstack([y, np.zeros((q, labels))]))[0]
    np.testing.assert_allclose(beta, sketch @ inner, atol=1e-9 * (1 + np.abs(beta).max()))
    matrix = z @ np.linalg.inv(z.T @ z + n * ridge * np.eye(q)) @ z.T
    assert freedom == pytest.approx(np.trace(matrix))
    errors = ((y - matrix @ y) ** 2).mean(0) / (1 - np.trace(matrix) / n) ** 2
    np.testing.assert_allclose(sketched.gcv(x, y, beta, freedom), errors, rtol=1e-8)


def test_cross_validation_of_a_mean_is_that_with_one_left_out():
    """One constant feature and no ridge: every leverage is 1 / n, and GCV is leave-one-out."""
    y = np.random.default_rng(0).normal(size=(7, 1))
    beta, freedom = sketched.sketched_ridge(np.ones((7, 1)), y, np.eye(1), 0.0)
    left_out = [float(y[i, 0] - np.delete(y, i).mean()) for i in range(7)]
    assert freedom == pytest.approx(1)
    assert sketched.gcv(np.ones((7, 1)), y, beta, freedom)[0] == pytest.approx(np.mean(np.square(left_out)))


# Tarzanagh et al. (2023)


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(2, 3), seeds())
def test_the_largest_margin_is_that_of_the_dual_problem_and_no_matrix_has_a_larger_one(samples, tokens, seed):
    rng, d = np.random.default_rng(seed), 4
    x, z = rng.normal(size=(samples, tokens, d)), rng.normal(size=(samples, d))
    rows = attention.constraints(x, z)
    w = attention.max_margin(rows)
    products = np.einsum("kij,ij->k", rows, w)
    np.testing.assert_allclose(products.min(), 1, atol=1e-8)
    np.testing.assert_allclose(attention.least_margin(x[None], z[None], w[None]), [1], atol=1e-8)
    flat = rows.reshape(len(rows), -1)
    gram = flat @ flat.T
    dual = scipy.optimize.minimize(
        lambda a: 0.5 * a @ gram @ a - a.sum(), np.zeros(len(gram)), jac=lambda a: gram @ a - 1, bounds=[(0, None)] * len(gram)
    )
    assert -2 * dual.fun == pytest.approx((w**2).sum(), rel=1e-4)
    for _ in range(10):
        other = w + rng.normal(size=w.shape)
        assert attention.least_margin(x[None], z[None], other[None])[0] / np.linalg.norm(other) <= 1 / np.linalg.norm(w) + 1e-12


def test_one_constraint_is_its_own_solution():
    row = np.array([[[3.0, 4.0], [0.0, 0.0]]])
    np.testing.assert_allclose(attention.max_margin(row), row[0] / 25)


@settings(max_examples=8)
@given(st.booleans(), seeds())
def test_one_step_goes_along_the_gradient_of_the_loss(product, seed):
    """By central differences of sum log(1 + exp(-f)), with f as the paper writes it."""
    rng, n, tokens, d = np.random.default_rng(seed), 2, 3, 3
    v = rng.normal(size=d)
    x = rng.normal(size=(n, tokens, d))
    x = np.stack([one[np.argsort(-one @ v)] for one in x])
    z = rng.normal(size=(n, d))
    values = x @ v

    def loss(w):
        scores = np.einsum("ntd,de,ne->nt", x, w, z)
        return np.logaddexp(0, -(scipy.special.softmax(scores, axis=1) * values).sum(1)).sum()

    factors = 0.5 * rng.normal(size=(2, 1, d, d)) if product else None
    start = factors[0, 0] @ factors[1, 0].T if product else np.zeros((d, d))
    arguments = x[None], z[None], values[None, :, 0], (values[:, :1] - values)[None]
    step = attention.trained(*arguments, 1, factors)[0] - start
    gradient, h = np.empty((d, d)), 1e-6
    for i, j in itertools.product(range(d), repeat=2):
        unit = np.zeros((d, d))
        unit[i, j] = h
        gradient[i, j] = (loss(start + unit) - loss(start - unit)) / (2 * h)
    if not product:
        np.testing.assert_allclose(step, -attention.STEP * gradient / np.linalg.norm(gradient), atol=1e-7)
        return
    k, q = factors[:, 0]
    up = np.stack([-gradient @ q, -gradient.T @ k])
    up *= attention.STEP / np.linalg.norm(up)
    np.testing.assert_allclose(step, (k + up[0]) @ (q + up[1]).T - start, atol=1e-7)


def test_tokens_that_are_all_best_but_one_do_not_underflow():
    """Scores far apart: what is left for the others is below the smallest double."""
    x, z = 100 * np.eye(3)[None, None, :2], 100 * np.ones((1, 1, 3))
    w = attention.trained(x, z, np.ones((1, 1)), np.array([[[0.0, 1.0]]]), 50)
    assert np.isfinite(w).all()
    assert attention.least_margin(x, z, w)[0] > 800
