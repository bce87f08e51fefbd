"""Kernels of distances and of angles: known values, limits, derivatives, dtypes, messages."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import ArcCosine, Dense, GammaExponential, Gaussian, Laplace, Matern, Relu, serial

KERNELS = [
    Laplace(0.7),
    GammaExponential(0.5, 1.3),
    GammaExponential(1.5, 0.8),
    GammaExponential(2.0, 1.1),
    Gaussian(0.9),
    *[Matern(nu, 1.2) for nu in (0.5, 1.5, 2.5, 3.5, 10.5)],
    *[ArcCosine(order) for order in (0, 1, 2)],
]
SMOOTH = [Gaussian(0.9), GammaExponential(2.0, 1.1), Matern(1.5, 1.2), Matern(2.5, 1.2), ArcCosine(1), ArcCosine(2)]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)


def sphere(count, dim=3):
    x = np.random.default_rng(0).normal(size=(count, dim))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_families_meet_where_they_should():
    x = np.random.default_rng(1).normal(size=(6, 4))
    for same, other in (
        (Laplace(0.7), Matern(0.5, 0.7)),
        (Laplace(0.7), GammaExponential(1.0, 0.7)),
        (Gaussian(0.7), GammaExponential(2.0, 0.7 * 2**0.5)),
    ):
        np.testing.assert_allclose(same.gram(x), other.gram(x), rtol=4e-15)
    np.testing.assert_allclose(Matern(10.5, 1.0).gram(x), Gaussian(1.0).gram(x), atol=0.03)


def test_arc_cosine_kernels_are_those_of_relu_networks():
    x = np.random.default_rng(2).normal(size=(5, 3))
    net = serial(Dense(3**0.5), Relu(), Dense(2**0.5))  # weights of variance 1 per input
    np.testing.assert_allclose(ArcCosine(1).gram(x), net.nngp(x), rtol=1e-14, atol=1e-14)  # ours has digits near angle pi
    tangent = x @ x.T * np.asarray(ArcCosine(0).gram(x)) + np.asarray(net.nngp(x))
    np.testing.assert_allclose(net.ntk(x), tangent, rtol=1e-13, atol=1e-14)


@each_kernel
def test_the_angle_says_it_all_on_the_sphere(kernel):
    x = sphere(8)
    angles = 2 * np.arctan2(*(np.linalg.norm(x[:1] - sign * x, axis=1) for sign in (1, -1)))
    np.testing.assert_allclose(kernel.of_angle(angles), kernel.gram(x[:1], x)[0], rtol=1e-13)


@each_kernel
def test_the_diagonal_is_one_on_the_sphere_and_the_matrix_positive(kernel):
    gram = np.asarray(kernel.gram(sphere(12)))
    np.testing.assert_allclose(np.diag(gram), 1.0, rtol=1e-15)
    np.testing.assert_allclose(gram, gram.T, rtol=1e-14)
    assert np.linalg.eigvalsh(gram).min() > -1e-14


@pytest.mark.parametrize("order", [0, 1, 2])
def test_arc_cosine_kernels_are_homogeneous(order):
    x = np.random.default_rng(3).normal(size=(4, 3))
    scaled = ArcCosine(order).gram(10.0 * x, x)
    np.testing.assert_allclose(scaled, 10.0**order * np.asarray(ArcCosine(order).gram(x)), rtol=1e-13)
    np.testing.assert_allclose(np.diag(ArcCosine(order).gram(x)), (x**2).sum(1) ** order, rtol=1e-14)


def test_the_zero_vector_is_orthogonal_to_everything():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert ArcCosine(0).gram(x).tolist() == [[0.5, 0.5], [0.5, 1.0]]
    for order in (1, 2):
        np.testing.assert_allclose(ArcCosine(order).gram(x), [[0, 0], [0, 25.0**order]], rtol=1e-15)


@each_kernel
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept_and_gradients_finite(kernel, dtype):
    x = np.array([[0.6, 0.8], [0.6, 0.8], [-0.6, -0.8], [0.0, 0.0], [5.0, 1.0]], dtype)
    assert kernel.gram(x).dtype == kernel.gram(x, x[:2]).dtype == dtype
    assert kernel.of_angle(np.array([0.0, 1.0, np.pi], dtype)).dtype == dtype
    np.testing.assert_array_equal(kernel.gram(x), kernel.gram(x, x))

    def total(first, second):
        return jnp.sum(kernel.gram(first, second))

    with jax.numpy_dtype_promotion("strict"):
        for gradient in jax.grad(total, (0, 1))(x, x):
            assert gradient.dtype == dtype
            assert np.isfinite(gradient).all()
    angle_slope = jax.vmap(jax.grad(kernel.of_angle))(np.array([0.0, 1.0, np.pi], dtype))
    assert np.isfinite(angle_slope).all()


@each_kernel
def test_gradients_are_those_of_finite_differences(kernel):
    x, direction = np.random.default_rng(4).normal(size=(2, 3, 4))
    z = np.random.default_rng(5).normal(size=(2, 4))
    _, slope = jax.jvp(lambda y: kernel.gram(y, z), (x,), (direction,))
    step = 1e-6
    difference = (kernel.gram(x + step * direction, z) - kernel.gram(x - step * direction, z)) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kernel", SMOOTH, ids=str)
def test_mixed_second_derivatives_exist_for_equal_points(kernel):
    """d^2 k / dx dz at x = z is the kernel of the derivative: positive, and the limit from close by."""
    x, direction = np.array([0.6, 0.8]), np.array([0.8, -0.6])

    def along(s, t):
        return kernel.gram((x + s * direction)[None], (x + t * direction)[None])[0, 0]

    mixed = jax.jacfwd(jax.grad(along), 1)
    at, near = float(mixed(0.0, 0.0)), float(mixed(1e-5, 0.0))
    assert at > 0.1
    np.testing.assert_allclose(at, near, rtol=1e-3)


@pytest.mark.parametrize("gap", [1e-3, 1e-7, 1e-12])
def test_close_points_keep_their_digits(gap):
    x, z = np.array([[1.0, 100.0]]), np.array([[1.0 + gap, 100.0]])
    distance = z[0, 0] - x[0, 0]
    np.testing.assert_allclose(1 - float(Laplace(1.0).gram(x, z)[0, 0]), -np.expm1(-distance), rtol=1e-15 / gap + 1e-14)
    tiny = Laplace(1e-12).gram(x, z)[0, 0]
    np.testing.assert_allclose(tiny, np.exp(-distance / 1e-12), rtol=1e-13)


def test_kernels_work_under_jit():
    x = sphere(3)
    np.testing.assert_allclose(jax.jit(Matern(2.5, 1.0).gram)(x), Matern(2.5, 1.0).gram(x), rtol=1e-14)


def test_a_bandwidth_from_numpy_changes_no_dtype():
    assert Laplace(np.float64(0.5)).gram(np.ones((1, 2), np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *[
            (partial(family, bandwidth), f"bandwidth must be a positive number, got {shown}")
            for family in (Laplace, Gaussian, partial(Matern, 1.5), partial(GammaExponential, 1.0))
            for bandwidth, shown in ((0.0, "0.0"), (-1.0, "-1.0"), (float("nan"), "nan"), (float("inf"), "inf"))
        ],
        (partial(Matern, 1.0, 1.0), "nu must be a half-integer, 1/2, 3/2, 5/2, ... 21/2, got 1.0"),
        (partial(Matern, 11.5, 1.0), "nu must be a half-integer"),
        (partial(GammaExponential, 2.1, 1.0), r"gamma must be in \(0, 2\], got 2.1"),
        (partial(ArcCosine, 3), "order must be 0, 1 or 2, got 3"),
    ],
)
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@each_kernel
def test_wrong_inputs_are_refused(kernel):
    for x1, x2, message in (
        (np.ones(3), None, "x1 must have shape"),
        (np.ones((2, 3, 3)), None, r"x1 must have shape \(points, dim\)"),
        (np.ones((2, 3)), np.ones((2, 4)), "x1 and x2 must"),
        (np.full((1, 1), np.nan), None, "x1 must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            kernel.gram(x1, x2)
    for theta, message in (
        (np.array([1, 2]), "theta must be real floating point, got dtype int64"),
        (np.array([0.5, -0.1, 4.0]), r"theta must lie in \[0, pi\], got 2 values \(of 3\) outside"),
        (np.array(np.nan), r"theta must lie in \[0, pi\]"),
    ):
        with pytest.raises(ValueError, match=message):
            kernel.of_angle(theta)
