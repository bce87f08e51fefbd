"""Paths of training in coordinates of their own: principal components, least squares, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from ntkit.landscape import project, trajectory
from ntkit.strategies import seeds


def path(seed, points=12, dtype=np.float64):
    """A path in a plane, and a little beside it."""
    rng = np.random.default_rng(seed)
    plane, steps = rng.normal(size=(2, 6)), np.cumsum(rng.normal(size=(points, 2)), axis=0)
    rows = steps @ plane + 1e-3 * rng.normal(size=(points, 6))
    return {"w": jnp.asarray(rows[:, :4].reshape(points, 2, 2), dtype), "b": jnp.asarray(rows[:, 4:], dtype)}


def flat(tree):
    return np.concatenate([np.asarray(leaf).reshape(len(leaf), -1) for leaf in jax.tree.leaves(tree)], axis=1)


@settings(max_examples=10)
@given(seeds())
def test_components_are_those_of_the_covariance(seed):
    points = path(seed)
    found = trajectory(points)
    rows = flat(points)
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    np.testing.assert_allclose(found.shares, values[::-1] / values.sum(), atol=1e-12)
    ways = np.stack([flat(jax.tree.map(lambda leaf: leaf[None], way.tree))[0] for way in found.directions])
    np.testing.assert_allclose(abs(ways @ vectors[:, ::-1][:, :2]), np.eye(2), atol=1e-5)
    np.testing.assert_allclose(ways @ ways.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(found.projection.coordinates, (rows - rows[-1]) @ ways.T, atol=1e-10)
    assert (found.projection.residuals < 0.1 * np.linalg.norm(rows - rows[-1], axis=1).max()).all()
    assert (found.projection.coordinates[0] <= 1e-12).all()


def test_components_from_the_origin_are_not_centred():
    points = path(0)
    rows = flat(points)
    sizes = np.linalg.svd(rows - rows[0], compute_uv=False)
    found = trajectory(points, origin=jax.tree.map(lambda leaf: leaf[0], points), centred=False)
    np.testing.assert_allclose(found.shares, sizes**2 / (sizes**2).sum())
    assert found.directions[0].convention == "principal component 1 of 12 points, from the origin"
    np.testing.assert_allclose(found.projection.coordinates[0], 0, atol=1e-12)


def test_a_random_walk_has_the_shares_of_one():
    """6 / (pi k)^2 as there are more steps and dimensions (Antognini and Sohl-Dickstein 2018)."""
    walk = np.cumsum(np.random.default_rng(0).normal(size=(200, 5000)), axis=0)
    found = trajectory(jnp.asarray(walk)).shares[:3]
    np.testing.assert_allclose(found, 6 / (np.pi * np.arange(1, 4)) ** 2, rtol=0.05)


def test_points_on_oblique_directions_are_found_where_they_are():
    ways = [jnp.asarray([1.0, 0.0, 0.0]), jnp.asarray([1.0, 1.0, 0.0])]
    shares = np.asarray([[2.0, -1.0], [0.5, 3.0]])
    origin = jnp.asarray([1.0, 2.0, 3.0])
    points = jnp.asarray(shares @ np.stack(ways) + np.asarray(origin) + [0, 0, 4.0])
    found = project(points, origin, ways)
    np.testing.assert_allclose(found.coordinates, shares, atol=1e-12)
    np.testing.assert_allclose(found.residuals, 4)


def test_single_precision_stays():
    assert trajectory(path(0, dtype=np.float32)).directions[0].tree["w"].dtype == np.float32


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: trajectory(jnp.ones((1, 2))), "points must be at least 2, got 1"),
        (lambda: trajectory(jnp.ones((3, 2))), "points must not all be the same, got 3 that are"),
        (lambda: trajectory(path(0), count=7), "count must be from 1 to the number of components, 6, got 7"),
        (lambda: trajectory(path(0), origin={"w": jnp.ones((2, 2))}), "origin must have the structure of params"),
        (lambda: trajectory([jnp.ones((2, 1)), jnp.ones((3, 1))]), r"points must be arrays .* along axis 0, got \[2, 3\]"),
        (lambda: project(jnp.ones((2, 2)), jnp.ones(2), []), "directions must be at least one, got none"),
        (lambda: project(jnp.ones((2, 2)), jnp.ones(2), [jnp.ones(3)]), r"directions\[0\] must be float64\[2\]"),
        (lambda: project(jnp.ones((2, 3)), jnp.ones(2), [jnp.ones(2)]), r"points must be float64\[2\]"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_bad_points_and_directions_are_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
