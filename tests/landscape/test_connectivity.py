"""Barriers and random subsets of units against what they are made of; random subspaces."""

from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.landscape import (
    Descent,
    Subspace,
    barrier,
    chain,
    dropout_stability,
    interpolate,
    intrinsic_dimension,
    layer_barriers,
    match,
    permuted,
    train,
)
from ntkit.strategies import seeds
from tests.landscape.models import case, perceptron

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def other(seed=7):
    return perceptron(np.random.default_rng(seed), (3, 4, 2))


def test_a_barrier_is_what_a_slice_between_shows():
    loss, params = case()
    found = barrier(loss, params, other(), points=9)
    line = interpolate(loss, params, other(), np.linspace(0, 1, 9)).values
    np.testing.assert_allclose(found.losses, line, rtol=1e-12)
    rises = line - np.linspace(line[0], line[-1], 9)
    assert found.value == pytest.approx(rises.max(), abs=1e-12)
    assert found.at == np.linspace(0, 1, 9)[rises.argmax()]


@given(seeds())
@settings(max_examples=8)
def test_convex_losses_have_no_barrier_and_no_point_has_one_to_itself(seed):
    rng = np.random.default_rng(seed)
    loss, params = case(seed, widths=(3, 2))  # logistic regression
    far = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), params)
    assert barrier(loss, params, far).value <= 1e-12
    assert barrier(loss, params, params).value <= 1e-12
    for one in layer_barriers(loss, params, far).values():
        assert one.value >= 0


def test_a_permuted_copy_matched_back_has_no_barrier():
    loss, params = case(widths=(3, 6, 2))
    params = train(loss, params, Descent(0.5), 300).params
    twin = permuted(params, chain(params), {"units0": np.array([3, 0, 5, 1, 2, 4])})
    assert barrier(loss, params, twin).value > 0.01
    assert barrier(loss, params, match(params, twin, chain(params), key=KEY).params).value <= 1e-12


def test_layers_are_exchanged_one_at_a_time():
    loss, params = case()
    found = layer_barriers(loss, params, other())
    assert list(found) == ["[0]", "[1]"]
    swapped = [params[0], other()[1]]
    assert found["[1]"].losses[-1] == pytest.approx(float(loss(swapped)), rel=1e-12)
    assert found["[1]"].chord[-1] == pytest.approx(float(loss(other())), rel=1e-12)
    ends = layer_barriers(loss, params, other(), reference="ends")
    assert ends["[1]"].chord[-1] == pytest.approx(float(loss(swapped)), rel=1e-12)
    assert ends["[1]"].value <= 1e-12  # the last layer alone is a convex problem


def test_a_loss_that_is_not_finite_gives_no_barrier():
    found = barrier(lambda w: jnp.log(w**2), jnp.array(-1.0), jnp.array(1.0))
    assert np.isnan(found.value)
    assert not np.isfinite(found.losses).all()


def mean_field(units=4, seed=0):
    """A linear-output network and its squared loss on data."""
    rng = np.random.default_rng(seed)
    x, y = jnp.asarray(rng.normal(size=(5, 3))), jnp.asarray(rng.normal(size=(5, 2)))
    params = [jnp.asarray(rng.normal(size=(3, units))), jnp.asarray(rng.normal(size=(units, 2)) / units)]
    return lambda p: ((jnp.matmul(jnp.tanh(jnp.matmul(x, p[0])), p[1]) - y) ** 2).sum(axis=1).mean(), params


def test_random_subsets_are_those_of_all_subsets():
    """Every change that was drawn is that of a subset, and the interval holds the mean over all of them."""
    loss, params = mean_field()
    found = dropout_stability(loss, params, chain(params), 0.5, key=KEY, draws=200)
    changes = []
    for kept in combinations(range(4), 2):
        factor = jnp.asarray([2.0 * (unit in kept) for unit in range(4)])
        changes.append(float(loss([params[0], params[1] * factor[:, None]]) - loss(params)))
    apart = np.abs(found.changes[:, None] - np.array(changes)).min(axis=1)
    assert apart.max() < 1e-12
    assert len(set(found.changes.round(10))) == 6
    assert found.interval[0] < np.mean(changes) < found.interval[1]
    assert found.kept == {"units0": 2}


def test_all_units_kept_change_nothing():
    loss, params = mean_field()
    found = dropout_stability(loss, params, chain(params), 1.0, key=KEY, draws=3)
    assert not found.changes.any()
    assert found.interval == (0.0, 0.0)


