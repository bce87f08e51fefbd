"""What the public strategies draw is what they say: shapes, ranges, and the degenerate cases on purpose."""

import sys
from importlib import import_module
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from ntkit import separation, strategies
from ntkit.kernels import Dense, Erf, Relu
from ntkit.orthoconv import Architecture, singular_values
from ntkit.separation import (
    AveragedPolynomial,
    DynamicSignal,
    GroupArithmetic,
    HierarchicalPolynomial,
    KernelRidge,
    LeastSquares,
    ProjectedGradient,
    StaticSignal,
    TwoLayerRelu,
    TwoStep,
    XorClusters,
)
from ntkit.strategies import PerceptronStyle

TASKS = (DynamicSignal, StaticSignal, XorClusters, HierarchicalPolynomial, AveragedPolynomial, GroupArithmetic)
LEARNERS = (TwoStep, ProjectedGradient, KernelRidge, LeastSquares, TwoLayerRelu)


@given(strategies.convolutions())
def test_kernels_fit_their_layer_and_are_what_their_style_says(convolution):
    assert convolution.kernel.shape == convolution.layer.shape
    deviation = np.abs(singular_values(convolution.kernel, 3, convolution.layer.stride) - 1).max()
    if convolution.style == "orthogonal":
        assert deviation < 1e-13
    if convolution.style == "noisy":
        assert 0 < deviation < 0.1


@given(strategies.spheres())
def test_points_are_what_their_style_says(sphere):
    points = np.asarray(sphere.points)
    assert points.shape == (sphere.count, sphere.dim)
    np.testing.assert_allclose((points**2).sum(1), 1.0, rtol=1e-14)
    if sphere.style == "equal":
        np.testing.assert_array_equal(points[1], points[0])
    if sphere.style == "antipodal":
        np.testing.assert_array_equal(points[1], -points[0])
    if sphere.style == "near":
        assert np.linalg.norm(points[1] - points[0]) < 1e-5


@given(strategies.perceptrons(below=(0.0, 0.2)))
def test_networks_with_weights_are_what_their_style_says(drawn):
    layers, centre = drawn.layers(), drawn.centre()
    assert [weights.shape for weights, _ in layers] == [(m, n) for n, m in pairwise(drawn.widths)]
    assert eval(repr(drawn), {"Perceptron": strategies.Perceptron}) == drawn
    signs = []
    for x in centre + drawn.radius * np.random.default_rng(0).uniform(-1, 1, (20, centre.size)):
        for weights, bias in layers[:-1]:
            z = weights @ x + bias
            signs.append(np.sign(z))
            x = np.where(z > 0, z, drawn.below * z)
    hidden = len(layers) - 1
    if drawn.style == "linear":
        assert hidden == 0
    if drawn.style == "narrow":
        assert set(drawn.widths[1:-1]) == {1}
    if drawn.style == "stable":
        assert all((one == other).all() for one, other in zip(signs, signs[hidden:], strict=False))
    if drawn.style == "dead":
        assert all(sign[0] == -1 for sign in signs)
    if drawn.style == "zero":
        assert not any(weights[0].any() for weights, _ in layers)
    if drawn.style == "equal":
        assert all((weights[1:2] == weights[0]).all() and (bias[1:2] == bias[0]).all() for weights, bias in layers)
    if drawn.style == "deficient":
        assert all(np.linalg.matrix_rank(weights) <= 1 for weights, _ in layers)
    if drawn.style == "kink":
        for weights, bias in layers[:-1]:
            z = weights @ centre + bias
            np.testing.assert_allclose(z, 0, atol=1e-14)
            centre = np.where(z > 0, z, drawn.below * z)


