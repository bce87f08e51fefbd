"""Laws behind the claims on linear convolutional networks, attention as convolution, and additive coupling."""

import importlib
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

linear, singh, convit, irevnet = (
    importlib.import_module(name) for name in ("_linear_cnn", "singh2023", "dascoli2021", "jacobsen2018")
)

SHAPES = st.builds(
    singh.TwoLayers, st.integers(1, 3), st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)
)
LARGE = st.builds(
    singh.TwoLayers, st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)
)
DESIGNS = st.builds(singh.Design, st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(1, 3), min_size=3, max_size=4))


def random_residual(shape, random):
    return random.normal(size=(shape.k_1 + shape.k_2 - 1, shape.c_out, shape.c_in))


def clean(*ranks):
    """Whether the cut falls into a gap; a draw in a million is as good as degenerate."""
    return all(rank.dropped < rank.kept / singh.GAP for rank in ranks)


@given(SHAPES, seeds())
def test_two_layers_have_the_ranks_of_the_law(shape, seed):
    found = singh._measured(shape, np.random.default_rng(seed))
    assume(clean(*found))
    outer, functional, whole = singh._laws(shape, None)
    assert (found[0].number, found[1].number) == (outer, functional)
    assert found[1].number % 2 == 0
    assert found[2].number <= min(outer + functional, singh._size(shape))
    if shape.m >= min(shape.c_in * shape.k_1, shape.c_out * shape.k_2):
        assert found[2].number == whole


@given(LARGE)
def test_counting_dimensions_is_never_too_small_and_all_laws_are_those_of_the_transposed_network(shape):
    outer = singh._outer(shape)
    assert 0 < outer <= singh._outer_by_count(shape, "dimension-count")
    transposed = singh.TwoLayers(shape.c_out, shape.m, shape.c_in, shape.k_2, shape.k_1)
    assert singh._laws(shape, None) == singh._laws(transposed, None)


@given(st.integers(1, 9), st.integers(0, 30))
def test_an_even_splitting_has_its_rank_and_degree(rank, degree):
    parts = singh._even(rank, degree)
    assert (len(parts), sum(parts)) == (rank, degree)
    assert max(parts) - min(parts) <= 1


@given(SHAPES, seeds(), st.booleans())
def test_mixing_hidden_channels_changes_no_rank(shape, seed, permute):
    random = np.random.default_rng(seed)
    weights, residual = linear.draw(random, shape[:3], shape[3:]), random_residual(shape, random)
    q = np.linalg.qr(random.normal(size=(shape.m, shape.m)))[0]
    mixing = np.eye(shape.m)[random.permutation(shape.m)] if permute else q * random.uniform(0.5, 2, shape.m)
    mixed = [mixing @ weights[0], weights[1] @ np.linalg.inv(mixing)]
    before, after = (linear.hessians(w, residual) for w in (weights, mixed))
    for i, symmetric in enumerate((False, True)):
        ranks = [linear.rank(parts[i], symmetric=symmetric) for parts in (before, after)]
        assume(clean(*ranks))
        assert ranks[0].number == ranks[1].number


@given(SHAPES, seeds())
def test_the_outer_part_does_not_know_the_targets_and_the_functional_part_is_linear_in_the_residual(shape, seed):
    random = np.random.default_rng(seed)
    weights = linear.draw(random, shape[:3], shape[3:])
    one, other = random_residual(shape, random), random_residual(shape, random)
    parts = [linear.hessians(weights, residual) for residual in (one, other, one - 2 * other, 0 * one)]
    assert all((jacobian == parts[0][0]).all() for jacobian, _ in parts)
    np.testing.assert_allclose(parts[2][1], parts[0][1] - 2 * parts[1][1], atol=1e-13)
    assert not parts[3][1].any()


