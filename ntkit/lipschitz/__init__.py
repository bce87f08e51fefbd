"""How much the output of a network can change on a ball: certified upper bounds, and lower bounds that are attained.

    net = Network.sequential([(w1, b1), (w2, b2)], activation="relu")
    found = local_lipschitz(net, x0, radius=0.1, key=key)
    found.lower <= found.rows                                  # the truth lies between, for each output

Networks are made of `Dense`, `Conv`, `AvgPool`, `BatchNorm`, `Flatten`, `Residual` and of activations: `Relu`, `LeakyRelu`,
`Tanh`, `Sigmoid`, `Gelu`, `Softplus`. Upper bounds are rounded outward: they hold for real numbers, given the weights as they
are. `certified_radius` and `monotone_in` are what they prove. `bounds` is the traced core, arrays in, arrays out. Networks come
from weights, from files by `load_network`, and from finite networks of `ntkit.kernels` by `Network.from_ntkit`.
"""

from ntkit.lipschitz._activation import Activation, Gelu, LeakyRelu, Relu, Sigmoid, Softplus, Tanh
from ntkit.lipschitz._bound import Bound
from ntkit.lipschitz._certificate import Certificate, Monotone, certified_radius, monotone_in
from ntkit.lipschitz._core import Rows, bounds
from ntkit.lipschitz._files import load_network
from ntkit.lipschitz._large import expected_memory
from ntkit.lipschitz._layers import AvgPool, BatchNorm, Conv, Dense, Flatten, Residual
from ntkit.lipschitz._local import local_lipschitz
from ntkit.lipschitz._network import Network

__all__ = [
    "Activation",
    "AvgPool",
    "BatchNorm",
    "Bound",
    "Certificate",
    "Conv",
    "Dense",
    "Flatten",
    "Gelu",
    "LeakyRelu",
    "Monotone",
    "Network",
    "Relu",
    "Residual",
    "Rows",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "bounds",
    "certified_radius",
    "expected_memory",
    "load_network",
    "local_lipschitz",
    "monotone_in",
]
