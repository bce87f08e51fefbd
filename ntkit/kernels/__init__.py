"""Kernels of networks: infinite-width NNGP and NTK of an architecture, its finite-width twin, and empirical NTKs.

An architecture is one object with two faces:

    net = serial(Dense(), Relu(), Dense(2**0.5))  # or parse("dense relu dense")
    net.nngp(x1, x2), net.ntk(x1, x2)             # the limit of infinite width
    params = net.init(key, (dim,), width=512)     # one network of that width, at random
    net.apply(params, x), empirical_ntk(net.apply, params, x)

Everything is in NTK parametrisation, with the conventions of neural-tangents: a dense layer maps h to
w_std / sqrt(fan_in) W h + b_std b with all entries of W and b drawn from N(0, 1).
"""

from ntkit.kernels._compose import parallel, product, residual, serial
from ntkit.kernels._conv import Conv
from ntkit.kernels._dense import Dense
from ntkit.kernels._empirical import empirical_ntk
from ntkit.kernels._layer import Layer, Weights
from ntkit.kernels._network import Kernels, Network
from ntkit.kernels._norm import LayerNorm
from ntkit.kernels._piecewise import Abs, LeakyRelu, Relu, Sign, Step
from ntkit.kernels._pool import AvgPool, GlobalAvgPool
from ntkit.kernels._series import Elementwise, Hermite, Polynomial
from ntkit.kernels._shape import Flatten, Identity
from ntkit.kernels._smooth import Cos, Erf, Exp, Gelu, Sin
from ntkit.kernels._words import parse, words

__all__ = [
    "Abs",
    "AvgPool",
    "Conv",
    "Cos",
    "Dense",
    "Elementwise",
    "Erf",
    "Exp",
    "Flatten",
    "Gelu",
    "GlobalAvgPool",
    "Hermite",
    "Identity",
    "Kernels",
    "Layer",
    "LayerNorm",
    "LeakyRelu",
    "Network",
    "Polynomial",
    "Relu",
    "Sign",
    "Sin",
    "Step",
    "Weights",
    "empirical_ntk",
    "parallel",
    "parse",
    "product",
    "residual",
    "serial",
    "words",
]
