"""Our architectures in neural-tangents' language."""

import math

from ntkit._compat import neural_tangents
from ntkit.kernels import (
    Abs,
    AvgPool,
    Conv,
    Cos,
    Dense,
    Erf,
    Exp,
    Flatten,
    Gelu,
    GlobalAvgPool,
    Hermite,
    Identity,
    LayerNorm,
    LeakyRelu,
    Network,
    Polynomial,
    Relu,
    Sign,
    Sin,
    Step,
)
from ntkit.kernels._chain import Branches

nt = neural_tangents.load()


def kernel_fn(network: Network, space: int):
    """neural-tangents' kernel function of the network, for inputs with `space` spatial axes."""
    return nt.stax.serial(*[_layer(layer, space) for layer in network.layers])[2]


def _layer(layer, space):
    stax = nt.stax
    if isinstance(layer, Dense):
        return stax.Dense(1, W_std=layer.w_std, b_std=layer.b_std or None)
    if isinstance(layer, Conv | AvgPool):
        window, stride = (v if isinstance(v, tuple) else (v,) * space for v in (layer.window, layer.stride or _default(layer)))
        if isinstance(layer, AvgPool):
            return stax.AvgPool(window, stride, layer.padding.upper())
        return stax.Conv(1, window, stride, layer.padding.upper(), W_std=layer.w_std, b_std=layer.b_std or None)
    if isinstance(layer, Branches):
        chains = [stax.serial(*[_layer(part, space) for part in branch]) for branch in layer.branches]
        join = stax.FanInSum() if layer.join == "sum" else stax.FanInProd()
        return stax.serial(stax.FanOut(len(chains)), stax.parallel(*chains), join)
    simple = {
        Flatten: stax.Flatten, GlobalAvgPool: stax.GlobalAvgPool, Identity: stax.Identity, Relu: stax.Relu, Abs: stax.Abs,
        Erf: stax.Erf, Gelu: stax.Gelu, Sin: stax.Sin, Cos: stax.Cos, Sign: stax.Sign,
    }  # fmt: skip
    if type(layer) in simple:
        return simple[type(layer)]()
    if isinstance(layer, LeakyRelu):
        return stax.LeakyRelu(layer.slope)
    if isinstance(layer, LayerNorm):
        return stax.LayerNorm(-1, eps=layer.epsilon)
    if isinstance(layer, Exp):
        return stax.Exp(math.exp(-1), 1)
    if isinstance(layer, Polynomial):
        return stax.Polynomial(layer.terms)
    if isinstance(layer, Hermite):
        return stax.Polynomial(layer.polynomial.terms)
    assert isinstance(layer, Step)
    return stax.RectifiedMonomial(0)


def _default(layer):
    return 1 if isinstance(layer, Conv) else layer.window
