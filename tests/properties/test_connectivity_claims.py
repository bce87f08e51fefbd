"""Paths between networks, random units and subspaces: claims against second ways, and their degenerate cases."""

import importlib
import sys
from functools import partial
from itertools import combinations, pairwise, permutations, product
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.landscape import chain, permuted
from ntkit.strategies import seeds

FOLDER = str(Path(__file__).parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

MODULES = ("goodfellow2015", "shevchenko2020", "li2018intrinsic", "ainsworth2023", "adilova2024", "_landscapes")
goodfellow, shevchenko, intrinsic, ainsworth, adilova, landscapes = map(importlib.import_module, MODULES)

pytestmark = pytest.mark.usefixtures("hardly_optimised")

finite = partial(st.floats, allow_nan=False, allow_infinity=False)


# Goodfellow et al. (2015)


@jax.jit
def losses_between(one, two, data):
    a = jnp.linspace(0, 1, goodfellow.POINTS)
    way = jax.tree.map(lambda first, second: jnp.multiply.outer(1 - a, first) + jnp.multiply.outer(a, second), one, two)
    return jax.vmap(lambda layers: landscapes.batch_loss(jax.nn.relu)(layers, data))(way)


@settings(max_examples=4)
@given(st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=3), min_size=4, max_size=4), seeds())
def test_logistic_regression_does_not_rise_on_the_way_to_its_minimum_but_beyond(counts, seed):
    """Every input comes so many times with every label: at the minimum its logits are the logarithms of that."""
    rng, counts = np.random.default_rng(seed), np.array(counts)
    inputs = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    rows, labels = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    padding = np.zeros(108 - len(rows), int)  # the first input with its first label: one shape, one compilation
    data = (jnp.asarray(inputs[np.append(rows, padding)]), jnp.asarray(np.append(labels, padding)))
    counts[0, 0] += padding.size
    bias = rng.normal(size=3)
    least = [{"weights": jnp.asarray(inputs.T @ (np.log(counts) - bias)), "bias": jnp.asarray(bias)}]
    start = jax.tree.map(lambda leaf: jnp.asarray(leaf + rng.normal(size=leaf.shape)), least)
    beyond = jax.tree.map(lambda one, two: 2 * two - one, start, least)
    assert goodfellow._rise((start, least), data) <= 1e-12
    after = np.asarray(losses_between(least, beyond, data))
    assert np.diff(after).min() >= -1e-12
    assert after[-1] > after[0]


@settings(max_examples=6)
@given(seeds())
def test_paths_are_those_of_both_ends_with_units_in_another_common_order(seed):
    rng = np.random.default_rng(seed)
    one, two = (jax.tree.map(jnp.asarray, ainsworth._random(rng, (3, 4, 4, 2))) for _ in range(2))
    data = (jnp.asarray(rng.normal(size=(20, 3))), jnp.asarray(rng.integers(0, 2, 20)))
    symmetry, orders = chain(one), {"units0": np.array([2, 0, 3, 1]), "units1": rng.permutation(4)}
    moved = [permuted(end, symmetry, orders) for end in (one, two)]
    before, common, single = (np.asarray(losses_between(*ends, data)) for ends in ((one, two), moved, (one, moved[1])))
    np.testing.assert_allclose(common, before, rtol=1e-12)
    np.testing.assert_allclose(single[[0, -1]], before[[0, -1]], rtol=1e-12)  # the same functions, on another path
    assert abs(single - before).max() > 1e-6


def test_the_rise_along_a_path_is_that_of_its_steps_upwards():
    rng = np.random.default_rng(3)
    one, two = (jax.tree.map(jnp.asarray, ainsworth._random(rng, (3, 4, 4, 2))) for _ in range(2))
    data = (jnp.asarray(rng.normal(size=(20, 3))), jnp.asarray(rng.integers(0, 2, 20)))
    curve = np.asarray(losses_between(one, two, data))
    rise = sum(max(0.0, after - now) for now, after in pairwise(curve))
    assert 0 < rise < curve.max() - curve.min()  # it falls too
    assert goodfellow._rise((one, two), data) == pytest.approx(rise / (curve.max() - curve.min()), rel=1e-10)


@given(st.lists(st.one_of(finite(-2, -0.2), finite(0.2, 2)), min_size=1, max_size=8))
def test_chains_have_a_plateau_of_as_many_orders_as_weights(weights):
    """The loss on the path as a polynomial: y^2 (1 - 2 a^L + a^(2 L)) / 2 and no other power."""
    depth, y = len(weights), np.prod(weights)
    chained = np.polynomial.Polynomial([1.0])
    for weight in weights:
        chained *= np.polynomial.Polynomial([0.0, weight])
    loss = 0.5 * (chained - y) ** 2
    expected = np.zeros(2 * depth + 1)
    expected[[0, depth, 2 * depth]] = 0.5, -1.0, 0.5
    np.testing.assert_allclose(loss.coef, y**2 * expected, rtol=1e-12)
    assert (np.diff(loss(np.linspace(0, 1, 21))) <= 1e-12 * y**2).all()


