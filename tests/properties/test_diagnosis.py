"""Diagnoses: a planted defect is named, a good matrix is never accused, and what is said to be proved holds exactly."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from ntkit._compat.flint import load_flint
from ntkit.spectra import diagnose

flint = load_flint()
SEEDS = st.integers(0, 2**20)
ACCUSING = {"Cauchy-Schwarz", "inconsistent", "asymmetry", "diagonal", "not finite", "overflow"}


@st.composite
def grams(draw, least=2, most=24, dtypes=("float32", "float64")):
    """A Gram matrix of random vectors, more features than inputs, of lengths that differ by up to a factor of 100."""
    n, seed = draw(st.integers(least, most)), draw(SEEDS)
    rng = np.random.default_rng(seed)
    features = n + draw(st.integers(n // 2 + 2, 2 * n + 4))
    lengths = 10.0 ** rng.uniform(-1, 1, n) if draw(st.booleans()) else np.ones(n)
    x = lengths[:, None] * rng.normal(size=(n, features))
    return (x @ x.T / features).astype(draw(st.sampled_from(dtypes)))


def pair_of(matrix, seed):
    one, other = sorted(np.random.default_rng(seed).choice(len(matrix), 2, replace=False).tolist())
    return one, other


def inertia(matrix, shift=0.0):
    """How many eigenvalues of a symmetric matrix of floats, plus a shift, are negative and zero, exactly.

    The characteristic polynomial has real roots only, so that Descartes' rule of signs counts them.
    """
    rows = [
        [Fraction(x) + (Fraction(shift) if i == j else 0) for j, x in enumerate(row)] for i, row in enumerate(matrix.tolist())
    ]
    whole = max(entry.denominator for row in rows for entry in row)  # all are powers of two
    integers = flint.fmpz_mat([[int(entry * whole) for entry in row] for row in rows])
    signs = [int(c) * (-1) ** k for k, c in enumerate(integers.charpoly().coeffs())]  # of the polynomial at -x
    zero = next(k for k, sign in enumerate(signs) if sign)
    signs = [sign > 0 for sign in signs if sign]
    return sum(one != other for one, other in pairwise(signs)), zero


@given(grams(dtypes=("float16", "float32", "float64")), st.booleans())
def test_good_matrices_are_never_accused(matrix, asymmetric):
    if asymmetric:
        matrix[0, 1] = np.nextafter(matrix[0, 1], matrix.dtype.type(9))
    found = diagnose(matrix)
    assert not ACCUSING & {finding.cause for finding in found.findings}, found
    if matrix.dtype != np.float16:
        assert found.healthy, found


@given(grams(), SEEDS, st.floats(1.1, 100), st.booleans())
def test_a_pair_beyond_cauchy_schwarz_is_named_and_no_other(matrix, seed, factor, negative):
    i, j = pair_of(matrix, seed)
    matrix[i, j] = matrix[j, i] = factor * (matrix[i, i] * matrix[j, j]) ** 0.5 * (-1 if negative else 1)
    found = diagnose(matrix)
    assert found.verdict == "not positive semidefinite"
    assert [(finding.cause, finding.pairs) for finding in found.findings] == [("Cauchy-Schwarz", ((i, j),))], found


@given(grams(3), SEEDS, st.floats(0.3, 0.99))
def test_a_pair_that_others_do_not_allow_is_among_those_that_are_named(matrix, seed, cosine):
    i, j = pair_of(matrix, seed)
    matrix[i, j] = matrix[j, i] = cosine * (matrix[i, i] * matrix[j, j]) ** 0.5
    found = diagnose(matrix)
    assume(found.rough)
    (finding,) = found.findings
    assert {i, j} <= {*finding.inputs}, "without either the matrix is positive semidefinite, so that both are in every block"
    assert (i, j) in finding.pairs or len(finding.inputs) > 4


@given(grams(4), SEEDS)
def test_a_diagonal_that_is_too_small_names_its_row(matrix, seed):
    i = int(np.random.default_rng(seed).integers(len(matrix)))
    matrix[i, i] /= 1e6
    found = diagnose(matrix)
    assert found.findings[0].cause in ("Cauchy-Schwarz", "inconsistent")
    assert i in found.findings[0].inputs
    assert len(found.findings) == 1


@given(grams(6), SEEDS, st.data())
def test_inputs_and_pairs_that_are_nan_are_named(matrix, seed, data):
    n = len(matrix)
    rows = sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=2)))
    rest = sorted({*range(n)} - {*rows})
    pairs = data.draw(st.sets(st.sampled_from([(i, j) for i in rest[::2] for j in rest[1::2] if i < j]), max_size=1))
    assume(rows or pairs)
    matrix[rows] = matrix[:, rows] = np.nan
    for i, j in pairs:
        matrix[i, j] = np.nan
    found = diagnose(matrix)
    (finding,) = found.findings
    assert (finding.cause, finding.inputs, finding.pairs) == ("not finite", tuple(rows), tuple(sorted(pairs)))
    assert found.inputs == n - len(rows) - len(pairs)


@given(grams(3), SEEDS, st.sampled_from((1.0, -2.0, 0.25)))
def test_parallel_inputs_are_named(matrix, seed, factor):
    i, j = pair_of(matrix, seed)
    matrix[j] = matrix[:, j] = np.float32(factor) * matrix[i]
    matrix[j, j] = np.float32(factor) ** 2 * matrix[i, i]
    found = diagnose(matrix)
    assert [(finding.cause, finding.pairs) for finding in found.findings] == [("equal inputs", ((i, j),))], found
    assert found.explained is not False


@given(grams(3), SEEDS)
def test_one_side_of_a_pair_is_an_asymmetry(matrix, seed):
    i, j = pair_of(matrix, seed)
    matrix[i, j] += 0.01 * (matrix[i, i] * matrix[j, j]) ** 0.5
    assert (diagnose(matrix).findings[0].cause, diagnose(matrix).findings[0].pairs) == ("asymmetry", ((i, j),))


@given(grams(3), SEEDS)
def test_numbers_of_inputs_follow_a_permutation(matrix, seed):
    i, j = pair_of(matrix, seed)
    matrix[i, j] = matrix[j, i] = 3 * (matrix[i, i] * matrix[j, j]) ** 0.5
    order = np.random.default_rng(seed).permutation(len(matrix))
    one, other = diagnose(matrix), diagnose(matrix[np.ix_(order, order)])
    assert {tuple(sorted(order[list(pair)].tolist())) for f in other.findings for pair in f.pairs} == {(i, j)}
    np.testing.assert_allclose(one.smallest, other.smallest, rtol=1e-5)


@st.composite
def indefinite(draw):
    """Small symmetric matrices of few digits, definite, singular or not."""
    n, seed = draw(st.integers(1, 6)), draw(SEEDS)
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (n, draw(st.integers(1, 7))))
    matrix = (x @ x.T).astype(float)
    if draw(st.booleans()):
        noise = rng.integers(-2, 3, (n, n)) * 2.0 ** -draw(st.integers(0, 60))
        matrix += noise + noise.T
    return matrix


@given(indefinite(), st.sampled_from((2000, 2)))
def test_what_is_proved_holds_exactly(matrix, dense):
    found = diagnose(matrix, dense=dense)
    negative, zero = inertia(matrix)
    allowed = {"positive definite": negative + zero == 0, "singular": negative == 0 and zero > 0}
    allowed |= {"not positive semidefinite": negative > 0, "undecided": True}
    assert allowed[found.verdict], (found, negative, zero)
    assert found.negative <= negative
    low, high = found.smallest
    if low is not None:
        assert inertia(matrix, -low)[0] == 0
    assert sum(inertia(matrix, -np.nextafter(high, np.inf))) > 0
    if found.explained is not None:
        quarter = np.finfo(float).eps / 4 * matrix.diagonal().min()
        assert found.explained is False or inertia(matrix, quarter)[0] == 0
    if found.jitter and found.jitter.proved is not None:
        assert sum(inertia(matrix, found.jitter.proved)) == 0
        assert found.jitter.needed == 0 or sum(inertia(matrix, found.jitter.needed * (1 - 1e-9))) > 0
    assert not found.healthy or found.verdict == "positive definite"


@given(SEEDS, st.integers(2, 12), st.integers(1, 8), st.sampled_from(("float16", "float32", "float64")), st.integers(-30, 10))
def test_rounding_a_gram_matrix_is_never_taken_for_more(seed, n, features, dtype, power):
    rng = np.random.default_rng(seed)
    x = rng.integers(-60, 61, (n, features))
    gram = [[Fraction(int(entry)) / 3 for entry in row] for row in x @ x.T]
    power = max(power, -10) if dtype == "float16" else 3 * power
    rounded = np.array([[float(entry) for entry in row] for row in gram])
    matrix = (rounded * 2.0 ** min(power, -2)).astype(dtype)
    assume(dtype == "float64" or (rounded.astype(dtype) == rounded.astype("float64").astype(dtype)).all())
    found = diagnose(matrix)
    assert found.explained is not False, found
    assert not ACCUSING & {finding.cause for finding in found.findings}, found


@given(grams(), SEEDS, st.floats(1e-6, 0.5))
def test_an_error_that_is_proved_is_not_larger_than_the_one_that_was_made(matrix, seed, size):
    n = len(matrix)
    low_rank = matrix.astype(float)[:, :2] @ matrix.astype(float)[:2]  # positive semidefinite
    root = np.sqrt(low_rank.diagonal())
    error = np.random.default_rng(seed).uniform(-size, size, (n, n)) * root[:, None] * root
    wrong = low_rank + (error + error.T) / 2
    assume((wrong.diagonal() > 0).all())
    found = diagnose(wrong)
    scale = np.sqrt(wrong.diagonal())
    made = (np.abs(wrong - low_rank) / (scale[:, None] * scale)).max()
    assert found.error <= made * (1 + 1e-9) + 1e-12
