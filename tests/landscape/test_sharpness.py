"""Definitions of sharpness against dense Hessians; which rescalings each one sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from ntkit.landscape import GaussNewton, directional_sharpness, rank, sharpness
from ntkit.landscape._sharpness import ROTATIONS, SCALES, WORDS
from tests.landscape.models import case, cross_entropy, dense_hessian, outputs, perceptron, quadratic

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def flat(tree):
    return np.asarray(jax.flatten_util.ravel_pytree(tree)[0])


def test_definitions_are_those_of_the_dense_hessian():
    loss, params = case()
    hessian, theta = dense_hessian(loss, params), flat(params)
    for kind, expected in (
        ("eigenvalue", np.linalg.eigvalsh(hessian)[-1]),
        ("trace", np.trace(hessian)),
        ("scaled-trace", theta**2 @ np.diag(hessian)),
        ("radial", theta @ hessian @ theta),
    ):
        found = sharpness(loss, params, kind, key=KEY)
        assert found.value == pytest.approx(expected, rel=1e-6)
        assert found.interval[0] - 1e-9 <= expected <= found.interval[1] + 1e-9


def test_rises_are_second_order_near_a_minimum():
    """Of a quadratic at 0: the largest rise is half the top eigenvalue, the mean half the trace over P, times radius^2."""
    loss, _ = quadratic([4.0, 2.0, 1.0, 0.0])
    found = {kind: sharpness(loss, jnp.zeros(4), kind, key=KEY, radius=0.1) for kind in ("ball", "average")}
    assert found["ball"].value == pytest.approx(0.5 * 4 * 0.01, rel=1e-9)
    assert found["ball"].interval == (found["ball"].value, np.inf)
    low, high = found["average"].interval
    assert low < 0.5 * 7 / 4 * 0.01 < high
    assert high - low < 0.005


def test_a_scaled_ball_is_a_ball_of_the_loss_of_relative_changes():
    matrix = np.diag([3.0, 1.0])
    theta = jnp.array([1.0, 10.0])
    found = sharpness(lambda w: 0.5 * jnp.vdot(w - theta, jnp.matmul(matrix, w - theta)), theta, "scaled-ball", key=KEY)
    assert found.value == pytest.approx(0.5 * 100 * 0.05**2, rel=1e-9)  # along the second parameter, 10 times as long


@pytest.mark.parametrize("kind", ["ball", "scaled-ball"])
def test_a_peak_at_the_centre_is_no_fall(kind):
    """Everywhere else in the ball the loss is lower: the largest rise is that of staying."""
    heights = jnp.array([1e4, 1.0, 100.0])
    found = sharpness(lambda w: -(heights * (w - 1.0) ** 2).sum(), jnp.ones(3), kind, key=KEY, radius=3.0)
    assert found.value == 0


@pytest.mark.parametrize("kind", list(WORDS))
def test_a_loss_that_is_not_finite_has_no_sharpness(kind):
    with pytest.raises(ValueError, match="loss must be finite at params, got nan"):
        sharpness(lambda w: jnp.log(w).sum(), -jnp.ones(2), kind, key=KEY)


def rescaled(params, rng):
    """Units of a ReLU network times factors that the next layer takes back."""
    factor = jnp.asarray(np.exp(rng.normal(size=params[0]["bias"].size)))
    return [
        {"weights": params[0]["weights"] * factor[None], "bias": params[0]["bias"] * factor},
        {"weights": params[1]["weights"] / factor[:, None], "bias": params[1]["bias"]},
    ]


@pytest.mark.parametrize("kind", list(WORDS))
def test_rescaled_units_are_seen_by_just_those_that_say_so(kind):
    loss, params = case(3, activation=jax.nn.relu)
    twin = rescaled(params, np.random.default_rng(0))
    assert float(loss(twin)) == pytest.approx(float(loss(params)), rel=1e-12)
    one, other = (sharpness(loss, at, kind, key=KEY, rtol=1e-3) for at in (params, twin))
    same = one.value == pytest.approx(other.value, rel=1e-5)
    assert same == (SCALES in one.unchanged_by)


@pytest.mark.parametrize("kind", [kind for kind, (_, unchanged) in WORDS.items() if kind != "average"])
def test_rotations_of_all_parameters_are_seen_by_just_those_that_say_so(kind):
    loss, params = case(3)
    point, unravel = jax.flatten_util.ravel_pytree(params)
    turn = jnp.asarray(scipy.linalg.qr(np.random.default_rng(0).normal(size=(point.size, point.size)))[0])
    turned = sharpness(lambda w: loss(unravel(jnp.matmul(turn, w))), jnp.matmul(turn.T, point), kind, key=KEY, rtol=1e-3)
    same = turned.value == pytest.approx(sharpness(loss, params, kind, key=KEY, rtol=1e-3).value, rel=1e-5)
    assert same == (ROTATIONS in turned.unchanged_by)


def test_a_gauss_newton_matrix_takes_the_place_of_the_hessian():
    rng = np.random.default_rng(0)
    x, labels, params = jnp.asarray(rng.normal(size=(9, 3))), jnp.asarray(rng.integers(0, 2, 9)), perceptron(rng, (3, 4, 2))
    part = GaussNewton(lambda p: outputs(p, x), lambda out: cross_entropy(out, labels))
    assert sharpness(part, params, "radial", key=KEY).value >= 0
    with pytest.raises(
        ValueError, match="loss must be a function for kind 'ball', which moves the parameters, got GaussNewton"
    ):
        sharpness(part, params, "ball", key=KEY)
    # Softmax does not see a common shift of the outputs: at most one direction for each sample and two classes.
    assert rank(part, params).value == 9


def test_along_directions_it_lies_within_the_spectrum_and_has_no_length():
    loss, params = case()
    low, *_, high = np.linalg.eigvalsh(dense_hessian(loss, params))
    for seed in range(5):
        way = perceptron(np.random.default_rng(seed), (3, 4, 2))
        for scale in (1e-170, 1e170):
            far = directional_sharpness(loss, params, jax.tree.map(lambda leaf, scale=scale: scale * leaf, way))
            assert far == pytest.approx(directional_sharpness(loss, params, way), rel=1e-10)
        found = directional_sharpness(loss, params, way)
        assert low - 1e-12 <= found <= high + 1e-12
        assert directional_sharpness(loss, params, jax.tree.map(lambda leaf: -7 * leaf, way)) == pytest.approx(found)
    with pytest.raises(ValueError, match="direction must not be zero"):
        directional_sharpness(loss, params, jax.tree.map(jnp.zeros_like, params))


@pytest.mark.usefixtures("without_type_checks")
def test_what_is_wrong_is_said():
    for kind, radius, said in (
        ("sharp", 1.0, "kind must be one of eigenvalue, trace, ball, average, scaled-ball, scaled-trace, radial, got 'sharp'"),
        ("ball", 0.0, "radius must be above 0 and finite, got 0.0"),
    ):
        with pytest.raises(ValueError, match=said):
            sharpness(lambda w: (w**2).sum(), jnp.ones(2), kind, key=KEY, radius=radius)


@pytest.mark.parametrize(("eigenvalues", "expected"), [([3.0, -1.0, 0.0, 0.0], 2), ([0.0, 0.0], 0), ([1.0, 2.0, -3.0], 3)])
def test_ranks_of_known_spectra(eigenvalues, expected):
    loss, params = quadratic(eigenvalues)
    found = rank(loss, params)
    assert (found.value, found.clear) == (expected, True)
    np.testing.assert_allclose(np.sort(found.eigenvalues), np.sort(eigenvalues), atol=1e-12)
    assert found.above > found.noise >= found.below


def test_a_rank_without_a_gap_is_not_called_clear():
    loss, params = quadratic([1.0, *10.0 ** -np.arange(1.0, 20.0)])
    assert not rank(loss, params).clear


def test_a_single_precision_rank_hides_what_rounding_hides():
    loss, params = quadratic([1.0, 1e-3, 1e-9], dtype=np.float32)
    assert rank(loss, params).value == 2


@pytest.mark.parametrize("scale", [1e-170, 1.0, 1e160])
def test_ranks_do_not_depend_on_the_scale(scale):
    found = rank(lambda w: scale * (w[0] + 2 * w[1] + w[2] / 3) ** 2, jnp.zeros(3))
    assert (found.value, found.clear) == (1, True)


def test_curvatures_that_are_not_finite_are_refused():
    said = "loss must have finite second derivatives at params, got NaN or infinity"
    for call in (lambda: rank(lambda w: jnp.log(w).sum(), jnp.zeros(2)),
                 lambda: sharpness(lambda w: (w**1.5).sum(), jnp.zeros(2), key=KEY),
                 lambda: sharpness(lambda w: (w**1.5).sum(), jnp.zeros(100), key=KEY)):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            call()


def test_large_networks_have_no_rank():
    with pytest.raises(ValueError, match="params must have at most 4096 numbers, whose matrix is written down, got 5000"):
        rank(lambda w: (w**2).sum(), jnp.zeros(5000))
