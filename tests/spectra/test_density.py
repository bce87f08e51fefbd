"""The density of a spectrum: counts with intervals, traces, exhausted probes, refusals."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from ntkit.spectra import spectral_density
from tests.spectra.matrices import brownian, rotated

ENDS = [(-np.inf, np.inf), (0.5, np.inf), (0.1, 0.3), (-1.0, 0.0), (2.0, 3.0), (0.42, 0.42)]


@pytest.mark.parametrize("name", ["line", "power", "both signs", "zero", "two values"])
def test_counts_lie_in_their_intervals(name):
    n = 300
    exact = {
        "line": np.arange(1.0, n + 1) / n,
        "power": np.arange(1.0, n + 1) ** -1.5,
        "both signs": np.linspace(-1, 1, n),
        "zero": np.zeros(n),
        "two values": np.repeat([0.25, 0.75], [200, 100]),
    }[name]
    density = spectral_density(aslinearoperator(np.diag(exact)), probes=12, steps=25)
    for lower, upper in ENDS:
        count = density.count(lower, upper, level=0.999)
        assert count.lower <= ((exact >= lower) & (exact <= upper)).sum() <= count.upper
        assert count.lower - 1e-9 <= count.estimate <= count.upper + 1e-9


def test_intervals_shrink_with_probes_and_steps():
    matrix = np.diag(np.arange(1.0, 301) / 300)
    widths = []
    for probes, steps in ((4, 10), (40, 10), (40, 60)):
        count = spectral_density(matrix, probes=probes, steps=steps).count(0.25, 0.75)
        widths.append(count.upper - count.lower)
    assert widths[0] > widths[1] > 2 * widths[2]


def test_intervals_cover_as_often_as_they_say():
    exact = np.arange(1.0, 201) / 200
    counts = [spectral_density(np.diag(exact), probes=4, steps=12, seed=s).count(0.3, 0.6, level=0.8) for s in range(60)]
    assert np.mean([c.lower <= 61 <= c.upper for c in counts]) >= 0.8


def test_two_eigenvalues_are_counted_without_error_of_quadrature():
    density = spectral_density(rotated(np.repeat([0.25, 0.75], [200, 100])), probes=30)
    assert density.exact.all()
    assert density.products == 2
    np.testing.assert_allclose(density.nodes, np.tile([0.25, 0.75], (30, 1)), rtol=1e-12)
    count = density.count(0.5, 1.0)
    assert 80 < count.lower < 100 < count.upper < 120
    at_a_node = density.count(0.5, 0.75)
    assert at_a_node.lower == 0, "rounding does not tell whether the eigenvalue lies below its own value"


def test_all_steps_give_the_trace_of_any_function():
    matrix, exact = brownian(12)
    density = spectral_density(matrix, probes=200, steps=12)
    assert density.exact.all()
    trace = density.trace(np.sqrt, level=0.999)
    assert trace.lower < np.sqrt(exact).sum() < trace.upper
    np.testing.assert_allclose(spectral_density(3 * np.eye(7)).trace(lambda x: x**2).estimate, 63, rtol=1e-13)
    assert spectral_density([[2.0]]).count(1.9, 2.1)[1:] == (1.0, 1.0)


def test_weights_are_a_measure_and_seeds_repeat():
    density, again, other = (spectral_density(brownian(50)[0], probes=3, steps=9, seed=s) for s in (1, 1, 2))
    np.testing.assert_allclose(density.weights.sum(1), 1, rtol=1e-13)
    np.testing.assert_array_equal(density.nodes, again.nodes)
    assert (density.nodes != other.nodes).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spectral_density(np.eye(3), probes=1), "probes must be an integer from 2"),
        (lambda: spectral_density(np.eye(3), steps=0), "steps must be an integer from 1"),
        (lambda: spectral_density(np.triu(np.ones((3, 3)))), "matrix must be symmetric"),
        (lambda: spectral_density(aslinearoperator(np.triu(np.ones((40, 40))))), "matrix must be symmetric"),
        (lambda: spectral_density(np.eye(3)).count(2.0, 1.0), "lower must be at most upper, got 2.0 and 1.0"),
        (lambda: spectral_density(np.eye(3)).count(1.0, 2.0, level=1.0), r"level must lie in \(0, 1\), got 1\.0"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
