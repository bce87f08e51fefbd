"""Laws of the claims on features: couplings, contrastive losses, autoencoders, forward gradients, denoisers, overlaps."""

import importlib
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

KEYS = ("reid2023", "wang2020", "shevchenko2023", "fournier2023", "frantar2021", "alain2014", "wang2021", "liu2025")
reid, isola, signs, forward, mfac, alain, contrast, overlaps = (importlib.import_module(name) for name in KEYS)

DIMS = st.sampled_from(reid.DIMS)
LENGTHS = st.floats(0.01, 3)


def rho_by_moments(d, v, cosine):
    """The series of 0F1, its powers of the squared length expanded in moments of chi_d, in 30 digits."""
    with mpmath.workdps(30):
        moments = [mpmath.mpf(2) ** (mpmath.mpf(p) / 2) * mpmath.gamma(mpmath.mpf(d + p) / 2) for p in range(120)]
        moments = [moment / mpmath.gamma(mpmath.mpf(d) / 2) for moment in moments]
        total = mpmath.mpf(0)
        for k in range(60):
            powers = sum(
                (2 * mpmath.mpf(cosine)) ** j
                * moments[2 * a + j]
                * moments[2 * (k - j - a) + j]
                / (mpmath.factorial(a) * mpmath.factorial(k - j - a) * mpmath.factorial(j))
                for j in range(k + 1)
                for a in range(k - j + 1)
            )
            total += (mpmath.mpf(v) ** 2 / 4) ** k / mpmath.rf(mpmath.mpf(d) / 2, k) * powers
            if k > 3 * v**2 + 5 and abs((mpmath.mpf(v) ** 2 / 4) ** k * powers) < mpmath.mpf(10) ** -18:
                break
        return float(total)


@settings(max_examples=8)
@given(DIMS, st.floats(0.01, 1.0), st.floats(-1, 1))
def test_correlations_of_features_are_their_series_of_moments(d, v, cosine):
    assert reid.rho(d, v, cosine) == pytest.approx(rho_by_moments(d, v, cosine), rel=1e-12)


@settings(max_examples=15)
@given(DIMS, LENGTHS, st.floats(-1, 1))
def test_correlations_grow_in_the_cosine_and_are_convex_in_it(d, v, cosine):
    low, middle, high = (reid.rho(d, v, c) for c in (-1.0, cosine, 1.0))
    share = (cosine + 1) / 2
    assert low * (1 - 1e-12) <= middle <= high * (1 + 1e-12)
    assert middle <= ((1 - share) * low + share * high) * (1 + 1e-12)


@settings(max_examples=10)
@given(DIMS, LENGTHS, st.floats(0, 30), seeds())
def test_no_directions_are_less_correlated_than_the_simplex(d, v, noise, seed):
    rng = np.random.default_rng(seed)
    rows = reid.simplex(d) + noise * rng.normal(size=(d, d))
    simplex, orthogonal, independent = reid.rho(d, v, -1 / (d - 1)), reid.rho(d, v, 0.0), reid.independent(d, v)
    assert simplex < orthogonal < independent * (1 + 1e-12)
    collapsed = np.ones((d, d))
    for gram in (reid.gram(rows), collapsed):
        assert reid.mean_rhos(d, v, [gram])[0] >= simplex * (1 - 1e-10)
    assert independent == pytest.approx(np.exp(v**2), rel=1e-12)


@given(st.integers(2, 40))
def test_the_simplex_has_its_cosines(d):
    expected = np.full((d, d), -1 / (d - 1)) + d / (d - 1) * np.eye(d)
    np.testing.assert_allclose(reid.gram(reid.simplex(d)), expected, atol=1e-14)


@settings(max_examples=8)
@given(st.sampled_from((2, 3, 8)), st.floats(0, 0.5), st.sampled_from(reid.COUPLINGS), st.booleans(), seeds())
def test_every_coupling_is_unbiased_whether_lengths_are_shared_or_not(d, v, coupling, shared, seed):
    found = reid.sums(np.random.default_rng(seed), 20_000, d, v, coupling, shared) / d
    assert abs(found.mean() - np.exp(v**2 / 2)) <= 5 * found.std() / 20_000**0.5 + 1e-12


