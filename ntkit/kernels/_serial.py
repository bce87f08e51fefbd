"""Layers one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._chain import chain_ntk
from ntkit.kernels._door import as_pair, as_points
from ntkit.kernels._layer import Layer, Params
from ntkit.kernels._moments import Moments, moments_of_inputs


@dataclass(frozen=True)
class Network:
    """A chain of layers: its kernels at infinite width, and its finite twin. Made by `serial`."""

    layers: tuple[Layer, ...]

    def nngp(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """Covariance of one output unit over random initialisations, in the limit of infinite width.

        Args:
            x1: inputs, floating point, shape (n, dim).
            x2: inputs, shape (m, dim), of the dtype of x1; None stands for x1.

        Returns:
            Shape (n, m), in the dtype of x1. Errors, relative to sqrt(K(x,x) K(z,z)), are a few units of rounding: 3
            for three hidden layers, 9 for ten; for equal, opposite and zero inputs too (see `Erf` for an exception).

        Raises:
            ValueError: wrong shape or dtype, or values that are not finite (seen only outside of `jax.jit`).

        Example:
            >>> import numpy as np
            >>> from ntkit.kernels import Dense, Relu, serial
            >>> net = serial(Dense(), Relu(), Dense(2**0.5))
            >>> round(float(net.nngp(np.eye(2) * 2**0.5)[0, 1]), 6)  # orthogonal inputs: 1 / pi
            0.31831

        Source: Cho and Saul (2009); Lee et al. (2018).
        """
        return self._moments(x1, x2).nngp

    def ntk(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """The neural tangent kernel in the limit of infinite width, all layers trained; arguments as for `nngp`.

        Example:
            >>> import numpy as np
            >>> from ntkit.kernels import Dense, Relu, serial
            >>> net = serial(Dense(), Relu(), Dense(2**0.5), Relu(), Dense(2**0.5))
            >>> round(float(net.ntk(np.ones((1, 3)))[0, 0]), 6)  # hidden layers + 1
            3.0

        Source: Jacot, Gabriel, Hongler (2018), theorem on the kernel at initialisation.
        """
        return self._moments(x1, x2).ntk

    def init(
        self, key: PRNGKeyArray, input_shape: Sequence[int], width: int, outputs: int = 1, *, dtype: DTypeLike = float
    ) -> tuple[Params, ...]:
        """Parameters of one random network.

        Args:
            key: JAX PRNG key.
            input_shape: shape of one input, (dim,).
            width: units of every dense layer but the last.
            outputs: units of the last dense layer.
            dtype: of the parameters; by default JAX's default float.

        Returns:
            One entry per layer, a pytree; all entries standard normal (NTK parametrisation).

        Raises:
            ValueError: a size is below 1, or input_shape has not one entry.
        """
        if len(input_shape) != 1:
            raise ValueError(f"input_shape must be (dim,) for a network of dense layers, got {tuple(input_shape)}")
        for name, value in (("input_shape[0]", input_shape[0]), ("width", width), ("outputs", outputs)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        last = max(i for i, layer in enumerate(self.layers) if layer.dense)
        params, fan_in = [], input_shape[0]
        for i, layer in enumerate(self.layers):
            fan_out = fan_in if not layer.dense else outputs if i == last else width
            params.append(layer.init(jax.random.fold_in(key, i), fan_in, fan_out, dtype))
            fan_in = fan_out
        return tuple(params)

    def apply(self, params: Sequence[Params], x: ArrayLike) -> Float[Array, "n outputs"]:
        """Outputs of the finite network; x has shape (n, dim) and the dtype of the parameters.

        Raises:
            ValueError: wrong shape or dtype of x, or parameters of another network.
        """
        if len(params) != len(self.layers):
            raise ValueError(f"params must have one entry for each of the {len(self.layers)} layers, got {len(params)}")
        out = as_points("x", x)
        for layer, own in zip(self.layers, params, strict=True):
            out = layer.apply(own, out)
        return out

    def empirical_ntk(self, params: Sequence[Params], x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """The tangent kernel of one finite network, averaged over outputs: `empirical_ntk` without Jacobians in memory.

        A weight's gradient is the outer product of a layer's input and the gradient at its output, so that inner products
        of gradients are products of two small Gram matrices: O(width) numbers a point instead of O(width^2).

        Example:
            >>> import numpy as np
            >>> from ntkit.kernels import Dense, serial
            >>> net = serial(Dense())
            >>> params = net.init(jax.random.key(0), (2,), width=1)
            >>> net.empirical_ntk(params, np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()  # a linear model: x x^T / dim
            [[2.5, 5.5], [5.5, 12.5]]
        """
        return chain_ntk(self.layers, params, *as_pair(x1, x2))

    def _moments(self, x1: ArrayLike, x2: ArrayLike | None) -> Moments:
        moments = moments_of_inputs(*as_pair(x1, x2))
        for layer in self.layers:
            moments = layer.propagate(moments)
        return moments


def serial(*layers: Layer | Network) -> Network:
    """A network of layers, or of networks, one after the other.

    Raises:
        ValueError: there is no layer, or an activation does not follow a dense layer (its closed form holds for
            Gaussian inputs only).

    Example:
        >>> from ntkit.kernels import Dense, Relu
        >>> len(serial(serial(Dense(), Relu()), Dense()).layers)
        3
    """
    flat = [layer for item in layers for layer in (item.layers if isinstance(item, Network) else (item,))]
    if not flat:
        raise ValueError("serial needs at least one layer, got none")
    for i, layer in enumerate(flat):
        if not layer.dense and (i == 0 or not flat[i - 1].dense):
            raise ValueError(
                f"layer {i}, {layer}, must directly follow a Dense layer: its kernel assumes Gaussian inputs; "
                f"got {'nothing' if i == 0 else flat[i - 1]} before it"
            )
    return Network(tuple(flat))
