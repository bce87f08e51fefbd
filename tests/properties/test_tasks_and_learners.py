"""What holds for every task and every learner: samples, least errors, symmetries, keys, and what is refused."""

from math import factorial

import jax
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermeval

from ntkit.separation import (
    AveragedPolynomial,
    DynamicSignal,
    GroupArithmetic,
    HierarchicalPolynomial,
    KernelRidge,
    LeastSquares,
    ProjectedGradient,
    SignalTask,
    StaticSignal,
    TwoLayerRelu,
    TwoStep,
    XorClusters,
    equivariance_gap,
)
from ntkit.strategies import data_sets, learners, seeds, signal_tasks, tasks

ON_ANY_TASK = (ProjectedGradient, KernelRidge, LeastSquares, TwoLayerRelu)
ROUNDING = 1e-10  # relative to the largest score: float64, and conditions that rarely reach 1e4
TESTED = 2000


def within(share, of=TESTED):
    """Five standard errors of a share of so many inputs."""
    return 5 * np.sqrt(share * (1 - share) / of)


def scores(learner, x, y, test, seed):
    return learner.fit(x, y, jax.random.key(seed))(test)


def inputs(task, seed, n=15):
    """Nothing but noise, so that no score is 0 for a reason."""
    return np.random.default_rng(seed).normal(size=(n, task.patches, task.dim))


