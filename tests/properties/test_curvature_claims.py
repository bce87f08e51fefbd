"""Curvature of losses: claims against second ways, and their degenerate cases."""

import importlib
import sys
from functools import partial
from itertools import pairwise, permutations
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

MODULES = ("kiselev2024", "foret2021", "ainsworth2023", "granziol2022", "pan2023", "_landscapes")
kiselev, foret, ainsworth, granziol, pan, landscapes = map(importlib.import_module, MODULES)

pytestmark = pytest.mark.usefixtures("hardly_optimised")

finite = partial(st.floats, allow_nan=False, allow_infinity=False)


# Kiselev and Grabovoy (2024)


@given(st.lists(finite(-50, 50), min_size=2, max_size=30))
def test_one_more_sample_changes_the_mean_by_its_distance_over_the_new_number(losses):
    losses = np.array(losses)
    k = np.arange(1, losses.size)
    means = np.cumsum(losses) / np.arange(1, losses.size + 1)
    np.testing.assert_allclose((k + 1) * np.diff(means), losses[1:] - means[:-1], rtol=0, atol=1e-11)


@settings(max_examples=10)
@given(st.lists(finite(-5, 5), min_size=2, max_size=6))
def test_changes_over_all_orders_fall_to_the_mean_distance_from_the_mean(losses):
    """(k + 1) E |change| falls with k, and is n / (n - 1) E |loss - mean| for the last sample of n."""
    n = len(losses)
    means = np.cumsum(list(permutations(losses)), axis=1) / np.arange(1, n + 1)
    constants = np.arange(2, n + 1) * np.abs(np.diff(means, axis=1)).mean(axis=0)
    assert (np.diff(constants) <= 1e-12).all()
    assert constants[-1] == pytest.approx(n / (n - 1) * np.abs(np.array(losses) - np.mean(losses)).mean(), rel=1e-11, abs=1e-12)


def softmax_matrix(logits):
    p = scipy.special.softmax(logits)
    return np.diag(p) - np.outer(p, p)


@given(st.lists(finite(-800, 800), min_size=1, max_size=8), st.sampled_from((0.0, 1e-3, 1.0)))
def test_the_matrix_of_softmax_has_a_norm_of_at_most_one_half_and_no_constants(logits, factor):
    matrix = softmax_matrix(factor * np.array(logits))
    top = np.linalg.norm(matrix, 2)
    assert top <= 2 * matrix.diagonal().max() + 1e-15 <= 0.5 + 2e-15  # Gershgorin: 2 p (1 - p)
    np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-15)
    assert np.linalg.eigvalsh(matrix)[0] >= -1e-15


@given(st.integers(2, 8), finite(-5, 5))
def test_its_norm_is_one_half_just_at_two_equal_masses(classes, gap):
    two = np.full(classes, -1000.0)
    two[:2] = 0.0, gap
    top = np.linalg.norm(softmax_matrix(two), 2)
    assert top == pytest.approx(0.5 / np.cosh(gap / 2) ** 2, rel=1e-13)
    assert np.linalg.norm(softmax_matrix(np.zeros(classes)), 2) == pytest.approx(1 / classes)


@partial(jax.jit, static_argnames="biases")
def gauss_newton(layers, x, biases):
    """F^T A F, with a row for every parameter."""
    parameters, unravel = ravel_pytree([(w, jnp.zeros(len(w))) for w in layers] if biases else [(w,) for w in layers])

    def outputs(flat):
        z = x
        for number, (weights, *bias) in enumerate(unravel(flat)):
            z = jnp.matmul(weights, jax.nn.relu(z) if number else z) + (bias[0] if bias else 0.0)
        return z

    slopes = jax.jacobian(outputs)(parameters)
    p = jax.nn.softmax(outputs(parameters))
    return jnp.matmul(slopes.T, jnp.matmul(jnp.diag(p) - jnp.outer(p, p), slopes))


SHAPES = ((1, 1), (3, 4), (2, 1, 3), (3, 4, 1), (2, 3, 4, 2))


