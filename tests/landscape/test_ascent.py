"""The largest loss in a ball: dual norms, trust regions in closed form, and what no ball can exceed."""

from math import inf

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from ntkit.landscape import ascent, inner_maximum
from ntkit.strategies import seeds
from tests.landscape.models import case, quadratic

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def lp(v, p):
    return float(np.max(abs(v)) if p == inf else (abs(np.asarray(v)) ** p).sum() ** (1 / p))


@given(seeds(), st.sampled_from([1.0, 1.5, 2.0, 4.0, inf]), st.integers(1, 6))
def test_the_step_attains_the_dual_norm_and_nothing_feasible_exceeds_it(seed, p, size):
    rng = np.random.default_rng(seed)
    gradient = rng.normal(size=size) * 10.0 ** rng.integers(-100, 100)
    q = inf if p == 1 else 1.0 if p == inf else p / (p - 1)
    step = np.asarray(ascent(jnp.asarray(gradient), 0.7, p=p))
    assert lp(step, p) == pytest.approx(0.7, rel=1e-12)
    best = 0.7 * lp(gradient / abs(gradient).max(), q) * abs(gradient).max()
    assert gradient @ step == pytest.approx(best, rel=1e-10)
    others = rng.normal(size=(50, size))
    others *= 0.7 / np.array([lp(one, p) for one in others])[:, None]
    assert (others @ gradient <= best * (1 + 1e-12)).all()


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, inf])
def test_no_gradient_no_step(p):
    assert not np.asarray(ascent({"w": jnp.zeros(3)}, 1.0, p=p)["w"]).any()


def trust_region(matrix, slope, radius):
    """The largest of slope . e + e . A e / 2 over the ball: (mu - A) e = slope, mu at least 0 and the largest eigenvalue."""
    values, vectors = np.linalg.eigh(matrix)
    shares = vectors.T @ slope
    if values[-1] < 0 and np.linalg.norm(shares / values) <= radius:
        e = -shares / values
    else:
        low = max(values[-1], 0.0)
        mu = brentq(lambda mu: np.linalg.norm(shares / (mu - values)) - radius, low + 1e-12, low + 1e6)
        e = shares / (mu - values)
    return shares @ e + (values * e**2).sum() / 2


@given(seeds())
@settings(max_examples=6)
def test_of_quadratics_it_is_that_of_the_secular_equation(seed):
    rng = np.random.default_rng(seed)
    loss, _ = quadratic(rng.normal(size=4), seed)
    start = jnp.asarray(rng.normal(size=4))
    hessian, slope = np.asarray(jax.hessian(loss)(start)), np.asarray(jax.grad(loss)(start))
    found = inner_maximum(loss, start, 0.8, key=KEY, steps=400)
    assert found.value == pytest.approx(trust_region(hessian, slope, 0.8), rel=1e-6)
    assert found.gap < 1e-3 * found.value
    assert lp(found.step, 2) <= 0.8 * (1 + 1e-12)


def test_inside_the_ball_where_the_loss_falls_off():
    found = inner_maximum(lambda w: -((w - 1.0) ** 2).sum(), jnp.zeros(2), 5.0, key=KEY)
    assert found.value == pytest.approx(2.0, abs=1e-9)
    np.testing.assert_allclose(found.step, 1.0, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-170, 1e-25, 1.0, 1e25, 1e150])
def test_scales_do_not_matter(scale):
    found = inner_maximum(lambda w: scale * ((w - 3.0) ** 2).sum(), jnp.array([1.0, 2.0]), 1.0, key=KEY)
    assert found.value / scale == pytest.approx(1 + 2 * 5**0.5, rel=1e-9)
    step = ascent(jnp.array([3.0, -4.0]) * scale, 1.0)
    np.testing.assert_allclose(step, [0.6, -0.8], rtol=1e-12)


def test_a_narrow_peak_at_the_centre_is_not_passed_over():
    """From the sphere all goes down; a step of 0 rises by 0, and a little further there is more."""
    heights = jnp.array([1e4, 1.0, 100.0])
    found = inner_maximum(lambda w: -(heights * (w - 1e-3) ** 2).sum(), jnp.zeros(3), 10.0, key=KEY)
    assert 0 < found.value <= 1e-6 * float(heights.sum()) * (1 + 1e-9)
    assert found.value >= 0.9e-6 * float(heights.sum())


def test_gaps_close_inside_and_bound_what_concave_losses_leave():
    inside = inner_maximum(lambda w: -((w - 0.3) ** 2).sum(), jnp.zeros(2), 5.0, key=KEY)
    assert 0 <= inside.gap < 1e-6
    early = inner_maximum(lambda w: -((w - 3.0) ** 4).sum(), jnp.zeros(2), 1.0, key=KEY, steps=1, starts=0)
    best = inner_maximum(lambda w: -((w - 3.0) ** 4).sum(), jnp.zeros(2), 1.0, key=KEY)
    assert early.found.size == 4  # the centre, the slope and both ways along the top eigenvector
    assert early.value + early.gap >= best.value * (1 - 1e-12)


def test_at_a_minimum_it_finds_the_sharpest_direction():
    loss, _ = quadratic([1.0, 5.0, 0.1])
    assert inner_maximum(loss, jnp.zeros(3), 2.0, key=KEY, starts=0).value == pytest.approx(0.5 * 5 * 4, rel=1e-9)


def test_no_random_step_rises_more():
    loss, params = case(1)
    found = inner_maximum(loss, params, 0.5, key=KEY)
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    ways = np.random.default_rng(0).normal(size=(500, flat.size))
    ways *= 0.5 / np.linalg.norm(ways, axis=1, keepdims=True)
    rises = jax.lax.map(lambda e: loss(unravel(flat + e)), jnp.asarray(ways)) - loss(params)
    assert float(rises.max()) < found.value
    again = float(loss(jax.tree.map(jnp.add, params, found.step)) - loss(params))
    assert found.value == pytest.approx(again, rel=1e-10)
    assert found.value == found.found.max()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"radius": 0.0}, "radius must be above 0 and finite, got 0.0"),
        ({"starts": -1}, "starts must be at least 0 and steps at least 1, got -1 and 200"),
        ({"steps": 0}, "starts must be at least 0 and steps at least 1, got 4 and 0"),
    ],
)
def test_what_is_wrong_is_said(changed, said):
    given = {"radius": 1.0} | changed
    with pytest.raises(ValueError, match=said):
        inner_maximum(lambda w: (w**2).sum(), jnp.ones(2), key=KEY, **given)
    with pytest.raises(ValueError, match=r"p must be at least 1, got 0\.5"):
        ascent(jnp.ones(2), 1.0, p=0.5)
    with pytest.raises(ValueError, match=r"radius must be at least 0, got -1\.0"):
        ascent(jnp.ones(2), -1.0)
    with pytest.raises(ValueError, match="gradient must have at least one floating point number"):
        ascent(jnp.ones(2, int), 1.0)
    with pytest.raises(ValueError, match="loss must be finite at params, got nan"):
        inner_maximum(lambda w: jnp.log(w).sum(), -jnp.ones(2), 1.0, key=KEY)