def assert_same_scores(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


@given(data_sets())
def test_samples_have_their_shapes_and_labels_and_depend_on_the_key_alone(drawn):
    (x, y), task = drawn.data, drawn.task
    assert x.shape == (drawn.n, task.patches, task.dim)
    assert y.shape == (drawn.n,)
    assert x.dtype == y.dtype == np.float64
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()
    if task.kind == "classification":
        assert set(y) <= {-1.0, 1.0}
    again = drawn.data
    assert again.x.tobytes() == x.tobytes()
    assert again.y.tobytes() == y.tobytes()


@given(data_sets(signal_tasks(noises=(0.0,))))
def test_without_noise_there_is_the_label_in_one_patch_that_can_carry_it(drawn):
    x, y = drawn.data
    sample, patch, pixel = np.nonzero(x)
    np.testing.assert_array_equal(sample, np.arange(drawn.n))
    np.testing.assert_array_equal(x[sample, patch, pixel], y)
    assert (pixel == 0).all()
    assert (patch < drawn.task.places).all()


@given(data_sets(tasks((HierarchicalPolynomial, AveragedPolynomial))))
def test_polynomials_are_of_inputs_on_spheres(drawn):
    (x, y), task = drawn.data, drawn.task
    np.testing.assert_allclose(np.linalg.norm(x, axis=2), np.sqrt(task.dim), rtol=1e-13)
    inner = task.inner(x)[:, None] if isinstance(task, HierarchicalPolynomial) else x[:, : task.used, 0]
    orthonormal = [c / np.sqrt(factorial(j)) for j, c in enumerate(task.outer)]
    np.testing.assert_allclose(y, hermeval(inner, orthonormal).mean(axis=1), atol=1e-12)


@given(data_sets(tasks((GroupArithmetic,))), seeds())
def test_pairs_of_group_elements_are_labelled_by_their_product_which_relabellings_leave(drawn, seed):
    (x, y), task = drawn.data, drawn.task
    act = task.symmetry.draw(np.random.default_rng(seed), task.patches, task.dim)
    for pairs in (x, act(x)):
        assert set(pairs.ravel()) == {0.0, 1.0}
        np.testing.assert_array_equal(pairs.sum(axis=2), 1.0)
        np.testing.assert_array_equal(task.values[task.products(pairs.argmax(axis=2))], y)
    if not task.replacement:
        assert len(np.unique(x, axis=0)) == drawn.n


@st.composite
def tasks_with_learners(draw):
    task = draw(tasks())
    return task, draw(learners() if isinstance(task, SignalTask) else learners(ON_ANY_TASK))


@given(tasks_with_learners(), st.sampled_from(([1], [2, 9])), seeds())
def test_errors_are_errors_and_no_smaller_than_the_least(drawn, n, seed):
    """Given the data exactly, where the learner has a closed form; else up to the error of counting on test inputs."""
    task, learner = drawn
    errors = learner.errors(task, n, key=jax.random.key(seed), replicates=2, test_size=TESTED)
    assert errors.shape == (2, len(n))
    assert np.isfinite(errors).all()
    assert (errors >= 0).all()
    if task.kind == "classification":
        assert (errors <= 1).all()
    linear = isinstance(learner, TwoStep) or (isinstance(learner, ProjectedGradient) and not learner.readout)
    exact = linear and isinstance(task, SignalTask)
    for least in (task.least_error, learner.least_error(task)):
        assert (errors >= least - (1e-14 if exact else within(least))).all()


@pytest.mark.parametrize("kind", [TwoStep, ProjectedGradient])
@given(task=signal_tasks(noises=(0.0, 0.3, 1.0)), options=st.data(), seed=seeds())
@settings(max_examples=25)
def test_closed_forms_have_the_mean_of_training_on_samples(kind, task, options, seed):
    learner = options.draw(learners((kind,), readouts=(0.0,), from_data=True))
    key, n, replicates = jax.random.key(seed), 6, 30

    def trained(sample, start):
        weights = learner.fit(*task.sample(sample, n), start).weights
        whole = weights.sum(axis=0) if learner.architecture == "fcn" else weights
        return task.linear_error(np.broadcast_to(whole, (task.patches, task.dim)))

    closed = learner.errors(task, [n], key=key, replicates=replicates)[:, 0]
    keys = jax.random.split(jax.random.fold_in(key, replicates), (replicates, 2))
    direct = np.array([trained(*pair) for pair in keys])
    deviation = np.sqrt((closed.var(ddof=1) + direct.var(ddof=1)) / replicates)
    assert abs(closed.mean() - direct.mean()) <= 5 * deviation + 1e-12


@given(tasks_with_learners(), seeds())
def test_a_replicate_depends_on_the_key_and_on_its_number_alone(drawn, seed):
    task, learner = drawn
    few, many = (learner.errors(task, [2, 9], key=jax.random.key(seed), replicates=r, test_size=50) for r in (1, 3))
    assert few.tobytes() == many[:1].tobytes()


@given(tasks((AveragedPolynomial,)), st.booleans(), seeds())
def test_what_does_not_see_the_order_of_patches_has_the_invariant_error(task, kernel, seed):
    drawn = KernelRidge(lambda x, z: (1 + x @ z.T) ** 2, 0.1, average=True) if kernel else ProjectedGradient("cnn", (0.0,))
    train, test = (task.sample(jax.random.key(s), n) for s, n in ((seed, 20), (seed + 1, TESTED)))
    excess = (drawn.fit(*train)(test.x) - test.y) ** 2 - task.invariant_error * (test.y - test.y.mean()) ** 2
    assert excess.mean() >= -5 * excess.std() / np.sqrt(TESTED)


@given(data_sets(tasks((DynamicSignal, StaticSignal, XorClusters))), seeds())
def test_the_exact_error_of_linear_scores_is_the_measured_one_and_no_smaller_than_the_least(drawn, seed):
    task, weights = drawn.task, LeastSquares().weights(*drawn.data)
    if isinstance(task, XorClusters):
        exact = task.flip + (1 - 2 * task.flip) * float(task.linear_error(weights[0]))
    else:
        exact = task.linear_error(weights)
    x, y = task.sample(jax.random.key(seed), TESTED)
    assert abs(task.error(np.einsum("nkd,kd->n", x, weights), y) - exact) <= within(0.5)
    assert exact >= task.least_error - 1e-14


@given(tasks((StaticSignal, XorClusters)), seeds())
def test_who_knows_the_law_has_the_least_error(task, seed):
    x, y = task.sample(jax.random.key(seed), TESTED)
    signal = isinstance(task, SignalTask)
    error = task.error(x[:, 0, 0] if signal else np.abs(x[:, 0, 0]) - np.abs(x[:, 0, 1]), y)
    assert error >= task.least_error - within(task.least_error)
    if signal or task.antipodal:  # else it is a bound only
        assert error <= task.least_error + within(task.least_error)


@given(signal_tasks())
def test_told_the_patch_the_perfect_linear_score_has_the_least_error(task):
    weights = np.zeros((task.patches, task.dim))
    weights[: task.places, 0] = 1.0
    error = task.linear_error(weights)
    if task.places == 1:
        assert error == task.least_error
    else:
        assert error == pytest.approx(TwoStep("fcn").least_error(task), rel=1e-13)
        assert error >= task.least_error


@pytest.mark.parametrize("kind", [TwoStep, ProjectedGradient, KernelRidge, LeastSquares])  # TwoLayerRelu states none
@given(drawn=data_sets(), options=st.data(), seed=seeds())
def test_learners_are_equivariant_under_what_they_say(kind, drawn, options, seed):
    """From random weights the symmetry holds in law only."""
    learner, test = options.draw(learners((kind,), init_stds=(0.0,), from_data=True)), inputs(drawn.task, seed)
    assert equivariance_gap(learner, learner.symmetry, *drawn.data, test, jax.random.key(seed)) < ROUNDING


@given(data_sets(), learners(from_data=True), seeds())
def test_the_order_of_samples_does_not_matter(drawn, learner, seed):
    """Random starts do not depend on the data, so it holds for each key, not in law only."""
    (x, y), test = drawn.data, inputs(drawn.task, seed)
    order = np.random.default_rng(seed).permutation(drawn.n)
    assert_same_scores(scores(learner, x[order], y[order], test, seed), scores(learner, x, y, test, seed))


@given(data_sets(), learners(from_data=True), seeds())
def test_the_same_key_gives_the_same_bytes(drawn, learner, seed):
    test = inputs(drawn.task, seed)
    found = scores(learner, *drawn.data, test, seed)
    assert found.shape == (len(test),)
    assert np.isfinite(found).all()
    assert scores(learner, *drawn.data, test, seed).tobytes() == found.tobytes()


@given(data_sets(), learners((TwoStep, *ON_ANY_TASK[:3]), init_stds=(0.0,), from_data=True), seeds())
def test_from_zero_negated_labels_negate_scores(drawn, learner, seed):
    (x, y), test = drawn.data, inputs(drawn.task, seed)
    assert_same_scores(scores(learner, x, -y, test, seed), -scores(learner, x, y, test, seed))


@given(data_sets(), learners((KernelRidge, LeastSquares), from_data=True), st.floats(-3, 3), seeds())
def test_kernel_ridge_and_least_squares_are_linear_in_the_labels(drawn, learner, factor, seed):
    (x, y), test = drawn.data, inputs(drawn.task, seed)
    other = np.random.default_rng(seed).normal(size=drawn.n)
    parts = [scores(learner, x, labels, test, seed) for labels in (y, other)]
    found = scores(learner, x, y + factor * other, test, seed)
    np.testing.assert_allclose(found, parts[0] + factor * parts[1], rtol=0, atol=3 * ROUNDING * np.abs(parts).max())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n": [0, 3]}, r"n must be whole numbers from 1 to 1e12 that rise, of shape \(points,\), got \[0, 3\]"),
        ({"n": [3, 3]}, r"n must be whole numbers from 1 to 1e12 that rise, .* got \[3, 3\]"),
        ({"n": [1.5]}, r"n must be whole numbers from 1 to 1e12 that rise, .* got \[1.5\]"),
        ({"n": []}, r"n must be whole numbers from 1 to 1e12 that rise, .* got \[\]"),
        ({"replicates": 0}, "replicates must be a whole number of at least 1, got 0"),
        ({"measure": "risk"}, "measure must be 'error'.* for this learner, got 'risk'"),
    ],
)
@given(drawn=tasks_with_learners())
def test_what_no_learner_can_measure_is_refused(asked, message, drawn):
    task, learner = drawn
    with pytest.raises(ValueError, match=message):
        learner.errors(task, **{"n": [3], "key": jax.random.key(0), "replicates": 1} | asked)


