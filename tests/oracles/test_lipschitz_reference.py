"""The reference for local Lipschitz bounds against answers by hand, linear programs, samples, and exact constants."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize

from tests.oracles.lipschitz_exact import exact_by_enumeration, exact_by_milp, interior_radius
from tests.oracles.lipschitz_reference import (
    RELU,
    SIGMOID,
    TANH,
    LeakyRelu,
    backward_lines,
    derivative_ranges,
    evaluate,
    forward_bounds,
    jacobian,
    jacobian_bound,
    jacobian_entries,
    points_of_box,
    row_bounds,
    sampled,
)

ROUNDING = 1e-12  # relative; sums of at most a few hundred terms of like size
LADDER = ("lirpa", "recurjac", "ibp", "absolute", "product")
KINDS = ("ibp", "crown", "both")
ACTIVATIONS = {"relu": RELU, "leaky": LeakyRelu(0.2), "tanh": TANH, "sigmoid": SIGMOID}


def random_network(rng, widths, bias=0.3):
    weights = [rng.standard_normal((m, n)) / np.sqrt(n) for n, m in pairwise(widths)]
    return weights, [bias * rng.standard_normal(m) for m in widths[1:]]


def random_case(seed):
    """Weights, biases, x0, radius: depth 2 to 5, widths 1 to 8."""
    rng = np.random.default_rng(seed)
    widths = [rng.integers(1, 7), *rng.integers(1, 9, size=rng.integers(1, 5)), rng.integers(1, 4)]
    return *random_network(rng, widths, rng.choice([0.1, 0.3, 1.0])), rng.standard_normal(widths[0]), 10 ** rng.uniform(-2, 0)


def ladder(case, forward, methods=LADDER, **options):
    return np.array([jacobian_bound(*case, method, forward, **options) for method in methods])


# Answers by hand


@pytest.mark.parametrize(("x0", "entries"), [(0.5, (-6, 0)), (1.0, (-6, -6)), (0.0, (0, 0))])
def test_one_unit(x0, entries):
    """f = -3 relu(2 x - 1) + 7: the kink is at 1/2."""
    case = [np.array([[2.0]]), np.array([[-3.0]])], [np.array([-1.0]), np.array([7.0])], np.array([x0]), 0.1
    for kind in KINDS:
        lo, hi = forward_bounds(*case, kind)[0]
        np.testing.assert_allclose((lo[0], hi[0]), (2 * x0 - 1.2, 2 * x0 - 0.8), rtol=0, atol=1e-15)
        np.testing.assert_array_equal(np.ravel(jacobian_entries(*case, "lirpa", kind)), entries)
        np.testing.assert_array_equal(ladder(case, kind).ravel(), [-entries[0]] * 3 + [6, 6])
    assert exact_by_enumeration(*case) == (-entries[0], 2 if entries == (-6, 0) else 1)
    assert exact_by_milp(*case) == -entries[0]
    assert exact_by_enumeration(*case, leak=0.5)[0] == max(-entries[0], 3)


def test_two_units():
    """f = 2 relu(x + y) - relu(x - y) on |x|, |y| <= 1.

    J = (2 s1 - s2, 2 s1 + s2), at most 4 in the norm. Separately 2 + 3; jointly |v| <= v / 3 + 4 / 3 on [-1, 2], hence at most
    4/3 + (4/3) h1 - (2/3) h2 with h1 <= 2 and h2 >= -1, that is 14/3.
    """
    case = [np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[2.0, -1.0]])], [np.zeros(2), np.zeros(1)], np.zeros(2), 1.0
    for kind in KINDS:
        np.testing.assert_array_equal(forward_bounds(*case, kind)[0], [[-2, -2], [2, 2]])
        np.testing.assert_array_equal(jacobian_entries(*case, "lirpa", kind), [[[-1, 0]], [[2, 3]]])
        np.testing.assert_allclose(ladder(case, kind).ravel(), [14 / 3, 14 / 3, 5, 6, 6], rtol=ROUNDING)
        np.testing.assert_allclose(ladder(case, kind, ("lirpa", "recurjac"), norm="separate"), 5, rtol=ROUNDING)
    value, patterns = exact_by_enumeration(*case)
    assert (value, patterns) == (4, 4)
    np.testing.assert_allclose(exact_by_milp(*case), 4, rtol=1e-6)


def test_active_units_below_a_sign_unstable_gradient():
    """z_1 = (x + 5, 5 - x), f = relu(sum z_1 - 10) - relu(sum z_1 - 10) = 0: h_1 = v_1 = (g, g), |g| <= 1, J = g - g.

    Substitution sees that it is 0, and boxes of h_1 do not. By crown z_2 = 0, and a bound of 0 leaves a unit unstable.
    """
    weights = [np.array([[1.0], [-1.0]]), np.ones((2, 2)), np.array([[1.0, -1.0]])]
    case = weights, [np.full(2, 5.0), np.full(2, -10.0), np.zeros(1)], np.zeros(1), 1.0
    np.testing.assert_array_equal(forward_bounds(*case, "ibp")[1], [[-2, -2], [2, 2]])
    np.testing.assert_array_equal(forward_bounds(*case, "crown")[1], np.zeros((2, 2)))
    for kind in KINDS:
        np.testing.assert_array_equal(ladder(case, kind).ravel(), [0, 2, 2, 4, 4])


@pytest.mark.parametrize(
    ("activation", "slopes", "crown"),
    [
        (RELU, "adaptive", (-1, 2)),
        (RELU, "zero", (0, 2)),
        (LeakyRelu(0.5), "adaptive", (-1, 2)),
        (LeakyRelu(0.5), "zero", (-0.5, 2)),
        (TANH, "adaptive", (np.tanh(-1), np.tanh(2))),
    ],
)
def test_one_activation_on_an_interval(activation, slopes, crown):
    """z = x in [-1, 2]: u / (u - l) = 2/3, so the adaptive lower slope is 1."""
    case = [np.eye(1), np.eye(1)], [np.zeros(1)] * 2, np.array([0.5]), 1.5
    bounds = {kind: np.ravel(forward_bounds(*case, kind, slopes, activation)[-1]) for kind in KINDS}
    np.testing.assert_allclose(bounds["crown"], crown, rtol=0, atol=1e-15)
    np.testing.assert_allclose(bounds["ibp"], activation.value(np.array([-1.0, 2.0])), rtol=0, atol=1e-15)
    np.testing.assert_allclose(bounds["both"], bounds["ibp"], rtol=0, atol=1e-15)
    chord = activation.lines(np.array([-1.0]), np.array([2.0]), slopes)
    if activation == LeakyRelu(0.5):
        np.testing.assert_allclose((chord.high_slope[0], chord.high[0]), (5 / 6, 1 / 3), rtol=ROUNDING)


def test_the_adaptive_slope_changes_where_the_interval_is_symmetric():
    lines = RELU.lines(np.array([-1.0, -1.0, -1.0]), np.array([0.99, 1.0, 1.01]), "adaptive")
    np.testing.assert_array_equal(lines.low_slope, [0, 0, 1])


# Lines, and what follows from them


@pytest.mark.parametrize("method", ["lirpa", "recurjac", "ibp"])
def test_lines_of_a_product_hold_and_the_hull_is_touched(method):
    rng = np.random.default_rng(0)
    lo, hi = np.sort(rng.standard_normal((2, 500)), axis=0)
    s_lo, s_hi = np.sort(rng.uniform(size=(2, 500)), axis=0)
    s_lo[::3] = 0
    lines = backward_lines(lo, hi, s_lo, s_hi, method)
    v = np.linspace(lo, hi, 9)
    corners = np.array([s_lo * v, s_hi * v])
    above = lines.high_slope * v + lines.high - corners.max(axis=0)
    below = corners.min(axis=0) - lines.low_slope * v - lines.low
    assert min(above.min(), below.min()) >= -ROUNDING
    if method == "lirpa":
        np.testing.assert_allclose([above[0], above[-1], below[0], below[-1]], 0, atol=ROUNDING)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("slopes", ["adaptive", "zero"])
def test_lines_of_an_activation_hold_and_so_do_ranges_of_its_derivative(activation, slopes):
    lo, hi = np.sort(2 * np.random.default_rng(0).standard_normal((2, 500)), axis=0)
    lines, (s_lo, s_hi) = activation.lines(lo, hi, slopes), activation.derivative_range(lo, hi)
    for z in np.linspace(lo, hi, 41):
        value, s = activation.value(z), activation.derivative(z)
        assert (value <= lines.high_slope * z + lines.high + ROUNDING).all()
        assert (value >= lines.low_slope * z + lines.low - ROUNDING).all()
        assert ((s_lo - ROUNDING <= s) & (s <= s_hi + ROUNDING)).all()


def largest(A, start, stages):
    """max A y by a linear program: y_0 in a box, q_j = M y_{j-1} + c, and y_j between lines of q_j."""
    sizes = [len(start[0]), *(len(c) for _, c, _ in stages)]
    ends = np.cumsum(sizes)
    inequalities, limits = [], []
    for j, (M, c, lines) in enumerate(stages):
        before, here = np.zeros((sizes[j + 1], ends[-1])), np.zeros((sizes[j + 1], ends[-1]))
        before[:, ends[j] - sizes[j] : ends[j]] = M
        here[:, ends[j] : ends[j + 1]] = np.eye(sizes[j + 1])
        inequalities += [here - lines.high_slope[:, None] * before, lines.low_slope[:, None] * before - here]
        limits += [lines.high_slope * c + lines.high, -lines.low_slope * c - lines.low]
    box = [*zip(*start, strict=True)] + [(None, None)] * (ends[-1] - ends[0])
    objective = np.zeros(ends[-1])
    objective[-sizes[-1] :] = -A
    return -scipy.optimize.linprog(objective, np.vstack(inequalities), np.concatenate(limits), bounds=box).fun


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_substitution_is_the_linear_program_of_the_lines(activation):
    rng = np.random.default_rng(1)
    weights, biases = random_network(rng, (3, 5, 4, 5, 2))
    x0, radius = rng.standard_normal(3), 0.6
    bounds = forward_bounds(weights, biases, x0, radius, "crown", activation=activation)
    lines = [activation.lines(*pair, "adaptive") for pair in bounds[:-1]]
    stages = [*zip(weights, biases, lines, strict=False)]
    upper = [largest(row, (x0 - radius, x0 + radius), stages) + b for row, b in zip(weights[-1], biases[-1], strict=True)]
    np.testing.assert_allclose(bounds[-1][1], upper, rtol=1e-7)

    ranges = derivative_ranges(weights, biases, x0, radius, bounds, activation=activation)
    for method in ("lirpa", "recurjac", "ibp"):
        hi = jacobian_entries(weights, biases, x0, radius, method, bounds, activation=activation)[1]
        for row, entries in zip(weights[-1], hi, strict=True):
            lines = row_bounds(weights, ranges, row, method)[1]
            matrices = [np.eye(len(row)), *(W.T for W in weights[-2:0:-1])]
            stages = [(M, np.zeros(len(M)), lines[k]) for M, k in zip(matrices, (3, 2, 1), strict=True)]
            np.testing.assert_allclose(entries, [largest(column, (row, row), stages) for column in weights[0].T], rtol=1e-7)


# Orderings


@pytest.mark.parametrize("kind", KINDS)
def test_the_ladder_of_methods(kind):
    strict = np.zeros(len(LADDER) - 1)
    for seed in range(100):
        case = random_case(seed)
        bounds = forward_bounds(*case, kind)
        rungs = ladder(case, bounds)
        scale = ROUNDING * rungs.max()
        low = sampled(*case, 20, np.random.default_rng(seed))
        assert (low <= rungs[0] + scale).all()
        assert (rungs[:-1] <= rungs[1:] + scale).all()
        separate = ladder(case, bounds, ("lirpa", "recurjac"), norm="separate")
        assert (rungs[:2] <= separate + scale).all()
        assert (separate <= rungs[2] + scale).all()
        strict += (rungs[:-1] < 0.99 * rungs[1:]).any(axis=1)
    assert (strict >= 10).all(), "a rung that is never above the one below is not tested"


def test_smaller_intervals_give_smaller_bounds():
    for seed in range(60):
        *network, radius = random_case(seed)
        for kind, slopes in (("ibp", "zero"), ("crown", "zero")):
            sizes = [jacobian_bound(*network, r, "lirpa", kind, slopes=slopes) for r in radius * np.array([0.5, 1, 2])]
            assert (np.diff(sizes, axis=0) >= -ROUNDING * np.max(sizes)).all()
        both, ibp = (jacobian_bound(*network, radius, "lirpa", kind) for kind in ("both", "ibp"))
        assert (both <= ibp * (1 + ROUNDING)).all()


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_hold_at_points(kind, activation):
    for seed in range(15):
        case, rng = random_case(seed), np.random.default_rng(seed)
        forward = forward_bounds(*case, kind, activation=activation)
        lo, hi = jacobian_entries(*case, "lirpa", forward, activation=activation)
        rungs = ladder(case, forward, activation=activation)
        assert (np.diff(rungs, axis=0) >= -ROUNDING * rungs.max()).all()
        for x in points_of_box(*case[2:], 20, rng):
            for (low, high), z in zip(forward, evaluate(*case[:2], x, activation), strict=True):
                assert ((low - ROUNDING <= z) & (z <= high + ROUNDING)).all()
            J = jacobian(*case[:2], x, activation)
            assert ((lo - ROUNDING <= J) & (hi + ROUNDING >= J)).all()
            assert (np.abs(J).sum(axis=1) <= rungs.min(axis=0) + ROUNDING).all()


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_point_has_its_own_jacobian(kind, activation):
    for seed in range(30):
        weights, biases, x0, _ = random_case(seed)
        expected = np.abs(jacobian(weights, biases, x0, activation)).sum(axis=1)
        case = weights, biases, x0, 0.0
        found = ladder(case, kind, ("lirpa", "recurjac", "ibp"), activation=activation)
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-10, atol=1e-14)


def test_in_one_cell_all_methods_but_the_global_ones_are_exact():
    for seed in range(10):
        weights, biases, x0, radius = random_case(seed)
        while not all((lo * hi > 0).all() for lo, hi in forward_bounds(weights, biases, x0, radius, "crown")[:-1]):
            radius /= 2
        case = weights, biases, x0, radius
        expected = np.abs(jacobian(weights, biases, x0)).sum(axis=1)
        found = ladder(case, "crown", ("lirpa", "recurjac", "ibp"))
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=ROUNDING, atol=0)
        value, patterns = exact_by_enumeration(*case)
        assert patterns == 1
        np.testing.assert_allclose(value, expected, rtol=ROUNDING, atol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_the_jacobian_is_the_derivative(activation):
    weights, biases, x0, _ = random_case(3)
    step = 1e-6
    columns = [
        (evaluate(weights, biases, x0 + e, activation)[-1] - evaluate(weights, biases, x0 - e, activation)[-1]) / (2 * step)
        for e in step * np.eye(len(x0))
    ]
    np.testing.assert_allclose(jacobian(weights, biases, x0, activation), np.transpose(columns), rtol=0, atol=1e-8)


def test_a_box_may_have_a_radius_for_each_coordinate():
    weights, biases, x0, radius = random_case(5)
    case = weights, biases, x0, radius * np.linspace(1, 2, len(x0))
    scales = case[3] / radius
    scaled = [weights[0] * scales, *weights[1:]], biases, x0 / scales, radius
    for kind in KINDS:
        for one, other in zip(forward_bounds(*case, kind), forward_bounds(*scaled, kind), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING)


# Exact constants


def test_the_radius_inside_a_cell():
    """Of the unit square, x + y > 0 leaves a triangle: its largest inner square has its lower corner on the line."""
    assert interior_radius([np.array([1.0, 1.0])], [0.0], np.zeros(2), 1.0) == pytest.approx(0.5)
    assert interior_radius([np.array([1.0, 1.0])], [-2.0], np.zeros(2), 1.0) == pytest.approx(0)
    assert interior_radius([np.array([1.0, 1.0])], [-3.0], np.zeros(2), 1.0) == -np.inf


def test_patterns_integer_programs_samples_and_bounds_agree():
    uncoupled = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        case = *random_network(rng, (2, 6, 6, 1)), rng.standard_normal(2), 0.7
        exact, patterns = exact_by_enumeration(*case)
        assert patterns > 1
        np.testing.assert_allclose(exact_by_milp(*case), exact, rtol=1e-6)
        assert (sampled(*case, 500, rng) <= exact * (1 + ROUNDING)).all()
        uncoupled.append(exact_by_milp(*case, coupled=False)[0] / exact[0])
        for kind in KINDS:
            assert (exact <= jacobian_bound(*case, "lirpa", kind) * (1 + ROUNDING)).all()
    assert min(uncoupled) > 1 - 1e-6
    assert sum(ratio > 1.01 for ratio in uncoupled) >= 3, "signs that belong to no input must show"


def test_leaky_patterns_lie_between_samples_and_bounds():
    leak = 0.3
    rng = np.random.default_rng(2)
    case = *random_network(rng, (2, 5, 4, 2)), rng.standard_normal(2), 2.0
    exact, patterns = exact_by_enumeration(*case, leak=leak)
    low = sampled(*case, 2000, rng, LeakyRelu(leak))
    high = jacobian_bound(*case, "lirpa", "both", activation=LeakyRelu(leak))
    assert patterns > 2
    assert (low <= exact * (1 + ROUNDING)).all()
    assert (exact <= high * (1 + ROUNDING)).all()
