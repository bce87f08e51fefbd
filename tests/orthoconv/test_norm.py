"""The norm of a layer, its gradient, and bounds on both ends of its spectrum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkit.orthoconv import _extremes, construct, extreme_singular_values, singular_values, spectral_norm
from ntkit.strategies import architectures, convolutions

LAYERS = convolutions(architectures(dims=(1, 2, 3), max_taps=3, max_stride=2))
PADDINGS = st.sampled_from(("circular", "same", "valid"))
CASES = [
    ("circular", (40, 30, 3, 2), (6, 5), (2, 1)),
    ("circular", (3, 30, 3), 7, 2),
    ("same", (3, 4, 3, 3), 5, 1),
    ("valid", (5, 2, 3), 6, 2),
]


@given(LAYERS, PADDINGS, st.integers(1, 4))
def test_the_norm_is_the_largest_singular_value(convolution, padding, size):
    kernel, stride = convolution.kernel, convolution.layer.stride
    largest = singular_values(kernel, size, stride, padding)[0]
    np.testing.assert_allclose(spectral_norm(kernel, size, stride, padding), largest, rtol=1e-6)


@pytest.mark.parametrize(("padding", "shape", "size", "stride"), CASES)
def test_the_gradient_is_that_of_finite_differences(padding, shape, size, stride):
    rng = np.random.default_rng(0)
    kernel, direction = rng.normal(size=shape), rng.normal(size=shape)

    def norm(k):
        return spectral_norm(k, size, stride, padding)

    gradient = jax.jit(jax.grad(norm))(jnp.asarray(kernel))
    step = 1e-5
    difference = (norm(kernel + step * direction) - norm(kernel - step * direction)) / (2 * step)
    np.testing.assert_allclose((gradient * direction).sum(), difference, rtol=1e-5)
    _, forward = jax.jvp(norm, (jnp.asarray(kernel),), (jnp.asarray(direction),))
    np.testing.assert_allclose(forward, difference, rtol=1e-5)


def test_it_is_mapped_and_answers_in_kind():
    kernels = jax.random.normal(jax.random.key(0), (3, 2, 4, 3), dtype=jnp.float32)
    norms = jax.jit(jax.vmap(lambda k: spectral_norm(k, 5)))(kernels)
    assert norms.dtype == jnp.float32
    for kernel, norm in zip(np.asarray(kernels), norms, strict=True):
        assert spectral_norm(kernel, 5).dtype == np.float32
        np.testing.assert_allclose(norm, singular_values(kernel, 5)[0], rtol=1e-6)


def test_zero_kernels_have_norm_zero():
    for padding in ("circular", "same", "valid"):
        assert float(spectral_norm(np.zeros((2, 3, 3)), 4, padding=padding)) == 0.0


def test_orthogonal_kernels_have_norm_one():
    """Eigenvalues of their blocks agree to rounding, where LAPACK may find none by its number."""
    for seed in range(4):
        kernel = np.asarray(construct(jax.random.key(seed), out_channels=8, in_channels=8, kernel_size=(3, 3)))
        np.testing.assert_allclose(spectral_norm(kernel, 22), 1, rtol=1e-6)
        largest = extreme_singular_values(kernel, 22, padding="valid").largest
        assert largest[0] <= 1 + 1e-12
        assert 1 - 1e-12 <= largest[1] <= 1 + 1e-6


def test_blocks_that_are_large_on_purpose_are_found():
    """A kernel whose power iterations from a fixed start rank the best frequency last: the certificate finds it."""
    waves = np.cos(2 * np.pi * np.outer(np.arange(8), np.arange(8)) / 8)
    kernel = np.zeros((30, 30, 8))
    kernel[:, :, :] = 1e-3 * np.random.default_rng(0).normal(size=kernel.shape)
    kernel[0, 0] += waves[3] / 4
    np.testing.assert_allclose(spectral_norm(kernel, 8), singular_values(kernel, 8)[0], rtol=1e-6)


@given(LAYERS, PADDINGS, st.integers(1, 4), st.booleans())
def test_extremes_hold_the_ends_of_the_spectrum(convolution, padding, size, whole):
    kernel, stride = convolution.kernel, convolution.layer.stride
    values = singular_values(kernel, size, stride, padding)
    with pytest.MonkeyPatch.context() as patch:
        if not whole:
            patch.setattr(_extremes, "MOST_DENSE", 0)
        found = extreme_singular_values(kernel, size, stride, padding)
    assert found.largest[0] <= values[0] * (1 + 1e-12)
    assert values[0] <= found.largest[1] * (1 + 1e-12)
    assert found.smallest[0] <= values[-1] + 1e-12 * values[0]
    assert values[-1] <= found.smallest[1] + 1e-12 * values[0]
    assert (found.smallest[0] == 0) or found.smallest_by != "nothing"


def test_large_layers_are_bounded_from_both_sides():
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(4, 16, 3, 3)) / 12
    found = extreme_singular_values(wide, 40, padding="valid")
    assert found.smallest_by == "circular embedding"
    assert 0 < found.smallest[0] < found.smallest[1] < found.largest[0] < found.largest[1] < 1.05 * found.largest[0]
    long = rng.normal(size=(12, 4, 3)) / 4
    found = extreme_singular_values(long, 2000, padding="same")
    assert found.smallest_by == "factorisation"
    assert found.smallest[0] > 0.9 * found.smallest[1]