@pytest.mark.parametrize(
    ("strategy", "condition"),
    [
        (strategies.architectures(), lambda layer: layer.inputs > layer.out_channels and layer.ndim == 2),
        (strategies.architectures(), lambda layer: layer.inputs < layer.out_channels),
        (strategies.architectures(), lambda layer: layer.inputs == layer.out_channels and max(layer.stride) > 1),
        (strategies.architectures(), lambda layer: layer.kernel_size < layer.stride),
        (strategies.architectures(), lambda layer: len(set(layer.kernel_size)) == 2 and len(set(layer.stride)) == 2),
        (strategies.convolutions(), lambda convolution: convolution.style == "orthogonal"),
        (strategies.convolutions(), lambda convolution: convolution.style == "noisy"),
        (strategies.spheres(), lambda sphere: sphere.count == 1),
        (strategies.spheres(), lambda sphere: sphere.style == "antipodal" and sphere.dim == 1),
        (strategies.spheres(), lambda sphere: sphere.style == "near" and sphere.dim > 1),
        *((strategies.perceptrons(), lambda net, style=style: net.style == style) for style in get_args(PerceptronStyle)),
        (strategies.perceptrons(), lambda net: len(net.widths) == 4 and net.style != "narrow" and min(net.widths) > 1),
        (strategies.perceptrons(below=(0.0, 0.2)), lambda net: net.below > 0),
        (strategies.networks(), lambda chain: len(chain.network.layers) == 1),
        (strategies.networks(), lambda chain: {Relu(), Erf()} <= set(chain.layers)),
        (strategies.networks(), lambda chain: any(isinstance(x, Dense) and x.b_std > 0 for x in chain.layers)),
        *((strategies.tasks(), lambda task, kind=kind: type(task) is kind) for kind in TASKS),
        *((strategies.learners(), lambda learner, kind=kind: type(learner) is kind) for kind in LEARNERS),
        (strategies.signal_tasks(), lambda task: task.patches == 1 and task.dim > 1),
        (strategies.signal_tasks(), lambda task: task.patches > 1 and task.dim == 1),
        (strategies.signal_tasks(), lambda task: task.noise == 0 and isinstance(task, StaticSignal)),
        (strategies.signal_tasks(), lambda task: task.least_error > 0.4 and isinstance(task, DynamicSignal)),
        (strategies.tasks((XorClusters,)), lambda task: task.distance == 0),
        (strategies.tasks((XorClusters,)), lambda task: task.flip == 0.5 and not task.antipodal),
        (strategies.tasks((HierarchicalPolynomial,)), lambda task: task.dim == task.degree == 3),
        (strategies.tasks((AveragedPolynomial,)), lambda task: task.used is not None and task.used < task.patches),
        (strategies.tasks((GroupArithmetic,)), lambda task: (task.table != task.table.T).any()),
        (strategies.data_sets(), lambda drawn: drawn.n == 1),
        (strategies.data_sets(), lambda drawn: isinstance(drawn.task, GroupArithmetic) and drawn.n == drawn.task.dim**2),
        (strategies.learners((TwoStep,)), lambda learner: learner.fresh and callable(learner.threshold)),
        (strategies.learners((ProjectedGradient,)), lambda learner: learner.units > 1 and not learner.project),
        (strategies.learners((ProjectedGradient,)), lambda learner: learner.thresholds[0] > 0),
        (strategies.learners((KernelRidge,)), lambda learner: learner.average and not learner.isotropic),
        (strategies.learners((KernelRidge,)), lambda learner: len(learner.ridges) > 1),
        (strategies.learners((TwoLayerRelu,)), lambda learner: learner.steps == 0 and learner.width == 2),
    ],
)
def test_every_kind_is_found(strategy, condition):
    find(strategy, condition)


@pytest.mark.parametrize(
    ("strategy", "condition"),
    [
        (strategies.learners(init_stds=(0.0,)), lambda learner: getattr(learner, "init_std", 0) > 0),
        (strategies.learners(readouts=(0.0,)), lambda learner: getattr(learner, "readout", 0) > 0),
        (strategies.learners(architectures=("fcn", "lcn")), lambda learner: getattr(learner, "architecture", "") == "cnn"),
        (strategies.learners(from_data=True), lambda learner: getattr(learner, "fresh", False)),
        (strategies.tasks(replacement=(True,)), lambda task: not getattr(task, "replacement", True)),
    ],
)
def test_what_is_left_out_is_not_drawn(strategy, condition):
    with pytest.raises(NoSuchExample):
        find(strategy, condition, settings=settings(max_examples=200))


@given(strategies.data_sets(), strategies.learners())
def test_tasks_and_learners_print_as_what_rebuilds_them(drawn, learner):
    names = vars(strategies) | vars(separation) | {"array": np.array, "inf": np.inf}
    assert repr(eval(repr(drawn), names)) == repr(drawn)
    assert eval(repr(learner), names) == learner


def test_only_known_kinds_can_be_asked_for():
    with pytest.raises(ValueError, match=r"kinds must be of \['DynamicSignal', .*\], got <class 'int'>"):
        find(strategies.tasks((int,)), lambda task: True)
    with pytest.raises(ValueError, match=r"kinds must be of \['TwoStep', .*\], got <class 'int'>"):
        find(strategies.learners((int,)), lambda learner: True)


def test_an_impossible_kernel_is_not_drawn():
    with pytest.raises(NoSuchExample):
        find(
            strategies.convolutions(),
            lambda c: c.layer.rank < min(c.layer.out_channels, c.layer.inputs) and c.style != "gaussian",
            settings=settings(max_examples=200),
        )


def test_a_draw_is_small_and_prints_as_what_rebuilds_it():
    convolution = find(strategies.convolutions(), lambda c: c.layer.ndim == 2)
    names = {"Convolution": strategies.Convolution, "Architecture": type(convolution.layer)}
    assert eval(repr(convolution), names) == convolution
    assert len(repr(convolution)) < 140


def test_layers_can_be_restricted():
    one = st.just(Architecture(2, 3, 3))
    assert find(strategies.convolutions(one), lambda c: True).layer == Architecture(2, 3, 3)


def test_without_hypothesis_the_error_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "ntkit.strategies")
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"install the extra ntkit\[test\]"):
        import_module("ntkit.strategies")
