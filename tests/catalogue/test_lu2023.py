"""The descent of the two-feature model, written out."""

import jax.numpy as jnp
import numpy as np
import pytest

from paper_checks import lu2023


@pytest.mark.parametrize(("rate", "share"), [(0.05, 0.0), (0.6, 0.1894), (0.8, 0.4264)])
def test_it_is_gradient_descent(rate, share):
    a, b, weak, steps = 1e-3, 0.05, 0.1, 20_000
    found = lu2023._descend(jnp.array([a]), jnp.array([b]), jnp.array([weak]), jnp.array([rate]), False)
    for _ in range(steps):
        error = weak * a**2 + b**2 - 1
        a, b = a - 2 * rate * error * weak * a, b - 2 * rate * error * b
    np.testing.assert_allclose([found[0][0], found[1][0]], [weak * a**2, weak * a**2 + b**2], atol=1e-6)
    assert weak * a**2 == pytest.approx(share, abs=1e-4)
