"""Laws of what claim files share: chains of variances, moments of SELU, tangent kernels of powers."""

import importlib
import math
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

networks, selu, width, jacot, bombari = (
    importlib.import_module(name) for name in ("_networks", "_selu", "_width", "jacot2018", "bombari2023")
)


@given(st.floats(-3, 3), st.floats(0.01, 9), seeds())
def test_moments_of_selu_are_those_of_a_sample(mean, variance, seed):
    z = np.random.default_rng(seed).normal(mean, math.sqrt(variance), 200_000)
    values = selu.SCALE * np.where(z > 0, z, selu.ALPHA * np.expm1(np.minimum(z, 0)))
    squares = (values - values.mean()) ** 2
    for exact, sample in zip(selu.selu_moments(np.array(mean), np.array(variance)), (values, squares), strict=True):
        assert abs(sample.mean() - exact) <= 5 * sample.std() / math.sqrt(sample.size)


@given(st.floats(-3, 3), st.floats(0.01, 1e4))
def test_moments_of_selu_do_not_overflow_and_are_those_of_relu_without_its_lower_part(mean, variance):
    first, second = selu.selu_moments(np.array(mean), np.array(variance), scale=1.0, alpha=0.0)
    ratio = mean / math.sqrt(variance)
    above, density = 0.5 * math.erfc(-ratio / 2**0.5), math.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    expected = mean * above + math.sqrt(variance) * density
    assert first == pytest.approx(expected, rel=1e-12)
    square = (mean**2 + variance) * above + mean * math.sqrt(variance) * density
    assert second == pytest.approx(square - expected**2, rel=1e-9)


def test_the_constants_of_selu_are_the_published_ones():
    constants = np.array([selu.ALPHA, selu.SCALE])
    np.testing.assert_allclose(constants, [1.6732632423543772848, 1.0507009873554804934], rtol=5e-16)


@given(st.sampled_from(("linear", "relu")), st.integers(1, 64), st.integers(1, 4), seeds())
def test_the_chain_of_variances_keeps_its_mean(activation, n, depth, seed):
    q = width.output_variances(jax.random.key(seed), activation, n, depth, 20_000)
    assert (q >= 0).all()
    # The exact standard deviation: at width 1 a sample of these heavy tails underestimates its own.
    stderr = math.sqrt(((1 + width.FACTORS[activation] / n) ** depth - 1) / q.size)
    assert abs(q.mean() - 1) <= 6 * stderr


@given(st.floats(-1, 1))
def test_tangent_kernels_of_powers_have_their_closed_forms(cosine):
    u = np.array([[cosine]])
    np.testing.assert_allclose(jacot._one_hidden(2, u), 1 + 6 * u**2, rtol=1e-13)
    np.testing.assert_allclose(jacot._one_hidden(3, u), 18 * u + 24 * u**3, rtol=0, atol=1e-12)


@settings(max_examples=5)
@given(seeds())
def test_networks_cut_out_of_one_draw_have_the_shapes_of_networks_and_normal_numbers(seed):
    key, net = jax.random.key(seed), jacot._deep(2)
    many, one = networks.networks(key, net, 3, 8, 500), net.init(key, (3,), 8)
    for stacked, single in zip(jax.tree.leaves(many), jax.tree.leaves(one), strict=True):
        assert stacked.shape == (500, *single.shape)
        assert abs(stacked.mean()) < 6 / math.sqrt(stacked.size)
        assert abs((stacked**2).mean() - 1) < 6 * math.sqrt(2 / stacked.size)


FUNCTIONS = {"COS": jnp.cos, "MIXED": lambda h: jnp.sin(h) + jnp.cos(h), "TANH": jnp.tanh}


def sensitivity(features, problem):
    """|z| |grad f(z)| of the interpolant of least norm in the span of `features`, by automatic differentiation."""
    theta = np.linalg.pinv(np.stack([features(x) for x in problem.x])) @ problem.labels
    return [np.linalg.norm(z) * np.linalg.norm(jax.grad(lambda z: features(z) @ theta)(z)) for z in problem.z[:3]]


@settings(max_examples=10)
@given(st.sampled_from(sorted(FUNCTIONS)), seeds())
def test_sensitivities_of_interpolants_are_those_by_automatic_differentiation(name, seed):
    problem = bombari._problem(np.random.default_rng(seed), 5, 6, 20)
    activation, derivatives = FUNCTIONS[name], getattr(bombari, name)
    first = jax.vmap(jax.grad(activation))
    found = bombari.feature_sensitivity(problem, derivatives)[:3]
    np.testing.assert_allclose(found, sensitivity(lambda z: activation(problem.weights @ z), problem), rtol=1e-6)
    found = bombari.tangent_sensitivity(problem, derivatives)[:3]
    np.testing.assert_allclose(
        found, sensitivity(lambda z: jnp.outer(first(problem.weights @ z), z).ravel(), problem), rtol=1e-6
    )


@given(st.floats(0.01, 100), seeds())
def test_sensitivities_are_homogeneous_in_the_labels(factor, seed):
    problem = bombari._problem(np.random.default_rng(seed), 5, 6, 20)
    scaled = problem._replace(labels=factor * problem.labels)
    for measure in (bombari.tangent_sensitivity, bombari.feature_sensitivity):
        found = measure(scaled, bombari.COS)
        np.testing.assert_allclose(found, factor * measure(problem, bombari.COS), rtol=1e-6)


def test_endless_features_are_the_limit_of_many():
    problem = bombari._problem(np.random.default_rng(0), 5, 10, 200_000)
    np.testing.assert_allclose(
        bombari.feature_sensitivity(problem, bombari.COS), bombari.endless_sensitivity(problem), rtol=0.05
    )
