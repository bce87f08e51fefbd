"""Ball arithmetic: the bounds of the formulas, rounded up once; below those of outward rounding; and what is refused."""

import sys
from fractions import Fraction
from itertools import pairwise
from math import prod

import flint
import numpy as np
import pytest

from ntkit.lipschitz import (
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    LeakyRelu,
    Network,
    Relu,
    Residual,
    Sigmoid,
    Softplus,
    Tanh,
    certified_radius,
    local_lipschitz,
    monotone_in,
)
from ntkit.lipschitz._ball import METHODS, _matrix, ball_rows
from ntkit.lipschitz._ball_relaxation import Between, Line, Lines
from ntkit.lipschitz._cells import dense
from ntkit.lipschitz._door import ask
from tests.lipschitz.test_rounding import WIDTHS, rational
from tests.oracles import lipschitz_reference as reference

KINDS = {Relu(): reference.RELU, LeakyRelu(0.2): reference.LeakyRelu(0.2), Tanh(): reference.TANH, Sigmoid(): reference.SIGMOID}


def drawn(seed, widths=(3, 5, 4, 2)):
    rng = np.random.default_rng(seed)
    layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise(widths)]
    return layers, rng.normal(size=widths[0])


def ball(net, x, radius, **options):
    return local_lipschitz(net, x, radius, arithmetic="ball", **options)


def rows_of(net, x, radius, method="lirpa", forward="both", slopes="adaptive"):
    """Of all outputs, without the lower bounds."""
    asked = ask(net, x, radius, np.inf, np.inf, None, None, "ball")
    return ball_rows(asked, np.arange(net.outputs), method, forward, slopes)[0]


