"""Neural collapse, flat minima and sharpness: closed forms against dense computations, over random and degenerate problems."""

import importlib
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

dang, kini, tirer, wen, zheng, sharpness = (
    importlib.import_module(name) for name in ("dang2023", "kini2024", "tirer2023", "wen2023", "zheng2021", "_sharpness")
)

class_sizes = st.lists(st.integers(1, 30), min_size=1, max_size=5).map(np.array)
log_decays = st.lists(st.floats(-8, -2), min_size=2, max_size=4).map(np.array)


def predicted_point(sizes, decays, rng):
    """W_1, .., W_M, H of the predicted minimum, in random orthonormal bases, and the targets."""
    s = dang.solution(sizes, decays)[0]
    shared = (np.prod(decays) * sizes * s**2) ** (1 / len(decays))
    bases = [np.linalg.qr(rng.normal(size=(dang.WIDTH, len(sizes))))[0] for _ in decays[:-1]]
    ends = [*bases[1:], np.eye(len(sizes))]
    layers = [end * np.sqrt(shared / decay) @ start.T for start, end, decay in zip(bases, ends, decays[:-1], strict=True)]
    features = (bases[0] * np.sqrt(shared / (decays[-1] * sizes)))[:, np.repeat(np.arange(len(sizes)), sizes)]
    flat = np.concatenate([part.ravel() for part in (*layers, features)])
    return flat, np.repeat(np.eye(len(sizes)), sizes, axis=1)


@settings(max_examples=25)
@given(class_sizes, log_decays, seeds())
def test_the_predicted_collapse_has_no_gradient_and_the_sum_of_the_scalar_minima(sizes, logs, seed):
    decays, rng = np.exp(logs), np.random.default_rng(seed)
    flat, targets = predicted_point(sizes, decays, rng)
    value, gradient = dang.objective(flat, targets, decays)
    minimum = dang.solution(sizes, decays)[1]
    np.testing.assert_allclose(value, minimum, rtol=1e-10)
    assert abs(gradient).max() < 1e-8
    for scale in (1e-3, 0.1, 1.0):  # also far away nothing is lower
        moved = flat + scale * rng.normal(size=(10, flat.size))
        assert min(dang.objective(point, targets, decays)[0] for point in moved) >= minimum * (1 - 1e-12)


@settings(max_examples=25)
@given(st.integers(1, 30), st.integers(0, 60), log_decays)
def test_scalar_minima_are_those_of_a_search(size, others, logs):
    decays = np.exp(logs)
    power, total = len(decays), size + others
    penalty = (size * np.prod(decays)) ** (1 / power)

    def value(s):
        return size / (2 * total) * (s - 1) ** 2 + power / 2 * penalty * s ** (2 / power)

    grid = np.linspace(0, 1, 2001)
    near = grid[np.argmin(value(grid))]
    found = minimize_scalar(
        value, bounds=(max(near - 1e-3, 0), min(near + 1e-3, 1)), method="bounded", options={"xatol": 1e-10}
    )
    s, minimum = dang.scalar_minimum(size, total, decays)
    assert value(s) == pytest.approx(minimum, rel=1e-14)
    assert minimum <= min(found.fun, value(0.0)) * (1 + 1e-12)
    if power == 2:
        assert s == pytest.approx(max(0.0, 1 - total * np.sqrt(np.prod(decays) / size)), abs=1e-12)


@settings(max_examples=10)
@given(class_sizes, log_decays, seeds())
def test_the_gradient_is_that_of_differences(sizes, logs, seed):
    decays, rng = np.exp(logs), np.random.default_rng(seed)
    flat, targets = predicted_point(sizes, decays, rng)
    flat = flat + rng.normal(size=flat.size)
    way = rng.normal(size=flat.size) / np.sqrt(flat.size)
    ahead, behind = (dang.objective(flat + step * way, targets, decays)[0] for step in (1e-4, -1e-4))
    assert dang.objective(flat, targets, decays)[1] @ way == pytest.approx((ahead - behind) / 2e-4, rel=1e-5, abs=1e-6)


