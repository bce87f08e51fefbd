"""What the claims on learning group arithmetic rest on."""

import numpy as np
import pytest

from ntkit.separation import NodeEnergy, cyclic_group
from paper_checks import tian2025


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
