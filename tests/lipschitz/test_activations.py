"""Activations against high precision, within the error that bounds allow for; and ranges of values and derivatives."""

import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkit.lipschitz import Gelu, LeakyRelu, Relu, Sigmoid, Softplus, Tanh

EXACT = {
    Tanh(): (mpmath.tanh, lambda z: 1 / mpmath.cosh(z) ** 2),
    Sigmoid(): (lambda z: 1 / (1 + mpmath.exp(-z)), lambda z: 1 / (2 + mpmath.exp(z) + mpmath.exp(-z))),
    Softplus(): (lambda z: mpmath.log1p(mpmath.exp(z)), lambda z: 1 / (1 + mpmath.exp(-z))),
    Gelu(): (lambda z: z * mpmath.ncdf(z), lambda z: mpmath.ncdf(z) + z * mpmath.npdf(z)),
}
GRID = np.concatenate([np.linspace(-40, 40, 161), np.linspace(-3, 3, 301), [1e-300, -1e-8, 0.0, 700.0, -700.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", EXACT, ids=lambda activation: type(activation).__name__)
def test_values_and_slopes_are_within_the_error_that_is_allowed(activation, dtype):
    z = GRID.astype(dtype)
    for found, exact in zip((activation(jnp.asarray(z)), activation.slope(jnp.asarray(z))), EXACT[activation], strict=True):
        with mpmath.workdps(40):
            expected = [exact(mpmath.mpf(float(x))) for x in z]
            off = [float(abs(mpmath.mpf(float(f)) - e) / max(1, abs(e))) for f, e in zip(found, expected, strict=True)]
        assert max(off) <= activation.library_error * np.finfo(dtype).eps / 2


@pytest.mark.parametrize("activation", [*EXACT, Relu(), LeakyRelu(0.2)], ids=lambda activation: type(activation).__name__)
@given(low=st.integers(-600, 600), width=st.integers(0, 800))
def test_slopes_and_values_on_an_interval_are_within_what_is_stated(activation, low, width):
    low, width = low / 100, width / 100
    z = jnp.clip(jnp.linspace(low, low + width, 201), low, low + width)
    for stated, found in (
        (activation.slopes(jnp.float64(low), jnp.float64(low + width)), activation.slope(z)),
        (activation.values(jnp.float64(low), jnp.float64(low + width)), activation(z)),
    ):
        assert float(stated[0]) <= float(found.min()) + 1e-14
        assert float(stated[1]) >= float(found.max()) - 1e-14
    assert float(jnp.abs(activation.slope(z)).max()) <= activation.steepest
