"""What is wrong with a matrix that Cholesky rejects: every cause by an example, with its words, and what is refused."""

import dataclasses
import json
import warnings

import ml_dtypes
import numpy as np
import pytest
from scipy.linalg import cholesky

from ntkit.spectra import diagnose
from tests.spectra.matrices import brownian, gaussian_points

EPS32 = float(np.finfo(np.float32).eps)


def good(n, features=None, seed=0):
    """A Gram matrix of random vectors of length 1, or nearly."""
    features = features or 2 * n
    x = np.random.default_rng(seed).normal(size=(n, features))
    return x @ x.T / features


def planted(matrix, *places, value):
    """The same with another value at some places and their mirrors."""
    matrix = matrix.copy()
    for i, j in places:
        matrix[i, j] = matrix[j, i] = value
    return matrix


def causes(found):
    return [finding.cause for finding in found.findings]


def linear(x):
    return x @ x.T


def smooth(n, dtype):
    x = np.linspace(0, 1, n)
    return np.exp(-((x[:, None] - x) ** 2)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
@pytest.mark.parametrize("matrix", [good(12), brownian(9)[0], np.eye(3), [[5.0]]], ids=["random", "brownian", "eye", "1x1"])
def test_good_matrices_are_healthy_in_every_dtype(matrix, dtype):
    given = np.asarray(matrix).astype(dtype)
    found = diagnose(given)
    assert found.healthy, found
    assert (found.verdict, found.findings, found.jitter.enough) == ("positive definite", (), 0)
    assert found.dtype == np.dtype(dtype).name
    low, high = found.smallest
    least = np.linalg.eigvalsh(given.astype(float))[0]
    assert low - 1e-12 <= least <= high + 1e-12
    assert "float64" in found.resolved_in


def test_two_bytes_without_a_name_are_bfloat16(tmp_path):
    given = good(6).astype(ml_dtypes.bfloat16)
    np.save(tmp_path / "k.npy", given)
    assert diagnose(np.load(tmp_path / "k.npy")) == diagnose(given)


def test_whole_numbers_are_taken_and_those_that_wrapped_around_are_said():
    assert diagnose(np.array([[2, 1], [1, 3]])).healthy
    x = np.array([[100, 90], [90, 100]], np.int8)
    found = diagnose(x @ x.T)
    assert found.verdict == "not positive semidefinite"
    assert "int8 wraps around: compute it in float64" in str(found)


@pytest.mark.parametrize(
    ("matrix", "cause", "words"),
    [
        (np.ones((2, 3)), "shape", r"shape \(2, 3\), a Gram matrix is square"),
        (np.ones((0, 0)), "shape", r"shape \(0, 0\)"),
        (np.array(3.0), "shape", r"shape \(\)"),
        (np.ones((2, 2, 2)), "shape", r"shape \(2, 2, 2\)"),
        (np.eye(2) * 1j, "dtype", "imaginary parts are not all 0"),
        (np.eye(2) + 0j, "dtype", "imaginary parts are all 0: take the real part"),
        (np.array([["a"]]), "dtype", "has dtype <U1, a Gram matrix has real numbers"),
        (np.eye(2).astype(object), "dtype", "has dtype object"),
        (np.eye(2, dtype=np.longdouble), "dtype", "at most 64 bits"),
    ],
)
def test_what_is_no_square_real_matrix(matrix, cause, words):
    found = diagnose(matrix)
    assert (found.verdict, causes(found), found.healthy) == ("none", [cause], False)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(str(found))


def test_an_input_that_is_nan_is_named_and_the_others_are_judged():
    matrix = good(20)
    matrix[7] = matrix[:, 7] = np.nan
    found = diagnose(matrix)
    assert (causes(found), found.findings[0].inputs, found.findings[0].pairs) == (["not finite"], (7,), ())
    assert "39 entries are NaN, in input 7; all of its row" in found.findings[0].sentence
    assert (found.verdict, found.size, found.inputs, found.healthy) == ("positive definite", 20, 19, False)
    np.testing.assert_allclose(found.smallest[0], diagnose(np.delete(np.delete(matrix, 7, 0), 7, 1)).smallest[0])


def test_what_is_wrong_in_the_rest_has_its_own_numbers():
    matrix = planted(good(20), (11, 15), value=4.0)
    matrix[7] = matrix[:, 7] = np.nan
    found = diagnose(matrix)
    assert causes(found) == ["not finite", "Cauchy-Schwarz"]
    assert found.findings[1].pairs == ((11, 15),)


def test_nan_where_a_cosine_is_1_is_told_from_nan_elsewhere():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(25, 40))
    x[9] = 2 * x[4]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    cosine = linear(x) * (1 + 1e-15)
    with np.errstate(invalid="ignore"):
        matrix = 1 - np.arccos(cosine - np.diag(np.full(25, 1e-9))) / np.pi
    assert np.argwhere(np.isnan(matrix)).tolist() == [[4, 9], [9, 4]]
    found = diagnose(matrix).findings[0]
    assert (found.cause, found.inputs, found.pairs) == ("not finite", (), ((4, 9),))
    assert "cosines are about 1, by the other entries" in found.sentence
    matrix[1, 2] = np.nan
    found = diagnose(matrix).findings[0]
    assert found.pairs == ((1, 2), (4, 9))
    assert "at the pair (4, 9) cosines are about 1" in found.sentence
    assert "the others have no cosine of about 1" in found.sentence


