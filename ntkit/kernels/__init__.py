"""Kernels of networks: infinite-width NNGP and NTK of an architecture, its finite-width twin, and empirical NTKs.

An architecture is one object with two faces:

    net = serial(Dense(), Relu(), Dense(2**0.5))
    net.nngp(x1, x2), net.ntk(x1, x2)             # the limit of infinite width
    params = net.init(key, (dim,), width=512)     # one network of that width, at random
    net.apply(params, x), empirical_ntk(net.apply, params, x)

Everything is in NTK parametrisation, with the conventions of neural-tangents: a dense layer maps h to
w_std / sqrt(fan_in) W h + b_std b with all entries of W and b drawn from N(0, 1).
"""

from ntkit.kernels._activations import Erf, Relu
from ntkit.kernels._adapters import from_equinox, from_linen, from_nnx
from ntkit.kernels._approximate import ProjectedNtk, projected_ntk, pseudo_ntk
from ntkit.kernels._dense import Dense, DenseParams
from ntkit.kernels._empirical import empirical_ntk
from ntkit.kernels._layer import Layer
from ntkit.kernels._operator import ntk_operator
from ntkit.kernels._serial import Network, serial

__all__ = [
    "Dense",
    "DenseParams",
    "Erf",
    "Layer",
    "Network",
    "ProjectedNtk",
    "Relu",
    "empirical_ntk",
    "from_equinox",
    "from_linen",
    "from_nnx",
    "ntk_operator",
    "projected_ntk",
    "pseudo_ntk",
    "serial",
]
