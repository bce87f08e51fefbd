"""Singular values and what is read off them: transformations of JAX, known values, what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.orthoconv import (
    Architecture,
    _spectrum,
    condition_number,
    construct,
    frobenius_error,
    layer_matrix,
    singular_values,
    spectral_error,
)


def test_values_are_mapped_and_differentiated():
    kernels = jax.random.normal(jax.random.key(0), (3, 2, 3, 2, 2))
    mapped = jax.jit(jax.vmap(lambda k: singular_values(k, (3, 4), (1, 2))))(kernels)
    for kernel, values in zip(kernels, mapped, strict=True):
        np.testing.assert_allclose(values, singular_values(np.asarray(kernel), (3, 4), (1, 2)), rtol=1e-12)
    energy = jax.grad(lambda k: (singular_values(k, 3, (1, 2)) ** 2).sum())(kernels[0])
    np.testing.assert_allclose(energy, 2 * 9 * kernels[0], rtol=1e-11)  # |A|_F^2 = N^d |K|^2
    step, direction = 1e-6, np.random.default_rng(0).normal(size=kernels[0].shape)

    def least(kernel):
        return singular_values(kernel, 3)[-1]

    slope = (jax.grad(least)(kernels[0]) * direction).sum()
    at = [float(least(np.asarray(kernels[0]) + sign * step * direction)) for sign in (1, -1)]
    np.testing.assert_allclose(slope, (at[0] - at[1]) / (2 * step), rtol=1e-5)


def test_blocks_are_held_in_parts_and_equal_ones_decomposed_once(monkeypatch):
    rng = np.random.default_rng(2)
    for shape, size, stride in [((3, 2, 3, 2), (5, 4), (1, 2)), ((2, 3, 2, 2), 3, 1)]:
        kernel = rng.normal(size=shape)
        expected = singular_values(kernel, size, stride)
        monkeypatch.setattr(_spectrum, "_BLOCKS", 25)
        np.testing.assert_allclose(singular_values(kernel, size, stride), expected, rtol=0, atol=1e-14 * expected[0])
        monkeypatch.undo()
    kernel = rng.normal(size=(2, 3, 1, 1))
    monkeypatch.setattr(_spectrum, "blocks_at", lambda phases, w, sizes: phases.reshape(1, 2, 3))  # no more than one
    values = singular_values(kernel, 1000)
    np.testing.assert_array_equal(values, np.repeat(np.linalg.svd(kernel[:, :, 0, 0], compute_uv=False), 10**6))


@pytest.mark.parametrize("padding", ["circular", "same", "valid"])
def test_errors_are_those_of_the_matrix(padding):
    rng = np.random.default_rng(1)
    for shape, size, stride in [((3, 2, 3, 2), (3, 4), (2, 1)), ((2, 3, 3), 5, 1), ((5, 1, 2), 4, 3), ((2, 1, 2, 2, 2), 2, 1)]:
        kernel = rng.normal(size=shape)
        matrix = layer_matrix(kernel, size, stride, padding).toarray()
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        error = gram - np.eye(len(gram))
        np.testing.assert_allclose(frobenius_error(kernel, size, stride, padding), np.linalg.norm(error), rtol=1e-12)
        np.testing.assert_allclose(spectral_error(kernel, size, stride, padding), np.linalg.norm(error, 2), rtol=1e-12)
        expected = np.linalg.svd(matrix, compute_uv=False)
        np.testing.assert_allclose(singular_values(kernel, size, stride, padding), expected, atol=1e-13 * expected[0])


def test_orthogonal_layers_have_condition_one_and_singular_ones_infinite():
    layer = Architecture(4, 2, 3, 2, 2)
    kernel = construct(jax.random.key(0), **vars(layer))
    np.testing.assert_allclose(condition_number(kernel, 5, 2), 1.0, rtol=1e-13)
    assert float(condition_number(jnp.ones((2, 2, 3)), 6)) == np.inf
    assert float(condition_number(np.zeros((1, 1, 2)), 3)) == np.inf


def test_single_precision_is_kept():
    kernel = construct(jax.random.key(1), out_channels=8, in_channels=8, kernel_size=3, ndim=2).astype(np.float32)
    values = singular_values(kernel, 6)
    assert values.dtype == np.float32
    assert np.abs(values - 1).max() < 8 * np.finfo(np.float32).eps


def test_matrices_that_are_too_large_are_refused_with_the_way_out():
    with pytest.raises(
        ValueError, match=r"size must keep the matrix of a same layer within 3000 rows .* extreme_singular_values"
    ):
        singular_values(np.ones((64, 64, 3, 3)), 32, padding="same")