@pytest.mark.parametrize("widths", SHAPES)
@settings(max_examples=8)
@given(st.sampled_from(("random", "dead", "equal", "zero")), st.booleans(), seeds())
def test_top_eigenvalues_are_those_of_the_jacobian(widths, kind, biases, seed):
    rng = np.random.default_rng(seed)
    layers = [rng.normal(size=(after, before)) for before, after in pairwise(widths)]
    x = rng.normal(size=widths[0])
    if kind == "dead":  # no unit of the first hidden layer is alive
        layers[0], x = -abs(layers[0]), abs(x)
    if kind == "equal":  # logits
        layers[-1] = np.broadcast_to(layers[-1][:1], layers[-1].shape)
    if kind == "zero":
        layers = [np.zeros_like(weights) for weights in layers]
    found = kiselev.top_eigenvalue(layers, x, biases)
    dense = np.asarray(gauss_newton([jnp.asarray(weights) for weights in layers], jnp.asarray(x), biases))
    assert found == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-10, abs=1e-12)
    if kind == "dead" and len(widths) > 2:  # only the biases of the last layer are left, at equal masses
        assert found == pytest.approx(float(biases and widths[-1] > 1) / widths[-1], abs=1e-15)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=6), finite(-3, 3), finite(0, 20), finite(0, 3), seeds())
def test_the_corrected_bound_holds_for_every_shape(widths, log_norm, length, spread, seed):
    rng, depth = np.random.default_rng(seed), len(widths) - 1
    norms = np.exp(log_norm - spread * rng.uniform(size=depth))
    layers = [rng.normal(size=(after, before)) for before, after in pairwise(widths)]
    layers = [norm * weights / np.linalg.norm(weights, 2) for norm, weights in zip(norms, layers, strict=True)]
    x = rng.normal(size=widths[0])
    x *= length / np.linalg.norm(x)
    largest = norms.max()
    for biases in (True, False):
        bound = 0.5 * depth * length**2 * largest ** (2 * (depth - 1))
        bound += 0.5 * sum(largest ** (2 * k) for k in range(depth)) if biases else 0.0
        assert kiselev.top_eigenvalue(layers, x, biases) <= bound * (1 + 1e-9)


