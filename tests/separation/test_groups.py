"""Groups, arithmetic in them, and the energy of a unit that learns it."""

import re

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkit.separation import (
    GroupArithmetic,
    NodeEnergy,
    alternating_group,
    cyclic_group,
    dihedral_group,
    direct_product,
    irreducible_blocks,
    quaternion_group,
    symmetric_group,
)

LATIN = [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 3, 4, 0, 1], [3, 4, 1, 2, 0], [4, 2, 0, 1, 3]]  # no group
GROUPS = {
    "Z7": (cyclic_group(7), ["real 1", *["complex 1"] * 3]),
    "Z8": (cyclic_group(8), [*["real 1"] * 2, *["complex 1"] * 3]),
    "D5": (dihedral_group(5), [*["real 1"] * 2, *["real 2"] * 2]),
    "S3": (symmetric_group(3), [*["real 1"] * 2, "real 2"]),
    "A4": (alternating_group(4), ["real 1", "complex 1", "real 3"]),
    "Q8": (quaternion_group(), [*["real 1"] * 4, "quaternionic 2"]),
    "S4": (symmetric_group(4), [*["real 1"] * 2, "real 2", *["real 3"] * 2]),
    "S3 x Z3": (
        direct_product(symmetric_group(3), cyclic_group(3)),
        ["real 1", "real 1", "complex 1", "complex 1", "real 2", "complex 2"],
    ),
}
EACH = pytest.mark.parametrize(("table", "blocks"), GROUPS.values(), ids=GROUPS)
TABLES = st.sampled_from([table for table, _ in GROUPS.values()])
SEEDS = st.integers(0, 2**32 - 1)


@EACH
def test_blocks_are_those_of_the_character_table(table, blocks):
    found = irreducible_blocks(table)
    assert sorted(f"{block.kind} {block.degree}" for block in found) == sorted(blocks)
    np.testing.assert_allclose(sum(block.projector for block in found), np.eye(len(table)), atol=1e-12)
    np.testing.assert_allclose(found[0].projector, 1 / len(table), atol=1e-12)
    for block in found:
        np.testing.assert_allclose(block.projector @ block.projector, block.projector, atol=1e-12)
        left = np.argsort(table, axis=1)[3]  # translations keep blocks
        np.testing.assert_allclose(block.projector[np.ix_(left, left)], block.projector, atol=1e-12)


def test_the_group_of_a_pentagon_is_that_of_its_corners():
    """Rotation a and flip b send corner x to a + x or a - x; the table composes such maps."""
    corners = np.arange(5)
    maps = [(a + sign * corners) % 5 for sign in (1, -1) for a in range(5)]
    for g, row in enumerate(dihedral_group(5)):
        for h, product in enumerate(row):
            np.testing.assert_array_equal(maps[product], maps[g][maps[h]])