SPHERES, SCALES = st.integers(2, 40), st.floats(0.01, 10)


@settings(max_examples=25)
@given(SPHERES, SCALES, st.integers(1, 6), seeds())
def test_no_finite_measure_has_a_lower_potential_than_the_uniform_one(d, t, count, seed):
    rng = np.random.default_rng(seed)
    rows, bound = rng.normal(size=(count, d)), isola.uniform(d, t)
    twice = np.concatenate([rows, rows])
    for points, weights in ((rows, rng.exponential(size=count)), (twice, np.ones(2 * count)), (rows[:1], np.ones(1))):
        assert isola.potential(points, weights, t) >= bound * (1 - 1e-12)
    assert isola.potential(rows[:1], np.ones(1), t) == 1.0


@settings(max_examples=15)
@given(SPHERES, SCALES)
def test_the_uniform_potential_is_its_integral(d, t):
    with mpmath.workdps(25):
        density = lambda u: (1 - u**2) ** (mpmath.mpf(d - 3) / 2)  # noqa: E731
        ends = [-1, -0.5, 0, 0.5, 1]
        above = mpmath.quad(lambda u: mpmath.exp(-2 * t * (1 - u)) * density(u), ends)
        expected = float(above / mpmath.quad(density, ends))
    assert isola.uniform(d, t) == pytest.approx(expected, rel=1e-11)
    assert isola.uniform(d, t) == pytest.approx(np.exp(-2 * t) * isola.exponential_mean(d, 2 * t), rel=1e-11)


@settings(max_examples=10)
@given(st.sampled_from((1, 4, 60)), st.floats(0.2, 2), seeds())
def test_losses_less_their_first_order_noise_have_the_mean_of_losses(negatives, tau, seed):
    x = np.random.default_rng(seed).normal(size=(2000, negatives + 1, 4))
    x /= np.linalg.norm(x, axis=2, keepdims=True)
    products = np.einsum("ad,amd->am", x[:, 0], x[:, 1:])
    scores = np.concatenate([np.ones((2000, 1)), products], axis=1) / tau
    plain = np.log(np.exp(scores).sum(1)) - scores[:, 0]
    found = isola.loss(np.exp(products / tau), tau, isola.exponential_mean(4, 1 / tau))
    assert abs((found - plain).mean()) <= 5 * (found - plain).std() / 2000**0.5
    assert found.std() <= plain.std()


@settings(max_examples=10)
@given(SPHERES, seeds())
def test_coordinates_are_those_of_uniform_points(d, seed):
    u = isola.coordinates(np.random.default_rng(seed), d, (50_000,))
    assert (np.abs(u) <= 1).all()
    for power, expected in ((1, 0), (2, 1 / d), (4, 3 / (d * (d + 2)))):
        assert abs((u**power).mean() - expected) <= 5 * (u**power).std() / 50_000**0.5


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(1, 24), seeds())
def test_no_rows_have_a_lower_risk_than_the_minimum_nor_does_a_rotation_or_a_sign_change_it(d, n, seed):
    rng = np.random.default_rng(seed)
    n = n if d > 1 else 1  # in one dimension all unit rows are one row and its negative, and arcsin(G) is singular
    rows = signs.unit_rows(rng.normal(size=(n, d)))
    risk = signs.risk(rows)
    assert signs.minimum(n / d) - 1e-10 <= risk < 1
    turned = rng.choice([-1.0, 1.0], size=(n, 1)) * rows @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    assert signs.risk(turned) == pytest.approx(risk, abs=1e-7)
    assert signs.risk(rows[:1]) == pytest.approx(1 - 2 / (np.pi * d), rel=1e-12)


