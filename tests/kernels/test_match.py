"""Kernel regression, and the bandwidth that predicts most like another kernel."""

from functools import partial

import numpy as np
import pytest

from ntkit.kernels import Dense, Gaussian, Laplace, Matern, Relu, match, posterior_mean, serial

RNG = np.random.default_rng(0)
X, Z = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (RNG.normal(size=(30, 3)), RNG.normal(size=(50, 3))))
Y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]


def test_without_ridge_the_data_are_interpolated():
    np.testing.assert_allclose(posterior_mean(Laplace(1.0).gram, X, Y, X, ridge=0.0), Y, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_ridge_regression(dtype):
    x, y, z = (v.astype(dtype) for v in (X, Y, Z))
    got = posterior_mean(Laplace(1.0).gram, x, y, z, ridge=0.1)
    weights = np.linalg.solve(np.asarray(Laplace(1.0).gram(X)) + 0.1 * np.eye(len(X)), Y)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, np.asarray(Laplace(1.0).gram(Z, X)) @ weights, rtol=0, atol=100 * np.finfo(dtype).eps)


def test_multiples_of_a_kernel_predict_alike():
    kernel = Laplace(1.0).gram
    many = posterior_mean(lambda a, b: 7.0 * kernel(a, b), X, Y, Z, ridge=0.1)
    np.testing.assert_allclose(many, posterior_mean(kernel, X, Y, Z, ridge=0.1), rtol=1e-12)


def test_a_member_of_the_family_is_found():
    for family in (Laplace, Gaussian, partial(Matern, 2.5)):
        found = match(family, family(1.7).gram, [0.8, 1.2, 1.7, 2.4], x_train=X, y_train=Y, x_test=Z)
        assert found.bandwidth == 1.7
        assert found.rmse == found.rmses.min() == 0.0
        assert found.rmses.shape == (4,)


def test_a_tangent_kernel_has_a_bandwidth_inside_the_grid():
    net = serial(Dense(), Relu(), Dense(2**0.5), Relu(), Dense(2**0.5))
    bandwidths = [0.1, 0.3, 1.0, 3.0, 10.0]
    found = match(partial(Matern, 1.5), net.ntk, bandwidths, x_train=X, y_train=Y, x_test=Z)
    assert bandwidths[0] < found.bandwidth < bandwidths[-1]
    assert found.rmse < 0.3 * found.rmses.max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x_train": X[0]}, "x1 must have shape"),
        ({"y_train": Y[:4]}, r"y_train must have shape \(30,\) and dtype float64, got \(4,\) and float64"),
        ({"y_train": Y.astype(np.float32)}, "y_train must have .* dtype float64, got .* float32"),
        ({"ridge": -1.0}, "ridge must be a number >= 0, got -1.0"),
        ({"bandwidths": []}, "bandwidths must hold at least one bandwidth, got none"),
        (
            {"x_train": np.ones((30, 3)), "ridge": 0.0},
            "the Gram matrix of 30 points at ridge=0 must be positive definite in float64",
        ),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    arguments = {"bandwidths": [1.0], "x_train": X, "y_train": Y, "x_test": Z, **options}
    with pytest.raises(ValueError, match=message):
        match(Laplace, Laplace(1.0).gram, **arguments)
