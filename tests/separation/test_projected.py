"""Training on data in full: against automatic differentiation, whole samples, and two steps by what they see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ks_2samp

from ntkit.separation import (
    DynamicSignal,
    ProjectedGradient,
    SignalTask,
    StaticSignal,
    TwoStep,
    equivariance_gap,
    soft_threshold,
)
from ntkit.separation._network import Network
from ntkit.separation._rotated import most_rotated, rotated_sample

KEY = jax.random.key(0)
ARCHITECTURES = ("fcn", "lcn", "cnn")


def data(n: int = 30, patches: int = 3, dim: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, patches, dim)), rng.choice([-1.0, 1.0], size=n)


def score(architecture: str, weights: jax.Array, x: jax.Array, threshold: float) -> jax.Array:
    """The network, written out with two ReLUs; the fcn's units count k / units times."""
    products = {"fcn": "nkd,ukd->nu", "lcn": "nkd,kd->nk", "cnn": "nkd,d->nk"}[architecture]
    z = jnp.einsum(products, x, weights)
    copies = x.shape[1] / len(weights) if architecture == "fcn" else 1.0
    return copies * (jax.nn.relu(z - threshold) - jax.nn.relu(-z - threshold)).sum(axis=1)


def by_autodiff(learner: ProjectedGradient, weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All steps, with the derivative of the loss."""
    axes = {"fcn": (1, 2), "lcn": 1, "cnn": 0}[learner.architecture]

    def loss(weights: jax.Array, threshold: float) -> jax.Array:
        margins = y * score(learner.architecture, weights, jnp.asarray(x), threshold)
        return -margins.mean() if learner.loss == "correlation" else jnp.log1p(jnp.exp(-learner.scale * margins)).mean()

    for threshold in learner.thresholds:
        gradient = np.asarray(jax.grad(loss)(jnp.asarray(weights), threshold))
        if learner.architecture == "fcn":  # of one of the equal units
            gradient = gradient / (x.shape[1] / learner.units)
        weights = -gradient if np.isinf(learner.rate) else weights - learner.rate * gradient
        if learner.project:
            weights = weights / np.sqrt((weights**2).sum(axis=axes, keepdims=True))
    return weights


@pytest.mark.parametrize("project", [True, False])
@pytest.mark.parametrize("loss", ["correlation", "logistic"])
@pytest.mark.parametrize(("architecture", "units"), [("fcn", 1), ("fcn", 2), ("lcn", 1), ("cnn", 1)])
def test_steps_are_those_of_automatic_differentiation(architecture, units, loss, project):
    x, y = data()
    given = {"architecture": architecture, "loss": loss, "scale": 0.7, "init_std": 0.4, "units": units, "project": project}
    start = ProjectedGradient(thresholds=(0.0,), rate=1e-300, **given | {"project": False}).fit(x, y, KEY).weights
    learner = ProjectedGradient(thresholds=(0.1, 0.0, 0.3), rate=0.8, **given)
    np.testing.assert_allclose(learner.fit(x, y, KEY).weights, by_autodiff(learner, start, x, y), rtol=1e-10, atol=1e-13)
    if project:
        learner = ProjectedGradient(thresholds=(0.1, 0.2), rate=np.inf, **given)
        np.testing.assert_allclose(learner.fit(x, y, KEY).weights, by_autodiff(learner, start, x, y), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_initial_weights_are_normal(architecture):
    x, y = data(n=1, dim=5000)
    start = ProjectedGradient(architecture, (0.0,), init_std=0.4, rate=1e-300, project=False).fit(x, y, KEY).weights
    assert start.std() == pytest.approx(0.4, rel=0.05)
    assert start.mean() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("loss", ["correlation", "logistic"])
def test_the_first_step_from_zero_is_the_mean(loss):
    x, y = data()
    mean = (y[:, None, None] * x).mean(axis=0)
    expected = {
        "fcn": mean[None] / np.linalg.norm(mean),
        "lcn": mean / np.linalg.norm(mean, axis=1, keepdims=True),
        "cnn": mean.sum(axis=0) / np.linalg.norm(mean.sum(axis=0)),
    }
    for architecture in ARCHITECTURES:
        for rate in (np.inf, 1e-200, 1e200, 0.0):
            found = ProjectedGradient(architecture, (0.0,), loss=loss, rate=rate).fit(x, y).weights
            np.testing.assert_allclose(found, expected[architecture], rtol=1e-12)


def test_without_projection_the_first_step_has_its_length():
    x, y = data()
    found = ProjectedGradient("lcn", (0.0,), rate=0.5, project=False).fit(x, y).weights
    np.testing.assert_allclose(found, 0.5 * (y[:, None, None] * x).mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("architecture", "units"), [("fcn", 4), ("lcn", 1), ("cnn", 1)])
def test_scores_are_those_of_the_network(architecture, units):
    x, y = data()
    learner = ProjectedGradient(architecture, (0.0,), init_std=1.0, units=units, readout=0.2)
    network = learner.fit(x, y, KEY)
    assert network.weights.shape == {"fcn": (4, 3, 5), "lcn": (3, 5), "cnn": (5,)}[architecture]
    np.testing.assert_allclose(network(x), score(architecture, jnp.asarray(network.weights), jnp.asarray(x), 0.2), rtol=1e-10)
    z = np.linspace(-1, 1, 9)[:, None, None]
    np.testing.assert_array_equal(Network("cnn", 1, np.ones(1), 0.3)(z), soft_threshold(jnp.asarray(z[:, 0, 0]), 0.3))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_precision_is_that_of_the_data(architecture):
    x, y = data(n=200)
    rate, threshold = np.float64(0.8), np.float64(0.3)  # which would widen float32
    learner = ProjectedGradient(architecture, (0.1, threshold), loss="logistic", rate=rate, init_std=0.4)
    wide, narrow = learner.fit(x, y, KEY), learner.fit(x.astype(np.float32), y, KEY)
    assert wide.weights.dtype == wide(x).dtype == np.float64
    assert narrow.weights.dtype == narrow(x.astype(np.float32)).dtype == np.float32
    learner = ProjectedGradient(architecture, (0.0, threshold), loss="logistic", rate=rate)
    np.testing.assert_allclose(learner.fit(x.astype(np.float32), y).weights, learner.fit(x, y).weights, atol=1e-5)


def test_a_filter_whose_gate_stays_closed_stays():
    x, y = data()
    x[:, 1] *= 1e-3
    first = ProjectedGradient("lcn", (0.0,)).fit(x, y).weights
    for rate in (np.inf, 10.0):
        second = ProjectedGradient("lcn", (0.0, 0.5), rate=rate).fit(x, y).weights
        np.testing.assert_allclose(second[1], first[1], rtol=1e-14)
        assert np.abs(second[0] - first[0]).max() > 0.01


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_equivariance(architecture):
    learner = ProjectedGradient(architecture, (0.0, 0.2, 0.2), loss="logistic", rate=2.0)
    x, y = data(n=40)
    assert equivariance_gap(learner, learner.symmetry, x, y, data(n=8, seed=1)[0], KEY) < 1e-12


def test_two_step_learns_the_same():
    x, y = data()
    np.testing.assert_array_equal(
        TwoStep("lcn", threshold=0.3).fit(x, y).weights, ProjectedGradient("lcn", (0.0, 0.3)).fit(x, y).weights
    )


LEARNERS = [
    ProjectedGradient("fcn", (0.0, 0.0, 0.05), loss="logistic", rate=3.0),
    ProjectedGradient("fcn", (0.1, 0.1), loss="logistic", rate=3.0, init_std=0.1, units=3),
    ProjectedGradient("lcn", (0.0, 0.2, 0.2), loss="logistic", scale=4.0, rate=10.0),
    ProjectedGradient("lcn", (0.1, 0.2), init_std=0.3, rate=1.0),
    ProjectedGradient("cnn", (0.0, 0.2, 0.2), loss="logistic", scale=4.0, rate=10.0),
    ProjectedGradient("cnn", (0.1, 0.2), init_std=0.3, rate=1.0, project=False),
]


@pytest.mark.parametrize("dim", [6, 60])  # fewer than samples, and more
@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: f"{learner.architecture}-{learner.init_std}")
def test_errors_have_the_law_of_training_on_samples(learner, dim):
    static = learner is LEARNERS[2]
    task, replicates = (StaticSignal if static else DynamicSignal)(3, dim, 0.3), 120
    measure = "misalignment" if learner.init_std else "error"
    found = learner.errors(task, [10, 25], key=KEY, replicates=replicates, measure=measure)[:, 1]
    direct = [whole(learner, task, 25, jax.random.fold_in(KEY, 1000 + i), measure) for i in range(replicates)]
    assert ks_2samp(found, direct).pvalue > 1e-3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_misalignment_is_that_of_two_steps(architecture):
    """Both are exact in law, and one step is simple."""
    task, given = DynamicSignal(3, 60, 0.3), {"key": KEY, "replicates": 200, "measure": "misalignment"}
    found = ProjectedGradient(architecture, (0.0,)).errors(task, [10], **given)
    assert ks_2samp(found[:, 0], TwoStep(architecture, steps=1).errors(task, [10], **given)[:, 0]).pvalue > 1e-3


def whole(learner: ProjectedGradient, task: SignalTask, n: int, key: jax.Array, measure: str) -> float:
    """Error or misalignment, in full dimension."""
    x, y = task.sample(key, n)
    weights = learner.fit(x, y, key).weights
    weights = weights.sum(axis=0) if learner.architecture == "fcn" else np.broadcast_to(weights, x.shape[1:])
    if measure == "error":
        return task.linear_error(weights)
    if learner.architecture == "fcn":
        cosines = weights[: task.places, 0].sum(keepdims=True) / np.linalg.norm(weights) / task.places**0.5
    else:
        cosines = (weights[:, 0] / np.linalg.norm(weights, axis=1))[: task.places]
    return float(1 - (np.maximum(cosines, 0) ** 2).mean())


@pytest.mark.parametrize("architecture", ["lcn", "cnn"])
def test_errors_are_those_of_the_first_samples_alone(architecture):
    learner, task = ProjectedGradient(architecture, (0.0, 0.2), loss="logistic", rate=5.0), DynamicSignal(4, 20, 0.2)
    n = [7, 15, 40]
    found = learner.errors(task, n, key=KEY, replicates=2)
    for replicate in range(2):
        rng = np.random.default_rng(np.asarray(jax.random.key_data(jax.random.fold_in(KEY, replicate))).tolist())
        x = rotated_sample(architecture, task, 40, rng).x
        for point, size in enumerate(n):
            weights = learner.fit(x[:size], np.ones(size)).weights
            expected = task.linear_error(np.broadcast_to(weights, x.shape[1:]))
            assert found[replicate, point] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("learner", [LEARNERS[0], LEARNERS[2], LEARNERS[4]], ids=lambda learner: learner.architecture)
def test_errors_depend_on_neither_other_sizes_nor_other_replicates(learner):
    task = DynamicSignal(3, 60, 0.2)
    found = learner.errors(task, [8, 20, 33], key=KEY, replicates=3)
    np.testing.assert_allclose(learner.errors(task, [20], key=KEY, replicates=2), found[:2, 1:2], rtol=1e-9)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dim", [5, 300])
def test_the_most_samples_fill_what_is_allowed(architecture, dim):
    task, numbers = DynamicSignal(4, dim, 0.2), 20_000
    most = most_rotated(architecture, task, numbers)
    rng = np.random.default_rng(0)
    assert 0.5 * numbers < rotated_sample(architecture, task, most, rng).x.size < 1.1 * numbers
    learner, other = ProjectedGradient(architecture, (0.0,)), ProjectedGradient(architecture, (0.0,), readout=0.1)
    wide = DynamicSignal(4, 10**6, 0.2)
    assert learner.most(wide) == most_rotated(architecture, wide, 2**28) > 10 * other.most(wide)
    assert learner.guess(task) == 2 * 0.2**2 * dim * {"fcn": 16, "lcn": 4, "cnn": 1}[architecture]


def test_errors_with_a_readout_are_counted_on_test_inputs():
    task = DynamicSignal(3, 8, 0.4)
    learner = ProjectedGradient("cnn", (0.0,))
    exact = learner.errors(task, [30], key=KEY, replicates=10).mean()
    tiny = ProjectedGradient("cnn", (0.0,), readout=1e-9)
    assert tiny.errors(task, [30], key=KEY, replicates=10, test_size=4000).mean() == pytest.approx(exact, abs=0.02)
    with pytest.raises(ValueError, match="measure must be 'error' for this learner, got 'misalignment'"):
        tiny.errors(task, [30], key=KEY, replicates=1, measure="misalignment")


def test_an_unseen_patch_is_guessed():
    task = DynamicSignal(2, 4, 0.0)
    assert ProjectedGradient("lcn", (0.0,)).errors(task, [1], key=KEY, replicates=1) == [
        [0.25]
    ]  # one of two patches: 0 and 1/2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"architecture": "mlp"}, "architecture must be 'fcn', 'lcn', 'cnn', got 'mlp'"),
        ({"thresholds": ()}, r"thresholds must be a sequence with a number for each step, got \(\)"),
        ({"thresholds": 0.0}, "thresholds must be a sequence with a number for each step, got 0.0"),
        ({"thresholds": (0.0, -1.0)}, "thresholds must be a finite number of at least 0, got -1.0"),
        ({"loss": "square"}, "loss must be 'correlation' or 'logistic', got 'square'"),
        ({"rate": -1.0}, "rate must be a number of at least 0, got -1.0"),
        ({"rate": np.nan}, "rate must be a number of at least 0, got nan"),
        ({"scale": 0}, "scale must be above 0, got 0.0"),
        ({"readout": -0.1}, "readout must be a finite number of at least 0, got -0.1"),
        ({"init_std": np.inf}, "init_std must be a finite number of at least 0, got inf"),
        ({"units": 0}, "units must be a whole number of at least 1, got 0"),
        ({"units": 2, "init_std": 1.0}, "units must be 1 unless architecture is 'fcn', got 2 for 'lcn'"),
        ({"thresholds": (0.1, 0.1)}, "thresholds must begin with 0 for init_std=0, as no gate opens, got 0.1 first"),
        ({"architecture": "fcn", "units": 2}, "units must be 1 for init_std=0, as equal units stay equal, got 2"),
        ({"project": False}, "rate must be finite for project=False, got inf"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_refusals(given, message):
    with pytest.raises(ValueError, match=message):
        ProjectedGradient(**{"architecture": "lcn", "thresholds": (0.0,)} | given)


@pytest.mark.usefixtures("without_type_checks")
def test_refusals_of_data():
    learner, (x, y) = ProjectedGradient("lcn", (0.0,)), data()
    with pytest.raises(ValueError, match=r"x must be float32 or float64 of shape \(n, patches, dim\), got float64 of shape"):
        learner.fit(x[0], y)
    with pytest.raises(ValueError, match=r"x must be float32 or float64 of shape .*, got int64 of shape \(30, 3, 5\)"):
        learner.fit(x.astype(np.int64), y)
    with pytest.raises(ValueError, match=r"y must be real numbers of shape \(30,\) like x, got float64 of shape \(29,\)"):
        learner.fit(x, y[1:])
    with pytest.raises(ValueError, match=r"key must be given for random weights, got None for init_std=0\.1"):
        ProjectedGradient("lcn", (0.0,), init_std=0.1).fit(x, y)
    with pytest.raises(ValueError, match="measure must be 'error' or 'misalignment' for this learner, got 'loss'"):
        learner.errors(DynamicSignal(2, 3, 0.1), [4], key=KEY, replicates=1, measure="loss")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_not_finite_is_an_error(architecture):
    x, y = data()
    with pytest.raises(FloatingPointError, match="step 2 of 2 gave weights that are not finite"):
        ProjectedGradient(architecture, (0.0, 0.0), rate=1.7e308).fit(100 * x, y)
    with pytest.raises(FloatingPointError, match="scores are not finite"):
        ProjectedGradient(architecture, (0.0, 0.0), loss="logistic", rate=1e280, project=False).fit(1e20 * x, y)