@given(st.integers(1, 30), seeds())
def test_orthonormal_rows_attain_the_minimum(d, seed):
    rows = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
    for n in {1, (d + 1) // 2, d}:
        assert signs.risk(rows[:n]) == pytest.approx(signs.minimum(n / d), rel=1e-12)


@settings(max_examples=10)
@given(st.integers(1, 5), seeds())
def test_the_risk_in_the_plane_is_that_of_least_squares_over_angles(n, seed):
    rows = signs.unit_rows(np.random.default_rng(seed).normal(size=(n, 2)))
    angles = (np.arange(200_000) + 0.5) * 2 * np.pi / 200_000
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    patterns = np.sign(x @ rows.T)
    cross = np.sqrt(np.pi / 2) * x.T @ patterns / len(x)  # the mean of a Rayleigh law is sqrt(pi / 2)
    expected = 1 - np.trace(cross @ np.linalg.pinv(patterns.T @ patterns / len(x), rcond=1e-3) @ cross.T) / 2
    assert signs.risk(rows) == pytest.approx(expected, abs=2e-3)


@settings(max_examples=10)
@given(st.integers(2, 6), st.integers(1, 9), seeds())
def test_the_gradient_of_the_risk_is_its_differences(d, n, seed):
    rng = np.random.default_rng(seed)
    rows, way = rng.normal(size=(n, d)), rng.normal(size=n * d)
    value, gradient = signs.risk_and_gradient(rows.ravel(), (n, d))
    assert value == pytest.approx(signs.risk(signs.unit_rows(rows)), abs=1e-9)
    ends = [signs.risk_and_gradient(rows.ravel() + step * way, (n, d))[0] for step in (1e-6, -1e-6)]
    assert gradient @ way == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-6)
    assert np.abs((gradient.reshape(n, d) * rows).sum(1)).max() <= 1e-8 * (1 + np.abs(gradient).max())


@settings(max_examples=10)
@given(st.integers(1, 3), seeds())
def test_forward_gradients_are_downhill_and_as_well_aligned_as_their_guess(units, seed):
    rng = np.random.default_rng(seed)
    theta, x, y = rng.normal(size=5 * units), rng.normal(size=(7, 4)), rng.normal(size=7)
    guesses = np.concatenate([rng.normal(size=(3, theta.size)), np.zeros((1, theta.size))])
    gradient, slopes = (np.asarray(a) for a in forward.derivatives()(theta, x, y, guesses))
    made = slopes[:, None] * guesses
    np.testing.assert_allclose(slopes, guesses @ gradient, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(made @ gradient, slopes**2, rtol=1e-9, atol=1e-12)
    assert not made[-1].any()
    for row, guess in zip(made[:3], guesses[:3], strict=True):
        cosines = (a @ gradient / np.linalg.norm(a) / np.linalg.norm(gradient) for a in (row, guess))
        assert next(cosines) == pytest.approx(abs(next(cosines)), rel=1e-9, abs=1e-12)
    # The same gradient by central differences of the loss.
    steps = 1e-6 * np.eye(theta.size)
    ends = [[float(forward.network_loss(theta + sign * step, x, y)) for step in steps] for sign in (1, -1)]
    np.testing.assert_allclose(gradient, (np.array(ends[0]) - np.array(ends[1])) / 2e-6, rtol=1e-5, atol=1e-7)


@settings(max_examples=10)
@given(st.integers(1, 10), seeds())
def test_moments_over_all_rademacher_guesses_are_those_claimed(d, seed):
    g = np.random.default_rng(seed).normal(size=d)
    guesses = 2.0 * ((np.arange(2**d)[:, None] >> np.arange(d)) & 1) - 1
    made = (guesses @ g)[:, None] * guesses
    np.testing.assert_allclose(made.mean(0), g, rtol=1e-10, atol=1e-12)
    assert ((made - g) ** 2).sum(1).mean() == pytest.approx((d - 1) * (g @ g), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("law", "control", "variance"), [("gaussian", None, 1), ("rademacher", None, 1), ("gaussian", "unit-length", 0.1)]
)
def test_guesses_have_their_covariance(law, control, variance):
    v = forward.draw(np.random.default_rng(0), law, 50_000, 10, control)
    np.testing.assert_allclose(v.T @ v / len(v), variance * np.eye(10), atol=6 * variance * 2**0.5 / 50_000**0.5)


@settings(max_examples=20)
@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from((1e-3, 1.0, 100.0)), seeds())
def test_recursive_products_are_those_with_the_inverse_in_any_order_even_for_zero_and_equal_gradients(d, m, damping, seed):
    rng = np.random.default_rng(seed)
    one = rng.normal(size=(m, d))
    x = rng.normal(size=d)
    for gradients in (one, np.concatenate([one, one, np.zeros((1, d))]), np.zeros((2, d))):
        fisher = damping * np.eye(d) + gradients.T @ gradients / len(gradients)
        inverse = np.linalg.inv(fisher)
        # The recursion begins with x / damping, which may be far larger than the product.
        tolerance = 1e-14 * np.linalg.norm(x) * np.trace(fisher) / damping**2
        found = mfac.product(gradients, x, damping)
        np.testing.assert_allclose(found, inverse @ x, rtol=0, atol=tolerance)
        np.testing.assert_allclose(mfac.product(gradients[::-1], x, damping), found, rtol=0, atol=tolerance)
    # One gradient: the formula of Sherman and Morrison.
    g = one[0]
    expected = x / damping - g * (g @ x) / (damping * (damping + g @ g))
    np.testing.assert_allclose(mfac.product(one[:1], x, damping), expected, rtol=1e-9, atol=1e-12 / damping)


