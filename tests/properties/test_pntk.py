"""Laws of the pseudo-NTK and of the average over outputs as stand-ins for the full kernel, on random networks."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntkit.kernels import empirical_ntk, pseudo_ntk
from ntkit.strategies import seeds

EPS = np.finfo(float).eps


def network(params, x):
    """Shapes are few, since each compiles; the depth is that of the parameters."""
    for w in params[:-1]:
        x = jax.nn.relu(x @ w)
    return x @ params[-1]


@st.composite
def problems(draw):
    """Random weights of any scale, zero units and repeated inputs among them."""
    depth, seed = draw(st.integers(0, 2)), draw(seeds())
    scale, equal = draw(st.floats(0.01, 10)), draw(st.booleans())
    sizes = [3, *[5] * depth, 4]
    keys = jax.random.split(jax.random.key(seed), depth + 2)
    params = [
        scale * jax.random.normal(key, shape) for key, shape in zip(keys, zip(sizes, sizes[1:], strict=False), strict=False)
    ]
    x = jax.random.normal(keys[-1], (5, 3))
    return params, x.at[1].set(x[0]) if equal else x


def kernels(params, x):
    """The pseudo-NTK, the full kernel, and the latter as a matrix."""
    full = np.asarray(empirical_ntk(network, params, x, trace_axes=()))
    return np.asarray(pseudo_ntk(network, params, x)), full, np.swapaxes(full, 1, 2).reshape(20, 20)


@given(problems())
def test_it_is_symmetric_and_positive(problem):
    pseudo, _, _ = kernels(*problem)
    np.testing.assert_array_equal(pseudo, pseudo.T)
    assert np.linalg.eigvalsh(pseudo).min() >= -50 * EPS * np.trace(pseudo)


@given(problems())
def test_it_is_the_sum_over_all_pairs_of_outputs(problem):
    pseudo, full, _ = kernels(*problem)
    np.testing.assert_allclose(pseudo, full.sum((2, 3)) / 4, rtol=0, atol=50 * EPS * np.abs(full).max())


@given(problems())
def test_its_eigenvalues_lie_within_those_of_the_full_kernel(problem):
    """Also those of the average over outputs: both are means of compressions of the full kernel."""
    pseudo, full, matrix = kernels(*problem)
    own = np.linalg.eigvalsh(matrix)
    rounding = 50 * EPS * np.trace(matrix)
    for kernel in (pseudo, np.einsum("ijaa->ij", full) / 4):
        found = np.linalg.eigvalsh(kernel)
        assert found[-1] <= own[-1] + rounding
        assert found[0] >= own[0] - rounding


@given(problems())
def test_the_average_over_outputs_is_never_farther_in_frobenius_norm(problem):
    pseudo, full, _ = kernels(*problem)
    average = np.asarray(empirical_ntk(network, *problem))
    distances = [np.linalg.norm(kernel[:, :, None, None] * np.eye(4) - full) for kernel in (average, pseudo)]
    assert distances[0] <= distances[1] + 50 * EPS * np.linalg.norm(full)


@given(seeds())
def test_for_a_linear_model_it_is_exact(seed):
    w, x = (
        jax.random.normal(key, shape)
        for key, shape in zip(jax.random.split(jax.random.key(seed)), [(3, 4), (5, 3)], strict=True)
    )
    pseudo, full, _ = kernels([w], x)
    np.testing.assert_allclose(pseudo[:, :, None, None] * np.eye(4), full, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(pseudo, x @ x.T, rtol=1e-13, atol=1e-13)


@given(problems())
def test_the_readouts_own_part_is_the_same_for_both(problem):
    params, x = problem
    for w in params[:-1]:
        x = jax.nn.relu(x @ w)
    pseudo, full, _ = kernels(params[-1:], x)
    np.testing.assert_allclose(
        pseudo[:, :, None, None] * np.eye(4), full, rtol=1e-13, atol=1e-13 * float(jnp.abs(x).max()) ** 2
    )
