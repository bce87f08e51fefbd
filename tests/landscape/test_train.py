"""Trainers against optax and against loops written out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ntkit.landscape import Adam, Descent, train
from tests.landscape.models import case, cross_entropy, outputs, perceptron

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def by_optax(loss, params, transform, steps):
    state = transform.init(params)
    for _ in range(steps):
        with jax.numpy_dtype_promotion("standard"):  # optax counts in integers
            updates, state = transform.update(jax.grad(loss)(params), state, params)
            params = optax.apply_updates(params, updates)
    return params


@pytest.mark.parametrize(
    ("method", "peer"),
    [
        (Descent(0.3), optax.sgd(0.3)),
        (Descent(0.1, momentum=0.9), optax.sgd(0.1, momentum=0.9)),
        (Descent(0.1, decay=0.2), optax.chain(optax.add_decayed_weights(0.2), optax.sgd(0.1))),
        (Adam(0.01, beta1=0.8, beta2=0.95, epsilon=1e-6), optax.adam(0.01, 0.8, 0.95, 1e-6)),
    ],
    ids=["descent", "momentum", "decay", "adam"],
)
def test_methods_are_those_of_optax(method, peer):
    loss, params = case()
    found = train(loss, params, method, 7)
    expected = by_optax(loss, params, peer, 7)
    for one, other in zip(jax.tree.leaves(found.params), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    assert found.losses[0] == pytest.approx(float(loss(params)), rel=1e-12)
    assert not found.diverged
    assert found.points is None


def test_sharpness_aware_steps_take_the_gradient_uphill():
    loss, params = case()
    found = train(loss, params, Descent(0.1), 3, radius=0.2).params
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    for _ in range(3):
        g = jax.flatten_util.ravel_pytree(jax.grad(loss)(unravel(flat)))[0]
        up = jax.grad(loss)(unravel(flat + 0.2 * g / jnp.linalg.norm(g)))
        flat = flat - 0.1 * jax.flatten_util.ravel_pytree(up)[0]
    np.testing.assert_allclose(jax.flatten_util.ravel_pytree(found)[0], flat, rtol=1e-12)


def test_batches_take_all_samples_of_an_epoch_once_and_leave_out_what_is_over():
    data = jnp.arange(7.0)
    seen = train(lambda w, x: (w - x[0]) ** 2 + 0 * x.sum(), jnp.array(0.0), Descent(0.0), 14, data=data, batch=1, key=KEY)
    for epoch in (seen.losses[:7], seen.losses[7:]):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(7.0) ** 2)
    assert not np.array_equal(seen.losses[:7], seen.losses[7:])  # another order
    pairs = train(lambda w, x: x.sum() + 0 * w, jnp.array(0.0), Descent(0.0), 3, data=data, batch=2, key=KEY).losses
    assert pairs.sum() in {21.0 - left for left in data.tolist()}


def test_all_data_at_once_is_a_loss_of_the_parameters_alone():
    rng = np.random.default_rng(0)
    x, labels, params = jnp.asarray(rng.normal(size=(9, 3))), jnp.asarray(rng.integers(0, 2, 9)), perceptron(rng, (3, 4, 2))

    def loss(params, part):
        return cross_entropy(outputs(params, part[0]), part[1])

    whole = train(lambda p: loss(p, (x, labels)), params, Descent(0.1), 4).losses
    np.testing.assert_allclose(train(loss, params, Descent(0.1), 4, data=(x, labels)).losses, whole, rtol=1e-12)
    in_one = train(loss, params, Descent(0.1), 4, data=(x, labels), batch=9, key=KEY).losses
    np.testing.assert_allclose(in_one, whole, rtol=1e-12)


def test_points_are_kept_from_start_to_end():
    loss, params = case()
    found = train(loss, params, Adam(0.01), 6, keep=2)
    ends = [train(loss, params, Adam(0.01), steps).params for steps in (2, 4, 6)]
    for kept, start, *others in zip(*map(jax.tree.leaves, (found.points, params, *ends)), strict=True):
        np.testing.assert_allclose(kept, np.stack([start, *others]), rtol=1e-12)


def test_divergence_is_kept_and_said():
    found = train(lambda w: w**4, jnp.array(10.0), Descent(1.0), 20)
    assert found.diverged
    assert not np.isfinite(found.losses[-1])


def test_numbers_of_numpy_leave_the_dtype_as_it_is():
    start = jnp.ones(2, jnp.float32)
    for method in (Descent(np.float64(0.1)), Adam(np.float64(0.1))):
        assert train(lambda w: (w**2).sum(), start, method, 2, radius=np.float64(0.1)).params.dtype == jnp.float32


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (Descent(float("nan")), "rate of Descent must be at least 0 and finite, got nan"),
        (Descent(0.1, momentum=1.5), r"momentum of Descent must be at least 0 and below 1, got 1\.5"),
        (Adam(0.1, beta2=1.0), r"beta2 of Adam must be at least 0 and below 1, got 1\.0"),
    ],
)
def test_numbers_of_methods_are_checked(method, said):
    with pytest.raises(ValueError, match=said):
        train(lambda w: w**2, jnp.array(1.0), method, 1)
    with pytest.raises(ValueError, match="loss must return one floating point number, got"):
        train(lambda w: w, jnp.ones(2), Descent(0.1), 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"keep": 3}, "keep must divide steps, 4, got 3"),
        ({"radius": -1.0}, "radius must be at least 0 and finite, got -1.0"),
        ({"batch": 2}, "data must be arrays with the same number of samples along axis 0 for batches, got \\[\\]"),
        ({"data": jnp.zeros(3), "batch": 4, "key": KEY}, "batch must be from 1 to the number of samples, 3, got 4"),
        ({"data": jnp.zeros(3), "batch": 2}, "key must be given for batches, got None"),
        ({"params": jnp.array(1)}, "params must be an array of floating point numbers, got int"),
    ],
)
def test_what_is_wrong_is_said(changed, said):
    given = {"params": jnp.array(1.0), "steps": 4} | changed
    with pytest.raises(ValueError, match=said):
        train(lambda w, *_: w**2, given.pop("params"), Descent(0.1), given.pop("steps"), **given)
