"""Bounds of real numbers: recomputed with fractions, none lies below; with rounding switched off in any part, some do."""

from fractions import Fraction
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.lipschitz import AvgPool, Conv, Dense, Flatten, Network, _local, bounds, local_lipschitz
from ntkit.lipschitz._backward import derivative
from ntkit.lipschitz._forward import relax
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import Rounding

WIDTHS = (2, 3, 3, 1)
COUNT = 500


def fractions(array):
    """The numbers as they are."""
    return np.vectorize(Fraction, otypes=[object])(np.asarray(array, dtype=object))


def line(low, high, at_low, at_high):
    """Slope and offset of a chord."""
    slope = (at_high - at_low) / (high - low)
    return slope, at_low - slope * low


def rational(layers, x, radius):
    """Intervals of z_1 and z_2 by interval arithmetic, of v_0 by lines, and the bound of its norm, in exact arithmetic."""
    weights, biases = [fractions(w) for w, _ in layers], [fractions(b) for _, b in layers]
    low, high = fractions(x) - Fraction(radius), fractions(x) + Fraction(radius)
    forward, sides = [], []
    for matrix, bias in zip(weights[:-1], biases[:-1], strict=True):
        up, down = np.maximum(matrix, Fraction(0)), np.minimum(matrix, Fraction(0))
        low, high = up @ low + down @ high + bias, up @ high + down @ low + bias
        forward.append((low, high))
        sides.append([1 if a > 0 else 0 if b < 0 else None for a, b in zip(low, high, strict=True)])
        low, high = np.maximum(low, Fraction(0)), np.maximum(high, Fraction(0))
    # v_2 is known; h_2 = s v_2 lies in an interval of two known ends, v_1 = W_2^T h_2 therefore too.
    known = weights[2][0]
    ends = [sorted((v * (1 if s is None else s), v * (0 if s is None else s))) for v, s in zip(known, sides[1], strict=True)]
    least, most = fractions([e[0] for e in ends]), fractions([e[1] for e in ends])
    up, down = np.maximum(weights[1].T, Fraction(0)), np.minimum(weights[1].T, Fraction(0))
    low, high = up @ least + down @ most, up @ most + down @ least
    below, above = zip(*[product(a, b, s) for a, b, s in zip(low, high, sides[0], strict=True)], strict=True)

    def maximum(row):
        """Of row v_0, v_0 = W_1^T h_1."""
        at = weights[0] @ row
        lines = [above[i] if a > 0 else below[i] for i, a in enumerate(at)]
        back = fractions([a * slope for a, (slope, _) in zip(at, lines, strict=True)]) @ weights[1].T
        constant = sum((a * offset for a, (_, offset) in zip(at, lines, strict=True)), Fraction(0))
        return constant + sum((max(b * p, b * q) for b, p, q in zip(back, least, most, strict=True)), Fraction(0))

    one = fractions(np.eye(len(x), dtype=int))
    v_high, v_low = fractions([maximum(row) for row in one]), -fractions([maximum(-row) for row in one])
    sizes = [size(a, b) for a, b in zip(v_low, v_high, strict=True)]
    norm = maximum(fractions([slope for slope, _ in sizes])) + sum((offset for _, offset in sizes), Fraction(0))
    return forward, (v_low, v_high), norm


def product(low, high, side):
    """The lines below and above h = s v."""
    if side is not None:
        return (Fraction(side), Fraction(0)), (Fraction(side), Fraction(0))
    if low >= 0 or high <= 0:
        inner, outer = (Fraction(0), Fraction(0)), (Fraction(1), Fraction(0))
        return (inner, outer) if low >= 0 else (outer, inner)
    return line(low, high, low, Fraction(0)), line(low, high, Fraction(0), high)


def size(low, high):
    """The line above |v|."""
    if low >= 0 or high <= 0:
        return Fraction(1 if low >= 0 else -1), Fraction(0)
    return line(low, high, -low, high)


@pytest.fixture(scope="module")
def cases():
    """Networks as one batch, and the answers with fractions."""
    rng = np.random.default_rng(0)
    pairs = list(zip(WIDTHS[1:], WIDTHS[:-1], strict=True))
    layers = [(rng.normal(size=(COUNT, m, n)), rng.normal(size=(COUNT, m)) / 2) for m, n in pairs]
    x, radius = rng.normal(size=(COUNT, WIDTHS[0])), 10 ** rng.uniform(-2, 0, COUNT)
    answers = [rational([(w[i], b[i]) for w, b in layers], x[i], radius[i]) for i in range(COUNT)]
    return layers, x, radius, answers


def batched(function, layers, x, radius):
    one = lambda parts, point, reach: function(Network.sequential(parts), point, reach)  # noqa: E731
    return jax.jit(jax.vmap(one))(layers, jnp.asarray(x), jnp.asarray(radius))


@pytest.fixture
def traced_networks(monkeypatch):
    """Networks are made of traced weights here, which no check can look at."""
    monkeypatch.setattr("ntkit.lipschitz._layers._weights", lambda name, weights, ndims: jnp.asarray(weights))


def below(found, expected):
    """How many numbers lie below fractions."""
    return sum(Fraction(float(f)) < e for f, e in zip(np.ravel(found), np.ravel(expected), strict=True))


