"""Two steps on signal tasks where something is missing, huge or refused."""

import itertools

import jax
import numpy as np
import pytest

import ntkit.separation._reduced
from ntkit.separation import Data, DynamicSignal, NoiseGate, StaticSignal, Task, TwoStep, WeakestSignalGate
from ntkit.separation._layout import layout_of

KEY = jax.random.key(0)
ARCHITECTURES = ("fcn", "lcn", "cnn")
SIZES = [1, 2, 7]


def overlaps(learner, task, n=SIZES, seed=0):
    return learner.overlaps(task, n, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", [DynamicSignal, StaticSignal])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_overlaps_are_cosines_at_every_edge(architecture, kind):
    edges = itertools.product((1, 3), (1, 2), (0.0, 1e-200, 0.3, 1e200), (0.0, 1e-12, 0.3), (False, True), (0.0, 1e300, np.inf))
    for patches, dim, noise, threshold, fresh, rate in edges:
        task, learner = kind(patches, dim, noise), TwoStep(architecture, threshold=threshold, fresh=fresh, rate=rate)
        first, second = overlaps(learner, task)
        for found in (first, second):
            assert np.isfinite(found).all(), (task, learner)
            assert (np.abs(found) <= 1 + 1e-12).all(), (task, learner)
        if rate == 0:
            np.testing.assert_allclose(second, first, rtol=1e-12)
        errors = learner.errors(task, SIZES, key=KEY, replicates=2)
        assert ((errors >= 0) & (errors <= 1)).all(), (task, learner)


@pytest.mark.parametrize("rate", [1.0, 1e300, np.inf])
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_where_nothing_passes_filters_stay(architecture, fresh, rate):
    first, second = overlaps(TwoStep(architecture, threshold=1e6, fresh=fresh, rate=rate), DynamicSignal(3, 5, 0.3))
    np.testing.assert_allclose(second, first, rtol=1e-12)


def test_a_large_rate_is_near_an_infinite_one():
    task = DynamicSignal(3, 5, 0.3)
    near, limit = (overlaps(TwoStep("lcn", threshold=0.3, rate=rate), task)[1] for rate in (1e200, np.inf))
    np.testing.assert_allclose(near, limit, rtol=1e-12)


@pytest.mark.parametrize("architecture", ["fcn", "lcn", "cnn"])
def test_without_noise_filters_are_signals(architecture):
    task = StaticSignal(3, 5, 0.0)
    for found in overlaps(TwoStep(architecture, threshold=0.5), task):
        expected = {"fcn": [[1, 0, 0]], "lcn": [[1], [0], [0]], "cnn": [[1]]}[architecture]
        np.testing.assert_array_equal(found, [expected] * 3)
    assert TwoStep(architecture).errors(task, SIZES, key=KEY, replicates=1).tolist() == [[0, 0, 0]]


def test_a_patch_that_was_never_seen_is_guessed():
    errors = TwoStep("lcn").errors(DynamicSignal(4, 5, 0.0), [1], key=KEY, replicates=3)
    np.testing.assert_allclose(errors, 3 / 4 / 2)  # three of four filters are zero


def test_one_patch_needs_no_gate():
    assert NoiseGate(1.5)(DynamicSignal(1, 5, 0.3)) == 0
    assert WeakestSignalGate()(DynamicSignal(1, 1, 0.3)) == 0
    first, second = overlaps(TwoStep("lcn"), DynamicSignal(1, 5, 0.3))
    np.testing.assert_array_equal(first, second)


def test_without_a_gate_any_number_of_samples_will_do():
    second = overlaps(TwoStep("lcn", threshold=0.0), DynamicSignal(3, 2, 0.1), [10**9, 10**12])[1]
    np.testing.assert_allclose(second, 1.0, atol=1e-6)
    assert layout_of("cnn", 10**9, 1).draws(np.array([10**12])).tolist() == [1e21]  # more than int64 holds


def test_a_single_step_looks_at_no_draw(monkeypatch):
    monkeypatch.setattr(ntkit.separation._reduced, "gated_sums", None)
    learner, task = TwoStep("lcn", threshold=0.3, steps=1), DynamicSignal(3, 20, 0.3)
    assert learner.threshold_for(task) == 0
    assert learner.most(task) == 10**9
    first = np.mean([overlaps(learner, task, [30], seed)[0].mean() for seed in range(200)])
    assert abs(first - 1 / np.sqrt(1 + 0.09 * 19 * 9 / 30)) < 0.03  # 1 / sqrt(1 + noise^2 (d - 1) k^2 / n)


@pytest.mark.usefixtures("without_type_checks")
def test_a_score_for_each_label_is_wanted():
    with pytest.raises(ValueError, match=r"scores must have shape \(4,\), one for each label, got \(4, 1\)"):
        DynamicSignal(3, 4, 0.3).error(np.ones((4, 1)), np.ones(4))


def test_a_single_step_learns_from_data_without_a_threshold():
    x, y = DynamicSignal(3, 4, 0.3).sample(KEY, 20)
    scores = TwoStep("lcn", steps=1).fit(x, y)(x)
    filters = np.einsum("n,nkd->kd", y, x)
    filters /= np.linalg.norm(filters, axis=1, keepdims=True)
    np.testing.assert_allclose(scores, np.einsum("nkd,kd->n", x, filters), atol=1e-12)


class Coin(Task):
    patches, dim, symmetry = 1, 1, None

    def sample(self, key, n):
        return Data(np.zeros((n, 1, 1)), np.ones(n))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: TwoStep("lcn").errors(Coin(), [1], key=KEY, replicates=1),
            "task must be a SignalTask for this learner, got <",
        ),
        (lambda: TwoStep("lcn").guess(Coin()), "task must be a SignalTask for this learner, got <"),
        (lambda: TwoStep("lcn").most(Coin()), "task must be a SignalTask for this learner, got <"),
        (
            lambda: TwoStep("lcn").errors(DynamicSignal(256, 9, 0.1), [10**9], key=KEY, replicates=1),
            "n must be at most 390625 where a gate looks at each of 256 patches, got 1000000000",
        ),
        (
            lambda: TwoStep("lcn", threshold=0.1, fresh=True).fit(np.ones((2, 2, 2)), np.ones(2)),
            "fresh must be False to learn from data, of which there is one sample, got True",
        ),
        (lambda: TwoStep("lcn").fit(np.ones((2, 2, 2)), np.ones(2)), "threshold must be a number to learn from data, got None"),
        (lambda: TwoStep("lcn", steps=3), "steps must be 1 or 2, got 3"),
        (lambda: TwoStep("lcn", rate=-1.0), "rate must be a number of at least 0, got -1.0"),
        (lambda: TwoStep("lcn", threshold=np.nan), "threshold must be a finite number of at least 0, got nan"),
        (lambda: TwoStep("mlp"), "architecture must be 'fcn', 'lcn', 'cnn', got 'mlp'"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_what_cannot_be_is_refused(ask, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        ask()
    assert str(caught.value).startswith(message)