def test_a_class_vanishes_exactly_at_the_threshold_and_one_class_alone_is_allowed():
    sizes, decays = np.array([8, 2]), np.array([0.1, 0.2])  # N^2 lw lh = 2
    np.testing.assert_allclose(dang.solution(sizes, decays)[0], [0.5, 0.0], atol=1e-12)
    s, minimum, rows, columns = dang.solution(np.array([1]), np.array([0.25, 0.25]))
    np.testing.assert_allclose([s[0], minimum, rows[0], columns[0]], [0.75, 0.03125 + 0.1875, 3**0.5 / 2, 3**0.5 / 2])


labelled = st.lists(st.integers(2, 7), min_size=1, max_size=4).map(lambda sizes: np.repeat(np.arange(len(sizes)), sizes))
temperatures = st.floats(0.1, 2)


def written_out(h, labels, tau):
    """The supervised contrastive loss by its definition, sample by sample."""
    total = 0.0
    for i, own in enumerate(labels):
        others = [j for j in range(len(labels)) if j != i]
        positives = [j for j in others if labels[j] == own]
        for j in positives:
            total += np.log(sum(np.exp((h[i] @ h[k] - h[i] @ h[j]) / tau) for k in others)) / len(positives)
    return total


@settings(max_examples=15)
@given(labelled, temperatures, seeds())
def test_the_contrastive_loss_is_its_definition_does_not_see_rotations_and_has_this_gradient(labels, tau, seed):
    rng = np.random.default_rng(seed)
    h = kini.features(rng.normal(size=(len(labels), 5)), positive=False)
    loss, gradient = kini.contrastive_loss(h, labels, tau)
    assert loss == pytest.approx(written_out(h, labels, tau), rel=1e-12)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    assert kini.contrastive_loss(h @ turn, labels, tau)[0] == pytest.approx(loss, rel=1e-12)
    way = rng.normal(size=h.shape)
    ahead, behind = (kini.contrastive_loss(h + step * way, labels, tau)[0] for step in (1e-5, -1e-5))
    assert (gradient * way).sum() == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-5)


@settings(max_examples=25)
@given(labelled, temperatures, seeds(), st.booleans())
def test_every_orthogonal_frame_has_the_least_loss_and_no_features_without_signs_are_below(labels, tau, seed, near):
    rng = np.random.default_rng(seed)
    sizes = np.bincount(labels)
    frame = np.linalg.qr(rng.normal(size=(6, len(sizes))))[0].T[labels]  # of any sign: the loss sees angles only
    least = kini.least_loss(sizes, tau)
    assert kini.contrastive_loss(frame, labels, tau)[0] == pytest.approx(least, rel=1e-12)
    v = rng.normal(size=frame.shape) + (10 * np.eye(6)[labels] if near else 0)
    assert kini.contrastive_loss(kini.features(v, positive=True), labels, tau)[0] >= least * (1 - 1e-12)


def test_equal_features_of_two_samples_are_one_class_collapsed():
    cosines, spread = kini.geometry(np.ones((2, 3)), np.array([0, 0]))
    assert cosines == pytest.approx(1.0)
    assert spread == 0
    assert kini.contrastive_loss(np.ones((2, 1)), np.array([0, 0]), 0.5)[0] == 0  # one positive, nothing else


@settings(max_examples=10)
@given(seeds(), st.sampled_from(("ridge", "fixed", "turning")), st.sampled_from((0.0, 0.1, 3.0)), st.integers(1, 6))
def test_features_of_a_class_never_part_along_the_flow(seed, kind, decay, dim):
    flow = tirer.Flow(np.random.default_rng(seed), kind, decay, 5, dim, None)
    h = flow.start
    for _ in range(10):
        after = flow.step(h)
        (within, between), (within_after, between_after) = tirer.spreads(h), tirer.spreads(after)
        assert (within_after <= within * (1 + 1e-10)).all()
        if kind == "ridge":
            assert (within_after / between_after <= within / between * (1 + 1e-10)).all()
        h = after


@settings(max_examples=10)
@given(seeds(), st.integers(2, 6))
def test_what_the_weights_do_not_see_is_left_alone_and_collapsed_features_stay_collapsed(seed, dim):
    flow = tirer.Flow(np.random.default_rng(seed), "fixed", 0.0, 3, dim, None)
    flow.random[:, :, -1] = 0  # rank-deficient: without decay, strictly less holds only off this kernel
    h, after = flow.start, flow.step(flow.start)
    np.testing.assert_array_equal(after[:, -1], h[:, -1])
    collapsed = np.repeat(h[:, :, :: tirer.EACH], tirer.EACH, axis=2)
    assert (tirer.spreads(flow.step(collapsed))[0] <= 1e-28 * (1 + abs(h).max()) ** 2).all()


