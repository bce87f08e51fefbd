"""Architectures that need more pixel pairs than there is memory, refused before anything is allocated."""

import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from ntkit.data import byte_limit
from ntkit.kernels import AvgPool, Conv, Dense, Flatten, GlobalAvgPool, Relu, estimate, gram, gram_operator, parallel, serial
from ntkit.kernels import _room as room

X = jax.random.normal(jax.random.key(0), (5, 6, 6, 1), np.float32)
ONE = 4 * 36**2  # bytes of one number for each pair of pixels of two inputs
SUMS = 36 * float(np.finfo(np.float32).eps)  # 36 x 36 pairs of pixels are summed in another order: the root of their number
POOLED = serial(Conv(3, padding="same"), Relu(), GlobalAvgPool(), Dense())
TWICE = serial(Conv(3, padding="same"), Relu(), AvgPool(2), Conv(1), Relu(), GlobalAvgPool(), Dense())
FLAT = serial(Conv(3, padding="same"), Relu(), Flatten(), Dense())
BRANCHED = serial(Conv(3, padding="same"), parallel(serial(Relu(), Flatten(), Dense()), serial(Relu(), GlobalAvgPool())))
LAYERS = {
    POOLED: r"layer 2, GlobalAvgPool\(\), needs all pairs of pixels",
    TWICE: r"layer 2, AvgPool\(window=2.*\), needs all pairs of pixels",
    BRANCHED: r"layer 1, Branches\(.*\), layer 1, GlobalAvgPool\(\), needs all pairs of pixels",
}


@pytest.fixture
def memory(monkeypatch):
    """Sets how many bytes there are."""
    return lambda size: monkeypatch.setattr(room, "available_bytes", lambda: size)


@pytest.mark.parametrize("net", LAYERS, ids=("pooled", "pooled twice", "branched"))
def test_a_pair_that_does_not_fit_is_refused_with_layer_and_argument(net, memory, tmp_path):
    memory(2 * ONE)  # a kernel needs more arrays than two
    message = LAYERS[net] + r": a single pair of inputs of x1, of shape \(6, 6, 1\), takes .* and there are 10368 bytes; take"
    for call in (
        net.nngp,
        net.ntk,
        net.kernels,
        lambda x: net.ntk(x, x[:2]),
        lambda x: gram(net, x, out=tmp_path / "k.npy"),
        lambda x: gram(net, x, tile=1),
        lambda x: gram_operator(net, x),
        lambda x: estimate(net, x),
    ):
        with pytest.raises(ValueError, match=message):
            call(X)
    assert not list(tmp_path.iterdir())


def test_what_fits_is_computed_the_same_on_fewer_threads_and_in_smaller_tiles(memory):
    for net in (POOLED, TWICE):
        expected = {kind: getattr(net, kind)(X) for kind in ("nngp", "ntk")}
        one = room.tile_bytes(net.layers, ("ntk",), room.network_grid(net.layers, X.shape[1:], 5, None, 1), X, None)
        assert 3 * ONE <= one <= 32 * ONE
        memory(3 * one)
        assert room.source_with_room(net.layers, ("ntk",), X, None, 1).threads(100) == 3
        source = room.source_with_room(net.layers, ("ntk",), X, None, None)
        assert source.grid.tile == 1
        assert source.threads(100) == 3
        for kind, matrix in expected.items():
            np.testing.assert_allclose(getattr(net, kind)(X), matrix, rtol=SUMS)
            np.testing.assert_allclose(gram(net, X, kind=kind, threads=2), matrix, rtol=SUMS)
        assert estimate(net, X, threads=100).working <= 3 * one + 10_000  # and a few copies of the inputs


def test_a_tile_that_does_not_fit_is_refused(memory):
    memory(200 * ONE)
    with pytest.raises(ValueError, match=r"tile must be smaller: tiles of 200 take .* MB of memory, and there are 1.04 MB"):
        gram(POOLED, X, tile=200)


def test_inside_of_jit_all_pairs_have_to_fit(memory):
    memory(60 * ONE)
    POOLED.ntk(X)
    message = r"layer 2, GlobalAvgPool\(\), .* inside of jax.jit all 5 x 5 pairs of inputs of x1, .* call it outside"
    for call in (jax.jit(POOLED.ntk), jax.grad(lambda x: POOLED.ntk(x).sum())):
        with pytest.raises(ValueError, match=message):
            call(X)
    jax.jit(POOLED.ntk)(X[:1])


def test_equal_pixels_need_little(memory):
    memory(32 * ONE)
    np.testing.assert_allclose(FLAT.ntk(X), serial(*FLAT.layers).ntk(X))


def test_a_stride_is_taken_into_account(memory):
    memory(ONE)
    serial(Conv(3, 3), Relu(), GlobalAvgPool()).ntk(X)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="control groups are of Linux")
@pytest.mark.parametrize("file", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_control_group_limits_memory(file, tmp_path, monkeypatch):
    monkeypatch.setattr("ntkit._memory._GROUPS", tmp_path)
    free = room.available_bytes()
    assert free > 2**28
    place = Path(tmp_path, file)
    place.parent.mkdir(exist_ok=True)
    place.write_text("max\n")
    assert room.available_bytes() == free
    place.write_text("1000000\n")
    assert room.available_bytes() == 1000000
    assert byte_limit() == 250000