@settings(max_examples=15)
@given(DESIGNS, st.integers(0, 3), seeds())
def test_the_rank_of_a_deep_network_is_affine_in_its_width_from_the_largest_hankel_rank_on(design, beyond, seed):
    design = design._replace(taps=tuple(design.taps))
    hankel = singh._hankel_ranks(design, None)
    assume(max(hankel) <= 5)
    random, m = np.random.default_rng(seed), max(hankel) + beyond
    ranks = [singh._whole(design, width, random) for width in (m, m + 1)]
    assume(clean(*ranks))
    assert ranks[1].number - ranks[0].number == 2 * sum(hankel)


@given(st.sampled_from((3, 5)), st.floats(4, 30), seeds())
def test_positional_attention_is_a_distribution_and_its_convolution_error_is_bounded(k, alpha, seed):
    """Each head takes at most 4 exp(-alpha) from its pixel and pays it elsewhere: 8 exp(-alpha) times what a pixel is worth."""
    random = np.random.default_rng(seed)
    side, offsets = k + 4, convit.centres(k)
    attention = convit.softmax(-alpha * convit.squared_distances(side, offsets))
    np.testing.assert_allclose(attention.sum(axis=-1), 1, rtol=1e-14)
    x, values = random.normal(size=(side**2, 3)), random.normal(size=(k * k, 3, 2))
    places = np.indices((side, side)).reshape(2, -1).T
    margin = k // 2 + 1
    inside = ((places >= margin) & (places < side - margin)).all(axis=1)
    error = np.abs((attention @ x @ values).sum(axis=0) - convit.convolution(x, values, offsets))[inside]
    worth = np.abs(x @ values).max(axis=(1, 2)).sum()
    assert error.max() <= 8 * np.exp(-alpha) * worth + 1e-13 * worth


@given(seeds())
def test_the_reference_is_the_convolution_of_a_library_and_content_attention_knows_no_place(seed):
    random = np.random.default_rng(seed)
    offsets, x, values = convit.centres(3), random.normal(size=(36, 3)), random.normal(size=(9, 3, 2))
    image, kernel = x.reshape(1, 6, 6, 3), values.reshape(3, 3, 3, 2)
    library = jax.lax.conv_general_dilated(image, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    np.testing.assert_allclose(convit.convolution(x, values, offsets), np.asarray(library).reshape(36, 2), atol=1e-13)
    queries, keys, order = *random.normal(size=(2, 9, 3, 3)), random.permutation(36)
    attention = convit.content_attention(x, queries, keys)
    np.testing.assert_allclose(attention.sum(axis=-1), 1, rtol=1e-14)
    moved = convit.content_attention(x[order], queries, keys)
    np.testing.assert_allclose(moved, attention[:, order][:, :, order], rtol=1e-12)


@given(st.integers(1, 4), seeds())
def test_additive_coupling_is_inverted_and_keeps_volumes_in_every_dimension(half, seed):
    random, depth = np.random.default_rng(seed), 6
    weights, x = irevnet.draw(random, 5, depth, half), random.normal(size=(5, 2 * half))
    y = irevnet.forward(x, weights)
    assert np.abs(irevnet.inverse(y, weights) - x).max() <= 1e-11 * np.abs(y).max()
    stacked = jnp.asarray(np.array(weights).reshape(depth, 2, 5, half, half)).swapaxes(0, 1)
    found = np.asarray(irevnet.jacobians(jnp.asarray(x), (stacked[0], stacked[1])))
    np.testing.assert_allclose(np.linalg.slogdet(found)[1], 0, atol=1e-10)


@pytest.mark.parametrize("control", ["residual", "multiplicative"])
def test_the_controls_do_not_keep_volumes(control):
    random = np.random.default_rng(0)
    weights = jnp.asarray(np.array(irevnet.draw(random, 5, 3, 4))).swapaxes(0, 1)
    found = np.asarray(irevnet.jacobians(jnp.asarray(random.normal(size=(5, 8))), (weights[0], weights[1]), control))
    assert (np.abs(np.linalg.slogdet(found)[1]) > 1e-3).all()