def test_the_symmetric_group_composes_permutations():
    """(0 1)(1 2): first the second factor; in lexicographic order 012, 021, 102, 120, 201, 210."""
    assert symmetric_group(3)[2, 1] == 3  # x -> 1, 2, 0
    np.testing.assert_array_equal(alternating_group(3), cyclic_group(3))
    np.testing.assert_array_equal(direct_product(cyclic_group(2), cyclic_group(3))[4], [4, 5, 3, 1, 2, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cyclic_group(0), "order must be a whole number of at least 1, got 0"),
        (lambda: dihedral_group(2.5), "corners must be a whole number of at least 1, got 2.5"),
        (lambda: symmetric_group(7), "letters must have at most 1024 permutations, got 7, which have 5040"),
        (lambda: irreducible_blocks([[0, 1], [0, 1]]), "table must be a Latin square of the integers 0 to order - 1, got [[0"),
        (lambda: irreducible_blocks(np.array(LATIN)), "table must be associative, as the multiplication of a group is, got"),
        (lambda: direct_product([[0]], [[1]]), "second must be a Latin square"),
        (lambda: GroupArithmetic(cyclic_group(3), np.ones(3)), "values must be 3 finite numbers that are not all equal, got"),
        (lambda: GroupArithmetic(cyclic_group(3), np.arange(4)), "values must be 3 finite numbers"),
        (lambda: GroupArithmetic(LATIN, np.arange(5)), "table must be associative"),
        (lambda: NodeEnergy([[0, 0], [1, 1]]), "table must be a Latin square"),
        (lambda: NodeEnergy(LATIN, np.zeros((4, 3), int)), "pairs must be integers of shape (n, 2), got array"),
        (lambda: NodeEnergy(LATIN, [[0.5, 1.0]]), "pairs must be integers of shape (n, 2), got [[0.5, 1.0]]"),
        (lambda: NodeEnergy(LATIN, [[0, 5]]), "pairs must be of the elements 0 to 4, got 0 to 5"),
        (lambda: NodeEnergy(LATIN)(np.ones((2, 4))), "weights must be finite, of shape (..., 2, 5), got shape (2, 4)"),
        (lambda: NodeEnergy(LATIN)(np.full((2, 5), np.nan)), "weights must be finite"),
        (lambda: NodeEnergy(LATIN).ascend(np.zeros((2, 5))), "weights must not be zero, 1 of 1 units are"),
        (lambda: NodeEnergy(LATIN).ascend(np.ones((2, 5)), steps=0), "steps must be a whole number of at least 1, got 0"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_constant_weights_have_nowhere_to_go():
    with pytest.raises(FloatingPointError, match="the gradient vanishes"):
        NodeEnergy(cyclic_group(4)).ascend(np.ones((2, 4)))


@given(TABLES, SEEDS)
def test_labels_stay_under_the_symmetry_of_the_task(table, seed):
    rng = np.random.default_rng(seed)
    task = GroupArithmetic(table, rng.normal(size=len(table)))
    x, y = task.sample(jax.random.key(seed), 20)
    moved = task.symmetry.draw(rng, 2, task.dim)(x)
    np.testing.assert_array_equal(moved.sum(axis=2), 1)
    np.testing.assert_array_equal(np.asarray(task.values)[task.products(moved.argmax(axis=2))], y)


def test_without_replacement_every_pair_comes_once():
    task = GroupArithmetic(symmetric_group(3), np.arange(6), replacement=False)
    pairs = task.pairs(jax.random.key(0), 36)
    assert len({tuple(pair) for pair in pairs.tolist()}) == 36
    with pytest.raises(ValueError, match="n must be at most 36, the number of pairs, without replacement, got 37"):
        task.pairs(jax.random.key(0), 37)
    with pytest.raises(ValueError, match="inputs must have 2 patches of dimension 6, got 1 of 6"):
        task.symmetry.draw(np.random.default_rng(0), 1, 6)
    assert (task.patches, task.dim, task.least_error, task.chance) == (2, 6, 0.0, 1.0)
    assert len({tuple(pair) for pair in GroupArithmetic(cyclic_group(3), [0, 1, 2]).pairs(jax.random.key(0), 99).tolist()}) == 9


def dense_energy(table, pairs, unit):
    """As it is defined, with all matrices written out."""
    x = np.eye(len(table))[pairs].reshape(len(pairs), -1)
    targets = np.eye(len(table))[np.asarray(table)[pairs[:, 0], pairs[:, 1]]]
    return (((targets - targets.mean(axis=0)).T @ (x @ unit.ravel()) ** 2) ** 2).sum() / 2


@given(TABLES | st.just(np.array(LATIN)), SEEDS, st.booleans())
def test_the_energy_is_as_defined_and_homogeneous(table, seed, whole):
    rng, order = np.random.default_rng(seed), len(table)
    every = np.indices((order, order)).reshape(2, -1).T
    pairs = every if whole else every[rng.permutation(order**2)[: rng.integers(1, order**2)]]
    energy = NodeEnergy(table, None if whole else pairs)
    w = rng.normal(size=(3, 2, order))
    w /= np.sqrt((w**2).sum(axis=(1, 2), keepdims=True))
    np.testing.assert_allclose(energy(w), [dense_energy(table, pairs, unit) for unit in w], rtol=1e-9, atol=1e-12)
    gradient = energy.gradient(w)
    np.testing.assert_allclose((gradient * w).sum(axis=(1, 2)), 4 * energy(w), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(energy(2 * w), 16 * energy(w), rtol=1e-9, atol=1e-12)
    step = 1e-5 * rng.normal(size=w.shape)
    change = energy(w + step) - energy(w - step)
    np.testing.assert_allclose(change, 2 * (gradient * step).sum(axis=(1, 2)), atol=1e-9 * order)
    assert not whole or (energy(w) <= order / 2).all()


@given(st.integers(2, 12), SEEDS)
def test_on_cyclic_groups_it_is_a_sum_over_frequencies(order, seed):
    rng = np.random.default_rng(seed)
    w, energy = rng.normal(size=(2, order)), NodeEnergy(cyclic_group(order))
    u, v = np.fft.fft(w)
    assert energy(w) == pytest.approx(2 / order * (np.abs(u * v) ** 2)[1:].sum(), rel=1e-9)
    shifts = rng.integers(order, size=2)
    moved = np.stack([np.roll(half, shift) for half, shift in zip(w, shifts, strict=True)])
    assert energy(moved) == pytest.approx(energy(w), rel=1e-9)
    assert energy(w[::-1]) == pytest.approx(energy(w), rel=1e-9)


def test_ascent_goes_up_and_stays_on_the_sphere():
    energy, w = NodeEnergy(LATIN), np.random.default_rng(0).normal(size=(4, 2, 5))
    values = [energy(energy.ascend(w, steps=steps)) for steps in (1, 2, 5, 100, 1000)]
    assert (np.diff(values, axis=0) > -1e-12).all()
    np.testing.assert_allclose((energy.ascend(w, steps=3) ** 2).sum(axis=(1, 2)), 1)
    top = energy.ascend(w)
    np.testing.assert_allclose(energy.gradient(top), 4 * energy(top)[:, None, None] * top, atol=1e-8)
    np.testing.assert_allclose(energy.ascend(top), top, atol=1e-15)