# Shevchenko and Mondelli (2020)


@settings(max_examples=20)
@given(st.integers(2, 8), st.integers(1, 3), st.sampled_from(("random", "equal", "dead")), seeds())
def test_all_subsets_of_units_have_the_law_and_all_units_change_nothing(units, outputs, kind, seed):
    rng = np.random.default_rng(seed)
    hidden, last = np.maximum(rng.normal(size=(4, units)), 0), rng.normal(size=(units, outputs))
    if kind == "equal":
        hidden, last = hidden[:, :1].repeat(units, axis=1), last[:1].repeat(units, axis=0)
    if kind == "dead":
        hidden[:, 1:] = 0
    y = rng.normal(size=(4, outputs))
    whole = hidden @ last / units
    spread = shevchenko._variance(hidden, last)
    each = hidden[:, :, None] * last[None]
    assert spread == pytest.approx(each.var(axis=1, ddof=1).sum(axis=1).mean(), rel=1e-12, abs=1e-14)
    for kept in range(1, units + 1):
        thinned = [each[:, list(subset)].mean(axis=1) for subset in combinations(range(units), kept)]
        changes = [((f - y) ** 2).sum(axis=1).mean() - ((whole - y) ** 2).sum(axis=1).mean() for f in thinned]
        squares = np.array([((f - whole) ** 2).sum(axis=1).mean() for f in thinned])
        law = spread * (1 / kept - 1 / units)
        assert np.mean(changes) == pytest.approx(law, rel=1e-10, abs=1e-12)
        assert squares.mean() == pytest.approx(law, rel=1e-10, abs=1e-13)
        drawn = shevchenko._changes(rng, hidden, last, kept, 5, True)
        assert abs(drawn[:, None] - squares[None]).min(axis=1).max() <= 1e-13
    assert law == 0
    assert drawn.max() <= 1e-28 * max(1.0, float((whole**2).sum()))


@settings(max_examples=5)
@given(st.integers(1, 4), st.integers(1, 4), seeds())
def test_draws_with_replacement_have_the_variance_that_is_not_corrected(units, kept, seed):
    each = np.random.default_rng(seed).normal(size=units)
    means = [each[list(drawn)].mean() for drawn in product(range(units), repeat=kept)]
    assert np.mean((np.array(means) - each.mean()) ** 2) == pytest.approx(each.var() / kept, rel=1e-10, abs=1e-14)


# Li et al. (2018), intrinsic dimension