@settings(max_examples=10)
@given(seeds(), st.integers(1, 6))
def test_spreads_are_sums_over_samples_and_the_optimal_weights_are_stationary(seed, dim):
    flow = tirer.Flow(np.random.default_rng(seed), "ridge", 0.0, 2, dim, None)
    w = flow.weights(flow.start)
    residual = w @ flow.start - tirer.TARGETS
    np.testing.assert_allclose(residual @ flow.start.swapaxes(1, 2), -flow.ridge * w, atol=1e-9)
    for h, within, between, whitened in zip(
        flow.start, *tirer.spreads(flow.start), tirer.whitened_spread(flow.start), strict=True
    ):
        groups = np.split(h, tirer.CLASSES, axis=1)
        middles = np.stack([group.mean(axis=1) for group in groups])
        assert within == pytest.approx(np.mean([group.var(axis=1).sum() for group in groups]), rel=1e-10)
        assert between == pytest.approx(middles.var(axis=0).sum(), rel=1e-10)
        if dim == 1:
            assert whitened == pytest.approx(within / between, rel=1e-9)


def loss(params, x, y):
    """Of a two-layer ReLU network, with the bias among the hidden weights."""
    return jnp.mean((jax.nn.relu(x @ params[0].T) @ params[1] - y) ** 2)


gradient, hessian = jax.jit(jax.grad(loss)), jax.jit(jax.hessian(loss))


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(1, 20), seeds())
def test_gradients_are_at_least_what_the_output_asks_and_a_balanced_network_has_the_least_trace(d, units, n, seed):
    rng = np.random.default_rng(seed)
    hidden, outer = rng.normal(size=(units, d + 1)), rng.normal(size=units)
    x = sharpness.cube(rng.integers(2**d, size=n), d)
    for net in ((hidden, outer), (hidden, np.zeros(units)), (np.zeros_like(hidden), outer)):
        squared = sharpness.squared_gradients(net, x)
        assert (squared >= 2 * (d + 1) ** 0.5 * abs(sharpness.output(net, x)) * (1 - 1e-12)).all()
    # Balancing each unit's input on the data against its output weight leaves the function and lowers the trace.
    before = np.maximum(x @ hidden.T, 0)
    share = np.sqrt((before**2).sum(axis=0)), np.abs(outer) * np.sqrt((d + 1) * (before > 0).sum(axis=0))
    factor = np.sqrt(np.divide(share[1], share[0], out=np.ones(units), where=share[0] > 0))
    balanced = hidden * factor[:, None], outer / factor
    np.testing.assert_allclose(sharpness.output(balanced, x), sharpness.output((hidden, outer), x), atol=1e-10)
    traces = [sharpness.squared_gradients(net, x).sum() for net in (balanced, (hidden, outer))]
    assert traces[0] <= traces[1] * (1 + 1e-12)


@settings(max_examples=8)
@given(st.integers(1, 8), st.booleans(), seeds())
def test_traces_are_those_of_the_dense_hessian(n, interpolates, seed):
    rng = np.random.default_rng(seed)
    x = sharpness.cube(np.resize(rng.choice(16, n, replace=False), 8), 4)  # equal inputs, so that there is one shape
    y = x[:, 0] * x[:, 1]
    net = wen.generalising(4, 5**0.25) if interpolates else (rng.normal(size=(4, 5)), rng.normal(size=4))
    dense = hessian(net, x, y)
    diagonal = np.concatenate([np.einsum("abab->ab", dense[0][0]).ravel(), np.diag(dense[1][1])])
    assert diagonal.sum() == pytest.approx(2 * sharpness.squared_gradients(net, x).mean(), rel=1e-10)
    if interpolates:
        np.testing.assert_allclose(sharpness.second_differences(net, x, y), diagonal, atol=1e-10)
        assert diagonal.sum() == pytest.approx(4 * 5**0.5, rel=1e-12)


