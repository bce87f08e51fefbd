"""Architectures of neural-tangents through `from_stax`."""

import numpy as np
import pytest

from ntkit._compat import neural_tangents
from ntkit.kernels import Dense, Relu, from_stax, gram, serial

X = np.random.default_rng(0).normal(size=(5, 3))


def test_an_architecture_has_our_faces():
    stax = neural_tangents.load().stax
    theirs = from_stax(stax.serial(stax.Dense(1, W_std=1.5, b_std=0.1), stax.Relu(), stax.Dense(1))[2])
    ours = serial(Dense(1.5, 0.1), Relu(), Dense())
    np.testing.assert_allclose(theirs.nngp(X), ours.nngp(X), rtol=0, atol=1e-14)
    np.testing.assert_allclose(theirs.ntk(X, X[:2] + 1), ours.ntk(X, X[:2] + 1), rtol=0, atol=1e-13)
    np.testing.assert_allclose(gram(theirs.nngp, X, tile=2), ours.nngp(X), rtol=0, atol=1e-14)


def test_the_whole_triple_is_refused():
    with pytest.raises(ValueError, match="kernel_fn must be callable, the third part of what stax returns"):
        from_stax((None, None, None))


def test_inputs_are_checked():
    stax = neural_tangents.load().stax
    with pytest.raises(ValueError, match="x1 must be finite"):
        from_stax(stax.Dense(1)[2]).ntk(X * np.nan)
