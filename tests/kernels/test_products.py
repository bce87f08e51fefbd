"""Convolutions written as matrix products: the same function, whatever the layout, strides, dilation and padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ntkit.kernels import empirical_ntk
from ntkit.kernels._products import with_products
from tests.kernels.finite_functions import averaged, full_kernel, normal

pytestmark = pytest.mark.usefixtures("hardly_optimised")

CASES = {
    "one dimension": ((2, 9, 3), (4, 3, 5), {"window_strides": (2,), "padding": [(1, 2)]}, ("NWC", "WIO", "NWC")),
    "layout of torch": ((2, 3, 7, 6), (5, 3, 3, 2), {"window_strides": (1, 2), "padding": "SAME"}, ("NCHW", "OIHW", "NCHW")),
    "mixed layout": ((7, 2, 3, 6), (3, 2, 5, 3), {"window_strides": (1, 1), "padding": "VALID"}, ("HNCW", "HWOI", "NHWC")),
    "dilated taps": (
        (2, 8, 9, 3),
        (3, 2, 3, 5),
        {"window_strides": (2, 1), "padding": [(2, 0), (1, 1)], "rhs_dilation": (2, 3)},
        ("NHWC", "HWIO", "NHWC"),
    ),
    "cut at the edges": (
        (2, 8, 8, 3),
        (3, 3, 3, 5),
        {"window_strides": (1, 1), "padding": [(-1, 0), (0, -2)]},
        ("NHWC", "HWIO", "NHWC"),
    ),
    "three dimensions": ((2, 4, 5, 4, 2), (2, 3, 2, 2, 3), {"window_strides": (1, 2, 1), "padding": "SAME"}, None),
    "groups": (
        (2, 6, 6, 4),
        (3, 3, 2, 6),
        {"window_strides": (1, 1), "padding": "SAME", "feature_group_count": 2},
        ("NHWC", "HWIO", "NHWC"),
    ),
    "dilated inputs": (
        (2, 5, 5, 3),
        (3, 3, 3, 4),
        {"window_strides": (1, 1), "padding": [(1, 1), (1, 1)], "lhs_dilation": (2, 1)},
        ("NHWC", "HWIO", "NHWC"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_outputs_and_gradients_are_those_of_the_convolution(case):
    shape, kernel_shape, options, layout = case
    if layout is None:
        layout = lax.ConvDimensionNumbers((0, 4, 1, 2, 3), (4, 3, 0, 1, 2), (0, 4, 1, 2, 3))
    x, w = normal(0, *shape), normal(1, *kernel_shape)

    def apply(w, x):
        return jax.jit(lambda x, w: lax.conv_general_dilated(x, w, dimension_numbers=layout, **options))(x, w)

    rewritten = with_products(apply)
    plain = "feature_group_count" not in options and "lhs_dilation" not in options
    assert ("conv_general_dilated" in str(jax.make_jaxpr(rewritten)(w, x))) != plain

    @jax.jit
    def outputs_and_gradients(w, x):
        y, back = jax.vjp(apply, w, x)
        found, found_back = jax.vjp(rewritten, w, x)
        return (y, *back(y)), (found, *found_back(y))

    for expected, found in zip(*outputs_and_gradients(w, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_other_operations_pass_unchanged():
    """Loops, branches, functions with derivatives of their own, several results, constants."""

    @jax.custom_vjp
    def doubled(x):
        return 2 * x

    doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (2 * g,))
    table = jnp.arange(1.0, 4.0)

    def apply(w, x):
        h = lax.conv_general_dilated(x[..., None], w, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"))
        h, _ = lax.scan(lambda h, s: (jax.nn.softplus(h) * s, None), h, table)
        h = lax.cond(h.shape[0] > 0, jnp.tanh, lambda h: h, h)
        top, _ = lax.top_k(jax.checkpoint(jnp.sin)(doubled(h.mean(1))), 2)
        return jax.jit(lambda h: h + table[None, :2])(top)

    w, x = normal(0, 3, 1, 4), normal(1, 5, 6)
    np.testing.assert_allclose(with_products(apply)(w, x), apply(w, x), rtol=1e-14)
    np.testing.assert_allclose(empirical_ntk(apply, w, x), averaged(full_kernel(apply, w, x, x)), rtol=1e-12, atol=1e-12)
