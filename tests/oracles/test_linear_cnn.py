"""Hessians of linear convolutional networks against automatic differentiation on data, ranks against exact arithmetic."""

import importlib
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

linear, singh = (importlib.import_module(name) for name in ("_linear_cnn", "singh2023"))

PRIME = 16_777_213  # the largest below 2^24: sums of 2^15 products fit 64 bits


def unpack(theta, weights):
    parts = np.split(np.arange(theta.size), np.cumsum([w.size for w in weights])[:-1])
    return [theta[part].reshape(w.shape) for part, w in zip(parts, weights, strict=True)]


def network(theta, weights, x):
    """Outputs of shape (samples, c_out, places) for inputs of shape (samples, c_in, length), valid convolutions."""
    for w in unpack(theta, weights):
        places = x.shape[2] - len(w) + 1
        x = sum(jnp.einsum("oc,ncp->nop", w[i], x[:, :, i : i + places]) for i in range(len(w)))
    return x


@pytest.mark.parametrize(
    ("channels", "taps", "longer"),
    [((2, 3, 1), (2, 3), 0), ((1, 2, 3), (3, 1), 2), ((1, 3, 3, 2), (2, 2, 1), 0), ((2, 2, 2, 1), (1, 2, 2), 2)],
)
def test_both_parts_are_those_of_a_loss_on_data(channels, taps, longer):
    """Entry by entry: H_F at the gradient of the loss in the end-to-end kernel, H_O in the metric of the data."""
    random = np.random.default_rng(len(taps) + longer)
    weights = linear.draw(random, channels, taps)
    field = sum(taps) - len(taps) + 1
    x = random.normal(size=(80, channels[0], field + longer))
    y = random.normal(size=(80, channels[-1], 1 + longer))
    theta = jnp.concatenate([jnp.asarray(w).ravel() for w in weights])

    def loss(theta):
        return ((network(theta, weights, x) - y) ** 2).sum() / 2

    windows = np.lib.stride_tricks.sliding_window_view(x, field, axis=2)  # (samples, c_in, places, field)
    misfit = np.asarray(jax.jit(lambda t: network(t, weights, x))(theta)) - y
    metric = np.einsum("nbpj,ncpi->jbic", windows, windows).reshape(field * channels[0], -1)
    jacobian, functional = linear.hessians(weights, np.einsum("nop,ncpi->ioc", misfit, windows))
    by_output = jacobian.reshape(field, channels[-1], channels[0], -1).transpose(1, 0, 2, 3)
    outer = sum(j.reshape(len(metric), -1).T @ metric @ j.reshape(len(metric), -1) for j in by_output)
    hessian = np.asarray(jax.jit(jax.hessian(loss))(theta))
    np.testing.assert_allclose(outer + functional, hessian, atol=1e-11 * np.abs(hessian).max())
    through = np.asarray(jax.jit(jax.jacfwd(lambda t: network(t, weights, x).ravel()))(theta))
    np.testing.assert_allclose(outer, through.T @ through, atol=1e-11 * np.abs(hessian).max())
    # Ranks of generic weights and residuals do not depend on the data.
    white = linear.hessians(weights, random.normal(size=(field, channels[-1], channels[0])))
    wholes = (hessian, white[1] + white[0].T @ white[0])
    assert len({linear.rank(whole, symmetric=True).number for whole in wholes}) == 1
    assert linear.rank(functional, symmetric=True).number == linear.rank(white[1], symmetric=True).number
    assert linear.rank(through).number == linear.rank(jacobian).number


def modular_rank(matrix):
    """Rank of an integer matrix modulo PRIME, by elimination: never more than its rank, less in one of a million draws."""
    a, rank = matrix % PRIME, 0
    for column in range(a.shape[1]):
        pivots = np.flatnonzero(a[rank:, column])
        if pivots.size:
            a[[rank, rank + pivots[0]]] = a[[rank + pivots[0], rank]]
            a[rank] = a[rank] * pow(int(a[rank, column]), -1, PRIME) % PRIME
            a[rank + 1 :] = (a[rank + 1 :] - a[rank + 1 :, column, None] * a[rank]) % PRIME
            rank += 1
            if rank == len(a):
                break
    return rank


def exact_ranks(channels, taps, random):
    """Of H_O, H_F and H, with integer weights and residuals: then both parts are integers, and rounding finds them."""
    pairs = zip(taps, channels[1:], channels, strict=False)
    weights = [random.integers(-50, 51, size=(k, out, into)).astype(float) for k, out, into in pairs]
    residual = random.integers(-50, 51, size=(sum(taps) - len(taps) + 1, channels[-1], channels[0])).astype(float)
    parts = linear.hessians(weights, residual)
    jacobian, functional = (np.rint(part).astype(np.int64) for part in parts)
    assert all(np.abs(whole - part).max() < 1e-3 for whole, part in zip((jacobian, functional), parts, strict=True))
    reduced = jacobian % PRIME
    return modular_rank(jacobian), modular_rank(functional), modular_rank(functional + reduced.T @ reduced)


@pytest.mark.parametrize("shape", [*singh.UNEVEN[:2], (2, 5, 3, 3, 2), (3, 2, 2, 4, 3), (1, 4, 2, 2, 2), (2, 3, 3, 1, 4)])
def test_ranks_of_two_layers_in_exact_arithmetic(shape):
    shape = singh.TwoLayers(*shape)
    outer, functional, whole = exact_ranks(shape[:3], shape[3:], np.random.default_rng(sum(shape)))
    laws = singh._laws(shape, None)
    assert (outer, functional) == laws[:2]
    if shape.m >= min(shape.c_in * shape.k_1, shape.c_out * shape.k_2):
        assert whole == laws[2]


def test_a_narrow_network_need_not_follow_the_law_of_wide_ones():
    shape = singh.TwoLayers(2, 3, 1, 4, 4)
    assert shape.m < min(shape.c_in * shape.k_1, shape.c_out * shape.k_2)
    whole = exact_ranks(shape[:3], shape[3:], np.random.default_rng(0))[2]
    assert (whole, singh._size(shape)) == (35, 36)


@pytest.mark.parametrize("design", [*singh.DESIGNS[:4], singh.Design(2, 2, (3, 2, 3))])
def test_the_deep_law_begins_at_the_largest_hankel_rank_in_exact_arithmetic(design):
    random = np.random.default_rng(sum(design.taps))
    first, slope = max(singh._hankel_ranks(design, None)), 2 * sum(singh._hankel_ranks(design, None))
    widths = [first - 1, first, first + 1, first + 2]
    found = [exact_ranks(singh._channels(design, m), design.taps, random)[2] for m in widths]
    assert np.diff(found).tolist()[1:] == [slope, slope]
    assert found[1] - found[0] != slope
