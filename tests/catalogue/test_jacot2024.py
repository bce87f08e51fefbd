"""What the claim on quotients draws and fits."""

import numpy as np
import pytest

from paper_checks import jacot2024


@pytest.mark.parametrize("d", [2, 4])
def test_paths_are_brownian_in_the_norm(d):
    points, labels = jacot2024._drawn(d, 20_000, np.random.default_rng(0))
    radius = np.linalg.norm(points, axis=1)
    assert (radius.min() >= 0.5) & (radius.max() <= 1.5)
    order = np.argsort(radius)
    steps, gaps = np.diff(labels[order]), np.diff(radius[order])
    assert (steps**2 / gaps).mean() == pytest.approx(1, abs=0.05)
    assert abs(points.mean()) < 0.02


def test_a_linear_path_is_interpolated_at_the_rate_of_smooth_functions():
    """Between neighbours the Laplace interpolant of a line is off by less than a square of their distance."""
    random = np.random.default_rng(0)
    points = random.uniform(0.5, 1.5, (1400, 1))
    few, many = (jacot2024._error(points, points[:, 0], n) for n in (100, 1000))
    assert many < few / 50
    assert many < 1e-5


def test_the_maps_of_the_controls_have_their_dimensions():
    points = np.arange(12.0).reshape(3, 4)
    shapes = [jacot2024._mapped(points, control).shape for control in (None, "wrong-quotient", "part-of-it")]
    assert shapes == [(3, 1), (3, 1), (3, 3)]
