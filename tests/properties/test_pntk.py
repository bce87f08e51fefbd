"""Laws of the pseudo-NTK and of the average over outputs as stand-ins for the full kernel, on random networks."""

from dataclasses import dataclass
from itertools import pairwise

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


@dataclass(frozen=True)
class Case:
    """A random network with random inputs: weights of any scale, a repeated input among them."""

    depth: int
    seed: int
    scale: float
    equal: bool

    @property
    def problem(self):
        sizes = [3, *[5] * self.depth, 4]
        rng = np.random.default_rng(self.seed)
        params = [jnp.asarray(self.scale * rng.normal(size=shape)) for shape in pairwise(sizes)]
        x = rng.normal(size=(5, 3))
        x[1] = x[0] if self.equal else x[1]
        return params, jnp.asarray(x)


def cases():
    return st.builds(Case, depth=st.integers(0, 2), seed=seeds(), scale=st.floats(0.01, 10), equal=st.booleans())


def kernels(params, x):
    """The pseudo-NTK, the full kernel, and the latter as a matrix."""
    full = np.asarray(empirical_ntk(network, params, x, trace_axes=()))
    return np.asarray(pseudo_ntk(network, params, x)), full, np.swapaxes(full, 1, 2).reshape(20, 20)


@given(cases())
def test_it_is_symmetric_and_positive(case):
    pseudo, _, _ = kernels(*case.problem)
    np.testing.assert_array_equal(pseudo, pseudo.T)
    assert np.linalg.eigvalsh(pseudo).min() >= -50 * EPS * np.trace(pseudo)


@given(cases())
def test_it_is_the_sum_over_all_pairs_of_outputs(case):
    pseudo, full, _ = kernels(*case.problem)
    np.testing.assert_allclose(pseudo, full.sum((2, 3)) / 4, rtol=0, atol=50 * EPS * np.abs(full).max())


@given(cases())
def test_its_eigenvalues_lie_within_those_of_the_full_kernel(case):
    """Also those of the average over outputs: both are means of compressions of the full kernel."""
    pseudo, full, matrix = kernels(*case.problem)
    own = np.linalg.eigvalsh(matrix)
    rounding = 50 * EPS * np.trace(matrix)
    for kernel in (pseudo, np.einsum("ijaa->ij", full) / 4):
        found = np.linalg.eigvalsh(kernel)
        assert found[-1] <= own[-1] + rounding
        assert found[0] >= own[0] - rounding


@given(cases())
def test_the_average_over_outputs_is_never_farther_in_frobenius_norm(case):
    pseudo, full, _ = kernels(*case.problem)
    average = np.asarray(empirical_ntk(network, *case.problem))
    distances = [np.linalg.norm(kernel[:, :, None, None] * np.eye(4) - full) for kernel in (average, pseudo)]
    assert distances[0] <= distances[1] + 50 * EPS * np.linalg.norm(full)


@given(seeds())
def test_for_a_linear_model_it_is_exact(seed):
    [w], x = Case(depth=0, seed=seed, scale=1.0, equal=False).problem
    pseudo, full, _ = kernels([w], x)
    np.testing.assert_allclose(pseudo[:, :, None, None] * np.eye(4), full, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(pseudo, x @ x.T, rtol=1e-13, atol=1e-13)


@given(cases())
def test_the_readouts_own_part_is_the_same_for_both(case):
    params, x = case.problem
    for w in params[:-1]:
        x = jax.nn.relu(x @ w)
    pseudo, full, _ = kernels(params[-1:], x)
    np.testing.assert_allclose(
        pseudo[:, :, None, None] * np.eye(4), full, rtol=1e-13, atol=1e-13 * float(jnp.abs(x).max()) ** 2
    )