@settings(max_examples=15)
@given(st.integers(1, 4), st.sampled_from((0.01, 0.1, 1.0, 1.5)), seeds())
def test_the_optimal_denoiser_is_the_mean_of_its_components_and_follows_the_noisy_score(count, s, seed):
    rng = np.random.default_rng(seed)
    mixture = alain.random_mixture(rng, count)
    y = np.concatenate([alain.sample(rng, mixture, 3), mixture.means[:1]])
    moved = alain.displacement(mixture, y, s)
    np.testing.assert_allclose(moved / s**2, mixture.score(y, s), rtol=1e-10, atol=1e-10)
    # Each component's own linear denoiser, by how likely it is to have made y.
    noisy = mixture.covariances + s**2 * np.eye(2)
    away = y[:, None] - mixture.means
    inverse = np.linalg.inv(noisy)
    likely = mixture.weights * np.exp(-0.5 * np.einsum("nki,kij,nkj->nk", away, inverse, away)) / np.linalg.det(noisy) ** 0.5
    shares = likely / likely.sum(1, keepdims=True)
    parts = mixture.means + np.einsum("kij,kjl,nkl->nki", mixture.covariances, inverse, away)
    np.testing.assert_allclose(moved, np.einsum("nk,nki->ni", shares, parts) - y, rtol=1e-9, atol=1e-12)


@settings(max_examples=10)
@given(st.integers(1, 4), st.sampled_from((0.0, 0.3)), seeds())
def test_scores_are_differences_of_log_densities_which_integrate_to_one(count, noise, seed):
    rng = np.random.default_rng(seed)
    mixture = alain.random_mixture(rng, count)
    x, way = alain.sample(rng, mixture, 5), rng.normal(size=2)
    ends = [np.log(mixture.density(x + step * way, noise)) for step in (1e-5, -1e-5)]
    score = mixture.score(x, noise)
    np.testing.assert_allclose(score @ way, (ends[0] - ends[1]) / 2e-5, rtol=1e-5, atol=1e-6)
    line = np.arange(-25, 25, 0.2)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    assert mixture.density(grid, noise).sum() * 0.04 == pytest.approx(1, abs=1e-4)


