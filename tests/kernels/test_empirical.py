"""Empirical tangent kernels of any function: the definition, shapes, tiles and groups, and what is refused."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import empirical_ntk
from ntkit.kernels._memory import Sizes, _groupings, _tilings
from tests.kernels.finite_functions import PROBLEMS, averaged, full_kernel, mlp_problem

pytestmark = pytest.mark.usefixtures("hardly_optimised")

IMPLEMENTATIONS = pytest.mark.parametrize("implementation", ["jacobian", "ntvp"])
EVERY = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


def smallest_memory(apply, params, *inputs, **options):
    with pytest.raises(ValueError, match="memory must be at least") as caught:
        empirical_ntk(apply, params, *inputs, memory=1, **options)
    return int(str(caught.value).split("at least ")[1].split()[0])


@EVERY
@IMPLEMENTATIONS
@pytest.mark.parametrize("symmetric", [True, False])
def test_it_is_the_definition_at_every_budget(problem, implementation, symmetric):
    """From everything at once to single samples and single parameter arrays."""
    apply, params, x1, x2 = problem()
    second = None if symmetric else x2
    expected = full_kernel(apply, params, x1, x1 if symmetric else x2)
    least = smallest_memory(apply, params, x1, second, implementation=implementation, trace_axes=())
    for axes, memory in (((), 2**30), ((), least), ((-1,), 2**30), ((-1,), 3 * least)):
        kernel = averaged(expected) if axes else expected
        found = empirical_ntk(apply, params, x1, second, implementation=implementation, trace_axes=axes, memory=memory)
        assert found.shape == ((7, 7) if symmetric else (7, 4)) + (() if axes else (3, 3))
        np.testing.assert_allclose(found, kernel, rtol=0, atol=1e-14 * float(abs(kernel).max()))
        if symmetric:
            np.testing.assert_array_equal(found, found.T if axes else found.transpose(1, 0, 3, 2))


@IMPLEMENTATIONS
def test_single_precision_is_kept(implementation):
    apply, params, x, _ = mlp_problem(jnp.float32)
    found = empirical_ntk(apply, params, x, trace_axes=(), implementation=implementation)
    assert found.dtype == jnp.float32
    exact = full_kernel(apply, *jax.tree.map(lambda a: a.astype(float), (params, x, x)))
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-5 * float(abs(exact).max()))


@IMPLEMENTATIONS
def test_it_can_be_compiled(implementation):
    apply, params, x1, x2 = mlp_problem()
    kernel = partial(empirical_ntk, apply, trace_axes=(), implementation=implementation)
    np.testing.assert_allclose(jax.jit(kernel)(params, x1, x2), kernel(params, x1, x2), rtol=1e-13, atol=1e-13)


def test_it_can_be_part_of_what_is_compiled_with_constant_arguments():
    apply, params, x, _ = mlp_problem()
    found = jax.jit(lambda shift: empirical_ntk(lambda p, x: apply(p, x) + shift, params, x))(2.0)
    np.testing.assert_allclose(found, empirical_ntk(apply, params, x), rtol=1e-13)


def test_an_average_over_outputs_of_one_output_is_that_output():
    apply, params, x, _ = mlp_problem()
    one = {**params, "w2": params["w2"][:, :1], "b2": params["b2"][:1]}
    np.testing.assert_array_equal(empirical_ntk(apply, one, x, trace_axes=())[..., 0, 0], empirical_ntk(apply, one, x))


def test_what_was_compiled_is_used_again():
    _, params, x, _ = mlp_problem()
    traces = []

    def apply(params, x):
        traces.append(None)
        return mlp_problem()[0](params, x)

    first = empirical_ntk(apply, params, x)
    before = len(traces)
    np.testing.assert_array_equal(empirical_ntk(apply, params, x), first)
    assert len(traces) == before


def test_functions_that_cannot_be_hashed_are_taken():
    class Module(list):
        def __call__(self, params, x):
            return x @ params

    found = empirical_ntk(Module([jnp.ones(1)]), jnp.ones((2, 1)), jnp.eye(2))
    np.testing.assert_allclose(found, np.eye(2))


def test_parameters_that_do_not_matter_add_nothing():
    apply, params, x, _ = mlp_problem()
    more = {**params, "unused": jnp.ones((3, 2))}
    np.testing.assert_array_equal(empirical_ntk(apply, more, x), empirical_ntk(apply, params, x))


def test_inputs_may_have_any_shape():
    x = jnp.arange(1.0, 4.0)
    np.testing.assert_allclose(empirical_ntk(lambda w, x: x[:, None] * w, jnp.ones((1, 1)), x), np.outer(x, x))
    volumes = jnp.ones((2, 3, 2, 2, 2))
    kernel = empirical_ntk(lambda w, x: jnp.einsum("nabcd,abcdk->nk", x, w), jnp.ones((3, 2, 2, 2, 5)), volumes)
    np.testing.assert_allclose(kernel, np.full((2, 2), 24.0))


def test_groups_hold_every_array_once_and_tiles_reach_single_samples():
    for groups in _groupings((5, 100, 7, 7, 80, 1)):
        assert sorted(i for group in groups for i in group) == list(range(6))
    assert len(groups) == 3  # (5), (100), then what is left fits beside each other
    for m in (None, 9):
        *_, (passes, tile, keep) = _tilings(Sizes(13, m, 2, (1,), 8, False))
        assert tile == (1, 1)
        assert not keep
        assert passes == (7 if m is None else (13 + 13 * 9) / (13 + 9))


NAN = jnp.array([[1.0, jnp.nan]])


def linear(w, x):
    return x @ w


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: empirical_ntk(linear, jnp.ones((2, 1)), NAN), r"x1 must be finite, got 1 values \(of 2\)"),
        (lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((1, 2)), NAN), "x2 must be finite"),
        (lambda: empirical_ntk(linear, {"w": NAN.T}, jnp.ones((1, 2))), r"params\['w'\] must be finite, got 1 values"),
        (lambda: empirical_ntk(linear, jnp.full((2, 1), jnp.inf), jnp.ones((1, 2))), "params must be finite"),
        (lambda: empirical_ntk(linear, jnp.ones((2, 1), int), jnp.ones((1, 2))), "params must be real floating .* int64"),
        (lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((1, 2), int)), "x1 must be real floating .* int64"),
        (lambda: empirical_ntk(linear, jnp.ones((2, 1), complex), jnp.ones((1, 2))), "params must be real .* complex128"),
        (lambda: empirical_ntk(linear, jnp.ones((0, 1)), jnp.ones((1, 2))), r"params must not be empty, got shape \(0, 1\)"),
        (lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((0, 2))), r"x1 must have shape \(batch, ...\) .*\(0, 2\)"),
        (lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((1, 2)), jnp.ones((1, 3))), "the same shape behind"),
        (
            lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((1, 2)), jnp.ones((1, 2), jnp.float32)),
            "x1 and x2 must have the same dtype, got float64 and float32",
        ),
        (
            lambda: empirical_ntk(lambda p, x: x @ p[0], (jnp.ones((2, 1)), jnp.ones(1, jnp.float32)), jnp.ones((1, 2))),
            r"params must all have one dtype, got params\[0\] of float64 and params\[1\] of float32",
        ),
        (
            lambda: empirical_ntk(lambda p, x: (x @ p)[:, 0], jnp.ones((2, 1)), jnp.ones((1, 2))),
            r"give .* an axis, \[:, None\]",
        ),
        (lambda: empirical_ntk(lambda p, x: (x @ p)[:0], jnp.ones((2, 1)), jnp.ones((1, 2))), r"\(1, outputs\), got \(0, 1\)"),
        (lambda: empirical_ntk(lambda p, x: {"y": x @ p}, jnp.ones((2, 1)), jnp.ones((1, 2))), "apply must return one array"),
        (lambda: empirical_ntk(lambda p, x: x > p, jnp.ones((1, 2)), jnp.ones((1, 2))), "return real floating .* bool"),
        (
            lambda: empirical_ntk(lambda p, x: (x - x.mean(0, keepdims=True)) @ p, jnp.ones((2, 1)), jnp.ones((1, 2))),
            "apply must act on each row by itself, .* changes with row 1, .* evaluation mode",
        ),
        (
            lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((1, 2)), trace_axes=(0,)),
            r"trace_axes must be .*got \(0,\)",
        ),
        (lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((1, 2)), implementation="auto"), "implementation must be"),
        (
            lambda: empirical_ntk(linear, jnp.ones((2, 1)), jnp.ones((1, 2)), memory=0),
            "memory must be an integer of at least 1",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
