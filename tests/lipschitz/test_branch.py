"""Branch and bound: it ends at the exact constant, what is certified is above it, and it may stop at any time."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from hypothesis import given, settings

from ntkit.lipschitz import Conv, Dense, Flatten, LeakyRelu, Network, Relu, Residual, local_lipschitz
from ntkit.strategies import seeds
from tests.oracles import lipschitz_exact

WIDTHS = (2, 6, 5, 2)
ARITHMETICS = ("float64", "float64+outward")


pytestmark = pytest.mark.usefixtures("hardly_optimised")


def case(seed, widths=WIDTHS):
    rng = np.random.default_rng(seed)
    layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise(widths)]
    return layers, rng.normal(size=widths[0])


@given(seeds())
@settings(max_examples=12)
def test_it_ends_at_the_constant_over_all_patterns(seed):
    layers, x = case(seed)
    net = Network.sequential(layers)
    expected, _ = lipschitz_exact.exact_by_enumeration(*zip(*layers, strict=True), x, 0.6)
    plain, certified = (local_lipschitz(net, x, 0.6, method="bab", arithmetic=a) for a in ARITHMETICS)
    for found in (plain, certified):
        np.testing.assert_allclose(found.rows, expected, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(found.lower, expected, rtol=1e-7, atol=1e-9)
        assert found.closed
    assert (certified.rows >= expected * (1 - 1e-12)).all()
    assert (plain.side, plain.arithmetic) == ("exact", "float64, solver tolerance 1e-7")
    assert (certified.side, certified.arithmetic) == ("upper", "float64+outward")


@given(seeds())
@settings(max_examples=10)
def test_it_may_stop_at_any_time_and_more_parts_are_no_worse(seed):
    layers, x = case(seed)
    net = Network.sequential(layers)
    found = [local_lipschitz(net, x, 1.0, method="bab", nodes=nodes) for nodes in (0, 40, None)]
    for less, more in pairwise(found):
        assert (more.rows <= less.rows).all()
        assert (more.lower >= less.lower).all()
        assert less.nodes <= more.nodes
    np.testing.assert_allclose(found[0].rows, local_lipschitz(net, x, 1.0).rows, rtol=1e-12)
    assert found[0].status in ("stopped at the limit", "upper and lower bound met")
    now = local_lipschitz(net, x, 1.0, method="bab", deadline=0.0)
    np.testing.assert_array_equal(now.rows, found[0].rows)


def test_the_largest_output_takes_fewer_parts_than_all():
    layers, x = case(0)
    net = Network.sequential(layers)
    all_, largest = (local_lipschitz(net, x, 1.0, method="bab", closing=c) for c in ("rows", "value"))
    assert largest.value == pytest.approx(float(all_.value), rel=1e-9)
    assert largest.nodes < all_.nodes
    assert largest.closed
    assert (largest.rows >= all_.rows * (1 - 1e-9)).all()


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_where_kinks_meet_only_a_linear_program_leaves_out_what_has_no_interior(arithmetic):
    """2 max(x, 0) - max(2 x, 0) is 0, but at x = 0 the unit that takes it may be on either side."""
    net = Network.sequential([([[1.0], [2.0]], None), ([[2.0, -1.0]], None), ([[1.0]], None)])
    found = local_lipschitz(net, [0.0], 1.0, method="bab", arithmetic=arithmetic)
    assert found.lower[0] == 0
    if arithmetic == "float64":
        assert found.rows[0] == 0
    else:  # the parts that touch at 0 alone cannot be proved empty
        assert found.rows[0] == pytest.approx(2.0)
        assert not found.closed
        assert "where kinks meet" in found.status


@pytest.mark.parametrize("seed", range(3))
def test_leaky_residual_convolutional_batches_agree_with_integer_programs(seed):
    rng = np.random.default_rng(seed)
    layers = [
        Conv(rng.normal(size=(2, 1, 2)), 0.3 * rng.normal(size=2)),
        LeakyRelu(0.2),
        Flatten(),
        Residual([Dense(0.5 * rng.normal(size=(6, 6)), 0.2 * rng.normal(size=6)), Relu()]),
        Dense(rng.normal(size=(2, 6))),
    ]
    net, x = Network.from_layers(layers, input_shape=(1, 4)), rng.normal(size=(2, 1, 4))
    box = np.abs(rng.normal(size=(1, 4)))
    branched, solved = (local_lipschitz(net, x, box, method=m) for m in ("bab", "exact"))
    np.testing.assert_allclose(branched.rows, solved.rows, rtol=1e-6)
    assert branched.closed
    clipped = local_lipschitz(net, x, 0.5, method="bab", clip=(float(x.min()), float(x.max())), outputs=[1])
    assert (clipped.lower <= clipped.rows).all()
    assert clipped.rows.shape == (2, 1)


def test_degenerate_networks():
    """A linear network, a ball of one point, units that are constant, no weights at all."""
    rng = np.random.default_rng(0)
    linear = Network.sequential([(rng.normal(size=(2, 3)), None)])
    found = local_lipschitz(linear, np.zeros(3), 1.0, method="bab")
    np.testing.assert_allclose(found.rows, found.lower, rtol=1e-12)
    assert (found.nodes, found.closed) == (2, True)
    layers, x = case(1)
    net = Network.sequential(layers)
    np.testing.assert_allclose(
        local_lipschitz(net, x, 0.0, method="bab").rows, np.abs(net.jacobian(jax.numpy.asarray(x))).sum(axis=1), rtol=1e-9
    )
    dead = Network.sequential([(np.zeros((3, 2)), None), (np.ones((1, 3)), None)])
    assert local_lipschitz(dead, [0.0, 0.0], 1.0, method="bab").rows[0] == pytest.approx(0.0, abs=1e-300)
    constant = Network.sequential([(np.array([[0.0, 0.0], [1.0, -1.0]]), np.array([1.0, 0.0])), (np.ones((1, 2)), None)])
    assert local_lipschitz(constant, [0.1, 0.0], 1.0, method="bab").rows[0] == pytest.approx(2.0)


def test_single_precision_is_certified_too():
    layers, x = case(2)
    narrow = Network.sequential([(w.astype(np.float32), b.astype(np.float32)) for w, b in layers])
    found = local_lipschitz(narrow, x, 0.6, method="bab", arithmetic="float32+outward")
    wide = local_lipschitz(narrow, x, 0.6, method="bab")
    assert found.rows.dtype == np.float32
    assert (found.rows >= wide.lower).all()
    np.testing.assert_allclose(found.rows, wide.rows, rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "bab", "norm": 2}, "method 'bab' must have a piecewise linear network and norm=out_norm=inf"),
        ({"method": "bab", "nodes": -1}, "nodes must be at least 0, or None for no limit, got -1"),
        ({"method": "exact", "nodes": 5}, "nodes must be None unless method is 'bab', got 5 for 'exact'"),
        ({"method": "exact", "closing": "value"}, "closing must be 'rows' unless method is 'bab', got 'value' for 'exact'"),
        ({"method": "bab", "closing": "all"}, "closing must be one of 'rows', 'value', got 'all'"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_what_it_cannot_do_is_refused(options, message):
    layers, x = case(0)
    with pytest.raises(ValueError, match=message):
        local_lipschitz(Network.sequential(layers), x, 0.1, **options)


def test_units_that_do_not_move_are_no_kinks_and_are_not_split():
    """Pruned units: no incoming weights, no bias, so that they stay at 0."""
    layers, x = case(2, (2, 6, 2))
    plain = local_lipschitz(Network.sequential(layers), x, 1.0, method="bab")
    (first, bias), (last, _) = layers
    wider = [
        (np.concatenate([first, np.zeros((4, 2))]), np.concatenate([bias, np.zeros(4)])),
        (np.concatenate([last, np.ones((2, 4))], axis=1), None),
    ]
    found = local_lipschitz(Network.sequential(wider), x, 1.0, method="bab")
    np.testing.assert_allclose(found.rows, plain.rows, rtol=1e-9)
    np.testing.assert_allclose(found.lower, found.rows, rtol=1e-9)
    assert found.nodes < 100


def test_numbers_that_overflow_bound_nothing():
    huge = [(1e200 * np.array([[1.0, -1.0], [1.0, 2.0]]), None)] * 2 + [(np.ones((1, 2)), None)]
    found = local_lipschitz(Network.sequential(huge), [0.1, 0.2], 1.0, method="bab")
    assert found.rows[0] == np.inf
    assert not found.closed
    assert local_lipschitz(Network.sequential(huge), [0.1, 0.2], 1.0).rows[0] == np.inf


def test_a_sliver_is_left_out_by_linear_programs_alone():
    """1e8 on 0 < x < 1e-8, and 0 elsewhere."""
    net = Network.sequential([([[1e8], [1e8]], [0.0, -1.0]), ([[1.0, -1.0]], None)])
    plain, certified = (local_lipschitz(net, [0.3], 1.0, method="bab", arithmetic=a) for a in ARITHMETICS)
    assert plain.rows[0] == 0
    assert certified.rows[0] == pytest.approx(1e8)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_box_of_no_width_along_an_axis_is_not_empty(arithmetic):
    """Units that depend on the frozen input alone are constant, and their ends may be out of order by their rounding."""
    layers = [([[1.0, 0.0], [0.0, 1.3]], [-0.5, 0.9]), ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.3]), ([[1.0, 1.0]], None)]
    found = local_lipschitz(Network.sequential(layers), [0.0, -0.3], [1.0, 0.0], method="bab", arithmetic=arithmetic)
    assert found.rows[0] == pytest.approx(2.3)  # for x > 0.5
    assert found.closed
