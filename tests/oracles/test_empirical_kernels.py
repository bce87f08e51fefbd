"""neural-tangents' empirical kernels, full and traced, by both implementations, on networks of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit._compat import neural_tangents
from ntkit.kernels import empirical_ntk

pytestmark = pytest.mark.usefixtures("hardly_optimised")


@pytest.fixture(scope="module")
def nt():
    return neural_tangents.load()


@pytest.fixture
def lenient():
    """Numerics as neural-tangents expects them."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def networks(stax):
    convolutions = [stax.Conv(4, (3, 3), (2, 1), "SAME"), stax.Relu(), stax.Conv(5, (2, 2), padding="VALID"), stax.Erf()]
    return {
        "dense": (stax.serial(stax.Dense(9), stax.Erf(), stax.Dense(8), stax.Relu(), stax.Dense(3)), (4,)),
        "pooled": (stax.serial(*convolutions, stax.GlobalAvgPool(), stax.Dense(3)), (6, 5, 2)),
        "flattened": (stax.serial(*convolutions, stax.Flatten(), stax.Dense(3)), (6, 5, 2)),
    }


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("dense", jnp.float64),
        ("pooled", jnp.float64),
        ("flattened", jnp.float64),
        ("dense", jnp.float32),  # its convolutions refuse what its Erf makes of float32
    ],
)
def test_both_libraries_agree(nt, name, dtype):
    (init, apply, _), shape = networks(nt.stax)[name]
    _, params = init(jax.random.key(0), (1, *shape))
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
    x1, x2 = (jax.random.normal(jax.random.key(seed), (count, *shape), dtype) for seed, count in ((1, 5), (2, 3)))
    contraction = nt.NtkImplementation.JACOBIAN_CONTRACTION
    for axes, second in (((), None), ((-1,), x2)):
        expected = jax.jit(nt.empirical_ntk_fn(apply, axes, vmap_axes=0, implementation=contraction))(x1, second, params)
        for implementation in ("jacobian", "ntvp"):
            found = empirical_ntk(apply, params, x1, second, trace_axes=axes, implementation=implementation)
            tolerance = 1e-10 if dtype == jnp.float64 else 1e-5
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * float(abs(expected).max()))
