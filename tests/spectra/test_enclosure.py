"""All eigenvalues in certain intervals: known spectra, clusters, ranks, refusals."""

import numpy as np
import pytest

from ntkit.spectra import enclosed_eigenvalues
from tests.spectra.matrices import brownian, circle, gaussian_points

EPS = np.finfo(float).eps


@pytest.mark.parametrize("n", [1, 2, 7, 100, 300])
def test_intervals_hold_the_eigenvalues_of_brownian_motion(n):
    matrix, exact = brownian(n)
    found = enclosed_eigenvalues(matrix)
    rounding = 4 * EPS * exact  # of the closed form
    assert (found.lower - rounding <= exact).all()
    assert (exact <= found.upper + rounding).all()
    assert (found.upper - found.lower).max() <= 16 * EPS * exact[0], "radii are a few epsilon of the norm"
    assert found.clusters.tolist() == list(range(n))
    assert found.rank().certain == n


def test_pairs_of_a_circulant_are_clusters():
    matrix, exact = circle(31)
    matrix = (matrix + matrix.T) / 2
    found = enclosed_eigenvalues(matrix)
    np.testing.assert_allclose(found.values, exact, rtol=1e-13)
    assert found.clusters.tolist() == [0, *np.repeat(np.arange(1, 16), 2)]


def test_duplicated_points_cost_rank_and_the_certificate_says_so():
    matrix = gaussian_points(12, copies=3)
    spectrum = enclosed_eigenvalues(matrix)
    rank = spectrum.rank()
    assert rank.certain == 12
    assert rank.above / rank.below > 1e6
    assert spectrum.rank(level=0.0).certain is None, "rounding straddles zero"
    assert spectrum.rank(level=0.0).at_most == 15
    assert spectrum.negative in range(4)


def test_rank_is_not_claimed_where_an_interval_straddles_the_level():
    spectrum = enclosed_eigenvalues(np.diag([3.0, 1.0]) / 7)
    rank = spectrum.rank(level=1 / 7)
    assert (rank.at_least, rank.at_most, rank.certain) == (1, 2, None)
    assert spectrum.rank(level=0.14).certain == 2


def test_ranks_of_single_precision_know_its_rounding():
    matrix = gaussian_points(12, copies=3)
    assert enclosed_eigenvalues(matrix.astype(np.float32)).rank().certain in (None, 12)
    assert enclosed_eigenvalues(matrix.astype(np.float32)).rounding > 1e8 * enclosed_eigenvalues(matrix).rounding


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_no_scale_overflows_or_vanishes(size):
    found = enclosed_eigenvalues(size * np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert (found.lower <= np.array([3, 1]) * size).all()
    assert (np.array([3, 1]) * size <= found.upper).all()
    assert ((found.upper - found.lower) / size).max() < 1e-6


def test_trivial_matrices():
    zero = enclosed_eigenvalues(np.zeros((3, 3)))
    assert not zero.lower.any()
    assert not zero.upper.any()
    assert zero.rank().certain == 0
    assert enclosed_eigenvalues([[5]]).rank().certain == 1
    assert enclosed_eigenvalues(np.ones((40, 40))).rank().certain == 1
    exchange = enclosed_eigenvalues([[0.0, 1.0], [1.0, 0.0]])
    assert exchange.rank().certain == 2
    assert exchange.negative == 1


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"matrix must have shape \(n, n\) with n >= 1, got \(2, 3\)"),
        (np.ones((0, 0)), r"got \(0, 0\)"),
        (np.eye(2, dtype=complex), "matrix must be real, of at most 64 bits, got dtype complex128"),
        (np.eye(2, dtype=np.longdouble), "at most 64 bits"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "matrix must be finite, got nan"),
        (np.diag([1.0, np.inf]), "matrix must be finite, got inf"),
        (np.array([[1.0, 2.0], [2.5, 1.0]]), "matrix must be symmetric, got entries that differ by 0.5"),
    ],
)
def test_what_is_no_symmetric_matrix_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        enclosed_eigenvalues(matrix)


def test_wrong_levels_are_refused():
    with pytest.raises(ValueError, match=r"level must be a number >= 0, got -1\.0"):
        enclosed_eigenvalues(np.eye(2)).rank(level=-1.0)
