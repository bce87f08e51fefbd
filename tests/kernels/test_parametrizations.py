"""NTK, standard and maximal-update parametrisation: the same networks, trained at different speeds layer by layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import Conv, Dense, Elementwise, Flatten, GlobalAvgPool, Relu, Weights, residual, serial

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)
TANH = Elementwise(jnp.tanh)
NETS = {  # name -> network, shape of an input
    "dense": (serial(Dense(1.5, 0.3), TANH, Dense(1.2, 0.1), TANH, Dense(0.7)), (5,)),
    "one hidden layer": (serial(Dense(), Relu(), Dense(2**0.5)), (5,)),
    "convolutions": (serial(Conv(3, w_std=1.3, b_std=0.2), TANH, Conv(2), TANH, GlobalAvgPool(), Dense(1.1)), (6, 2)),
    "flattened": (serial(Conv(3), TANH, Conv(2), TANH, Flatten(), Dense()), (6, 2)),
    "residual": (serial(Dense(), residual(TANH, Dense(0.8, 0.2)), TANH, Dense()), (5,)),
}
NETWORKS = pytest.mark.parametrize(("net", "shape"), NETS.values(), ids=NETS)
WIDTH = 7


def inputs(shape, count=4):
    return np.random.default_rng(1).normal(size=(count, *shape))


def layers(params):
    """The weights of all layers, those within branches too."""
    return [leaf for leaf in jax.tree.leaves(params, is_leaf=lambda p: isinstance(p, Weights)) if isinstance(leaf, Weights)]


def trained(net, params, x, rates, scale=1.0, steps=3):
    """Outputs after some steps of gradient descent on the squared loss; `rates` is one per parameter, or one for all."""
    y = jnp.linspace(-1.0, 1.0, len(x))
    if not isinstance(rates, list):
        rates = [rates] * len(jax.tree.leaves(params))

    @jax.jit
    def step(params):
        gradient = jax.grad(lambda p: jnp.mean((scale * net.apply(p, x)[:, 0] - y) ** 2) / 2)(params)
        leaves, structure = jax.tree.flatten(params)
        moved = [p - rate * g for p, rate, g in zip(leaves, rates, jax.tree.leaves(gradient), strict=True)]
        return jax.tree.unflatten(structure, moved)

    for _ in range(steps):
        params = step(params)
    return scale * net.apply(params, x)


@NETWORKS
def test_one_key_is_one_function_in_ntk_and_standard_parametrisation(net, shape):
    x = inputs(shape)
    ntk, standard = (net.apply(net.init(KEY, shape, WIDTH, 2, parametrization=p), x) for p in ("ntk", "standard"))
    np.testing.assert_allclose(standard, ntk, rtol=1e-13, atol=1e-14)


@NETWORKS
def test_maximal_update_begins_with_outputs_smaller_by_the_root_of_the_width(net, shape):
    x = inputs(shape)
    ntk, mup = (net.apply(net.init(KEY, shape, WIDTH, 2, parametrization=p), x) for p in ("ntk", "mup"))
    np.testing.assert_allclose(mup * WIDTH**0.5, ntk, rtol=1e-13, atol=1e-14)


def test_a_bias_of_the_last_layer_is_not_made_smaller():
    net = serial(Dense(), TANH, Dense(1.0, 0.5))
    zero = jnp.zeros((1, 5))
    biases = [net.apply(net.init(KEY, (5,), 100, parametrization=p), zero) for p in ("ntk", "standard", "mup")]
    np.testing.assert_allclose(biases[1:], biases[:1] * 2, rtol=1e-13)
    assert abs(biases[0].item()) > 0.01


@pytest.mark.parametrize("parametrization", ["ntk", "standard", "mup"])
def test_a_linear_model_is_the_same_in_ntk_parametrisation_and_maximal_update(parametrization):
    (layer,) = serial(Dense(1.5)).init(KEY, (6,), WIDTH, 2, parametrization=parametrization)
    assert layer.w_scale == (1.0 if parametrization == "standard" else 1.5 / 6**0.5)


def test_second_moments_of_outputs_are_those_of_the_kernel():
    net, x, names = serial(Dense(1.3), Relu(), Dense(2**0.5)), inputs((5,), count=2), ("ntk", "standard", "mup")

    @jax.jit
    @jax.vmap
    def draw(key):
        return jnp.stack([net.apply(net.init(key, (5,), 9, parametrization=name), x)[:, 0] for name in names])

    squares = np.asarray(draw(jax.random.split(KEY, 20_000))) ** 2
    expected = np.array([1, 1, 1 / 9])[:, None] * np.diag(net.nngp(x))
    # Ten thousand seeds pass 4.5 standard errors once; these are below 2 %.
    error = squares.std(0) / len(squares) ** 0.5
    assert (np.abs(squares.mean(0) - expected) <= 4.5 * error).all()
    assert (error < 0.02 * expected).all()


@pytest.mark.parametrize(
    ("parametrization", "sizes", "rates"),
    [  # of what acts on a layer's inputs: standard deviations, and learning rates relative to the one for all parameters
        ("ntk", lambda n: (5**-0.5, n**-0.5, n**-0.5), lambda n: (1 / 5, 1 / n, 1 / n)),
        ("standard", lambda n: (5**-0.5, n**-0.5, n**-0.5), lambda n: (1, 1, 1)),
        ("mup", lambda n: (5**-0.5, n**-0.5, 1 / n), lambda n: (n / 5, 1, 1 / n)),
    ],
)
def test_sizes_and_learning_rates_are_those_of_the_parametrisation(parametrization, sizes, rates):
    net, x, n = serial(Dense(), TANH, Dense(), TANH, Dense()), inputs((5,)), 50
    params = net.init(KEY, (5,), n, parametrization=parametrization)
    effective = [layer if layer == () else Weights(layer.w_scale * layer.w, None, 1.0, 0.0) for layer in params]
    found = [float(jnp.std(layer.w)) for layer in layers(effective)]
    # 250, 2500 and 50 numbers: four standard errors of a standard deviation are 18, 6 and 40 %.
    np.testing.assert_array_less(np.abs(np.log(np.array(found) / sizes(n))), [0.18, 0.06, 0.4])
    once = trained(net, params, x, rates=0.1)
    each = trained(net, tuple(effective), x, rates=[0.1 * rate for rate in rates(n)])
    np.testing.assert_allclose(once, each, rtol=1e-11, atol=1e-13)
    assert np.abs(once - net.apply(params, x)).max() > 1e-3


@NETWORKS
def test_maximal_update_is_ntk_parametrisation_with_small_outputs_and_a_large_learning_rate(net, shape):
    x = inputs(shape)
    ntk, mup = (net.init(KEY, shape, WIDTH, parametrization=p) for p in ("ntk", "mup"))
    small = trained(net, ntk, x, rates=0.05 * WIDTH, scale=WIDTH**-0.5)
    np.testing.assert_allclose(trained(net, mup, x, rates=0.05), small, rtol=1e-11, atol=1e-13)


@NETWORKS
def test_standard_is_ntk_parametrisation_with_learning_rates_times_the_fan_in(net, shape):
    x = inputs(shape)
    ntk, standard = (net.init(KEY, shape, WIDTH, parametrization=p) for p in ("ntk", "standard"))
    rates = [0.02 / s**2 for layer in layers(ntk) for s in (layer.w_scale, layer.b_scale)[: 1 + (layer.b is not None)]]
    np.testing.assert_allclose(trained(net, standard, x, rates=0.02), trained(net, ntk, x, rates=rates), rtol=1e-11, atol=1e-13)


def test_factors_of_convolutions_count_the_window():
    net, n = serial(Conv(3), TANH, Conv((2,)), TANH, Flatten(), Dense()), 16
    scales = {p: [layer.w_scale for layer in layers(net.init(KEY, (6, 2), n, parametrization=p))] for p in ("ntk", "mup")}
    np.testing.assert_allclose(scales["ntk"], [6**-0.5, (2 * n) ** -0.5, (3 * n) ** -0.5])
    np.testing.assert_allclose(scales["mup"], [(n / 6) ** 0.5, 2**-0.5, (3 * n) ** -0.5])


def test_hidden_biases_move_as_far_as_weights_do_under_maximal_update():
    params = NETS["dense"][0].init(KEY, (5,), 16, parametrization="mup")
    first, second, _ = layers(params)
    assert (first.b_scale, second.b_scale) == (0.3 * 4, 0.1 * 4)
    assert 0.1 < float(jnp.std(first.b)) < 0.5  # N(0, 1 / n) times b_scale: b_std in all


@pytest.mark.parametrize("name", ["dense", "convolutions"])
def test_only_maximal_update_moves_features_at_every_width(name):
    net, shape = NETS[name]
    x = inputs(shape)
    hidden = serial(*net.layers[:3])

    def movement(parametrization, width):
        params = net.init(KEY, shape, width, parametrization=parametrization)
        target = net.apply(params, x)[:, 0] + jnp.linspace(-1.0, 1.0, len(x))
        gradient = jax.grad(lambda p: jnp.mean((net.apply(p, x)[:, 0] - target) ** 2) / 2)(params)
        moved = jax.tree.map(lambda p, g: p - 0.5 * g, params, gradient)
        change = hidden.apply(moved[:3], x) - hidden.apply(params[:3], x)
        return jnp.sqrt(jnp.mean(change**2))

    narrow, wide = (jax.jit(lambda width=n: jnp.stack([movement(p, width) for p in ("ntk", "mup")]))() for n in (25, 400))
    # Sixteen times the width: NTK parametrisation moves features a quarter as far. Single networks scatter by a tenth.
    np.testing.assert_allclose(wide / narrow, [0.25, 1.0], rtol=0.4)
