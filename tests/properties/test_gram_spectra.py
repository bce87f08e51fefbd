"""Laws of the spectra of symmetric matrices: interlacing, permutation, trace, shifts, scale, and that intervals hold."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

from ntkit.kernels import Gaussian, Laplace, gram_operator
from ntkit.spectra import enclosed_eigenvalues, nystrom, positive_definite, rest_bound, spectral_density, top_eigenpairs
from tests.spectra.matrices import rotated

SIZES = st.sampled_from((1, 2, 3, 8, 30))
SEEDS = st.integers(0, 2**20)
EPS = np.finfo(float).eps


@st.composite
def spectra(draw, sizes=SIZES, definite=False):
    """Eigenvalues of many kinds, the largest first: powers, steps with copies, zeros, and negative ones."""
    n, kind = draw(sizes), draw(st.sampled_from(("power", "exponential", "steps", "random")))
    i = np.arange(1.0, n + 1)
    values = {
        "power": i ** -draw(st.floats(0.5, 6)),
        "exponential": draw(st.floats(0.05, 0.95)) ** i,
        "steps": np.ceil(draw(st.integers(1, 4)) * (i / n)),
        "random": np.random.default_rng(draw(SEEDS)).exponential(size=n),
    }[kind]
    values[n - draw(st.integers(0, n)) // 2 :] = 0.0
    if not definite and draw(st.booleans()):
        values[::3] *= -1
    return draw(st.sampled_from((1e-100, 1e-3, 1.0, 1e50))) * np.sort(values)[::-1]


def overlap(one, other, rounding):
    return ((one.lower <= other.upper + rounding) & (other.lower <= one.upper + rounding)).all()


@given(spectra(), SEEDS)
def test_intervals_hold_and_are_narrow(exact, seed):
    n, norm = len(exact), np.abs(exact).max()
    found = enclosed_eigenvalues(rotated(exact, seed))
    rounding = 4 * n * EPS * norm  # of the matrix
    assert (found.lower <= exact + rounding).all()
    assert (exact <= found.upper + rounding).all()
    assert (found.upper - found.lower <= 40 * EPS * norm).all()
    assert (np.diff(found.clusters) >= 0).all()


@given(spectra(), SEEDS)
def test_permutations_change_nothing(exact, seed):
    matrix = rotated(exact, seed)
    order = np.random.default_rng(seed).permutation(len(exact))
    permuted = matrix[np.ix_(order, order)]
    assert overlap(enclosed_eigenvalues(matrix), enclosed_eigenvalues(permuted), 0.0)
    verdicts = {positive_definite(m).verdict for m in (matrix, permuted)}
    assert verdicts in ({"undecided"}, {"proved"}, {"refuted"}, {"undecided", "proved"}, {"undecided", "refuted"})


@given(spectra(), SEEDS)
def test_principal_submatrices_interlace(exact, seed):
    matrix = rotated(exact, seed)
    whole = enclosed_eigenvalues(matrix)
    if len(exact) > 1:
        part = enclosed_eigenvalues(matrix[1:, 1:])
        assert (whole.lower[1:] <= part.upper).all()
        assert (part.lower <= whole.upper[:-1]).all()


@given(spectra(), SEEDS)
def test_eigenvalues_sum_to_the_trace_and_their_squares_to_the_norm(exact, seed):
    matrix = rotated(exact, seed)
    found, rounding = enclosed_eigenvalues(matrix), len(exact) ** 2 * EPS * np.abs(exact).max()
    assert found.lower.sum() - rounding <= np.trace(matrix) <= found.upper.sum() + rounding
    norm = np.linalg.norm(matrix)
    np.testing.assert_allclose(np.linalg.norm(found.values), norm, rtol=1e-12)


@given(spectra(), SEEDS, st.sampled_from((0.25, 2.0**30)))
def test_powers_of_two_change_no_digit(exact, seed, factor):
    matrix = rotated(exact, seed)
    one, other = enclosed_eigenvalues(matrix), enclosed_eigenvalues(factor * matrix)
    np.testing.assert_allclose(other.values, factor * one.values, rtol=1e-300)
    assert one.rank().certain == other.rank().certain


@given(spectra(), SEEDS, st.floats(-2, 2))
def test_proofs_are_never_wrong(exact, seed, shift):
    matrix = rotated(exact, seed)
    above = shift * np.abs(exact).max()
    found, spectrum = positive_definite(matrix, above=above), enclosed_eigenvalues(matrix)
    if found.verdict == "proved":
        assert spectrum.upper[-1] > above
    if found.verdict == "refuted":
        assert spectrum.lower[-1] <= above
    decided = positive_definite(matrix, above=above, exact=True).verdict
    assert decided in ("proved", "refuted")
    assert found.verdict in (decided, "undecided")


@settings(max_examples=20)
@given(spectra(st.just(280)), SEEDS, st.integers(1, 12), st.integers(1, 20), st.booleans())
def test_largest_eigenvalues_lie_where_it_is_said(exact, seed, k, block, wrap):
    matrix = rotated(exact, seed)
    pairs = top_eigenpairs(aslinearoperator(matrix) if wrap else matrix, k, block=block, seed=seed)
    rounding = 1e-13 * np.abs(exact).max()
    assert (pairs.lower <= exact[:k] + rounding).all()
    assert (exact[:k] <= pairs.upper + rounding).all()
    assert (np.abs(pairs.values[:, None] - exact[None]).min(1) <= pairs.residuals + rounding).all()
    assert (np.diff(pairs.values) <= 0).all()
    order = np.random.default_rng(seed).permutation(280)
    permuted = top_eigenpairs(matrix[np.ix_(order, order)], k, block=block, seed=seed)
    if pairs.converged.all() and permuted.converged.all():
        tolerance = np.maximum(pairs.residuals, permuted.residuals).max() + rounding
        np.testing.assert_allclose(pairs.values, permuted.values, rtol=0, atol=2 * tolerance)


@settings(max_examples=20)
@given(spectra(st.just(280), definite=True), SEEDS, st.integers(1, 12))
def test_the_rest_is_bounded(exact, seed, k):
    matrix = rotated(exact, seed)
    pairs = top_eigenpairs(matrix, k, seed=seed)
    bound = rest_bound(matrix, pairs, seed=seed + 1)
    rounding = 1e-13 * exact[0]
    assert bound >= exact[k] - rounding
    told = pairs.with_rest(bound)
    assert (exact[:k] <= told.upper + rounding).all()
    assert np.isfinite(told.upper).sum() >= np.isfinite(pairs.upper).sum()


@given(spectra(definite=True), SEEDS, st.sampled_from(("greedy", "random", "uniform")), st.integers(1, 30))
def test_what_nystrom_leaves_bounds_all_errors(exact, seed, columns, rank):
    n = len(exact)
    matrix = rotated(exact, seed) + 4 * n * EPS * exact[0] * np.eye(n)  # definite in spite of rounding
    found = nystrom(matrix, min(rank, n), columns=columns, seed=seed)
    taken, rounding = len(found.columns), 20 * n * EPS * exact.sum()
    assert (found.lower <= exact[:taken] + rounding).all()
    assert (exact[:taken] <= found.upper + rounding).all()
    assert (exact[taken:] <= found.trace_error + found.rounding + rounding).all()
    np.testing.assert_allclose(found.eigenvalues.sum() + found.trace_error, np.trace(matrix), rtol=1e-10)


@given(spectra(), SEEDS, st.integers(1, 12))
def test_quadratures_are_measures_on_the_spectrum(exact, seed, steps):
    matrix = rotated(exact, seed)
    density, norm = spectral_density(matrix, probes=3, steps=steps, seed=seed), np.abs(exact).max()
    np.testing.assert_allclose(density.weights.sum(1), 1, rtol=1e-12)
    assert (density.nodes >= exact[-1] - 1e-12 * norm).all()
    assert (density.nodes <= exact[0] + 1e-12 * norm).all()
    edges = np.sort(np.random.default_rng(seed).normal(size=3)) * norm
    parts = [density.count(a, b) for a, b in zip([-np.inf, *edges], [*edges, np.inf], strict=True)]
    assert sum(p.upper for p in parts) >= len(exact) * (1 - 1e-12)
    probes = np.random.default_rng(seed).standard_normal((len(exact), 3))
    probes /= np.linalg.norm(probes, axis=0)
    means = np.einsum("np,nm,mp->p", probes, matrix, probes)  # a polynomial of degree 1 is exact with one node
    np.testing.assert_allclose((density.weights * density.nodes).sum(1), means, rtol=0, atol=1e-12 * norm)


@settings(max_examples=6)
@given(st.sampled_from((Laplace(1.0), Gaussian(2.0))), SEEDS, st.sampled_from((70, 130)))
def test_tiles_change_nothing(kernel, seed, tile):
    x = np.random.default_rng(seed).normal(size=(300, 3))
    one, other = (top_eigenpairs(gram_operator(kernel.gram, x, tile=t), 6, seed=1) for t in (None, tile))
    np.testing.assert_allclose(one.values, other.values, rtol=0, atol=2e-8 * one.values[0])
    assert (np.abs(one.values - other.values) <= one.residuals + other.residuals).all()
