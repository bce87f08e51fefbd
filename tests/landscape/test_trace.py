"""Traces: exact where that is cheaper, and intervals that hold the truth 95 times in 100, whenever the rule stops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from ntkit.landscape import _sequential, trace, trace_squared
from tests.landscape.models import case, dense_hessian, quadratic

KEY = jax.random.key(0)
LAWS = {
    # Laws of v^T A v with the eigenvalues of A: as for Gaussian v, more skewed than signs make them.
    "rank one": [1.0],
    "power law": np.arange(1, 31.0) ** -2,
    "trace near 0": np.r_[np.ones(15), -np.ones(14)],
    "two sides": [3.0, -1.0, -1.0],
    "flat": np.ones(30),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("rtol", "atol"), [(1.0, 0.0), (0.4, 0.0), (0.1, 0.0), (0.0, 0.5)])
def test_intervals_cover_whenever_the_rule_stops(law, rtol, atol):
    """2000 runs: not significantly below 95 %, by the exact binomial test at 1 %."""
    eigenvalues = np.asarray(LAWS[law])
    rng, covered, runs = np.random.default_rng(list(law.encode())), 0, 2000

    def samples(start, stop):
        return rng.normal(size=(stop - start, len(eigenvalues))) ** 2 @ eigenvalues

    for _ in range(runs):
        found = _sequential.mean(samples, rtol, atol, 512)
        covered += found.interval[0] <= eigenvalues.sum() <= found.interval[1]
    assert scipy.stats.binomtest(covered, runs, 0.95, alternative="less").pvalue > 0.01


def test_stopping_as_soon_as_a_plain_interval_is_short_does_not_cover():
    """Which is why there is a rule: the same samples, looked at after each, with Student's t at 95 %."""
    runs, counts = 2000, np.arange(4, 513)
    taken = np.random.default_rng(0).normal(size=(runs, 512)) ** 2
    value = taken.cumsum(axis=1)[:, 3:] / counts
    error = np.sqrt(((taken**2).cumsum(axis=1)[:, 3:] / counts - value**2) / (counts - 1))
    reach = scipy.stats.t.ppf(0.975, counts - 1) * error
    stop = np.argmax(reach <= 0.4 * value, axis=1)[:, None]
    value, reach = (np.take_along_axis(array, stop, axis=1)[:, 0] for array in (value, reach))
    covered = int((abs(value - 1) <= reach).sum())
    assert scipy.stats.binomtest(covered, runs, 0.95, alternative="less").pvalue < 1e-6


def test_small_matrices_are_computed_in_full():
    loss, params = case()
    matrix = dense_hessian(loss, params)
    for estimate, truth in ((trace, np.trace(matrix)), (trace_squared, (matrix**2).sum())):
        found = estimate(loss, params, key=KEY)
        assert found.exact
        assert found.converged
        assert (found.probes, found.stderr) == (26, 0.0)
        assert found.interval[0] <= truth <= found.interval[1]
        assert found.interval[1] - found.interval[0] < 1e-9 * truth


@pytest.mark.parametrize("rtol", [0.3, 1e-4])
def test_estimates_stop_when_they_are_good_enough_or_turn_exact(rtol):
    eigenvalues = np.random.default_rng(0).exponential(size=300)
    loss, params = quadratic(eigenvalues)
    found = trace(loss, params, key=KEY, rtol=rtol)
    assert found.interval[0] <= eigenvalues.sum() <= found.interval[1]
    assert found.interval[1] - found.interval[0] <= 2 * rtol * found.value
    assert (found.exact, found.converged) == (rtol < 0.1, True)
    assert found.exact or found.probes < 300


def test_an_estimate_that_runs_out_of_probes_says_so():
    eigenvalues = np.r_[np.ones(100), -np.ones(100)]
    loss, params = quadratic(eigenvalues)
    found = trace(loss, params, key=KEY, rtol=0.01, max_probes=100)
    assert (found.converged, found.exact, found.probes) == (False, False, 100)
    assert found.interval[0] <= 0 <= found.interval[1]
    assert trace(loss, params, key=KEY, rtol=0.0, atol=20.0, max_probes=100).converged


def test_signs_give_the_trace_of_a_diagonal_matrix_at_once():
    found = trace(lambda w: 0.5 * (jnp.arange(100.0) * w**2).sum(), jnp.ones(100), key=KEY)
    assert (found.probes, found.stderr, found.value) == (32, 0.0, 4950.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": -0.1}, "rtol must be at least 0 and finite, got -0.1"),
        ({"atol": np.inf}, "atol must be at least 0 and finite, got inf"),
        ({"rtol": 0.0}, "rtol or atol must be above 0, got 0 for both"),
        ({"max_probes": 1}, "max_probes must be at least 2, got 1"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        trace(jnp.sum, jnp.ones(3), key=KEY, **options)