def test_nan_on_the_diagonal_and_everywhere():
    matrix = good(5)
    np.fill_diagonal(matrix, np.nan)
    found = diagnose(matrix)
    assert found.verdict == "none"
    assert "on the diagonal at inputs 0, 1, 2, 3 and 4; there cosines are about 1" in found.findings[0].sentence
    found = diagnose(np.full((3, 3), np.nan))
    assert found.findings[0].inputs == (0, 1, 2)
    assert "every input has them" in found.findings[0].sentence
    assert "no finite entries to judge" in str(found)


def test_overflow_is_known_by_the_size_of_other_entries():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = (good(20) * 6e4).astype(np.float16)
    lost = np.flatnonzero(np.isinf(matrix.diagonal()))
    found = diagnose(matrix)
    assert causes(found)[0] == "overflow"
    assert found.findings[0].pairs == tuple((int(i), int(i)) for i in lost)
    assert "the largest number of float16 6.55e+04: an overflow" in found.findings[0].sentence
    far = diagnose(planted(good(5), (0, 1), value=np.inf)).findings[0]
    assert "an overflow in an intermediate step, or a division by zero" in far.sentence
    huge = np.array([[3e38, np.nan, 1.0], [np.nan, 1.0, 0.0], [1.0, 0.0, 1.0]], np.float32)
    assert causes(diagnose(huge))[:2] == ["overflow", "not finite"]


def test_asymmetry_beyond_rounding_names_the_pair_and_rounding_is_let_pass():
    matrix = good(12)
    matrix[2, 5] += 1e-3
    found = diagnose(matrix)
    assert (causes(found), found.findings[0].pairs) == (["asymmetry"], ((2, 5),))
    assert "all other pairs agree" in found.findings[0].sentence
    assert "said of the mean with its transpose" in str(found)
    shifted = diagnose(np.roll(good(12), 1, axis=0))
    assert causes(shifted)[0] == "asymmetry"
    assert "rows and columns are the same inputs in the same order" in shifted.findings[0].remedy
    matrix = good(12)
    matrix[2, 5] = np.nextafter(matrix[2, 5], 1)
    found = diagnose(matrix)
    assert found.healthy
    assert 0 < found.asymmetry <= 1


def test_diagonals_that_no_gram_matrix_has():
    found = diagnose(planted(good(9), (3, 3), (6, 6), value=-0.5))
    assert (found.verdict, causes(found), found.findings[0].inputs) == ("not positive semidefinite", ["diagonal"], (3, 6))
    found = diagnose(planted(good(9), (3, 3), value=0.0))
    assert (found.verdict, causes(found), found.findings[0].inputs) == ("not positive semidefinite", ["diagonal"], (3,))
    assert "K[0, 3] is not, and no length of 0 allows that" in found.findings[0].sentence
    assert diagnose([[-2.0]]).jitter.proved == 3.0


def test_zero_inputs_and_zero_matrices_are_singular():
    found = diagnose(planted(good(9), *[(3, j) for j in range(9)], value=0.0))
    assert (found.verdict, causes(found), found.findings[0].inputs) == ("singular", ["zero input"], (3,))
    found = diagnose(np.zeros((3, 3)))
    assert (found.verdict, causes(found), found.jitter) == ("singular", ["zero input"], None)
    assert "any, as the matrix is 0" in str(found)


