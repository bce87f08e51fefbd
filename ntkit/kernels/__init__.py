"""Kernels of networks: infinite-width NNGP and NTK of an architecture, its finite-width twin, and empirical NTKs.

An architecture is one object with two faces:

    net = serial(Dense(), Relu(), Dense(2**0.5))  # or parse("dense relu dense")
    net.nngp(x1, x2), net.ntk(x1, x2)             # the limit of infinite width
    params = net.init(key, (dim,), width=512)     # one network of that width, at random
    net.apply(params, x), empirical_ntk(net.apply, params, x)

Kernels of distances and angles that these are compared with have the call `gram(x1, x2)`: `Laplace`, `GammaExponential`,
`Gaussian`, `Matern`, `ArcCosine`; `match` finds the bandwidth at which one of them predicts like a tangent kernel.

Networks are in NTK parametrisation, with the conventions of neural-tangents: a dense layer maps h to
w_std / sqrt(fan_in) W h + b_std b with all entries of W and b drawn from N(0, 1).
"""

from ntkit.kernels._adapters import from_equinox, from_linen, from_nnx
from ntkit.kernels._approximate import ProjectedNtk, projected_ntk, pseudo_ntk
from ntkit.kernels._arc_cosine import ArcCosine
from ntkit.kernels._compose import parallel, product, residual, serial
from ntkit.kernels._conv import Conv
from ntkit.kernels._dense import Dense
from ntkit.kernels._empirical import empirical_ntk
from ntkit.kernels._gram import Estimate, estimate, gram, gram_band, gram_operator, grams
from ntkit.kernels._layer import Layer, Weights
from ntkit.kernels._match import Match, match, posterior_mean
from ntkit.kernels._network import Kernels, Network
from ntkit.kernels._norm import LayerNorm
from ntkit.kernels._operator import ntk_operator
from ntkit.kernels._piecewise import Abs, LeakyRelu, Relu, Sign, Step
from ntkit.kernels._pool import AvgPool, GlobalAvgPool
from ntkit.kernels._series import Elementwise, Hermite, Polynomial
from ntkit.kernels._shape import Flatten, Identity
from ntkit.kernels._smooth import Cos, Erf, Exp, Gelu, Sin
from ntkit.kernels._stationary import GammaExponential, Gaussian, Laplace, Matern
from ntkit.kernels._stax import StaxKernel, from_stax
from ntkit.kernels._words import parse, words

__all__ = [
    "Abs",
    "ArcCosine",
    "AvgPool",
    "Conv",
    "Cos",
    "Dense",
    "Elementwise",
    "Erf",
    "Estimate",
    "Exp",
    "Flatten",
    "GammaExponential",
    "Gaussian",
    "Gelu",
    "GlobalAvgPool",
    "Hermite",
    "Identity",
    "Kernels",
    "Laplace",
    "Layer",
    "LayerNorm",
    "LeakyRelu",
    "Match",
    "Matern",
    "Network",
    "Polynomial",
    "ProjectedNtk",
    "Relu",
    "Sign",
    "Sin",
    "StaxKernel",
    "Step",
    "Weights",
    "empirical_ntk",
    "estimate",
    "from_equinox",
    "from_linen",
    "from_nnx",
    "from_stax",
    "gram",
    "gram_band",
    "gram_operator",
    "grams",
    "match",
    "ntk_operator",
    "parallel",
    "parse",
    "posterior_mean",
    "product",
    "projected_ntk",
    "pseudo_ntk",
    "residual",
    "serial",
    "words",
]
