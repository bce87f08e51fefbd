"""What the claims on learning curves of convolutional kernels compute in closed form, by brute force."""

import numpy as np
import pytest

from ntkit.kernels import Dense, Relu, serial
from ntkit.spectra import tree_spectrum
from paper_checks import cagnetta2023curves as curves

DEGREES = (40, 40, 8)


def test_errors_are_those_of_one_point_left_out_averaged_over_targets():
    """Four patches, a target on a pair of them: fit on n - 1 points, predict the last, for many Gaussian targets."""
    cases, n = [(curves.FOUR, curves.TWO), (curves.FOUR, curves.FOUR)], 12
    found = curves._errors(cases, np.array([n]), np.random.default_rng(0), None)[:, 0]
    x = np.random.default_rng(0).uniform(0, 2 * np.pi, (n, 4))
    kernel = curves._gram(curves.FOUR, x)
    random = np.random.default_rng(1)
    for error, covariance in zip(found, (curves._gram(curves.TWO, x[:, 2:]) / 3, kernel / 4), strict=True):
        targets = np.linalg.cholesky(covariance) @ random.normal(size=(n, 20_000))
        squares = []
        for i in range(n):
            others = np.arange(n) != i
            weights = np.linalg.solve(kernel[np.ix_(others, others)], kernel[others, i])
            squares.append((targets[i] - weights @ targets[others]) ** 2)
        mean = np.mean(squares, axis=0)  # one for each target
        assert abs(mean.mean() - error) < 5 * mean.std() / np.sqrt(mean.size)


def test_many_small_sets_have_the_same_mean():
    few = [curves._errors([(curves.TWO, curves.TWO)], np.array([8]), np.random.default_rng(i), None) for i in range(400)]
    many = curves._small(curves.TWO, 8, 4000, np.random.default_rng(1000))
    assert abs(np.mean(few) - many) < 5 * np.std(few) / np.sqrt(len(few))


def test_the_fully_connected_kernel_is_that_of_a_network():
    """Patches are unit vectors, so that inputs have norm sqrt(patches); the recursion is for unit inputs."""
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, (5, 4))
    x = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(5, 8) / 2
    network = serial(*[layer for _ in range(3) for layer in (Dense(2**0.5), Relu())], Dense(2**0.5))
    ours, theirs = curves._gram(curves.FOUR, angles, connected=True), np.asarray(network.ntk(x, x))
    np.testing.assert_allclose(ours / 4, theirs / theirs[0, 0], rtol=1e-9)


def test_eigenvalues_of_one_layer_have_a_closed_form():
    spectrum = tree_spectrum(curves.ONE, 40)
    labels = np.arange(41)[:, None]
    np.testing.assert_allclose(curves._ring(labels[:, 0]), spectrum.eigenvalues(labels).values, atol=1e-14)


@pytest.mark.parametrize("case", [case for cases in curves.CASES.values() for case in cases])
def test_spectra_have_the_trace_of_the_kernel_and_the_variance_of_the_target(case):
    """What lies beyond the cut is small, and nothing is counted twice."""
    modes = curves._modes(*case, DEGREES)
    student, teacher = case
    assert modes.trace == pytest.approx(student.depth + 1)
    assert modes.variance == pytest.approx(1)
    assert 0 <= modes.tail < 0.05 * modes.trace
    lost = 0.3 if student.depth < teacher.depth else 0.03  # a shallow student lacks what is across patches
    assert 0 <= modes.outside < lost
    if teacher.depth == student.depth:
        np.testing.assert_allclose(modes.power, modes.eigenvalues * modes.multiplicities / (student.depth + 1), rtol=1e-5)


def test_exponents_are_those_of_the_formula():
    found = [curves._exponent(*case, whole=False) for cases in curves.CASES.values() for case in cases]
    np.testing.assert_allclose(found, [3 / 4, 1 / 2, 5 / 8, 5 / 12, 1 / 4, 1, 0])