@given(tasks((XorClusters, HierarchicalPolynomial, AveragedPolynomial, GroupArithmetic)), learners((TwoStep,)))
def test_two_steps_by_their_law_are_of_signals_only(task, learner):
    with pytest.raises(ValueError, match="task must be a SignalTask for this learner, got "):
        learner.errors(task, [3], key=jax.random.key(0), replicates=1)


@given(data_sets(), learners((TwoStep, KernelRidge)))
def test_what_cannot_be_fitted_is_refused(drawn, learner):
    if isinstance(learner, KernelRidge):
        assume(len(learner.ridges) > 1)
    else:
        blind = callable(learner.threshold) or (learner.threshold is None and learner.architecture != "fcn")
        assume(learner.steps == 2 and (learner.fresh or blind))
    with pytest.raises(ValueError, match=r"(ridge|fresh|threshold) must be .* to learn from data"):
        learner.fit(*drawn.data)


@given(tasks(), st.sampled_from((0, -1, 2.5, True)))
@pytest.mark.usefixtures("without_type_checks")
def test_samples_of_no_size_are_refused(task, n):
    with pytest.raises(ValueError, match=f"n must be a whole number of at least 1, got {n}"):
        task.sample(jax.random.key(0), n)


@given(tasks_with_learners(), st.sampled_from((0, -1, 1)))
def test_too_few_inputs_to_test_on_are_refused(drawn, test_size):
    task, learner = drawn
    counts = not isinstance(learner, TwoStep) and not (
        isinstance(learner, ProjectedGradient) and isinstance(task, SignalTask) and not learner.readout
    )
    least = 1 if task.kind == "classification" else 2
    assume(counts and test_size < least)
    with pytest.raises(ValueError, match=f"test_size must be a whole number of at least {least}, got {test_size}"):
        learner.errors(task, [3], key=jax.random.key(0), replicates=1, test_size=test_size)


