"""Points on spheres."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

from ntkit import data


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("dim", [1, 3])
def test_points_lie_on_the_sphere_in_the_dtype_asked_for(dtype, dim):
    points = data.sphere(jax.random.key(0), 20, dim, dtype=dtype)
    assert points.shape == (20, dim)
    assert points.dtype == dtype
    np.testing.assert_allclose(jnp.sum(points**2, axis=1), 1.0, rtol=4 * jnp.finfo(dtype).eps)


def test_points_are_uniform():
    # Archimedes: in R^3 the coordinate along any direction is uniform on [-1, 1]. A cube's points fail along the diagonal.
    points = np.asarray(data.sphere(jax.random.key(1), 20_000, 3))
    for direction in np.eye(3)[0], np.ones(3) / np.sqrt(3), np.array([0.6, -0.8, 0.0]):
        assert kstest(points @ direction, "uniform", args=(-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize(("count", "dim", "name"), [(0, 3, "count"), (3, 0, "dim")])
def test_a_size_below_one_is_refused(count, dim, name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        data.sphere(jax.random.key(0), count, dim)