@settings(max_examples=25)
@given(st.integers(0, 4), st.integers(1, 7), st.integers(4, 6), seeds())
def test_subspaces_reach_zero_just_when_they_have_the_rank(rank, dim, rows, seed):
    """Factors with singular values of 1: conditions are those of the random subspace."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(size, rank)))[0] for size in (rows, 12))
    target, basis = left @ (1 + rng.uniform(size=rank)), rng.normal(size=(12, dim))
    least = intrinsic.least_loss(left @ right.T @ basis, target)
    small = np.linalg.svd(right.T @ basis, compute_uv=False).min(initial=1.0)
    assert (least <= 1e-24 / small**2) == (dim >= rank)
    reached = np.linalg.qr(right.T @ basis)[0][:, : min(rank, dim)]
    shares = left.T @ target
    assert least == pytest.approx(shares @ shares - ((reached.T @ shares) ** 2).sum(), rel=1e-9, abs=1e-13)


@given(st.integers(1, 4), st.integers(1, 4), seeds())
def test_what_no_parameter_reaches_is_left_over(rank, dim, seed):
    rng = np.random.default_rng(seed)
    matrix = np.vstack([rng.normal(size=(rank, 6)), np.zeros((2, 6))])
    target = rng.normal(size=rank + 2)
    least = intrinsic.least_loss(matrix @ rng.normal(size=(6, dim)), target)
    beyond = target[rank:] @ target[rank:]
    assert (least <= beyond + 1e-12) == (dim >= rank)
    assert least >= beyond - 1e-12


@pytest.mark.parametrize("dim", [1, 5, 9])
def test_what_is_left_has_the_law_of_beta(dim):
    rng, target = np.random.default_rng(0), np.arange(1.0, 11)
    left = [intrinsic.least_loss(rng.normal(size=(10, dim)), target) / (target @ target) for _ in range(1000)]
    law = scipy.stats.beta((10 - dim) / 2, dim / 2)
    assert law.mean() == pytest.approx(1 - dim / 10)
    assert np.mean(left) == pytest.approx(law.mean(), abs=5 * law.std() / 1000**0.5)
    assert scipy.stats.kstest(left, law.cdf).pvalue > 1e-4


@given(st.lists(st.integers(0, 29), min_size=1, max_size=15, unique=True))
def test_coordinates_leave_the_blocks_that_they_miss(coordinates):
    constraints, target = np.kron(np.eye(10), np.ones(3)), np.arange(1.0, 11)
    missed = set(range(10)) - {one // 3 for one in coordinates}
    expected = sum((block + 1) ** 2 for block in missed)
    assert intrinsic.least_loss(constraints[:, coordinates], target) == pytest.approx(expected, abs=1e-12)


# Ainsworth et al. (2023)


@settings(max_examples=15)
@given(st.integers(1, 4), st.sampled_from(("random", "dead", "equal")), seeds())
def test_objectives_of_all_orders_are_inner_products_and_the_best_is_an_assignment(width, kind, seed):
    rng = np.random.default_rng(seed)
    one, two = (ainsworth._random(rng, (3, width, 2)) for _ in range(2))
    if kind != "random":
        factor = 0.0 if kind == "dead" else 1.0
        two[0] = {name: factor * np.broadcast_to(leaf[..., :1], leaf.shape) for name, leaf in two[0].items()}
        two[1]["weights"] = factor * np.broadcast_to(two[1]["weights"][:1], (width, 2))
    every = ainsworth._orders(one, two)
    as_jax = jax.tree.map(jnp.asarray, two)
    symmetry = chain(as_jax)
    moved = [permuted(as_jax, symmetry, {"units0": np.array(order)}) for order in permutations(range(width))]
    np.testing.assert_allclose(every, [ainsworth._inner(one, other) for other in moved], rtol=1e-10, atol=1e-12)
    x = rng.normal(size=(5, 3))
    for other in moved:
        np.testing.assert_allclose(ainsworth._outputs(other, x), ainsworth._outputs(two, x), atol=1e-12)
    gains, rest = ainsworth._gains(one, two)
    best = gains[scipy.optimize.linear_sum_assignment(gains, maximize=True)].sum() + rest
    assert max(every) == pytest.approx(best, rel=1e-12, abs=1e-12)
    greedy = ainsworth._greedy(one, two)
    assert abs(np.array(every) - greedy).min() <= 1e-12 * (1 + abs(greedy))
    if kind != "random" or width == 1:
        assert greedy == pytest.approx(best, rel=1e-12, abs=1e-12)


def test_the_largest_gain_first_is_not_the_best():
    """Gains of 10, 9, 9, 0: 10 + 0 against 9 + 9."""
    one = [{"weights": np.eye(2), "bias": np.zeros(2)}, {"weights": np.zeros((2, 1)), "bias": np.zeros(1)}]
    two = [{**one[0], "weights": np.array([[10.0, 9.0], [9.0, 0.0]])}, one[1]]
    assert ainsworth._greedy(one, two) == 10
    assert max(ainsworth._orders(one, two)) == 18


# Adilova et al. (2024)

CONVEX = {
    "squared": lambda f, y: ((f - y) ** 2).mean(),
    "absolute": lambda f, y: np.abs(f - y).mean(),
    "cross-entropy": lambda f, y: (scipy.special.logsumexp(f, axis=1) - f[:, 0]).mean(),
}
HIDDEN = {"relu": lambda z: np.maximum(z, 0), "sine": np.sin, "steps": np.sign, "linear": lambda z: z}


def chord(layers, layer, other, a, loss):
    """How far the loss lies below its chord where one layer moves."""
    nets = [[*layers[:layer], (1 - b) * layers[layer] + b * other, *layers[layer + 1 :]] for b in (0.0, 1.0, a)]
    first, last, between = map(loss, nets)
    return (1 - a) * first + a * last - between


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5), st.sampled_from(list(HIDDEN)), st.sampled_from(list(CONVEX)),
    finite(0, 1), seeds(),
)  # fmt: skip
def test_losses_are_convex_in_the_last_layer_of_any_network_and_in_each_linear_one(sizes, hidden, convex, a, seed):
    rng = np.random.default_rng(seed)
    first, second = ([rng.normal(size=shape) for shape in pairwise(sizes)] for _ in range(2))
    x, y = rng.normal(size=(6, sizes[0])), rng.normal(size=(6, sizes[-1]))
    through = lambda net: adilova._through(net, x, HIDDEN[hidden])  # noqa: E731
    for layer in range(len(first)) if hidden == "linear" else [len(first) - 1]:
        below = chord(first, layer, second[layer], a, lambda net: CONVEX[convex](through(net), y))
        assert below >= -1e-11
        if convex == "squared":  # exactly
            apart = through([*first[:layer], second[layer], *first[layer + 1 :]]) - through(first)
            assert below == pytest.approx(a * (1 - a) * (apart**2).mean(), rel=1e-9, abs=1e-10)


def test_losses_are_not_convex_in_all_layers_nor_in_one_before_a_relu():
    x, one = np.ones((1, 1)), np.ones((1, 1))
    linear, relu = (
        [((adilova._through(net, x, HIDDEN[kind]) - 1) ** 2).item() for net in nets]
        for kind, nets in (
            ("linear", ([one, one], [0 * one, 0 * one], [-one, -one])),
            ("relu", ([-one, one], [0 * one, one], [one, one])),
        )
    )
    assert linear == [0, 1, 0]  # both ends are minima
    assert relu == [1, 1, 0]  # above the chord, of 1/2