@settings(max_examples=10)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.lists(finite(0.1, 3), max_size=3), st.booleans())
def test_bounds_are_the_formulas_written_out(depths, norms, biases):
    depth, norm = np.array(depths, float)[:, None], np.array([1.0, *norms])[None]
    quotient = np.array([[sum(n ** (2 * k) for k in range(d)) for n in norm[0]] for d in depths])
    off = abs(norm - 1) > 0.05
    np.testing.assert_allclose(quotient[:, off[0]], ((norm ** (2 * depth) - 1)[:, off[0]] / (norm**2 - 1)[off]), rtol=1e-10)
    first = depth * kiselev.LENGTH**2 * norm ** (2 * (depth - 1))
    expected = {
        None: 2**0.5 * norm**2 * (first + quotient),
        "repaired": 0.5 * (first + biases * quotient),
        "half": 0.25 * (first + biases * quotient),
        "no-bias-columns": 0.5 * first,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(kiselev.bound_of(depth, norm, biases, name), value, rtol=1e-12)


def aligned(classes, norm, depth):
    """Weights of rank one, each taking up what the layer before makes; the last with a sum of 0."""
    up, ends = np.array([0.6, 0.8]), np.eye(classes)[0] - np.eye(classes)[1]
    return [norm * np.outer(up, up)] * (depth - 1) + [norm * np.outer(ends / 2**0.5, up)], up


def test_aligned_weights_without_biases_exceed_the_printed_bound(monkeypatch):
    """|x| = 30, three layers of norm 0.1: 1/5 of 0.09 + 0.18, and printed sqrt(2) (3 . 900 . 1e-6 + 0.01 . 1.0101)."""
    layers, up = aligned(5, 0.1, 3)
    x = 30 * up
    logits = layers[2] @ layers[1] @ layers[0] @ x  # nothing is negative before the last layer
    ends = layers[2] @ up / 0.1
    outer = 0.3**2 * np.eye(5) + (3.0**2 * 0.1**2 + 30**2 * 0.01**2) * np.outer(ends, ends)
    scratch = np.linalg.eigvals(softmax_matrix(logits) @ outer).real.max()
    monkeypatch.setattr(kiselev, "LENGTH", 30.0)
    printed, corrected = (
        float(kiselev.bound_of(np.array([[3.0]]), np.array([[0.1]]), False, name).squeeze()) for name in (None, "repaired")
    )
    assert kiselev.top_eigenvalue(layers, x, biases=False) == pytest.approx(scratch, rel=1e-12)
    assert scratch == pytest.approx(0.0540, abs=5e-5)
    assert printed == pytest.approx(0.0181, abs=5e-5)
    assert corrected == pytest.approx(0.135, rel=1e-12)


@given(st.integers(1, 5), finite(0.01, 10))
def test_the_corrected_bound_without_biases_is_attained_by_two_classes_in_the_limit(depth, norm):
    """Logits of size t leave a share of 1 - t^2 / 2 of it."""
    layers, up = aligned(2, norm, depth)
    length = 1e-3 / norm**depth
    share = kiselev.top_eigenvalue(layers, length * up, biases=False) / (0.5 * depth * length**2 * norm ** (2 * depth - 2))
    assert 1 - 1e-6 <= share <= 1 + 1e-9


# Foret et al. (2021)


@settings(max_examples=8)
@given(seeds())
def test_the_best_step_in_a_ball_is_that_of_a_search_and_of_the_next_order(seed):
    """One step is turned by rho |P H u| / |g| and loses rho^3 |P H u|^2 / (2 |g|), P off u; third derivatives cancel."""
    rng = np.random.default_rng(seed)
    widths = (3, 3, 2)
    layers = [
        {"weights": jnp.asarray(rng.normal(size=s)), "bias": jnp.asarray(rng.normal(size=s[1]))} for s in pairwise(widths)
    ]
    x, labels = jnp.asarray(rng.normal(size=(8, 3))), jnp.asarray(rng.integers(0, 2, 8))
    flat = ravel_pytree(layers)[0]
    value, slope, hessian = (np.asarray(one) for one in tanh_loss(flat, x, labels))
    u = slope / np.linalg.norm(slope)
    image = hessian @ u
    off = np.linalg.norm(image - u * (u @ image))
    stiff = np.linalg.norm(hessian, 2) / np.linalg.norm(slope)
    assume(stiff * foret.RADII[-1] < 0.5)  # where the fixed point contracts
    length, along, curved, largest, stepped, turned, moved = (
        np.asarray(one) for one in foret._in_balls(layers, x, labels, None)
    )
    assert moved.max() <= 1e-9
    np.testing.assert_allclose([length, along, curved], [np.linalg.norm(slope), np.linalg.norm(slope), u @ image], rtol=1e-9)
    small = foret.RADII[0]
    np.testing.assert_allclose(turned[0], small * off / length, rtol=20 * small * stiff)
    np.testing.assert_allclose(largest[0] - stepped[0], small**3 * off**2 / (2 * length), rtol=20 * small * stiff)
    for radius, rise in ((foret.RADII[-1], largest[-1]), (foret.RADII[3], largest[3])):
        search = scipy.optimize.minimize(fall_in_ball, u, (flat, radius, x, labels), jac=True, options={"gtol": 1e-7})
        assert rise == pytest.approx(-search.fun - value, rel=1e-7)


@jax.jit
def loss_at(flat, x, labels):
    widths = (3, 3, 2)
    shapes = [{"weights": jnp.zeros(s), "bias": jnp.zeros(s[1])} for s in pairwise(widths)]
    return landscapes.cross_entropy(ravel_pytree(shapes)[1](flat), x, labels, jnp.tanh)


@jax.jit
@jax.value_and_grad
def fall_in_ball(way, flat, radius, x, labels):
    return -loss_at(flat + radius * way / jnp.linalg.norm(way), x, labels)


@jax.jit
def tanh_loss(flat, x, labels):
    return loss_at(flat, x, labels), jax.grad(loss_at)(flat, x, labels), jax.hessian(loss_at)(flat, x, labels)


# Granziol et al. (2022)


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.sampled_from(("random", "rank-one", "equal")), seeds())
def test_extreme_eigenvalues_of_equal_batches_lie_outside_on_average(size, batches, per_batch, kind, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(batches * per_batch, size, size))
    matrices = rows + rows.transpose(0, 2, 1)
    if kind == "rank-one":
        matrices = rows[:, :, :1] * rows[:, :, 0][:, None] * rng.choice([-1, 0, 1], len(rows))[:, None, None]
    if kind == "equal":
        matrices[:] = matrices[:1]
    of_batches = np.linalg.eigvalsh(matrices.reshape(batches, per_batch, size, size).mean(axis=1)).mean(axis=0)
    of_all = np.linalg.eigvalsh(matrices.mean(axis=0))
    assert of_batches[-1] >= of_all[-1] - 1e-12
    assert of_batches[0] <= of_all[0] + 1e-12
    if kind == "equal" or size == 1 or batches == 1:  # one-dimensional matrices are their own eigenvalues
        np.testing.assert_allclose(of_batches, of_all, atol=1e-12)


def test_batches_of_different_sizes_may_do_otherwise():
    assert np.mean([0.0, np.mean([1.0, 1.0])]) < np.mean([0.0, 1.0, 1.0])


