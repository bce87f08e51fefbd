"""Positive definiteness: proved, refuted or undecided, in floats, balls and integers."""

import sys
from fractions import Fraction

import flint
import numpy as np
import pytest

from ntkit.spectra import positive_definite
from tests.spectra.matrices import brownian, circle, gaussian_points, rotated


def hilbert(n):
    i = np.arange(n)
    return 1 / (i[:, None] + i + 1.0)


@pytest.mark.parametrize(
    ("matrix", "verdict", "by"),
    [
        (brownian(100)[0], "proved", "cholesky"),
        (hilbert(8), "proved", "cholesky"),
        (hilbert(11), "proved", "eigenvalues"),
        ([[3.0]], "proved", "cholesky"),
        (np.diag([1.0, 1e-300]), "proved", "eigenvalues"),
        (1e-300 * np.array([[2.0, 1.0], [1.0, 2.0]]), "proved", "cholesky"),
        (1e300 * np.array([[2.0, 1.0], [1.0, 2.0]]), "proved", "cholesky"),
        ([[1.0, 2.0], [2.0, 1.0]], "refuted", "eigenvalues"),
        (rotated([3, 2, -1e-13]), "refuted", "eigenvalues"),
        (np.diag([1.0, -1.0]), "refuted", "diagonal"),
        (np.zeros((3, 3)), "refuted", "diagonal"),
        ([[0.0, 1.0], [1.0, 0.0]], "refuted", "diagonal"),
        (np.ones((4, 4)), "undecided", "eigenvalues"),
        (gaussian_points(10, copies=2), "undecided", "eigenvalues"),
        (hilbert(20), "undecided", "eigenvalues"),
    ],
)
def test_verdicts_in_floating_point(matrix, verdict, by):
    found = positive_definite(matrix)
    assert (found.verdict, found.by) == (verdict, by)
    assert found.reason
    if verdict != "undecided":
        assert positive_definite(matrix, exact=True).verdict == verdict


@pytest.mark.parametrize(
    ("matrix", "verdict", "by"),
    [
        (np.ones((4, 4)), "refuted", "integers"),
        (gaussian_points(10, copies=2), "refuted", "integers"),
        (hilbert(20), "refuted", "balls"),
        (np.ones((2, 2)) + np.diag([0.0, 2**-52]), "proved", "balls"),
        (np.diag([1.0, 1e-200]) + 1e-99 * (1 - np.eye(2)), "refuted", "balls"),
        (np.diag([1.0, 1e-200]) + 1e-101 * (1 - np.eye(2)), "proved", "balls"),
    ],
)
def test_what_floating_point_cannot_decide_is_decided_exactly(matrix, verdict, by):
    found = positive_definite(matrix, exact=True)
    assert (found.verdict, found.by) == (verdict, by)


@pytest.mark.parametrize("matrix", [hilbert(14), gaussian_points(6, copies=1), np.ones((5, 5)) + 2**-51 * np.eye(5)])
def test_exact_verdicts_are_those_of_rational_elimination(matrix):
    rows = [[Fraction(x) for x in row] for row in matrix.tolist()]
    positive = True
    for k in range(len(rows)):
        positive = positive and rows[k][k] > 0
        if not positive:
            break
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    assert positive_definite(matrix, exact=True).verdict == ("proved" if positive else "refuted")


def test_all_eigenvalues_above_a_number():
    matrix, exact = brownian(50)
    least = exact[-1]
    assert positive_definite(matrix, above=least * (1 - 1e-8)).verdict == "proved"
    assert positive_definite(matrix, above=least * (1 + 1e-8)).verdict == "refuted"
    assert positive_definite(matrix, above=-1.0).verdict == "proved"
    circulant, eigenvalues = circle(20)
    assert positive_definite(circulant, above=eigenvalues[-1]).verdict == "undecided"
    assert positive_definite(np.eye(2), above=1.0).verdict == "refuted"
    assert positive_definite(np.diag([1.0, 2.0]) - 0.5, above=-0.5, exact=True).verdict == "proved"


def test_balls_speak_for_all_matrices_in_them():
    def balls(width):
        off = flint.arb(1, width)
        return flint.arb_mat([[flint.arb(2), off], [off, flint.arb(1)]])

    assert positive_definite(balls(0.3)).verdict == "proved"
    assert positive_definite(balls(0.5)).verdict == "undecided"
    assert positive_definite(balls(0.3), above=1.0).verdict == "refuted"
    assert positive_definite(flint.arb_mat([[flint.arb(-1, 0.5)]])).verdict == "refuted"
    with pytest.raises(ValueError, match=r"matrix must have shape \(n, n\) with n >= 1, got \(1, 2\)"):
        positive_definite(flint.arb_mat([[1, 2]]))
    with pytest.raises(ValueError, match="matrix must be symmetric, got balls"):
        positive_definite(flint.arb_mat([[2, 1], [0, 2]]))
    with pytest.raises(ValueError, match="matrix must be finite, got a ball"):
        positive_definite(flint.arb_mat([[flint.arb("nan")]]))


def test_precision_is_left_as_it_was():
    before = flint.ctx.prec
    positive_definite(np.ones((3, 3)), exact=True)
    assert flint.ctx.prec == before


def test_without_the_extra_the_error_names_it(monkeypatch):
    balls = flint.arb_mat([[1]])
    monkeypatch.setitem(sys.modules, "flint", None)
    assert positive_definite([[2.0, 1.0], [1.0, 2.0]]).verdict == "proved"
    for matrix in ([[2.0, 1.0], [1.0, 2.0]], balls):
        with pytest.raises(ImportError, match=r"not installed: .* needs the extra, pip install 'ntkit\[exact\]'"):
            positive_definite(matrix, exact=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: positive_definite(np.eye(2), above=np.nan), "above must be finite, got nan"),
        (lambda: positive_definite(np.ones((2, 3))), r"matrix must have shape \(n, n\)"),
        (lambda: positive_definite([[1.0, 0.0], [0.1, 1.0]]), "matrix must be symmetric"),
        (lambda: positive_definite([[np.nan]]), "matrix must be finite, got nan"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