@settings(max_examples=10)
@given(st.integers(2, 10), seeds())
def test_the_memorising_network_is_right_on_its_samples_alone_and_the_generalising_one_everywhere(d, seed):
    rng = np.random.default_rng(seed)
    samples, all_inputs = rng.choice(2**d, rng.integers(1, 2**d + 1), replace=False), sharpness.cube(np.arange(2**d), d)
    y = all_inputs[:, 0] * all_inputs[:, 1]
    memory = sharpness.output(wen.memorising(sharpness.cube(samples, d), (d + 1) ** 0.25), all_inputs)
    known = np.isin(np.arange(2**d), samples)
    np.testing.assert_allclose(memory, np.where(known, y, 0.0), atol=1e-13)
    np.testing.assert_allclose(sharpness.output(wen.generalising(d, (d + 1) ** 0.25), all_inputs), y, atol=1e-13)


@pytest.mark.parametrize("radius", [0.0, 0.1])
def test_descent_takes_gradients_up_the_normalised_gradient(radius):
    rng, key = np.random.default_rng(3), jax.random.key(0)
    x = sharpness.cube(np.array([5, 2, 7]), 3)
    hidden, outer = rng.normal(size=(4, 6)), rng.normal(size=6)
    found = sharpness.descend(
        key, jnp.asarray(hidden)[None], jnp.asarray(outer)[None], jnp.asarray(x)[None], jnp.asarray(radius), jnp.int32(3)
    )
    params = hidden.T, outer
    for step in range(3):
        i = int(jax.random.randint(jax.random.fold_in(key, step), (1,), 0, 3)[0])
        own = x[i : i + 1], x[i : i + 1, 0] * x[i : i + 1, 1]
        way = gradient(params, *own)
        norm = np.sqrt(sum((np.asarray(part) ** 2).sum() for part in way))
        up = tuple(np.asarray(part) + radius * np.asarray(more) / norm for part, more in zip(params, way, strict=True))
        slope = gradient(up, *own)
        params = tuple(np.asarray(part) - sharpness.RATE * np.asarray(more) for part, more in zip(params, slope, strict=True))
    np.testing.assert_allclose(found[0][0], params[0].T, rtol=1e-10)
    np.testing.assert_allclose(found[1][0], params[1], rtol=1e-10)


@settings(max_examples=15)
@given(st.integers(1, 3), st.floats(0, 2), st.floats(0, 2), seeds())
def test_the_worst_loss_grows_with_the_radius_and_is_never_below_the_loss(count, radius, more, seed):
    rng = np.random.default_rng(seed)
    wells = zheng.Wells(rng.normal(size=(count, 2)), rng.uniform(0, 2, size=count), rng.uniform(0.1, 2, size=count))
    point = rng.normal(size=2)
    here = float(wells.loss(point[None])[0])
    assert wells.worst(point, 0.0) == pytest.approx(here, rel=1e-14)
    assert wells.worst(point, radius) >= here - 1e-14
    # Points of the larger disc are a ring or an angle away from those of the smaller one.
    steepest = float((wells.depths / wells.widths).sum())
    assert wells.worst(point, radius + more) >= wells.worst(point, radius) - steepest * (radius + more) * (0.1 + np.pi / 48)
    single = zheng.Wells(wells.centres[:1], wells.depths[:1], wells.widths[:1])
    assert single.worst(point, radius + more) >= single.worst(point, radius) - 1e-14


@settings(max_examples=15)
@given(st.floats(0.1, 1), st.floats(0.3, 1.5), seeds())
def test_the_worst_loss_in_a_well_is_that_at_the_far_side(radius, width, seed):
    rng = np.random.default_rng(seed)
    well, point = zheng.Wells(np.zeros((1, 2)), np.array([1.0]), np.array([width])), rng.normal(size=2)
    far = -np.exp(-((np.linalg.norm(point) + radius) ** 2) / (2 * width**2))
    near = -np.exp(-((np.linalg.norm(point) + radius * np.cos(np.pi / 48)) ** 2) / (2 * width**2))
    assert near - 1e-12 <= well.worst(point, radius) <= far + 1e-12


def test_a_well_without_depth_is_flat():
    well = zheng.Wells(np.zeros((1, 2)), np.zeros(1), np.ones(1))
    assert zheng.least_worst(well, 0.5, np.array([0.3, 0.1]))[1] == 0