def test_hessians_of_equal_batches_have_that_of_all_as_their_mean():
    rng = np.random.default_rng(0)
    layers = jax.tree.map(jnp.asarray, ainsworth._random(rng, (2, 2, 3)))
    x, labels = rng.normal(size=(8, 2)), rng.integers(0, 3, 8)
    flat, unravel = ravel_pytree(layers)
    batches = [(jnp.asarray(x[rows]), jnp.asarray(labels[rows])) for rows in rng.permutation(8).reshape(2, 4)]
    parts = [np.asarray(granziol._hessian(layers, *batch)) for batch in batches]
    whole = np.mean(parts, axis=0)

    slope = jax.jit(jax.grad(lambda v: landscapes.cross_entropy(unravel(v), jnp.asarray(x), jnp.asarray(labels), jnp.tanh)))
    point, steps = np.asarray(flat), 1e-5 * np.eye(flat.size)
    differences = [(np.asarray(slope(point + step)) - np.asarray(slope(point - step))) / 2e-5 for step in steps]
    np.testing.assert_allclose(whole, differences, atol=1e-8)
    ends = np.array([granziol._ends(layers, *batch) for batch in batches])
    np.testing.assert_allclose(ends, [scipy.linalg.eigh(part)[0][[0, -1]] for part in parts], atol=1e-12)
    low, high = np.linalg.eigvalsh(whole)[[0, -1]]
    assert ends[:, 0].mean() <= low
    assert high <= ends[:, 1].mean()


@pytest.mark.parametrize("size", [1, 2, 5, 12])
@pytest.mark.parametrize("spike", [-3.0, 0.0, 1.0, 4.0])
def test_tridiagonal_matrices_have_the_largest_eigenvalues_of_dense_ones(size, spike):
    """Means and squares of two samples; five standard errors, and a test of their distributions."""
    rng, draws = np.random.default_rng([size, 7]), 1500
    noise = rng.normal(size=(draws, size, size))
    dense = (noise + noise.transpose(0, 2, 1)) / (2 * size) ** 0.5
    dense[:, 0, 0] += spike
    one = np.linalg.eigvalsh(dense)[:, -1]
    two = np.array([granziol.largest_eigenvalue(rng, size, spike) for _ in range(draws)])
    for power in (1, 2):
        errors = [(sample**power).std() / draws**0.5 for sample in (one, two)]
        assert abs((one**power).mean() - (two**power).mean()) <= 5 * np.hypot(*errors)
    assert scipy.stats.ks_2samp(one, two).pvalue > 1e-4


# Pan and Li (2023)


@settings(max_examples=25)
@given(
    st.sampled_from((1, 10, 21)), st.sampled_from(("random", "ties", "zeros", "spikes", "equal")),
    st.sampled_from((np.float32, np.float64)), seeds(),
)  # fmt: skip
def test_the_largest_tenth_is_clipped_and_nothing_else(size, kind, dtype, seed):
    rng = np.random.default_rng(seed)
    entries = {
        "random": rng.normal(size=size),
        "ties": rng.integers(-2, 3, size),
        "zeros": np.zeros(size),
        "spikes": np.where(np.arange(size) < -(-size // 21), -1e6, 0.0),
        "equal": rng.choice([-1, 1], size),
    }[kind].astype(dtype)
    tree = {"a": jnp.asarray(entries[: size // 2]), "b": jnp.asarray(entries[size // 2 :])[:, None]}
    found = jax.jit(pan.clipped)(tree)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), found) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), tree
    )
    flat = np.asarray(ravel_pytree(found)[0])
    ordered, others = np.sort(abs(entries)), size - 1 - (size - 1) // 10  # the number of the largest of the others, from 0
    largest, cut = ordered[others - ((size - 1) % 10 > 0)], ordered[others]
    np.testing.assert_array_equal(flat[abs(entries) <= largest], entries[abs(entries) <= largest])
    assert (flat * entries >= 0).all()
    clipped = abs(flat[abs(entries) > largest])
    if clipped.size:
        assert clipped.size <= -(-size // 10)
        assert clipped.min() == clipped.max()
        assert largest * (1 - 1e-6) <= clipped[0] <= max(cut, largest)
    if size % 10 == 1:  # no interpolation between the two
        np.testing.assert_array_equal(flat, np.clip(entries, -largest, largest))
    if kind in ("zeros", "equal"):
        np.testing.assert_array_equal(flat, entries)
