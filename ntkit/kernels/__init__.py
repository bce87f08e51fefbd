"""Kernels of networks: infinite-width NNGP and NTK of an architecture, its finite-width twin, and empirical NTKs.

An architecture is one object with two faces:

    net = serial(Dense(), Relu(), Dense(2**0.5))
    net.nngp(x1, x2), net.ntk(x1, x2)             # the limit of infinite width
    params = net.init(key, (dim,), width=512)     # one network of that width, at random
    net.apply(params, x), empirical_ntk(net.apply, params, x)

Kernels of distances and angles that these are compared with have the call `gram(x1, x2)`: `Laplace`, `GammaExponential`,
`Gaussian`, `Matern`, `ArcCosine`; `match` finds the bandwidth at which one of them predicts like a tangent kernel.

Networks are in NTK parametrisation, with the conventions of neural-tangents: a dense layer maps h to
w_std / sqrt(fan_in) W h + b_std b with all entries of W and b drawn from N(0, 1).
"""

from ntkit.kernels._activations import Erf, Relu
from ntkit.kernels._arc_cosine import ArcCosine
from ntkit.kernels._dense import Dense, DenseParams
from ntkit.kernels._empirical import empirical_ntk
from ntkit.kernels._layer import Layer
from ntkit.kernels._match import Match, match, posterior_mean
from ntkit.kernels._serial import Network, serial
from ntkit.kernels._stationary import GammaExponential, Gaussian, Laplace, Matern

__all__ = [
    "ArcCosine",
    "Dense",
    "DenseParams",
    "Erf",
    "GammaExponential",
    "Gaussian",
    "Laplace",
    "Layer",
    "Match",
    "Matern",
    "Network",
    "Relu",
    "empirical_ntk",
    "match",
    "posterior_mean",
    "serial",
]
