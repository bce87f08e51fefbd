"""Eigenvalues of trees of patches a second way: the kernel on a grid of angles, integrated against every harmonic.

And the kernel itself, from the network of `ntkit.kernels`.
"""

from functools import reduce

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import roots_legendre

from ntkit.spectra import PatchTree, gegenbauer, tree_spectrum


def by_quadrature(tree, kind, top, nodes):
    """Average of kernel times harmonics, for all labels up to a degree; angles pi x^3, so that x is smooth at the corner."""
    x, weights = roots_legendre(nodes)
    x = (1 + x) / 2
    theta = np.pi * x**3
    measure = weights * x**2 * np.sin(theta) ** (tree.patch_dim - 2)
    harmonics = gegenbauer(tree.patch_dim, np.arange(top + 1), theta) * (measure / measure.sum())
    angles = np.stack(np.meshgrid(*[theta] * tree.patches, indexing="ij"), axis=-1)
    return reduce(
        lambda values, _: np.tensordot(values, harmonics, axes=(0, 1)), range(tree.patches), tree.kernel(angles, kind)
    )


@pytest.mark.parametrize("kind", ["ntk", "nngp"])
@pytest.mark.parametrize(
    ("tree", "top", "nodes"),
    [
        (PatchTree(2, (2,)), 60, 400),
        (PatchTree(3, (2,)), 40, 300),
        (PatchTree(7, (2,)), 12, 200),
        (PatchTree(2, (3,)), 8, 90),
        (PatchTree(2, (2, 2)), 5, 32),
        (PatchTree(2, (), 2), 20, 200),
    ],
)
def test_the_recursion_and_quadrature_agree_within_the_errors(tree, top, nodes, kind):
    exact, coarse = by_quadrature(tree, kind, top, nodes), by_quadrature(tree, kind, top, nodes * 3 // 4)
    spectrum = tree_spectrum(tree, top, kind=kind)
    uncovered = []
    for sector in range(tree.depth + 1):
        found = spectrum.sector(sector)
        where = tuple(found.labels.T)
        noise = np.abs(exact - coarse)[where] + 1e-14
        error = np.abs(found.values - exact[where])
        assert (error <= 10 * (found.errors + noise)).all()
        assert (error <= 2e-5 * np.abs(exact[where]) + found.errors * (sector < 2) + noise).all()
        uncovered += (error > found.errors + noise).tolist()
    assert np.mean(uncovered) <= 0.01


@pytest.mark.parametrize("tree", [PatchTree(3), PatchTree(2, (3, 2), 2), PatchTree(4, (2,))])
def test_kernels_are_those_of_the_network(tree):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(6, tree.patches, tree.patch_dim))
    x /= np.linalg.norm(x, axis=2, keepdims=True)
    x[1] = x[0]
    x[2, 0] = -x[0, 0]
    angles = 2 * np.arctan2(np.linalg.norm(x[:, None] - x, axis=-1), np.linalg.norm(x[:, None] + x, axis=-1))
    inputs = jnp.asarray(x.reshape(6, -1, 1) * tree.patch_dim**0.5)
    got = tree.network().kernels(inputs)
    np.testing.assert_allclose(tree.kernel(angles), got.ntk, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(tree.kernel(angles, "nngp"), got.nngp, rtol=1e-12, atol=1e-15)