def test_a_pair_beyond_cauchy_schwarz_by_a_few_units_has_lost_digits():
    matrix = good(12).astype(np.float32)
    matrix[2] = matrix[:, 2] = matrix[7]
    matrix[2, 2] = matrix[7, 7]
    matrix[2, 7] = matrix[7, 2] = matrix[7, 7] * np.float32(1 + 6 * EPS32)
    found = diagnose(matrix)
    assert found.verdict == "not positive semidefinite"
    assert causes(found) == ["Cauchy-Schwarz", "equal inputs"]
    assert found.findings[0].pairs == found.findings[1].pairs == ((2, 7),)
    assert "cosines near 1 have lost digits" in found.findings[0].sentence
    assert found.explained is False
    assert 2.5 * EPS32 < found.error <= 3.5 * EPS32
    matrix[2, 7] = matrix[7, 2] = matrix[7, 7]
    assert causes(diagnose(matrix)) == ["equal inputs"]


def test_one_wrong_entry_is_found_with_what_the_others_allow():
    matrix = planted(good(12, 15, seed=1), (3, 8), value=0.75)
    found = diagnose(matrix)
    assert found.verdict == "not positive semidefinite"
    assert found.findings[0].pairs == ((3, 8),)
    low, high = map(float, found.findings[0].remedy.split("allow ")[1].split(" to "))
    for value, definite in ((low - 1e-3, False), (low + 1e-3, True), (high - 1e-3, True), (high + 1e-3, False)):
        assert (np.linalg.eigvalsh(planted(matrix, (3, 8), value=value))[0] > 0) == definite
    assert "a jitter" not in found.findings[0].remedy
    assert "no dtype mends a wrong entry" in str(found)


def test_a_wrong_row_is_told_from_a_wrong_pair():
    matrix = good(12)
    matrix[3] = matrix[:, 3] = 4 * matrix[3]
    matrix[3, 3] = 1.0
    found = diagnose(matrix)
    assert (found.findings[0].inputs, found.findings[0].pairs) == ((3,), ())
    least = float(found.findings[0].remedy.split("at least ")[1].split(",")[0])
    assert np.linalg.eigvalsh(planted(matrix, (3, 3), value=least * 1.001))[0] > 0
    assert np.linalg.eigvalsh(planted(matrix, (3, 3), value=least * 0.999))[0] < 0


def test_a_wrong_pair_is_found_among_many_inputs_that_all_take_part():
    found = diagnose(planted(good(300, 420), (30, 70), value=0.6)).findings
    assert [finding.pairs for finding in found] == [((30, 70),)]
    assert ", 30, 70, " in found[0].sentence


def test_several_wrong_pairs_are_named_each():
    matrix = planted(planted(good(30), (3, 17), value=3.0), (1, 2), value=-2.5)
    found = diagnose(matrix)
    assert causes(found) == ["Cauchy-Schwarz"] * 2
    assert {pair for finding in found.findings for pair in finding.pairs} == {(3, 17), (1, 2)}
    assert found.negative == 2
    assert all("beside the other groups" in finding.sentence for finding in found.findings)


def test_what_is_no_kernel_blames_no_single_entry():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(60, 60))
    matrix += matrix.T + 3 * np.eye(60)
    found = diagnose(matrix)
    assert found.verdict == "not positive semidefinite"
    assert found.findings[-1].cause == "inconsistent"
    assert "whether the function is a kernel" in found.findings[-1].remedy
    assert found.findings[-1].pairs == ()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rank_is_told_from_a_smooth_decay(dtype):
    found = diagnose(good(40, 3).astype(dtype))
    assert causes(found) == ["rank"]
    assert "the rank is 3 of 40" in found.findings[0].sentence
    assert "the matrix is singular, not imprecise" in str(found)
    found = diagnose(smooth(40, dtype))
    assert causes(found) == ["rounding"]
    assert not found.findings[0].certain
    assert ("compute it in float64" in found.findings[0].remedy) is (dtype == np.float32)
    assert found.explained is not False


def test_equal_inputs_are_grouped_and_explain_the_rank():
    found = diagnose(gaussian_points(12, copies=3))
    assert (found.verdict, causes(found)) == ("singular", ["equal inputs"])
    assert found.findings[0].pairs == ((0, 12), (1, 13), (2, 14))
    assert "the rows of 3 groups are equal to the last bit" in found.findings[0].sentence
    found = diagnose(np.ones((4, 4)))
    assert found.findings[0].pairs == ((0, 1), (0, 2), (0, 3))
    opposite = linear(np.array([[1.0, 2.0], [-1.0, -2.0], [1.0, 0.0]]))
    assert "equal or opposite inputs" in diagnose(opposite).findings[0].sentence