def test_flattened_channels_are_left_out_at_all_positions():
    params = [jnp.array([[1.0, 2.0, 4.0]]), jnp.ones((6, 1))]  # two positions, three channels
    loss = lambda p: jnp.matmul(jnp.concatenate([p[0], p[0]], axis=1), p[1]).sum()  # noqa: E731
    found = dropout_stability(loss, params, [(None, "c"), ("c", None)], 1 / 3, key=KEY, draws=40)
    np.testing.assert_allclose(sorted(set(found.changes.tolist())), [6 * c - 14.0 for c in (1, 2, 4)])  # thrice one of them


@given(seeds(), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=15)
def test_a_random_subspace_reaches_zero_just_when_it_has_the_rank(seed, dim, rows):
    rng = np.random.default_rng(seed)
    matrix, target = rng.normal(size=(rows, 6)), rng.normal(size=rows)
    basis = np.asarray(Subspace(jax.random.key(seed), jnp.zeros(6), dim).basis)
    z = np.linalg.lstsq(matrix @ basis, target, rcond=None)[0]
    reached = np.abs(matrix @ basis @ z - target).max() < 1e-9
    assert reached == (dim >= rows)


def test_a_restricted_loss_is_trained_in_its_coordinates():
    space = Subspace(KEY, {"w": jnp.ones(5)}, 3)
    loss = space.restricted(lambda p: (p["w"] ** 2).sum())
    found = train(loss, jnp.zeros(3), Descent(0.2), 200).params
    best = np.linalg.lstsq(np.asarray(space.basis), -np.ones(5), rcond=None)[0]
    np.testing.assert_allclose(found, best, atol=1e-8)


def test_coordinates_at_random_are_different_ones():
    basis = np.asarray(Subspace(KEY, jnp.zeros(5), 5, axes=True).basis)
    np.testing.assert_array_equal(np.sort(basis.argmax(axis=0)), np.arange(5))
    np.testing.assert_array_equal(basis.sum(axis=0), 1.0)


def test_no_dimension_may_do():
    assert intrinsic_dimension(lambda dim: 0.1, [1, 2], baseline=1.0) == (None, {1: 0.1, 2: 0.1})


@pytest.mark.usefixtures("without_type_checks")
def test_what_is_wrong_is_said():
    loss, params = mean_field()
    for call, said in (
        (lambda: barrier(loss, params, params, points=2), "points must be at least 3, got 2"),
        (lambda: barrier(loss, params, params[:1]), "second must have the structure of params"),
        (lambda: layer_barriers(loss, params, params, reference="chord"), "reference must be 'models' or 'ends', got 'chord'"),
        (lambda: layer_barriers(lambda w: w**2, jnp.array(1.0), jnp.array(2.0)), "first must have layers"),
        (lambda: dropout_stability(loss, params, chain(params), 0.0, key=KEY), r"keep must be above 0 and at most 1, got 0\.0"),
        (lambda: dropout_stability(loss, params, chain(params), 0.5, key=KEY, draws=1), "draws must be at least 2, got 1"),
        (
            lambda: dropout_stability(loss, params, [(None, None), (None, None)], 0.5, key=KEY),
            "symmetry must name at least one layer of units, got none",
        ),
        (
            lambda: dropout_stability(lambda p: p.sum(), jnp.ones(4), ("units",), 0.5, key=KEY),
            r"symmetry must name, of each layer of units, an axis before the last of weights that it feeds, not so \['units'\]",
        ),
        (lambda: Subspace(KEY, jnp.zeros(3), 2)(jnp.zeros(3)), r"z must have shape \(2,\), one number for each direction, got"),
        (lambda: Subspace(KEY, jnp.zeros(3), 4), "dim must be from 1 to the number of parameters, 3, got 4"),
        (
            lambda: intrinsic_dimension(float, [2, 1], baseline=1.0),
            r"dims must be at least one, from 1 on, and rise, got \[2, 1\]",
        ),
        (
            lambda: intrinsic_dimension(float, [0, 1], baseline=1.0),
            r"dims must be at least one, from 1 on, and rise, got \[0, 1\]",
        ),
        (lambda: intrinsic_dimension(float, [1], baseline=0.0), r"baseline must be above 0 and finite, got 0\.0"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
