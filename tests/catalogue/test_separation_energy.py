"""What the claims on learning group arithmetic rest on."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.separation import NodeEnergy, cyclic_group
from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

tian2025, helper = importlib.import_module("tian2025"), importlib.import_module("_tian")


def drawn(order, count, random):
    """`count` of the pairs of Z_order, without replacement."""
    return np.divmod(random.permutation(order**2)[:count], order)


def test_the_square_that_is_no_group_is_latin_and_far_from_one():
    with pytest.raises(ValueError, match="associative"):
        tian2025.irreducible_blocks(tian2025.LATIN)
    energy = NodeEnergy(tian2025.LATIN)
    w = energy.ascend(np.random.default_rng(0).normal(size=(20, 2, 5)))
    assert np.abs(energy(w) / 5 - 1 / 4).min() > 0.02


def test_a_wave_stays_with_all_pairs_and_leaves_with_few():
    pairs = np.random.default_rng(0).permutation(np.indices((31, 31)).reshape(2, -1).T)
    assert tian2025._stays(NodeEnergy(cyclic_group(31), pairs))
    assert not tian2025._stays(NodeEnergy(cyclic_group(31), pairs[:200]))


def test_the_threshold_is_where_that_changes():
    found = tian2025._threshold(53, np.random.default_rng(0))
    order = np.random.default_rng(0).permutation(53**2)
    pairs = np.stack(np.divmod(order, 53), axis=1)
    table = cyclic_group(53)
    assert not tian2025._stays(NodeEnergy(table, pairs[: int(found * 0.9)]))
    assert tian2025._stays(NodeEnergy(table, pairs[: int(found * 1.1)]))


@given(st.integers(2, 12), st.floats(0.1, 1.0), seeds())
def test_sums_over_pairs_are_the_gradient_of_the_energy(order, share, seed):
    random = np.random.default_rng(seed)
    g, h = drawn(order, int(np.ceil(share * order**2)), random)
    w = random.normal(size=(2, order))
    expected = NodeEnergy(cyclic_group(order), np.stack([g, h], axis=1)).gradient(w).ravel()
    np.testing.assert_allclose(2 * helper.gradient_of(order, g, h)(w.ravel()), expected, atol=1e-10)


@settings(max_examples=10)
@given(st.floats(0.4, 0.95), seeds())
def test_a_wave_stays_as_long_as_ascent_of_the_energy_says(share, seed):
    g, h = drawn(53, int(share * 53**2), np.random.default_rng(seed))
    assert helper.wave_stays(53, g, h) == tian2025._stays(NodeEnergy(cyclic_group(53), np.stack([g, h], axis=1)))


@pytest.mark.parametrize("start", [4.0, 10.0, 40.0])
def test_the_ladder_is_climbed_or_descended_to_where_that_changes(start, monkeypatch):
    monkeypatch.setattr(helper, "START", start)
    found = helper.threshold(53, np.random.default_rng(0))
    g, h = drawn(53, 53**2, np.random.default_rng(0))

    def kept(rungs):
        worth = found / (1 - found / 53**2) * helper.RUNG**rungs
        n = int(worth / (1 + worth / 53**2))
        return helper.wave_stays(53, g[:n], h[:n])

    assert not kept(-0.6)
    assert kept(0.6)


@settings(max_examples=5)
@given(st.sampled_from([61, 83, 101]), st.sampled_from([0.5, 0.7, 0.9]), seeds())
def test_pairs_push_weights_off_a_wave_with_the_variance_of_drawing_without_replacement(order, share, seed):
    """sqrt(M) times the gradient over p^2 M, without its mean: 2 (1 - p) / (p M), and 2 / (p M) if p (1 - p) were p."""
    random, count = np.random.default_rng(seed), int(share * order**2)
    wave = np.tile(np.cos(2 * np.pi * np.arange(order) / order), 2) / np.sqrt(order)
    pushes = np.array([2 * helper.gradient_of(order, *drawn(order, count, random))(wave) for _ in range(100)])
    variance = (np.sqrt(order) * pushes / (share**2 * order)).var(axis=0, ddof=1).mean()
    # Left out are terms of relative order 1 / (p M), less than 0.12 here. Sampling: 100 draws of more than 100 weights.
    assert variance * share * order / (1 - share) == pytest.approx(2, rel=0.15)