@pytest.mark.parametrize("activation", KINDS, ids=lambda activation: type(activation).__name__)
def test_bounds_are_those_of_the_formulas(activation):
    for seed in range(3):
        layers, x = drawn(seed)
        net = Network.sequential(layers, activation)
        for method, forward, slopes in (
            ("lirpa", "both", "adaptive"),
            ("lirpa", "crown", "zero"),
            ("recurjac", "crown", "adaptive"),
            ("ibp", "ibp", "adaptive"),
            ("absolute", "ibp", "adaptive"),
            ("product", "ibp", "adaptive"),
        ):
            found = rows_of(net, x, 0.3, method, forward, slopes)
            parts = (*zip(*layers, strict=True), x, 0.3, method, forward)
            expected = reference.jacobian_bound(*parts, slopes=slopes, activation=KINDS[activation])
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_bounds_are_fractions_rounded_up():
    """Each is the least float that is no less than what exact arithmetic gives."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        layers = [(rng.normal(size=(m, n)), rng.normal(size=m) / 2) for n, m in pairwise(WIDTHS)]
        x, radius = rng.normal(size=WIDTHS[0]), float(10 ** rng.uniform(-2, 0))
        _, _, exact = rational(layers, x, radius)
        [row] = rows_of(Network.sequential(layers), x, radius, forward="ibp")
        assert Fraction(float(row)) >= exact
        assert Fraction(float(np.nextafter(row, -np.inf))) < exact or row == 0


def images(padding, window, inputs):
    """A network of images, and its layers as matrices and constants."""
    rng = np.random.default_rng(1)
    first = [Conv(rng.normal(size=(2, 1, *window)), rng.normal(size=2), 1, padding), BatchNorm(*rng.uniform(0.5, 1.5, (4, 2)))]
    net = Network.from_layers([*first, Relu(), AvgPool((1, 2)), Flatten(), Dense(rng.normal(size=(2, 4)))], input_shape=inputs)
    conv, norm, _, pool, flatten, last = net.steps
    shift = dense(norm.linear) @ np.ravel(conv.bias) + np.ravel(norm.bias)
    inner = dense(norm.linear) @ dense(conv.linear)
    return net, [(inner, shift), (dense(last.linear) @ dense(flatten.linear) @ dense(pool.linear), np.zeros(2))]


CIRCULAR = ("circular", (3, 3), (1, 2, 2))  # windows are larger than the image, so that weights are added


@pytest.mark.parametrize(("padding", "window", "inputs"), [("valid", (1, 2), (1, 2, 3)), ("same", (3, 3), (1, 2, 2)), CIRCULAR])
def test_images_have_the_bounds_of_their_matrices(padding, window, inputs):
    net, layers = images(padding, window, inputs)
    x = np.random.default_rng(0).normal(size=prod(inputs))
    for half in (0.1, np.linspace(0.0, 0.5, x.size)):
        found = rows_of(net, x, half)
        np.testing.assert_allclose(
            found, reference.jacobian_bound(*zip(*layers, strict=True), x, half, "lirpa", "both"), rtol=1e-12
        )
        least = reference.sampled(*zip(*layers, strict=True), x, half, 200, np.random.default_rng(0))
        assert (least <= found * (1 + 1e-14)).all()


@pytest.mark.parametrize(("method", "forward"), [("lirpa", "both"), ("lirpa", "crown"), ("ibp", "ibp")])
def test_residuals_have_the_bounds_of_networks_that_carry_their_input_along(method, forward):
    """a + W relu(V a) is a sum of units relu(V a) and relu(a + 9) - 9, which are active."""
    rng = np.random.default_rng(2)
    (first, shift), (v, b), (w, c) = layers = [(rng.normal(size=(4, 4)), rng.normal(size=4)) for _ in range(3)]
    last, one = rng.normal(size=(2, 4)), np.eye(4)
    inner = [Dense(v, b), Relu(), Dense(w, c)]
    net = Network.from_layers([Dense(first, shift), Relu(), Residual(inner), Relu(), Dense(last)], input_shape=(4,))
    carried = [
        layers[0],
        (np.concatenate([v, one]), np.concatenate([b, 9 * np.ones(4)])),
        (np.concatenate([w, one], axis=1), c - 9),
        (last, np.zeros(2)),
    ]
    x = rng.normal(size=4)
    expected = reference.jacobian_bound(*zip(*carried, strict=True), x, 0.3, method, forward)
    np.testing.assert_allclose(rows_of(net, x, 0.3, method, forward), expected, rtol=1e-12)


def test_batches_of_clipped_balls_lie_just_below_outward_rounding():
    (first, second, third), x = drawn(0)
    layers = [Dense(*first), Softplus(), Dense(*second), Relu(), Dense(*third)]
    net = Network.from_layers(layers, input_shape=(3,))
    options = {"outputs": [1], "clip": (-1, 1), "out_norm": 1, "forward": "ibp"}
    points = np.clip([x, x + 1], -1, 1)
    found, outward = ball(net, points, 0.5, **options), local_lipschitz(net, points, 0.5, **options)
    assert (found.arithmetic, found.side, found.rows.shape) == ("ball", "upper", (2, 1))
    assert (found.rows <= outward.rows * (1 + 1e-12)).all()
    np.testing.assert_allclose(found.rows, outward.rows, rtol=1e-10)
    assert (found.value >= found.rows[:, 0]).all()
    assert (found.lower <= found.rows).all()


def test_at_a_point_bounds_are_the_derivative():
    layers, x = drawn(1)
    expected = np.abs(reference.jacobian(*zip(*layers, strict=True), x)).sum(axis=1)
    np.testing.assert_allclose(rows_of(Network.sequential(layers), x, 0.0), expected, rtol=1e-14)


def test_all_methods_are_in_order_and_no_tie_is_decided_by_rounding():
    layers, x = drawn(5)
    rows = {m: rows_of(Network.sequential(layers), x, 0.3, m, "crown") for m in METHODS}
    for tight, loose in pairwise(("lirpa", "recurjac", "ibp", "absolute", "product")):
        assert (rows[tight] <= rows[loose]).all()
    # 0.1 + 0.2 - 0.3 is 2.8e-17 as floats are, and the unit is active; if rounded, it may be 0 or 5.6e-17
    kink = Network.sequential([([[0.1, 0.2, -0.3]], None), ([[1.0]], None)])
    weights = [Fraction(0.1), Fraction(0.2), Fraction(0.3)]
    assert weights[0] + weights[1] - weights[2] == Fraction(1, 2**55)
    assert sum(weights) <= Fraction(rows_of(kink, np.ones(3), 0.0)[0]) <= sum(weights) + Fraction(1, 2**52)
    assert rows_of(kink, -np.ones(3), 0.0) == 0


def test_coefficients_whose_sign_is_open():
    """Of leaky(z) + leaky(-z) on an interval around 0 the chords cancel: 0 in floats, and a ball around 0 here."""
    rng = np.random.default_rng(3)
    one, zero = rng.normal(size=3), np.zeros
    layers = [(rng.normal(size=(3, 2)), zero(3)), (np.array([one, -one]), zero(2)), (np.ones((1, 2)), zero(1) - 0.3)]
    layers.append((np.ones((1, 1)), zero(1)))
    parts = (*zip(*layers, strict=True), zero(2), 1.0, "lirpa", "crown")
    expected = reference.jacobian_bound(*parts, slopes="zero", activation=reference.LeakyRelu(0.2))
    found = rows_of(Network.sequential(layers, LeakyRelu(0.2)), zero(2), 1.0, "lirpa", "crown", "zero")
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    lines = Lines(Line(flint.arb(0), flint.arb(-1)), Line(flint.arb(1), flint.arb(3)))
    constant, [(_, pulled)] = Between(0, [lines], [], []).pull(flint.arb_mat([[flint.arb(0, 1)], [2], [-2]]))
    assert all(constant[0, 0].contains(c) for c in (0, 1, 3))  # 3 x for x in [0, 1], -x for x in [-1, 0]
    assert all(pulled[0, 0].contains(c) for c in (0, 1))
    assert [(constant[i, 0], pulled[i, 0]) for i in (1, 2)] == [(6, 2), (2, 0)]


def test_precision_is_left_as_it_was():
    layers, x = drawn(0)
    before = flint.ctx.prec
    rows_of(Network.sequential(layers), x, 0.1)
    assert flint.ctx.prec == before


def test_matrices_hold_the_weights_as_they_are():
    net, _ = images(*CIRCULAR)
    with flint.ctx.workprec(128):
        found = np.array([float(x) for x in _matrix(net.steps[0].linear).entries()])
    np.testing.assert_allclose(found, dense(net.steps[0].linear).ravel(), rtol=1e-14, atol=1e-15)
    weights = np.full((1, 1, 3), 0.1)
    around = Network.from_layers([Conv(weights, None, 1, "circular")], input_shape=(1, 1))
    with flint.ctx.workprec(128):
        assert _matrix(around.steps[0].linear)[0, 0] == 3 * flint.arb(0.1)


RELU, SMALL = Network.sequential(drawn(0)[0]), np.zeros(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ball(RELU, SMALL, 0.1, method="best"),
            "method must be one of 'product', .* for arithmetic='ball', got 'best'",
        ),
        (lambda: ball(RELU, SMALL, 0.1, method="bab"), "method must be one of .* got 'bab'"),
        (lambda: ball(RELU, SMALL, 0.1, method="exact"), "method must be one of .* got 'exact'"),
        (lambda: ball(RELU, SMALL, 0.1, norm=2), "norm must be inf for arithmetic='ball', got 2"),
        (
            lambda: ball(RELU, SMALL, 0.1, slopes="optimised"),
            "slopes must be 'adaptive' or 'zero' for arithmetic='ball', got 'optimised'",
        ),
        (
            lambda: ball(Network.sequential(drawn(0)[0], "gelu"), SMALL, 0.1),
            r"net must have activations Relu, .* Softplus for arithmetic='ball', got Gelu",
        ),
        (
            lambda: ball(Network.sequential([(np.ones((1, 2000)), None)]), np.zeros(2000), 0.1),
            r"net must have at most 1024 inputs, units and outputs .* got 2001 in .*'float64\+outward' bounds larger ones",
        ),
        (lambda: certified_radius(RELU, SMALL, arithmetic="ball"), "arithmetic must be one of .*, got 'ball'"),
        (lambda: monotone_in(RELU, SMALL, 0.1, arithmetic="ball"), "arithmetic must be one of .*, got 'ball'"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(ImportError, match=r"not installed: .* needs the extra, pip install 'ntkit\[exact\]'"):
        ball(RELU, SMALL, 0.1)
