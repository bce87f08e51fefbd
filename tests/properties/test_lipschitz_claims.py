"""Laws behind the claims on local Lipschitz bounds: what they hold for, what leaves them alone, exact values in the plane."""

import importlib
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.claims import Trial
from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

nets, plane, classes, claims = (
    importlib.import_module(name) for name in ("_lipschitz", "_lipschitz_cells", "_lipschitz_digits", "shi2022")
)
ROUNDING = 1e-11


def drawn(seed):
    """Random generator, layers of a stack of networks, centres and radii: one shape in all tests, which is compiled once."""
    rng = np.random.default_rng(seed)
    layers = nets.random_layers(rng)
    return rng, layers, rng.normal(size=(nets.NETS, nets.INPUTS)), 10 ** rng.uniform(-2, 0.5, nets.NETS)


def values(layers, x):
    """The networks at their points, shape (nets, points, outputs), in NumPy."""
    for k, (weights, biases) in enumerate(layers):
        x = x @ weights.transpose(0, 2, 1) + biases[:, None]
        x = np.maximum(x, 0) if k < len(layers) - 1 else x
    return x


@settings(max_examples=10)
@given(seeds())
def test_bounds_hold_for_derivatives_and_difference_quotients(seed):
    rng, layers, x0, radius = drawn(seed)
    net = nets.stacked(layers)
    found = nets.bounded(net, x0, radius)
    points = nets.points_in(rng, x0, radius, 20)
    seen = nets.jacobians(net, points)
    assert (np.abs(seen).sum(axis=-1) <= found.norm[:, None] * (1 + 1e-9) + ROUNDING).all()
    assert (seen <= found.high[:, None] + ROUNDING).all()
    assert (seen >= found.low[:, None] - ROUNDING).all()
    moved = np.abs(np.diff(values(layers, points), axis=1))
    apart = np.abs(np.diff(points, axis=1)).max(axis=-1)
    assert (moved <= found.norm[:, None] * apart[..., None] + ROUNDING).all()


@settings(max_examples=10)
@given(seeds())
def test_a_joint_norm_is_no_more_than_separate_ones_and_the_same_for_one_input(seed):
    _, layers, x0, radius = drawn(seed)
    found = nets.bounded(nets.stacked(layers), x0, radius)
    separate = np.maximum(np.abs(found.low), np.abs(found.high)).sum(axis=-1)
    assert (found.norm <= separate * (1 + 1e-9) + ROUNDING).all()
    one = layers[0][0].any(axis=1).sum(axis=1) == 1
    np.testing.assert_allclose(found.norm[one], separate[one], rtol=1e-9, atol=ROUNDING)


@settings(max_examples=10)
@given(seeds(), st.floats(0.1, 10))
def test_the_order_and_the_scale_of_units_do_not_matter_and_outputs_scale(seed, scale):
    rng, layers, x0, radius = drawn(seed)
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = layers
    order = rng.permutation(w1.shape[1])
    other = [(scale * w1[:, order], scale * b1[:, order]), (w2[:, :, order] / scale, b2), (w3, b3), (-scale * w4, b4)]
    found, changed = (nets.bounded(nets.stacked(one), x0, radius) for one in (layers, other))
    np.testing.assert_allclose(changed.norm, scale * found.norm, rtol=1e-8, atol=100 * ROUNDING)
    np.testing.assert_allclose(changed.high, -scale * found.low, rtol=1e-8, atol=100 * ROUNDING)


@settings(max_examples=10)
@given(seeds())
def test_bounds_are_exact_where_no_unit_changes_its_sign(seed):
    _, layers, x0, _ = drawn(seed)
    net, radius = nets.stacked(layers), 0.99 * nets.stable_radii(layers, x0)
    found = nets.bounded(net, x0, radius)
    exact = nets.jacobians(net, x0[:, None])[:, 0]
    np.testing.assert_allclose(found.norm, np.abs(exact).sum(axis=-1), rtol=1e-10, atol=ROUNDING)
    np.testing.assert_allclose(found.low, exact, rtol=1e-9, atol=ROUNDING)


@settings(max_examples=10)
@given(seeds())
def test_tighter_bounds_of_units_and_smaller_balls_give_no_larger_bounds(seed):
    _, layers, x0, radius = drawn(seed)
    net = nets.stacked(layers)
    small, large = (nets.bounded(net, x0, reach, "lirpa", "ibp").norm for reach in (0.7 * radius, radius))
    assert (small <= large * (1 + 1e-9) + ROUNDING).all()
    assert (nets.bounded(net, x0, radius).norm <= large * (1 + 1e-9) + ROUNDING).all()


@settings(max_examples=20)
@given(seeds())
def test_polygons_fill_the_square_and_have_the_derivative_of_their_points(seed):
    ((layers, centres, radius, cells),) = plane.cases(np.random.default_rng(seed), 1)
    for own in cells:
        assert abs(sum(plane._area(cell.corners) for cell in own) / (4 * radius**2) - 1) < 1e-9
        for cell in own[:10]:
            x, derivative, signs = cell.corners.mean(axis=0), np.eye(2), []
            for weights, biases in layers[:-1]:
                x, derivative = weights @ x + biases, weights @ derivative
                signs.append(np.where(x > 0, 1, -1))
                x, derivative = np.maximum(x, 0), derivative * (x > 0)[:, None]
            np.testing.assert_array_equal(cell.signs, np.concatenate(signs))
            np.testing.assert_allclose(cell.slopes, layers[-1][0] @ derivative, atol=1e-12)
        assert (plane.free_rows(layers, own) >= plane.exact_rows(own) - 1e-12).all()
    assert len(centres) == len(cells)


@settings(max_examples=10)
@given(st.integers(0, 999))
def test_lines_of_a_product_touch_all_extreme_points_of_its_values(seed):
    found = claims.relaxation_is_hull(Trial("shi2022/relaxation-is-hull", seed=seed))
    np.testing.assert_allclose(found.lhs, found.rhs, rtol=1e-9, atol=ROUNDING)


@settings(max_examples=10, deadline=None)
@given(seeds(), st.sampled_from(sorted(classes.ACTIVATIONS)))
def test_slopes_of_the_loss_are_those_of_differences(seed, activation):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=(2, n, m)) for n, m in ((4, 5), (3, 4), (10, 3))] + [rng.normal(size=(2, n)) for n in (4, 3, 10)]
    images, labels = rng.normal(size=(6, 5)), rng.integers(0, 10, 6)

    def loss(t):
        moved = [array + t * way for array, way in zip(arrays, ways, strict=True)]
        layers = classes._paired(moved)
        scores = classes._forward(layers, np.broadcast_to(images, (2, *images.shape)), activation)[2]
        return (np.log(np.exp(scores).sum(axis=2)) - scores[:, np.arange(6), labels]).mean(axis=1).sum()

    slopes = classes._slopes(classes._paired(arrays), images, labels, activation)
    ways = [rng.normal(size=array.shape) for array in arrays]
    along = sum((slope * way).sum() for slope, way in zip(slopes, ways, strict=True))
    np.testing.assert_allclose((loss(1e-6) - loss(-1e-6)) / 2e-6, along, rtol=1e-4, atol=1e-5)
