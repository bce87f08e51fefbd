"""The command: what it answers, what lies between, and what it refuses."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from ntkit.lipschitz import (
    AvgPool,
    Conv,
    Dense,
    Flatten,
    Network,
    Relu,
    _large,
    _relaxation,
    expected_memory,
    local_lipschitz,
)
from ntkit.strategies import seeds
from tests.oracles import lipschitz_exact, lipschitz_reference

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def case(seed, widths=(2, 5, 4, 2)):
    rng = np.random.default_rng(seed)
    layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise(widths)]
    return layers, rng.normal(size=widths[0])


@given(seeds())
@settings(max_examples=15)
def test_the_exact_constant_is_attained_and_that_of_the_reference(seed):
    layers, x = case(seed)
    found = local_lipschitz(Network.sequential(layers), x, 0.5, method="exact")
    expected, _ = lipschitz_exact.exact_by_enumeration(*zip(*layers, strict=True), x, 0.5)
    np.testing.assert_allclose(found.rows, expected, rtol=1e-6, atol=1e-9)
    assert found.side == "exact"
    assert found.closed
    assert found.arithmetic == "float64, solver tolerance 1e-7"
    np.testing.assert_allclose(found.lower, found.rows, rtol=1e-6, atol=1e-9)


def test_where_kinks_meet_the_program_exceeds_what_is_attained_and_says_so():
    """max(x, 0) twice, subtracted and added at 0 within a third unit: all patterns are allowed at the point 0."""
    net = Network.sequential([([[1.0], [1.0]], None), ([[1.0, -1.0]], None), ([[1.0]], None)])
    found = local_lipschitz(net, [0.0], 1.0, method="exact")
    assert found.side == "upper"
    assert "where kinks meet" in found.status
    assert found.rows[0] > found.lower[0]


@given(seeds())
@settings(max_examples=15)
def test_lower_bounds_lie_below_all_upper_ones_which_form_a_ladder(seed):
    layers, x = case(seed)
    net = Network.sequential(layers)
    found = {m: local_lipschitz(net, x, 0.3, method=m, key=KEY) for m in ("lirpa", "recurjac", "ibp", "absolute", "product")}
    for tight, loose in pairwise(found.values()):
        assert (tight.rows <= loose.rows * (1 + 1e-9)).all()
    assert (found["lirpa"].lower <= found["lirpa"].rows * (1 + 1e-12)).all()
    expected = lipschitz_reference.jacobian_bound(*zip(*layers, strict=True), x, 0.3, "product", "ibp")
    np.testing.assert_allclose(found["product"].rows, expected, rtol=1e-9)
    expected = lipschitz_reference.jacobian_bound(*zip(*layers, strict=True), x, 0.3, "absolute", "ibp")
    np.testing.assert_allclose(found["absolute"].rows, expected, rtol=1e-9)


@pytest.mark.parametrize("norm", [2, 1])
def test_products_of_norms_hold_in_other_norms(norm):
    layers, x = case(0)
    net = Network.sequential(layers)
    found = local_lipschitz(net, x, 0.3, method="product", norm=norm, key=KEY)
    assert (found.lower <= found.rows).all()
    sizes = [np.linalg.norm(w, ord=norm) for w, _ in layers[:-1]]
    last = np.linalg.norm(layers[-1][0], ord={2: 2, 1: np.inf}[norm], axis=1)
    np.testing.assert_allclose(found.rows, last * np.prod(sizes), rtol=1e-6)


@pytest.mark.parametrize(("padding", "stride"), [("valid", 1), ("same", 2), ("circular", 2), ("circular", 1), (1, 1)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_norms_of_convolutions_are_no_smaller_than_those_of_their_matrices(padding, stride, dtype):
    """Circular images of 5 points, on which windows of stride 2 begin again within a stride, among them."""
    rng = np.random.default_rng(0)
    layer = Conv(rng.normal(size=(2, 1, 3, 3)).astype(dtype), None, stride, padding)
    first = Network.from_layers([layer], input_shape=(1, 5, 5))
    matrix = np.asarray(first(jnp.eye(25, dtype=dtype)), dtype=np.float64).T
    last = rng.normal(size=(1, len(matrix))).astype(dtype)
    net = Network.from_layers([layer, Flatten(), Dense(last)], input_shape=(1, 5, 5))
    arithmetic = f"{np.dtype(dtype)}+outward"
    for norm in (2, 1):
        found = local_lipschitz(net, np.zeros(25), 0.1, method="product", norm=norm, arithmetic=arithmetic).rows
        least = np.linalg.norm(matrix, ord=norm) * np.linalg.norm(last[0], ord={2: 2, 1: np.inf}[norm])
        assert found >= least * (1 - 1e-12)
        assert found <= least * (1.6 if norm == 2 else 1.001)  # zeros are part of a larger circle; the crude bound


def test_the_best_is_the_least_of_all_for_each_output():
    layers, x = case(4, (2, 3, 2))
    net = Network.sequential(layers)
    best = local_lipschitz(net, x, 1.0, method="best").rows
    computed = [("product", "both"), ("absolute", "both"), ("lirpa", "crown"), ("lirpa", "both")]
    never_less = [("recurjac", "crown"), ("recurjac", "both"), ("ibp", "ibp")]  # by theorem, so that rounding alone tells
    for methods, rounding in ((computed, 0.0), (never_less, 1e-12)):
        every = [local_lipschitz(net, x, 1.0, method=m, forward=f).rows for m, f in methods]
        assert (best <= np.min(every, axis=0) * (1 + rounding)).all()


def test_batches_boxes_outputs_and_clips():
    layers, x = case(1)
    net = Network.sequential(layers)
    both = local_lipschitz(net, np.stack([x, x + 1]), 0.2)
    for i, centre in enumerate((x, x + 1)):
        np.testing.assert_allclose(both.rows[i], local_lipschitz(net, centre, 0.2).rows, rtol=1e-12)
    assert both.value.shape == (2,)
    np.testing.assert_array_equal(both.value, both.rows.max(axis=1))
    second = local_lipschitz(net, x, 0.2, outputs=[1])
    np.testing.assert_array_equal(second.rows, local_lipschitz(net, x, 0.2).rows[1:])
    box = local_lipschitz(net, x, [0.2, 0.0])
    assert (box.rows <= local_lipschitz(net, x, 0.2).rows).all()
    clipped = local_lipschitz(net, x, 0.2, clip=(float(x.min()), float(x.max())))
    assert (clipped.rows <= local_lipschitz(net, x, 0.2).rows * (1 + 1e-12)).all()
    np.testing.assert_allclose(clipped.box, [np.maximum(x - 0.2, x.min()), np.minimum(x + 0.2, x.max())], atol=1e-12)
    two = local_lipschitz(net, x, 0.2, out_norm=2)
    assert two.value == pytest.approx(np.linalg.norm(two.rows))


def test_single_precision_is_asked_for():
    layers = [(w.astype(np.float32), b.astype(np.float32)) for w, b in case(2)[0]]
    net, x = Network.sequential(layers), case(2)[1].astype(np.float32)
    narrow, wide = (local_lipschitz(net, x, 0.1, arithmetic=a) for a in ("float32+outward", "float64+outward"))
    assert narrow.rows.dtype == np.float32
    assert (narrow.rows >= wide.rows * (1 - 1e-9)).all()
    np.testing.assert_allclose(narrow.rows, wide.rows, rtol=1e-3)


def test_single_precision_holds_where_the_centre_and_the_radius_are_rounded():
    layers = [(w.astype(np.float32), b.astype(np.float32)) for w, b in case(2)[0]]
    x = np.array([0.1, 1e4 / 3])  # no numbers of single precision; the second moves by 1e-4
    found = local_lipschitz(Network.sequential(layers), x, 1e-5, arithmetic="float32+outward")
    low, high = found.box
    assert (low <= x - 1e-5).all()
    assert (high >= x + 1e-5).all()


def test_pooling_takes_the_precision_of_the_weights():
    weights = np.ones((1, 2), np.float32)
    net = Network.from_layers([AvgPool(2), Flatten(), Dense(weights)], input_shape=(1, 2, 4))
    assert {leaf.dtype for leaf in jax.tree_util.tree_leaves(net)} == {np.dtype(np.float32)}
    assert local_lipschitz(net, np.zeros(8), 1.0, arithmetic="float32+outward").rows == pytest.approx(2.0, rel=1e-4)


def test_bounds_of_tiny_networks_do_not_underflow():
    net = Network.sequential([(1e-170 * np.ones((3, 2)), None), (np.ones((1, 3)), None)])
    for norm, expected in ((np.inf, 6e-170), (2, 3e-170 * 2**0.5), (1, 3e-170)):
        assert local_lipschitz(net, [1.0, 1.0], 0.1, norm=norm).rows == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("norm", "expected"), [(np.inf, 1.5), (2, np.sqrt(1.25)), (1, 1.0)])
def test_lower_bounds_of_smooth_networks_climb_along_gradients(norm, expected):
    """tanh(x + y / 2 - 0.3) is steepest on a line through the ball, where its gradient is (1, 1/2)."""
    net = Network.sequential([(np.array([[1.0, 0.5]]), np.array([-0.3])), (np.array([[1.0]]), None)], "tanh")
    found = local_lipschitz(net, [0.1, -0.2], 1.0, norm=norm, key=KEY)
    assert 0.99999 * expected <= found.lower[0] <= expected * (1 + 1e-15)
    assert found.lower[0] <= found.rows[0]


@pytest.mark.parametrize("scale", [1e-12, 1e-7, 1e12])
def test_integer_programs_do_not_depend_on_the_scale_of_weights(scale):
    first = (scale * np.array([[1.0, -1.0], [1.0, 2.0], [-0.5, 1.0]]), scale * np.array([0.1, -0.2, 0.05]))
    second = (np.array([[1.0, -1.0, 0.5], [0.5, 1.0, -2.0]]), scale * np.array([0.1, -0.1]))
    found = local_lipschitz(
        Network.sequential([first, second, ([[1.0, -1.0]], None)]), [0.1, 0.2], 0.5, method="exact", arithmetic="float64"
    )
    assert found.rows[0] == pytest.approx(6 * scale)
    assert found.side == "exact"


def test_what_is_too_small_for_products_counts_as_the_smallest_number():
    """Centres and radii of 1e-310, which a processor may take as 0, before weights that make 1e-10 of them."""
    layers = [(np.array([[1e300]]), np.array([-5e-11])), (np.array([[1.0]]), None)]
    for x, radius in ((1e-310, 0.0), (0.0, 1e-310)):
        for method in ("ibp", "lirpa", "bab"):
            assert local_lipschitz(Network.sequential(layers), [x], radius, method=method).rows[0] >= 1e300
        assert local_lipschitz(Network.sequential(layers), [x], radius, clip=(0.0, 1.0)).rows[0] >= 1e300


def test_a_deadline_leaves_the_linear_bound():
    layers, x = case(3)
    net = Network.sequential(layers)
    found = local_lipschitz(net, x, 0.5, method="exact", deadline=0.0)
    np.testing.assert_allclose(found.rows, local_lipschitz(net, x, 0.5).rows, rtol=1e-9)
    assert (found.side, found.status, found.closed) == ("upper", "stopped at the limit", False)


def test_deep_networks_are_bounded_step_by_step_and_rows_in_parts(monkeypatch):
    layers, x = case(5, (3, 7, 6, 2))
    net, centres = Network.sequential(layers), np.stack([x, -x])
    options = {"outputs": [1, 0], "method": "recurjac"}
    whole = local_lipschitz(net, centres, 0.3, **options)
    monkeypatch.setattr(_large, "DEEP", 1)
    for size in (_relaxation.PART, 200, 1):
        monkeypatch.setattr(_relaxation, "PART", size)
        np.testing.assert_allclose(local_lipschitz(net, centres, 0.3, **options).rows, whole.rows, rtol=1e-12)


@pytest.mark.parametrize("method", ["lirpa", "recurjac"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_large_networks_pull_back_only_what_decides_about_lines(activation, method, monkeypatch):
    """At radius 0.05 some units are open, at 3 all."""
    layers, x = case(7, (3, 6, 5, 4, 2))
    net, pulled = Network.sequential(layers, activation), []
    options = {"forward": "ibp", "method": method, "arithmetic": "float64"}
    whole = [local_lipschitz(net, x, radius, **options).rows for radius in (0.05, 3.0)]
    monkeypatch.setattr(_large, "DEEP", 1)
    monkeypatch.setattr(_relaxation, "PART", 1)
    monkeypatch.setattr(_relaxation, "each", lambda function, parts: [pulled.append(one) or function(one) for one in parts])
    counts = []
    for radius, rows in zip((0.05, 3.0), whole, strict=True):
        pulled.clear()
        np.testing.assert_allclose(local_lipschitz(net, x, radius, **options).rows, rows, rtol=1e-12)
        counts.append(len(pulled))
    assert counts[1] <= 2 * (6 + 5 + 4 + 3)
    assert counts[0] < counts[1]


def test_memory_expected_grows_with_steps_kinds_and_rows():
    chain = lambda *widths: Network.sequential([(np.ones((m, n)), None) for n, m in pairwise(widths)])  # noqa: E731
    nets = chain(2, 2, 2), chain(2, 2, 2, 2), chain(2, 3, 2, 3), chain(2, 2**20, 2, 3)
    found = [expected_memory(net) for net in nets]
    assert found == sorted(set(found))
    assert expected_memory(nets[-1], np.float32) < found[-1]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "gelu"])
def test_slopes_as_functions_of_the_input_are_tighter_on_small_balls(activation):
    layers, x = case(6, (3, 5, 5, 2))
    net = Network.sequential(layers, activation)
    slack = []
    for radius in (1e-3, 1e-2):
        plain, coupled = (local_lipschitz(net, x, radius, method=m, key=KEY) for m in ("lirpa", "coupled"))
        assert (coupled.lower <= coupled.rows).all()
        assert (coupled.rows <= plain.rows).all()
        slack.append((coupled.rows - coupled.lower).max() / (plain.rows - plain.lower).max())
    assert max(slack) < 0.5
    best = local_lipschitz(net, x, radius, method="best", key=KEY)
    assert (best.rows <= coupled.rows).all()


NET = Network.sequential([(np.ones((3, 2)), None), (np.ones((1, 3)), None)])
SMOOTH = Network.sequential([(np.ones((3, 2)), None), (np.ones((1, 3)), None)], "tanh")


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"net": 3}, "net must be a Network of ntkit.lipschitz, got 3"),
        ({"x0": [1.0]}, r"x0 must have shape \(2,\) or \(2,\), or be a batch of these, got \(1,\)"),
        (
            {"net": Network.sequential([(np.full((1, 2), 1e-310), None)])},
            r"net must have weights of 0 or at least 2.23e-308 .*, got .*1e-310.* in array 0",
        ),
        ({"x0": [np.nan, 1.0]}, "x0 must hold finite real numbers"),
        ({"radius": -1.0}, "radius must be finite and at least 0, got -1.0"),
        ({"radius": np.inf}, "radius must be finite and at least 0, got inf"),
        ({"radius": [1.0, 1.0, 1.0]}, r"radius must be a number, or half widths of shape \(2,\) or \(2,\), got \(3,\)"),
        ({"radius": [1.0, 1.0], "norm": 2}, "norm must be inf for a box"),
        ({"method": "crown"}, "method must be one of 'product', .*, 'exact', got 'crown'"),
        ({"forward": "lirpa"}, "forward must be one of 'ibp', 'crown', 'both', got 'lirpa'"),
        ({"slopes": "best"}, "slopes must be one of 'adaptive', 'zero', 'optimised', got 'best'"),
        ({"norm": 3}, "norm must be inf, 2 or 1, got 3"),
        ({"out_norm": 0}, "out_norm must be inf, 2 or 1, got 0"),
        ({"outputs": [1]}, r"outputs must be numbers from 0 to 0, got \[1\]"),
        ({"clip": (1.0, 0.0)}, r"clip must be two finite numbers, the smaller first, got \(1.0, 0.0\)"),
        ({"clip": (2.0, 3.0)}, r"x0 must lie within clip=\(2.0, 3.0\), got numbers from 0 to 1"),
        ({"arithmetic": "float16"}, "arithmetic must be one of 'float64', .* got 'float16'"),
        ({"arithmetic": "float32+outward"}, r"arithmetic must suit weights of float64 \(array 0 of the network\)"),
        ({"method": "absolute", "norm": 2}, "norm must be inf for method='absolute', got 2"),
        ({"deadline": 1.0}, "deadline must be None unless method is 'bab' or 'exact', got 1.0 for 'lirpa'"),
        ({"method": "exact", "net": SMOOTH}, "method 'exact' must have a piecewise linear network and norm=out_norm=inf"),
        (
            {
                "method": "exact",
                "net": Network.sequential([(np.ones((1, 2), np.float32), None)]),
                "arithmetic": "float32+outward",
            },
            "arithmetic must be a float64 one for method 'exact', got 'float32",
        ),
        ({"method": "exact", "norm": 2}, "method 'exact' must have a piecewise linear network and norm=out_norm=inf"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_wrong_arguments_are_refused(given_, message):
    asked = {"net": NET, "x0": [0.0, 1.0], "radius": 0.1} | given_
    with pytest.raises(ValueError, match=message):
        local_lipschitz(**asked)


def test_double_precision_has_to_be_on():
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(ValueError, match="arithmetic must be 'float32\\+outward' while JAX is in single precision"):
            local_lipschitz(NET, [0.0, 1.0], 0.1)
    finally:
        jax.config.update("jax_enable_x64", True)


def test_a_network_says_what_it_is():
    net = Network.from_layers([Dense(np.ones((3, 2))), Relu(), Dense(np.ones((1, 3)))], input_shape=(2,))
    assert repr(net) == "Network((2,) -> Matrix, Relu, Matrix -> 1)"