@pytest.mark.usefixtures("traced_networks")
def test_no_bound_lies_below_that_of_exact_arithmetic(cases):
    layers, x, radius, answers = cases
    found = batched(partial(bounds, forward="ibp"), layers, x, radius)
    assert below(found.norm, [norm for _, _, norm in answers]) == 0
    assert below(found.high[:, 0], [high for _, (_, high), _ in answers]) == 0
    assert below(-found.low[:, 0], [-low for _, (low, _), _ in answers]) == 0
    plain = batched(partial(bounds, forward="ibp", outward=False), layers, x, radius)
    assert below(plain.norm, [norm for _, _, norm in answers]) > 0
    np.testing.assert_allclose(found.norm, plain.norm, rtol=1e-8, atol=1e-14)


@pytest.mark.usefixtures("traced_networks")
@pytest.mark.parametrize("part", ["forward", "backward", "norm"])
def test_each_part_needs_its_rounding(cases, part):
    """What a part makes of what it is given, with its rounding on and off."""
    layers, x, radius, answers = cases

    def parts(net, point, reach, outward):
        known = relax(net, Ball(point, reach), "ibp", "adaptive", Rounding(outward))
        found = derivative(net, known, jnp.ones(1), "ibp", np.inf)
        ends = jnp.concatenate([known.high[1], -known.low[1], known.high[3], -known.low[3]])
        return {"forward": ends, "backward": jnp.concatenate([found.high, -found.low]), "norm": found.norm[None]}

    expected = {
        "forward": [np.concatenate([f[0][1], -f[0][0], f[1][1], -f[1][0]]) for f, _, _ in answers],
        "backward": [np.concatenate([high, -low]) for _, (low, high), _ in answers],
        "norm": [sum((max(-a, b) for a, b in zip(*v, strict=True)), Fraction(0)) for _, v, _ in answers],
    }[part]
    on, off = (batched(partial(parts, outward=outward), layers, x, radius)[part] for outward in (True, False))
    assert below(on, expected) == 0
    assert below(off, expected) > 0


def test_single_precision_holds_too():
    """Rounding outward in float32 stays above float64, rounding off does not always."""
    rng = np.random.default_rng(1)
    counts = {True: 0, False: 0}
    function = {way: jax.jit(partial(bounds, forward="ibp", outward=way)) for way in counts}
    for _ in range(40):
        layers = [(rng.normal(size=(m, n)).astype(np.float32), None) for m, n in ((8, 4), (8, 8), (3, 8))]
        x, radius = rng.normal(size=4).astype(np.float32), np.float32(0.1)
        wide = Network.sequential([(w.astype(np.float64), None) for w, _ in layers])
        exact = np.asarray(function[False](wide, jnp.asarray(x, float), jnp.asarray(radius, float)).norm)
        for way in counts:
            found = function[way](Network.sequential(layers), jnp.asarray(x), jnp.asarray(radius)).norm
            assert found.dtype == jnp.float32
            counts[way] += int((np.asarray(found, dtype=np.float64) < exact * (1 - 1e-12)).sum())
    assert counts[True] == 0
    assert counts[False] > 0


def test_single_precision_stays_close_where_sums_are_long_and_constants_small():
    """2048 constants of a layer add up, but no number has more than 72 terms: if all counted as sums of 2048, this were 1.2."""
    rng = np.random.default_rng(2)
    weights = [rng.normal(size=(8, n, 3, 3)) / np.sqrt(9 * n) for n in (2, 8, 8)]
    last, x = rng.normal(size=(1, 8)), rng.uniform(size=(2, 16, 16))
    rows = []
    for dtype, outward in ((np.float64, False), (np.float32, True)):
        layers = [Conv(w.astype(dtype), np.full(8, 0.01, dtype), padding=1) for w in weights]
        net = Network.from_layers(
            [*layers, AvgPool(16), Flatten(), Dense(last.astype(dtype))], input_shape=(2, 16, 16), activation="relu"
        )
        rows.append(bounds(net, jnp.asarray(x, dtype), 1e-3, forward="ibp", outward=outward).norm)
    assert 1 < float(rows[1][0]) / float(rows[0][0]) < 1.05


def test_too_many_terms_for_the_precision_are_refused():
    with pytest.raises(ValueError, match="arithmetic must have more digits for sums of 10000000 terms, got float32"):
        Rounding.slack(jnp.float32(1.0), 10**7)


@pytest.fixture
def anew():
    """A function that makes functions compile anew, with as few optimisations as can be or with all."""

    def way(hardly):
        _local._compiled.cache_clear()
        jax.config.update("jax_disable_most_optimizations", hardly)

    yield way
    way(False)


@pytest.mark.parametrize(
    ("activation", "method"), [("relu", "lirpa"), ("tanh", "lirpa"), ("tanh", "coupled"), ("gelu", "coupled")]
)
def test_bounds_do_not_depend_on_what_a_compiler_computes_anew(activation, method, anew):
    """Nor on what it fuses: planes that were chosen by comparing them made differences of 1e-4 to 0.2 here."""
    cases = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise((3, 6, 5, 2))]
        cases.append((Network.sequential(layers, activation), rng.normal(size=3)))
    found = []
    for hardly in (False, True):
        anew(hardly)
        found.append([local_lipschitz(net, x, r, method=method).rows for net, x in cases for r in (0.001, 0.01, 0.1)])
    np.testing.assert_allclose(*found, rtol=1e-11)
