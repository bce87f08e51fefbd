"""What the public strategies draw is what they say: shapes, ranges, and the degenerate cases on purpose."""

import sys
from importlib import import_module

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from ntkit import strategies
from ntkit.kernels import Dense, Erf, Relu
from ntkit.orthoconv import singular_values


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
        (strategies.networks(), lambda chain: len(chain.network.layers) == 1),
        (strategies.networks(), lambda chain: {Relu(), Erf()} <= set(chain.layers)),
        (strategies.networks(), lambda chain: any(isinstance(x, Dense) and x.b_std > 0 for x in chain.layers)),
    ],
)
def test_every_kind_is_found(strategy, condition):
    find(strategy, condition)


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
    one = st.just(strategies.Architecture(2, 3, 3))
    assert find(strategies.convolutions(one), lambda c: True).layer == strategies.Architecture(2, 3, 3)


def test_without_hypothesis_the_error_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "ntkit.strategies")
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"install the extra ntkit\[test\]"):
        import_module("ntkit.strategies")
