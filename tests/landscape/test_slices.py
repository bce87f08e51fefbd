"""Slices: values where they belong, whatever the order of work; what is kept, resumed and refused."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from ntkit.landscape import (
    AffineFirst,
    SumOfParts,
    direction_pair,
    filter_normalized,
    gaussian,
    interpolate,
    slice_1d,
    slice_2d,
)
from ntkit.strategies import seeds
from tests.landscape.models import case, cross_entropy, outputs, perceptron

KEY = jax.random.key(0)
LOSS, PARAMS = case()
WAY = filter_normalized(KEY, PARAMS)


def at(params, *terms):
    for share, way in terms:
        params = jax.tree.map(lambda leaf, step, share=share: leaf + share * step, params, way.tree)
    return float(LOSS(params))


@pytest.mark.parametrize("points", [1, 2, 16, 17, 35])
@pytest.mark.parametrize("chunk", [None, 5])
def test_lines_are_the_loss_at_every_point(points, chunk):
    grid = np.linspace(-1, 1.5, points)
    line = slice_1d(LOSS, PARAMS, WAY, grid, chunk=chunk)
    np.testing.assert_allclose(line.values, [at(PARAMS, (a, WAY)) for a in grid], rtol=1e-13)
    np.testing.assert_allclose(line.centre, LOSS(PARAMS), rtol=1e-13)


def test_planes_have_the_first_direction_along_the_first_axis():
    pair = direction_pair(KEY, PARAMS)
    first, second = [-1.0, 0.5], [-0.25, 0.0, 2.0]
    metrics = {"norm": lambda params: sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(params))}
    plane = slice_2d(LOSS, PARAMS, pair.first, pair.second, first, second, metrics=metrics)
    expected = [[at(PARAMS, (a, pair.first), (b, pair.second)) for b in second] for a in first]
    np.testing.assert_allclose(plane.values, expected, rtol=1e-13)
    assert plane.metrics["norm"].shape == (2, 3)
    assert plane.cosine == pytest.approx(pair.cosine)
    assert f"cosine of the two directions is {pair.cosine:.3g}" in str(plane)


@given(seeds())
@settings(max_examples=10)
def test_turning_a_direction_round_mirrors_the_curve(seed):
    way, grid = gaussian(jax.random.key(seed), PARAMS), np.linspace(-1, 1, 5)
    line, mirrored = (slice_1d(LOSS, PARAMS, one, grid).values for one in (way, -1 * way))
    np.testing.assert_allclose(line, mirrored[::-1], rtol=1e-13)


def test_permuting_hidden_units_with_the_direction_changes_nothing():
    order = np.asarray([2, 0, 3, 1])

    def permuted(layers):
        first, last = layers
        return [{name: leaf[..., order] for name, leaf in first.items()}, {**last, "weights": last["weights"][order]}]

    grid = np.linspace(-1, 1, 5)
    line = slice_1d(LOSS, PARAMS, WAY, grid).values
    np.testing.assert_allclose(slice_1d(LOSS, permuted(PARAMS), permuted(WAY.tree), grid).values, line, rtol=1e-12)


@pytest.mark.parametrize("parts", [1, 4])
def test_sums_of_parts_are_the_loss_on_all_data(parts):
    rng = np.random.default_rng(1)
    x, labels = jnp.asarray(rng.normal(size=(12, 3))), jnp.asarray(rng.integers(0, 2, 12))
    params = perceptron(rng, (3, 4, 2))
    whole = slice_1d(lambda p: cross_entropy(outputs(p, x), labels), params, WAY, [-1.0, 0.5]).values
    data = x.reshape(parts, -1, 3), labels.reshape(parts, -1)
    loss = SumOfParts(lambda p, part: cross_entropy(outputs(p, part[0]), part[1]), data)
    np.testing.assert_allclose(slice_1d(loss, params, WAY, [-1.0, 0.5]).values, whole, rtol=1e-13)


def test_a_first_layer_that_is_affine_is_computed_once():
    x, labels = jnp.asarray(np.random.default_rng(2).normal(size=(8, 3))), jnp.zeros(8, int)
    calls = []

    def first(params):
        calls.append(params)
        return jnp.matmul(x, params[0]["weights"]) + params[0]["bias"][None]

    def rest(z, params):
        return cross_entropy(jnp.matmul(jnp.tanh(z), params[1]["weights"]) + params[1]["bias"][None], labels)

    loss = AffineFirst(first, rest)
    pair = direction_pair(KEY, PARAMS)
    grids = np.linspace(-1, 1, 7), np.linspace(-2, 1, 4)
    plain = slice_2d(lambda params: loss(params), PARAMS, pair.first, pair.second, *grids)
    calls.clear()
    fast = slice_2d(loss, PARAMS, pair.first, pair.second, *grids)
    np.testing.assert_allclose(fast.values, plain.values, rtol=1e-12)
    assert len(calls) < 10
    with pytest.raises(ValueError, match=r"first must be affine in the parameters, got .* from being so"):
        slice_1d(AffineFirst(lambda params: first(params) ** 2, rest), PARAMS, pair.first, [0.0])


def test_interpolation_ends_at_both_points():
    others = perceptron(np.random.default_rng(5), (3, 4, 2))
    line = interpolate(LOSS, PARAMS, others, [0.0, 0.5, 1.0])
    np.testing.assert_allclose(line.values[[0, 2]], [LOSS(PARAMS), LOSS(others)], rtol=1e-12)
    assert "from one solution to another" in str(line)


def test_points_without_a_loss_are_kept_counted_and_said():
    line = slice_1d(lambda w: jnp.log(w[0]), jnp.ones(1), jnp.ones(1), [-2.0, -1.0, 1.0])
    assert np.isnan(line.values[0])
    assert line.values[1] == -np.inf
    assert line.nonfinite == 2
    assert "At 2 of 3 points the loss is NaN or infinite." in str(line)
    assert "The grid does not have the parameters themselves, where the loss is 0." in str(line)


def test_dtype_is_that_of_the_parameters():
    loss, params = case(dtype=np.float32)
    line = slice_1d(loss, params, gaussian(KEY, params), [0.0, 1.0])
    assert line.values.dtype == np.float32
    assert "Losses are computed in float32." in str(line)


def test_an_interrupted_plane_goes_on_where_it_was(tmp_path):
    path, grid = tmp_path / "plane.npz", np.linspace(-1, 1, 6)
    pair = direction_pair(KEY, PARAMS)
    told = []

    def interrupted(done, total):
        told.append((done, total))
        if done == 18:
            raise KeyboardInterrupt

    args = (LOSS, PARAMS, pair.first, pair.second, grid, grid)
    with pytest.raises(KeyboardInterrupt):
        slice_2d(*args, resume=path, progress=interrupted)
    assert told == [(6, 36), (12, 36), (18, 36)]
    told.clear()
    plane = slice_2d(*args, resume=path, progress=lambda *counts: told.append(counts))
    assert told == [(24, 36), (30, 36), (36, 36)]
    np.testing.assert_array_equal(plane.values, slice_2d(*args).values)
    slice_2d(*args, resume=path, progress=lambda *_: pytest.fail("all is there"))
    assert [file.name for file in tmp_path.iterdir()] == ["plane.npz"]


def test_progress_counts_the_points_of_the_grid():
    told = []
    slice_1d(LOSS, PARAMS, WAY, np.linspace(0, 1, 20), progress=lambda *counts: told.append(counts))
    assert told == [(16, 20), (20, 20)]


def test_where_progress_fails_the_rest_is_not_computed():
    def failing(done, total):
        raise OSError("no space left")

    counted = []

    def loss(w):
        jax.debug.callback(lambda value: (counted.append(value), time.sleep(0.005)), jnp.sum(w))
        return jnp.sum(w)

    with pytest.raises(OSError, match="no space left") as caught:  # whose traceback keeps what was being done
        slice_2d(loss, jnp.ones(2), jnp.ones(2), jnp.ones(2), np.arange(100.0), np.arange(3.0), progress=failing)
    time.sleep(1)
    assert caught.value.args
    assert len(counted) < 60


def test_a_file_of_another_slice_is_refused(tmp_path):
    path = tmp_path / "line.npz"
    slice_1d(LOSS, PARAMS, WAY, [0.0, 1.0], resume=path)
    moved = jax.tree.map(lambda leaf: leaf + 1, PARAMS)
    for given_, message in (
        ((LOSS, PARAMS, WAY, [0.0, 2.0]), "another grid$"),
        ((LOSS, PARAMS, -1 * WAY, [0.0, 1.0]), "another direction$"),
        ((LOSS, moved, WAY, [0.0, 1.0]), "another params, another loss, which was .* at the centre and is .*"),
        ((lambda params: 2 * LOSS(params), PARAMS, WAY, [0.0, 1.0]), "another loss, which was"),
    ):
        with pytest.raises(ValueError, match=rf"resume must name a file of the same slice, got .*line.npz with {message}"):
            slice_1d(*given_, resume=path)
    with pytest.raises(ValueError, match="another functions"):
        slice_1d(LOSS, PARAMS, WAY, [0.0, 1.0], metrics={"more": LOSS}, resume=path)
    whole = path.read_bytes()
    np.save(tmp_path / "one.npy", np.ones(1))
    for content in (b"not a file of arrays", b"", whole[: len(whole) // 2], (tmp_path / "one.npy").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"resume must name a file that a slice wrote, or none, got .*line.npz"):
            slice_1d(LOSS, PARAMS, WAY, [0.0, 1.0], resume=path)
    np.savez(path, other=np.ones(1))
    with pytest.raises(ValueError, match=r"resume must name a file that this slice wrote, got .* without .*'centre'"):
        slice_1d(LOSS, PARAMS, WAY, [0.0, 1.0], resume=path)


class Flickering:
    """A loss that changes, as with dropout that has no key."""

    count = 0

    def __call__(self, params):
        self.count += 1
        return jnp.sum(params) + self.count


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"grid": []}, r"grid must be a row of at least one number, got shape \(0,\)"),
        ({"grid": [0.0, np.nan]}, "grid must be finite and increase"),
        ({"grid": [0.0, 0.0]}, "grid must be finite and increase"),
        ({"direction": jnp.ones(2)}, r"direction must be float64\[3\], as in params, got float64\[2\]"),
        ({"direction": [jnp.ones(3)]}, "direction must have the structure of params"),
        ({"direction": jnp.ones(3, np.float32)}, r"direction must be float64\[3\], as in params, got float32\[3\]"),
        ({"direction": jnp.asarray([1.0, 2.0, np.inf])}, "direction must be finite"),
        ({"params": jnp.arange(3)}, "params must be an array of floating point numbers, got int64"),
        ({"params": {}}, "params must have at least one array"),
        ({"loss": lambda w: w}, "loss must return one floating point number, got ShapeDtypeStruct"),
        ({"loss": lambda w: (w.sum(), w)}, "loss must return one floating point number"),
        (
            {"loss": Flickering()},
            "loss must be deterministic, got .* and then .*: fix the data's order and the keys of dropout",
        ),
        ({"metrics": {"loss": jnp.sum}}, "metrics must have other names than 'loss'"),
        ({"metrics": {"sign": lambda w: jnp.int32(1)}}, r"metrics\['sign'\] must return one floating point number"),
        ({"chunk": 0}, "chunk must be at least 1, got 0"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_bad_arguments_are_refused(given_, message):
    arguments = {"loss": jnp.sum, "params": jnp.ones(3), "direction": jnp.ones(3), "grid": [0.0, 1.0]} | given_
    with pytest.raises(ValueError, match=message):
        slice_1d(**arguments)


@pytest.mark.usefixtures("without_type_checks")
def test_double_precision_where_there_is_none_is_refused():
    params = np.ones(3)
    with jax.enable_x64(False), pytest.raises(ValueError, match="params must be float32 while JAX is in single precision"):
        slice_1d(jnp.sum, params, params, [0.0])


@pytest.mark.parametrize(
    ("parts", "weights", "message"),
    [
        ({}, None, r"parts must be arrays with the same number of parts, at least 1, along axis 0, got \[\]"),
        ([np.ones(2), np.ones(3)], None, r"got \[2, 3\]"),
        (np.ones((0, 2)), None, r"got \[0\]"),
        (np.ones(2), [1.0], "weights must be 2 finite numbers, one for each part, got"),
        (np.ones(2), [1.0, np.nan], "weights must be 2 finite numbers"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_bad_parts_are_refused(parts, weights, message):
    with pytest.raises(ValueError, match=message):
        SumOfParts(lambda params, part: params.sum() * part.sum(), parts, weights)
