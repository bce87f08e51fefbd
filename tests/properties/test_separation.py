"""Laws of signal tasks and of gradient descent on them: symmetries, the soft threshold, and what overlaps may depend on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.separation import (
    COMMON,
    ORTHOGONAL,
    PATCHWISE,
    DynamicSignal,
    ProjectedGradient,
    StaticSignal,
    TwoStep,
    equivariance_gap,
    gate,
    soft_threshold,
)
from ntkit.strategies import learners, seeds, signal_tasks

NUMBERS = st.floats(-100, 100)
THRESHOLDS = st.sampled_from((0.0, 1e-12, 0.1)) | st.floats(0, 50)
GROUPS = {"fcn": ORTHOGONAL, "lcn": PATCHWISE, "cnn": COMMON}


OPTIONS = st.fixed_dictionaries(
    {
        "thresholds": st.sampled_from(((0.0, 0.3), (0.0, 0.0, 0.2))),
        "loss": st.sampled_from(("correlation", "logistic")),
        "rate": st.sampled_from((np.inf, 1.5)),
        "scale": st.just(2.0),
    }
)
TASKS = st.builds(
    lambda kind, noise: kind(3, 4, noise), st.sampled_from((DynamicSignal, StaticSignal)), st.sampled_from((0.2, 0.6))
)


def gap(learner, symmetry, task, seed):
    """That of a data set of the task, at inputs that are nothing but noise."""
    x, y = task.sample(jax.random.key(seed), 20)
    test = np.random.default_rng(seed).normal(size=(15, task.patches, task.dim))
    return equivariance_gap(learner, symmetry, x, y, test, jax.random.key(seed + 1))


@given(learners((TwoStep, ProjectedGradient)))
def test_gradient_descent_states_the_group_of_its_architecture(learner):
    assert learner.symmetry is GROUPS[learner.architecture]


@pytest.mark.parametrize(
    ("architecture", "wrong"), [("lcn", ORTHOGONAL), ("cnn", PATCHWISE), ("cnn", ORTHOGONAL), ("lcn", COMMON)]
)
@given(options=OPTIONS, task=TASKS, seed=seeds())
@settings(max_examples=15)
def test_gradient_descent_is_not_equivariant_under_larger_groups(architecture, wrong, options, task, seed):
    """One rotation of everything, a rotation for each patch, or (lcn) a permutation for each sample."""
    assert gap(ProjectedGradient(architecture, **options), wrong, task, seed) > 1e-3


@given(NUMBERS, NUMBERS, THRESHOLDS)
def test_the_soft_threshold_is_odd_and_1_lipschitz(z, other, threshold):
    value = float(soft_threshold(jnp.float64(z), threshold))
    assert value == -float(soft_threshold(jnp.float64(-z), threshold))
    np.testing.assert_allclose(value, max(z - threshold, 0) - max(-z - threshold, 0), atol=1e-13)
    assert abs(value - float(soft_threshold(jnp.float64(other), threshold))) <= abs(z - other) + 1e-13


@given(NUMBERS, THRESHOLDS, THRESHOLDS)
def test_soft_thresholds_compose_by_addition(z, first, second):
    twice = soft_threshold(soft_threshold(jnp.float64(z), first), second)
    np.testing.assert_allclose(twice, soft_threshold(jnp.float64(z), first + second), atol=1e-13)


@given(NUMBERS | st.just(0.0), THRESHOLDS)
def test_the_derivative_of_the_soft_threshold_is_its_gate(z, threshold):
    slope = float(jax.grad(soft_threshold)(jnp.float64(z), threshold))
    assert slope == bool(gate(jnp.float64(z), threshold)) == (abs(z) > threshold or threshold == 0)


def test_without_a_threshold_it_is_the_identity_with_slope_1_at_0_too():
    z = jnp.array([-2.0, -0.0, 0.0, 3.0])
    assert soft_threshold(z, 0.0).tolist() == z.tolist()
    assert jax.vmap(jax.grad(soft_threshold), (0, None))(z, 0.0).tolist() == [1.0] * 4


def overlaps(learner, task, n, seed):
    return np.array(learner.overlaps(task, n, np.random.default_rng(seed)))


@given(st.sampled_from(("cnn", "fcn", "lcn")), seeds(), st.booleans(), st.sampled_from((np.inf, 2.0)), st.sampled_from((2, 3)))
def test_without_a_gate_overlaps_depend_on_noise_and_n_by_noise_squared_over_n(architecture, seed, fresh, rate, factor):
    """Exactly where the signal's counts are no random numbers: one filter for all patches, or one patch with the signal.

    With a gate they do not, as noise is cut at a height that the signal sets; and counts of random patches vary as 1 / n.
    """
    learner = TwoStep(architecture, threshold=0.0, fresh=fresh, rate=rate)
    kind = DynamicSignal if architecture == "cnn" else StaticSignal
    few, many = kind(3, 20, 0.4), kind(3, 20, 0.4 * factor)
    np.testing.assert_allclose(
        overlaps(learner, many, [7 * factor**2], seed), overlaps(learner, few, [7], seed), rtol=1e-9, atol=1e-12
    )


@given(seeds(), st.booleans(), st.integers(2, 9))
def test_without_a_gate_k_patches_cost_a_cnn_k_times_the_samples(seed, fresh, patches):
    learner = TwoStep("cnn", threshold=0.0, fresh=fresh)
    np.testing.assert_allclose(
        overlaps(learner, DynamicSignal(patches, 20, 0.4), [5 * patches], seed),
        overlaps(learner, DynamicSignal(1, 20, 0.4), [5], seed),
        rtol=1e-9,
        atol=1e-12,
    )


SIGNALS = signal_tasks(max_patches=5, max_dim=30, noises=(0.0, 1e-9, 0.1, 1.0, 30.0))


@given(SIGNALS, learners((TwoStep,)), st.sampled_from(([1], [3], [1, 2, 30])), seeds())
def test_overlaps_are_cosines_and_filters_move_by_gated_data_alone(task, learner, n, seed):
    first, second = overlaps(learner, task, n, seed)
    for found in (first, second):
        assert (np.linalg.norm(found, axis=-1) <= 1 + 1e-12).all()
    threshold = learner.threshold_for(task)
    if learner.rate == 0 or threshold == 1e6:
        np.testing.assert_allclose(second, first, rtol=1e-12)
    if threshold == 0 and not learner.fresh:  # the second gradient is the first
        np.testing.assert_allclose(second, first, rtol=1e-12)


@given(SIGNALS, learners((TwoStep, ProjectedGradient), readouts=(0.0,)), seeds())
def test_a_replicate_does_not_depend_on_how_many_there_are_for_misalignments_either(task, learner, seed):
    options = {"key": jax.random.key(seed), "measure": "misalignment"}
    few, many = (learner.errors(task, [2, 9], replicates=r, **options) for r in (1, 3))
    np.testing.assert_array_equal(few, many[:1])
    assert ((many >= -1e-15) & (many <= 1)).all()