def test_denoisers_of_a_line_learn_nothing_across_it():
    """Data of rank 1: across the line the best denoiser removes everything, so that r - y over s^2 is -1/s^2."""
    covariance = np.diag([1.0, 1e-20])
    slope = alain.learnt_slope(np.random.default_rng(0), covariance, 0.5, count=20_000)
    np.testing.assert_allclose(slope, np.diag([-0.8, -4.0]), atol=0.05)


@settings(max_examples=20)
@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4), st.floats(-1, 1), st.floats(0.05, 20))
def test_weights_of_negatives_are_a_softmax_whose_entropy_grows_with_the_temperature(negatives, positive, tau):
    s = np.array([negatives, [0.5] * 4])  # equal similarities keep the weights uniform
    slopes = np.asarray(contrast.gradients()(np.full(2, positive), s, np.array([tau, 1.1 * tau])))
    weights = np.abs(slopes[..., 1:]) / np.abs(slopes[..., :1])
    for row, temperature in zip(weights, (tau, 1.1 * tau), strict=True):
        with mpmath.workdps(30):
            powers = [[mpmath.exp(mpmath.mpf(float(x)) / temperature) for x in similarities] for similarities in s]
            expected = [[float(p / mpmath.fsum(line)) for p in line] for line in powers]
        np.testing.assert_allclose(row, expected, rtol=1e-12)
    np.testing.assert_allclose(weights.sum(2), 1, rtol=1e-13)
    entropies = -(weights * np.log(np.maximum(weights, 1e-300))).sum(2)
    assert entropies[1, 0] >= entropies[0, 0] - 1e-13
    np.testing.assert_allclose(entropies[:, 1], np.log(4), rtol=1e-13)


@settings(max_examples=10)
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.floats(0.1, 5))
def test_the_loss_is_the_cross_entropy_of_the_positive(similarities, tau):
    scores = np.array(similarities) / tau
    expected = np.log(np.exp(scores).sum()) - scores[0]
    found = contrast.contrastive_loss(np.array(similarities), np.float64(tau))
    assert float(found) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(0, 20), st.floats(0, 10), seeds())
def test_no_unit_vectors_overlap_less_than_the_bound(m, more, common, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(max(m, 2) + more, m)) + common * rng.normal(size=m)
    flat = np.concatenate([rows[:, : (m + 1) // 2], np.zeros((len(rows), m // 2))], axis=1)  # rank-deficient
    for some in (rows, flat, np.concatenate([rows, rows]), np.repeat(rows[:1], len(rows), axis=0)):
        found = overlaps.mean_square_cosine(some)
        cosines = reid.gram(some)[~np.eye(len(some), dtype=bool)]
        assert found == pytest.approx((cosines**2).mean(), rel=1e-9, abs=1e-12)
        assert overlaps.welch(*some.shape) - 1e-12 <= found <= 1 + 1e-12


@given(st.integers(1, 20), st.integers(1, 5), seeds())
def test_orthonormal_bases_and_simplices_attain_the_bound(m, count, seed):
    rng = np.random.default_rng(seed)
    bases = np.concatenate([np.linalg.qr(rng.normal(size=(m, m)))[0] for _ in range(count)])
    if len(bases) > 1:
        assert overlaps.mean_square_cosine(bases) == pytest.approx(overlaps.welch(*bases.shape), abs=1e-12)
    simplex = overlaps.simplex(m)
    assert simplex.shape == (m + 1, m)
    assert overlaps.mean_square_cosine(simplex) == pytest.approx(1 / m**2, rel=1e-10)
    assert overlaps.welch(m + 1, m) == pytest.approx(1 / m**2, rel=1e-12)


@settings(max_examples=10)
@given(st.integers(1, 30), seeds())
def test_squared_overlaps_of_isotropic_vectors_have_mean_one_over_their_dimension(m, seed):
    rng = np.random.default_rng(seed)
    found = np.array([overlaps.mean_square_cosine(rng.normal(size=(100, m))) for _ in range(50)])
    assert abs(found.mean() - 1 / m) <= 5 * found.std() / 50**0.5 + 1e-12
