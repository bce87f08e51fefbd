"""Identities of layers once more, in exact algebra, for the smallest shapes."""

import numpy as np
import pytest
import sympy

from ntkit.orthoconv import Architecture, exists, layer_matrix

LAYERS = [((1, 1, 2), 1), ((2, 1, 2), 1), ((1, 2, 2), 1), ((1, 1, 3), 2), ((2, 1, 3), 2), ((3, 1, 2), 2), ((1, 1, 2, 2), 1)]


def symbolic(shape, stride, size, padding="circular"):
    """The layer matrix with symbols for taps, each put where the numerical one has that tap alone, and the taps."""
    taps = sympy.symbols(f"k:{int(np.prod(shape))}")
    matrix = sympy.zeros(*layer_matrix(np.zeros(shape), size, stride, padding).shape)
    for number, tap in enumerate(taps):
        unit = np.zeros(shape)
        unit.flat[number] = 1.0
        matrix += tap * sympy.Matrix(layer_matrix(unit, size, stride, padding).toarray().astype(int))
    return matrix, np.array(taps, dtype=object).reshape(shape)


def squares(matrix):
    return sympy.expand(sum(entry**2 for entry in matrix))


def regulariser(kernel, stride):
    """|R - I|^2 - max(0, M - C prod S), from the definition of R."""
    outputs, inputs, *window = kernel.shape
    total = -max(0, outputs - inputs * stride ** len(window))
    reach = [(k - 1) // stride for k in window]
    for m, other in np.ndindex(outputs, outputs):
        for lag in np.ndindex(*[2 * q + 1 for q in reach]):
            shift = [stride * (t - q) for t, q in zip(lag, reach, strict=True)]
            value = sum(
                kernel[(m, c, *[i + s for i, s in zip(tap, shift, strict=True)])] * kernel[(other, c, *tap)]
                for c in range(inputs)
                for tap in np.ndindex(*window)
                if all(0 <= i + s < k for i, s, k in zip(tap, shift, window, strict=True))
            )
            total += (value - int(m == other and not any(shift))) ** 2
    return sympy.expand(total)


@pytest.mark.parametrize(("shape", "stride"), LAYERS)
def test_the_frobenius_error_is_the_regulariser_from_that_size_on_and_not_before(shape, stride):
    layer = Architecture(shape[0], shape[1], shape[2:], stride)
    lag = layer.lags[0]
    for size in (2 * lag + 1, 2 * lag + 2):
        matrix, kernel = symbolic(shape, stride, size)
        gram = matrix * matrix.T if layer.rows_only else matrix.T * matrix
        error = squares(gram - sympy.eye(gram.shape[0]))
        assert sympy.expand(error - size**layer.ndim * regulariser(kernel, stride)) == 0
    if not lag:
        return  # no lags, no size at which they fall together
    matrix, kernel = symbolic(shape, stride, 2 * lag)
    gram = matrix * matrix.T if layer.rows_only else matrix.T * matrix
    assert sympy.expand(squares(gram - sympy.eye(gram.shape[0])) - (2 * lag) ** layer.ndim * regulariser(kernel, stride)) != 0


@pytest.mark.parametrize(("shape", "stride"), LAYERS)
def test_both_gram_matrices_differ_by_the_sides(shape, stride):
    matrix, _ = symbolic(shape, stride, 2)
    rows, columns = matrix.shape
    by_rows, by_columns = matrix * matrix.T - sympy.eye(rows), matrix.T * matrix - sympy.eye(columns)
    assert sympy.expand(squares(by_rows) - squares(by_columns)) == rows - columns


@pytest.mark.parametrize("taps", [2, 3, 4])
def test_the_best_split_of_norms_without_padding(taps):
    """Squared deviations of the diagonal for norms e of the taps, least over all e: a quadratic programme, solved exactly."""
    for size in (taps, taps + 1, taps + 3):
        e = sympy.symbols(f"e:{taps}")
        seen = [sum(e[t] for t in range(taps) if 0 <= place - t < size) for place in range(size + taps - 1)]
        loss = sympy.expand(sum((1 - s) ** 2 for s in seen))
        inner = size - taps + 1
        share = sympy.Rational(taps - 1 + inner, taps - 1 + 2 * inner)
        at = dict(zip(e, [share, *[0] * (taps - 2), share], strict=True))
        slopes = {sympy.diff(loss, x).subs(at) for x in e}
        assert slopes == {0}  # of a convex function: the least value
        found = exists(out_channels=2, in_channels=1, kernel_size=taps, padding="valid", size=size)
        assert abs(float(loss.subs(at)) - found.least_frobenius**2) < 1e-12
