"""Laws behind the claims on denoisers: shrinkage of the linear one, and Jacobians of posterior means."""

import importlib
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

locality, geometry = (importlib.import_module(name) for name in ("lukoianov2025", "kadkhodaie2023"))


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.01, 10), seeds())
def test_the_linear_denoiser_shrinks_and_more_so_in_more_noise(dim, samples, level, seed):
    x = np.random.default_rng(seed).normal(size=(samples, dim))
    covariance = x.T @ x / samples
    less, more = (np.linalg.eigvalsh(locality._wiener(covariance, s)) for s in (level, 2 * level))
    assert less.min() >= -1e-10
    assert less.max() < 1
    assert (more <= less + 1e-10).all()


@given(st.integers(1, 8), st.floats(0.1, 10), seeds())
def test_no_linear_denoiser_has_a_smaller_error(dim, level, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(dim, dim))
    covariance = x @ x.T

    def error(w):
        return np.trace((w - np.eye(dim)) @ covariance @ (w - np.eye(dim)).T) + level**2 * (w**2).sum()

    best = locality._wiener(covariance, level)
    assert error(best) <= error(best + 0.1 * rng.normal(size=(dim, dim))) + 1e-9


@given(st.integers(2, 6), seeds())
def test_permuted_correlations_keep_variances_and_eigenvalues_of_correlations(dim, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, dim)) * rng.uniform(0.5, 2, dim)
    x[:, 0] = 0
    covariance = np.cov(x.T, bias=True)
    scale = np.sqrt(np.diag(covariance))[1:]
    correlations = covariance[1:, 1:] / np.outer(scale, scale)
    for permuted in locality._permuted_correlations(rng, covariance, 3):
        np.testing.assert_allclose(np.diag(permuted), np.diag(covariance), atol=1e-12)
        found = np.linalg.eigvalsh(permuted[1:, 1:] / np.outer(scale, scale))
        np.testing.assert_allclose(found, np.linalg.eigvalsh(correlations), atol=1e-9)


@given(st.integers(2, 5), seeds())
def test_a_radius_lies_between_the_least_and_the_greatest_distance(side, seed):
    squared = locality._squared_distances(side)
    filters = np.random.default_rng(seed).normal(size=(3, side**2, side**2))
    radii = locality._radii(filters, squared[None])[0]
    assert (radii >= 1 - 1e-12).all()
    assert (radii <= np.sqrt(2) * (side - 1) + 1e-12).all()


@settings(max_examples=20)
@given(st.floats(0.1, 3), seeds())
def test_jacobians_of_posterior_means_are_symmetric_and_not_negative(level, seed):
    rng = np.random.default_rng(seed)
    prior, y = rng.normal(size=(7, 4)), rng.normal(size=(5, 4))
    jacobians = np.asarray(geometry._jacobians(y, prior, prior, level))
    rounding = 1e-12 / level**2  # of numbers of order 1, divided by the noise
    np.testing.assert_allclose(jacobians, jacobians.transpose(0, 2, 1), atol=rounding)
    assert np.linalg.eigvalsh(jacobians).min() >= -rounding
    np.testing.assert_allclose(jacobians, geometry._covariances(y, prior, level) / level**2, atol=rounding)


@given(st.floats(0.1, 3), seeds())
def test_posterior_means_and_traces_are_those_of_the_covariances(level, seed):
    rng = np.random.default_rng(seed)
    prior, y = rng.normal(size=(7, 4)), rng.normal(size=(5, 4))
    mean, spread = geometry._posterior(y, prior, level)
    np.testing.assert_allclose(spread, np.trace(geometry._covariances(y, prior, level), axis1=1, axis2=2), atol=1e-12)
    hull = prior.min(axis=0) - 1e-12, prior.max(axis=0) + 1e-12
    assert ((mean >= hull[0]) & (mean <= hull[1])).all()
