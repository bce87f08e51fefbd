"""How networks are put together."""

from collections.abc import Sequence

from ntkit.kernels._chain import Branches, check_gaussian
from ntkit.kernels._layer import Layer
from ntkit.kernels._network import Network
from ntkit.kernels._pool import AvgPool, GlobalAvgPool
from ntkit.kernels._shape import Flatten, Identity

_LINEAR = (AvgPool, GlobalAvgPool, Flatten, Identity)


def serial(*layers: Layer | Network) -> Network:
    """A network of layers, or of networks, one after the other.

    Raises:
        ValueError: there is no layer, or an activation follows one whose outputs are not Gaussian at infinite width (its
            kernel would not hold). What a network begins with is checked when its kernels are asked for, since it may
            become part of another.

    Example:
        >>> from ntkit.kernels import Dense, Relu
        >>> len(serial(serial(Dense(), Relu()), Dense()).layers)
        3
    """
    flat = _flat(layers)
    if not flat:
        raise ValueError("serial needs at least one layer, got none")
    check_gaussian(flat, before=True)
    return Network(flat)


def parallel(*branches: Layer | Network) -> Network:
    """The sum of several networks on the same inputs.

    Raises:
        ValueError: fewer than two branches, or more than one that does not end in weights of its own (possibly pooled): the
            covariance of a sum is the sum of covariances only for uncorrelated terms.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense
        >>> net = parallel(Dense(), Dense(2.0))
        >>> net.nngp(np.ones((1, 1))).tolist()  # 1 + 4
        [[5.0]]
    """
    chains = _branches("parallel", branches)
    loose = [i for i, chain in enumerate(chains) if not _centred(chain)]
    if len(loose) > 1:
        raise ValueError(f"parallel: all branches but one must end in a layer with weights, got branches {loose} that do not")
    return Network((Branches(chains, "sum"),))


def residual(*layers: Layer | Network) -> Network:
    """The sum h + f(h), where f is the given layers one after the other; they must end in weights.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense, Relu
        >>> net = serial(Dense(), residual(Relu(), Dense(2**0.5)))
        >>> round(float(net.ntk(np.ones((1, 1)))[0, 0]), 6)  # 1 + (1 + 1): the derivatives' second moments are 1
        3.0
    """
    return parallel(Identity(), serial(*layers))


def product(*branches: Layer | Network) -> Network:
    """The product, unit by unit, of several networks on the same inputs: a multiplicative interaction.

    Kernels: K -> K_1 K_2, T -> T_1 K_2 + K_1 T_2.

    Raises:
        ValueError: fewer than two branches, or more than one without weights of its own: only independent factors have the
            product of covariances.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense
        >>> net = product(Dense(), Dense())
        >>> net.ntk(np.array([[3.0]])).tolist()  # T_1 K_2 + K_1 T_2
        [[162.0]]
    """
    chains = _branches("product", branches)
    loose = [i for i, chain in enumerate(chains) if not any(layer.weighted for layer in chain)]
    if len(loose) > 1:
        raise ValueError(f"product: all branches but one must have a layer with weights, got branches {loose} that have none")
    return Network((Branches(chains, "product"),))


def _branches(name: str, branches: Sequence[Layer | Network]) -> tuple[tuple[Layer, ...], ...]:
    if len(branches) < 2:
        raise ValueError(f"{name} needs at least two branches, got {len(branches)}")
    return tuple(_flat([branch]) for branch in branches)


def _flat(items: Sequence[Layer | Network]) -> tuple[Layer, ...]:
    flat: list[Layer] = []
    for i, item in enumerate(items):
        if not isinstance(item, Layer | Network):
            raise ValueError(f"argument {i} must be a layer or a network, got {item!r}")
        flat.extend(item.layers if isinstance(item, Network) else [item])
    return tuple(flat)


def _centred(chain: Sequence[Layer], before: bool = False) -> bool:
    """Whether the outputs have mean zero by weights of their own; `before`: whether the inputs have."""
    for layer in chain:
        if isinstance(layer, Branches):  # factors of a product are mean zero by themselves, not as their inputs are
            of_sum = layer.join == "sum"
            before = (all if of_sum else any)([_centred(branch, before and of_sum) for branch in layer.branches])
        elif not isinstance(layer, _LINEAR):
            before = layer.weighted
    return before