def test_close_inputs_in_few_digits():
    x = np.array([[1.0, 0.0], [1.0, 1e-4], [0.0, 1.0]])
    gauss = np.exp(-((x[:, None] - x) ** 2).sum(-1))
    assert diagnose(gauss).healthy
    found = diagnose(gauss.astype(np.float32))
    assert (causes(found), found.findings[0].pairs) == (["equal inputs"], ((0, 1),))


def unimodular(seed, n=8):
    """A Gram matrix of whole numbers with determinant 1 and a large condition number."""
    rng = np.random.default_rng(seed)
    factor = np.eye(n)
    for _ in range(3):
        low, high = np.tril(rng.integers(-1, 2, (n, n)), -1), np.triu(rng.integers(-1, 2, (n, n)), 1)
        factor = factor @ (low + np.eye(n)) @ (high + np.eye(n))
    return linear(factor)


def test_a_definite_matrix_that_its_own_dtype_cannot_factorise():
    matrix = unimodular(5).astype(np.float32)
    with pytest.raises(np.linalg.LinAlgError):
        cholesky(matrix, lower=True)
    found = diagnose(matrix)
    assert (found.verdict, causes(found)) == ("positive definite", ["digits"])
    assert "a cast is enough for that" in found.findings[0].remedy
    assert found.jitter.proved == 0
    assert found.jitter.tried > 0
    assert found.resolved_in == ("float64",)
    assert diagnose(matrix.astype(float)).healthy


def test_jitters_do_what_is_said():
    matrix = smooth(30, np.float32)
    moved = diagnose(matrix).jitter
    assert moved.dtype == "float32"
    least = np.linalg.eigvalsh(matrix.astype(float))[0]
    assert moved.needed <= -least + 1e-13
    assert np.linalg.eigvalsh(matrix.astype(float) + moved.proved * np.eye(30))[0] > 0
    cholesky(matrix + np.float32(moved.tried) * np.eye(30, dtype=np.float32), lower=True)
    assert moved.enough == max(moved.proved, moved.tried)
    assert moved.below == (np.linalg.eigvalsh(matrix.astype(float)) < moved.enough).sum()
    with pytest.raises(np.linalg.LinAlgError):
        cholesky(matrix, lower=True)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(matrix.astype(float) + 0.999 * moved.needed * np.eye(30))


@pytest.mark.parametrize("size", [1e-300, 1e-140, 1e140, 1e300])
def test_no_scale_overflows(size):
    assert diagnose(size * good(8)).healthy
    found = diagnose(size * planted(good(8), (1, 5), value=3.0))
    assert found.findings[0].pairs == ((1, 5),)
    tiny = np.diag([1.0, 1.0, 1e-300])
    tiny[0, 2] = tiny[2, 0] = 1e-10
    assert diagnose(tiny).verdict == "not positive semidefinite"


def test_large_matrices_are_judged_without_all_eigenvalues():
    matrix = good(80)
    found = diagnose(matrix, dense=50)
    assert found.healthy
    assert found.verdict == "positive definite"
    found = diagnose(planted(matrix, (20, 70), value=3.0), dense=50)
    assert found.verdict == "not positive semidefinite"
    assert found.findings[0].pairs == ((20, 70),)
    assert found.smallest[0] is None
    least = np.linalg.eigvalsh(planted(matrix, (20, 70), value=3.0))[0]
    assert least <= found.smallest[1] <= 0.99 * least
    assert found.jitter.below is None
    assert found.jitter.proved == 10.0
    found = diagnose(good(80, 3), dense=50)
    assert (found.verdict, causes(found)) == ("undecided", ["rounding"])
    assert ", and may be negative" in str(found)


def test_a_diagnosis_is_plain_data():
    for matrix in (good(5), planted(good(9), (1, 2), value=5.0), good(20, 3), np.ones((2, 3)), np.full((2, 2), np.nan)):
        json.dumps(dataclasses.asdict(diagnose(matrix)), allow_nan=False)
        json.dumps(dataclasses.asdict(diagnose(matrix, dense=2)), allow_nan=False)


def test_a_wrong_size_is_refused():
    with pytest.raises(ValueError, match="dense must be at least 2, got 1"):
        diagnose(np.eye(3), dense=1)