@given(data_sets(), learners(from_data=True), st.sampled_from((np.nan, np.inf, -np.inf)), seeds())
@pytest.mark.usefixtures("without_type_checks")
def test_data_that_are_not_finite_or_do_not_fit_are_refused_by_name(drawn, learner, bad, seed):
    (x, y), key = drawn.data, jax.random.key(seed)
    broken, wrong = x.copy(), y.copy()
    broken[0, -1, 0] = wrong[-1] = bad
    with pytest.raises(ValueError, match=f"x must be finite, got 1 of {x.size} numbers that are nan or infinite"):
        learner.fit(broken, y, key)
    with pytest.raises(ValueError, match=f"y must be finite, got 1 of {y.size} numbers that are nan or infinite"):
        learner.fit(x, wrong, key)
    with pytest.raises(ValueError, match=rf"y must be real numbers of shape \({len(x)},\) like x, got float64 of shape"):
        learner.fit(x, np.append(y, 1.0), key)
    score = learner.fit(x, y, key)
    for other in (x[0], x[:0], np.append(x, x, axis=1), np.append(x, x, axis=2), x.astype(int)):
        with pytest.raises(
            ValueError, match=r"(test|x) must be float32 or float64 of shape \(n, .* like those learnt from, got"
        ):
            score(other)
    with pytest.raises(ValueError, match=r"(test|x) must be finite"):
        score(broken)


@given(data_sets(tasks((HierarchicalPolynomial, AveragedPolynomial, GroupArithmetic))))
def test_scores_of_labels_that_are_all_equal_have_no_error(drawn):
    y = np.full(drawn.n, 3.0)
    with pytest.raises(ValueError, match=f"y must hold labels that differ, .* got {drawn.n} equal"):
        drawn.task.error(drawn.data.y, y)


@given(tasks((GroupArithmetic,)), seeds())
def test_a_test_set_without_replacement_is_every_pair_once(task, seed):
    whole = task.test_set(jax.random.key(seed), TESTED)
    if task.replacement:
        assert len(whole.y) == TESTED
    else:
        assert len(np.unique(whole.x, axis=0)) == len(whole.y) == task.dim**2
        assert len(task.test_set(jax.random.key(seed), 2).y) == 2


@pytest.mark.usefixtures("without_type_checks")
def test_a_gap_is_measured_on_inputs_that_fit():
    (x, y), key = XorClusters(2, 1.0).sample(jax.random.key(0), 7), jax.random.key(1)
    for test in (x[:0], x[:, :, :1]):
        with pytest.raises(
            ValueError, match=r"test must be float32 or float64 of shape \(n, 1, 2\) like those learnt from, got"
        ):
            equivariance_gap(LeastSquares(), LeastSquares().symmetry, x, y, test, key)
    with pytest.raises(ValueError, match=r"y must be real numbers of shape \(7,\) like x, got float64 of shape \(6,\)"):
        equivariance_gap(LeastSquares(), LeastSquares().symmetry, x, y[1:], x, key)
