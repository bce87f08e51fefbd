"""Least squares, kernel ridge regression and two-layer networks: what they fit, and under what they are equivariant."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import ArcCosine
from ntkit.separation import (
    COMMON,
    NONE,
    ORTHOGONAL,
    TOKENS,
    AveragedPolynomial,
    HierarchicalPolynomial,
    KernelRidge,
    LeastSquares,
    TwoLayerRelu,
    XorClusters,
    equivariance_gap,
)


def exponential(x, z):
    return np.exp(x @ z.T / x.shape[1])


def skewed(x, z):
    """Not isotropic."""
    weight = 1 + np.arange(x.shape[1])
    return np.exp(x * weight @ z.T / x.shape[1])


def inputs(n=30, test=10, patches=2, dim=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, patches, dim))
    return x, np.sign(x[:, 0, 0] * x[:, 1, 0] + 0.1), rng.normal(size=(test, patches, dim))


@pytest.mark.parametrize("n", [4, 6, 30])
def test_least_squares_has_least_norm_and_orthogonal_residuals(n):
    x, y, _ = inputs(n)
    weights, flat = LeastSquares().weights(x, y).ravel(), x.reshape(n, -1)
    np.testing.assert_allclose(flat.T @ (flat @ weights - y), 0, atol=1e-12)
    np.testing.assert_allclose(weights, np.linalg.pinv(flat) @ y, atol=1e-12)


def test_kernel_ridge_with_a_linear_kernel_is_ridge_regression():
    x, y, test = inputs()
    flat = x.reshape(len(x), -1)
    weights = np.linalg.solve(flat.T @ flat + 0.3 * np.eye(6), flat.T @ y)
    score = KernelRidge(lambda a, b: a @ b.T, ridge=0.3).fit(x, y)
    np.testing.assert_allclose(score(test), test.reshape(len(test), -1) @ weights, rtol=1e-10)


def test_kernel_ridge_takes_objects_with_gram_and_interpolates_without_ridge():
    x, y, _ = inputs()
    np.testing.assert_allclose(KernelRidge(ArcCosine(1), ridge=0.0).fit(x, y)(x), y, atol=1e-8)


def test_averages_over_one_patch_are_the_kernel_itself_and_over_more_the_mean_of_all_pairs():
    x, _, test = inputs(5, 4)
    averaged = KernelRidge(exponential, 0.1, average=True)
    first = averaged.gram(x[:, :1], test[:, :1])
    np.testing.assert_allclose(first, KernelRidge(exponential, 0.1).gram(x[:, :1], test[:, :1]), rtol=1e-14)
    pairs = [[[np.exp(a @ b / 3) for a in left for b in right] for right in test] for left in x]
    np.testing.assert_allclose(averaged.gram(x, test), np.mean(pairs, axis=2), rtol=1e-13)
    assert np.linalg.eigvalsh(averaged.gram(x, x)).min() > -1e-13


LEARNERS = [
    (LeastSquares(), ORTHOGONAL),
    (KernelRidge(exponential, 0.1, isotropic=True), ORTHOGONAL),
    (KernelRidge(exponential, 0.1, isotropic=True, average=True), COMMON),
    (KernelRidge(skewed, 0.1, average=True), TOKENS),
    (KernelRidge(skewed, 0.1), NONE),
    (TwoLayerRelu(10, steps=20), NONE),
]


@pytest.mark.parametrize(("learner", "symmetry"), LEARNERS)
def test_learners_are_equivariant_under_what_they_say(learner, symmetry):
    assert learner.symmetry is symmetry
    assert equivariance_gap(learner, symmetry, *inputs(), jax.random.key(1)) < 1e-11


@pytest.mark.parametrize(
    ("learner", "symmetry"),
    [
        (KernelRidge(exponential, 0.1), TOKENS),
        (KernelRidge(exponential, 0.1, average=True), ORTHOGONAL),
        (KernelRidge(skewed, 0.1), ORTHOGONAL),
        (KernelRidge(skewed, 0.1, average=True), COMMON),
        (TwoLayerRelu(10, steps=20), ORTHOGONAL),
    ],
)
def test_and_not_under_more(learner, symmetry):
    assert equivariance_gap(learner, symmetry, *inputs(), jax.random.key(1)) > 1e-3


def test_several_ridges_take_the_best_test_error_of_each_data_set():
    task, many = HierarchicalPolynomial(dim=4, degree=2), (1e-3, 0.1, 10.0)
    options = {"key": jax.random.key(0), "replicates": 2, "test_size": 50}
    single = [KernelRidge(exponential, ridge).errors(task, [8, 20], **options) for ridge in many]
    np.testing.assert_array_equal(KernelRidge(exponential, many).errors(task, [8, 20], **options), np.min(single, axis=0))


def test_one_matrix_for_all_n_gives_the_errors_of_learning_from_each():
    task, learner = AveragedPolynomial(patches=2, dim=4, outer=(0.0, 1.0)), KernelRidge(exponential, 0.1, average=True)
    options = {"key": jax.random.key(0), "replicates": 2, "test_size": 50}
    plain = super(KernelRidge, learner).errors(task, [5, 20], **options)
    np.testing.assert_allclose(learner.errors(task, [5, 20], **options), plain, rtol=1e-9)


@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_a_step_of_the_network_is_the_gradient_of_its_loss(loss):
    x, y, _ = inputs()
    net = TwoLayerRelu(6, steps=1, rate=0.7, loss=loss, init=1.0)
    start = net.start(jax.random.key(0), 6)

    def mean_loss(weights):
        scores = jax.nn.relu(x.reshape(len(x), -1) @ weights.T) @ net.second
        return jnp.mean(jnp.log1p(jnp.exp(-y * scores)) if loss == "logistic" else (scores - y) ** 2 / 2)

    expected = start - 0.7 * jax.grad(mean_loss)(jnp.asarray(start))
    np.testing.assert_allclose(net.train(x, y, start), expected, atol=1e-12)
    np.testing.assert_allclose(net.score(x, start), jax.nn.relu(x.reshape(len(x), -1) @ start.T) @ net.second, rtol=1e-12)


def test_the_network_is_equivariant_once_its_start_is_rotated_too():
    x, y, _ = inputs()
    net, rotation = TwoLayerRelu(10, steps=30), np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    start = net.start(jax.random.key(0), 6)
    moved = (x.reshape(len(x), -1) @ rotation.T).reshape(x.shape)
    np.testing.assert_allclose(net.train(moved, y, start @ rotation.T), net.train(x, y, start) @ rotation.T, atol=1e-12)


def test_training_commutes_with_the_swap_of_the_classes():
    """Negated labels and a negated second layer: the other half of the units takes the place of the one."""
    x, y, _ = inputs()
    net = TwoLayerRelu(10, steps=30)
    start = net.start(jax.random.key(0), 6)
    swapped = net.train(x, -y, np.roll(start, 5, axis=0))
    np.testing.assert_allclose(swapped, np.roll(net.train(x, y, start), 5, axis=0), atol=1e-13)


def test_the_network_learns_what_linear_models_cannot():
    task = XorClusters(dim=10, distance=5.0)
    options = {"key": jax.random.key(0), "replicates": 2, "test_size": 500}
    assert TwoLayerRelu(20, steps=100).errors(task, [500], **options).max() < 0.02
    assert abs(LeastSquares().errors(task, [500], **options).mean() - 0.5) < 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KernelRidge(exponential, -1.0), "ridge must be a finite number of at least 0, got -1.0"),
        (lambda: KernelRidge(exponential, ()), "ridge must be a number or several, got none"),
        (lambda: KernelRidge(exponential, (1.0, np.inf)), "ridge must be a finite number of at least 0, got inf"),
        (lambda: TwoLayerRelu(1), "width must be a whole number of at least 2, got 1"),
        (lambda: TwoLayerRelu(3), "width must be even, so that as many units add as subtract, got 3"),
        (lambda: TwoLayerRelu(2, steps=-1), "steps must be a whole number of at least 0, got -1"),
        (lambda: TwoLayerRelu(2, rate=np.nan), "rate must be a finite number of at least 0, got nan"),
        (lambda: TwoLayerRelu(2, init=0), "init must be positive: from zero weights nothing is learnt, got 0"),
        (lambda: TwoLayerRelu(2, loss="hinge"), "loss must be 'logistic' or 'squared', got 'hinge'"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        make()


@pytest.mark.usefixtures("without_type_checks")
def test_what_cannot_be_learnt_from_is_refused():
    x, y, _ = inputs()
    with pytest.raises(ValueError, match=r"ridge must be one number to learn from data, got \(1.0, 2.0\)"):
        KernelRidge(exponential, (1.0, 2.0)).fit(x, y)
    with pytest.raises(np.linalg.LinAlgError, match="the kernel matrix of 30 inputs is singular: ridge must exceed 0"):
        KernelRidge(lambda a, b: a @ b.T, 0.0).fit(x, y)
    with pytest.raises(ValueError, match="key must be a JAX PRNG key, since the start is random, got None"):
        TwoLayerRelu(2).fit(x, y)
    with (
        pytest.raises(FloatingPointError, match="training with rate 1e\\+200 diverged within 300 steps"),
        np.errstate(all="ignore"),
    ):
        TwoLayerRelu(2, rate=1e200, loss="squared", init=1.0).fit(x, y, jax.random.key(0))
    with pytest.raises(ValueError, match="measure must be 'error' for this learner, got 'risk'"):
        KernelRidge(exponential, 1.0).errors(XorClusters(2, 1.0), [3], key=jax.random.key(0), replicates=1, measure="risk")
