"""An architecture with its two faces: kernels at infinite width, and a finite network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._chain import apply_layers, draw_layers, last_widths, own_widths
from ntkit.kernels._door import as_inputs, as_pair
from ntkit.kernels._empirical import empirical_ntk
from ntkit.kernels._evaluate import Kinds
from ntkit.kernels._layer import PARAMETRIZATIONS, Draw, Layer, Params
from ntkit.kernels._matrices import matrices
from ntkit.kernels._structured import has_structure, structured_ntk


class Kernels(NamedTuple):
    """Both kernels of an architecture, each of shape (n, m)."""

    nngp: Float[Array, "n m"]
    ntk: Float[Array, "n m"]


@dataclass(frozen=True)
class Network:
    """A chain of layers: its kernels at infinite width, and its finite twin. Made by `serial` and its kin."""

    layers: tuple[Layer, ...]

    def nngp(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """Covariance of one output unit over random initialisations, in the limit of infinite width.

        Args:
            x1: inputs, float32 or float64, shape (n, dim), (n, length, channels) or (n, height, width, channels).
            x2: m inputs of the same shape and dtype; None stands for x1, and gives an exactly symmetric matrix.

        Returns:
            Shape (n, m), in the dtype of x1. For chains of dense layers and ReLU, errors relative to sqrt(K(x,x) K(z,z))
            are a few units of rounding: 3 for three hidden layers, 9 for ten; for equal, opposite and zero inputs too
            (see `Erf` for an exception). For images, see `Conv`.

        Raises:
            ValueError: wrong shape or dtype, values that are not finite (seen only outside of `jax.jit`), or an
                architecture that has no such kernel for these inputs; the message names the layer.

        Example:
            >>> import numpy as np
            >>> from ntkit.kernels import Dense, Relu, serial
            >>> net = serial(Dense(), Relu(), Dense(2**0.5))
            >>> round(float(net.nngp(np.eye(2) * 2**0.5)[0, 1]), 6)  # orthogonal inputs: 1 / pi
            0.31831

        Source: Cho and Saul (2009); Lee et al. (2018); for convolutions Garriga-Alonso et al. (2019), Novak et al. (2019).
        """
        return self._evaluate(("nngp",), x1, x2)[0]

    def ntk(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """The neural tangent kernel in the limit of infinite width, all layers trained; arguments as for `nngp`.

        Example:
            >>> import numpy as np
            >>> from ntkit.kernels import Dense, Relu, serial
            >>> net = serial(Dense(), Relu(), Dense(2**0.5), Relu(), Dense(2**0.5))
            >>> round(float(net.ntk(np.ones((1, 3)))[0, 0]), 6)  # hidden layers + 1
            3.0

        Source: Jacot, Gabriel, Hongler (2018), theorem on the kernel at initialisation; Arora et al. (2019).
        """
        return self._evaluate(("ntk",), x1, x2)[0]

    def kernels(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Kernels:
        """Both kernels at the cost of one; arguments as for `nngp`."""
        return Kernels(*self._evaluate(("nngp", "ntk"), x1, x2))

    def init(
        self,
        key: PRNGKeyArray,
        input_shape: Sequence[int],
        width: int | None = None,
        outputs: int | None = None,
        *,
        parametrization: str = "ntk",
        dtype: DTypeLike = float,
    ) -> tuple[Params, ...]:
        """Parameters of one random network.

        With n = width, a weight w of a layer acts as w_scale * w. Gradient descent with one learning rate on all w is then
        the training that the name stands for:

        - "ntk": w from N(0, 1), w_scale = w_std / sqrt(fan_in);
        - "standard": w from N(0, w_std^2 / fan_in), w_scale = 1;
        - "mup": w from N(0, 1/n), w_scale = w_std sqrt(n / fan_in), in the last layer w_std / sqrt(fan_in). With a learning
          rate that does not depend on n, all layers learn features at every width (biases go as weights of fan-in 1).

        The first two are one function at initialisation; in the last, what the last layer's weights add to the outputs is
        smaller by sqrt(n), its bias is not.

        Args:
            key: JAX PRNG key.
            input_shape: shape of one input, (dim,), (length, channels) or (height, width, channels).
            width: channels of every layer with weights but the last, unless it has a width of its own.
            outputs: channels of the last layer with weights; by default its own width, or 1.
            parametrization: see above; "mup" is for one width.
            dtype: of the parameters; by default JAX's default float.

        Returns:
            One entry per layer, a pytree of `Weights`; () for layers without parameters.

        Raises:
            ValueError: a size is below 1, input_shape does not fit, a layer has no width, outputs is not the width that the
                last layer has, or parametrization is none of the three, or "mup" where layers have widths of their own.

        Example:
            >>> import jax
            >>> from ntkit.kernels import Dense, Relu, serial
            >>> net = serial(Dense(width=4), Relu(), Dense(width=2))
            >>> [weights.w.shape for weights in net.init(jax.random.key(0), (3,)) if weights]
            [(3, 4), (4, 2)]

        Source: Jacot et al. (2018) for "ntk"; Yang and Hu (2021), table of abc-parametrizations, for "mup".
        """
        shape = tuple(input_shape)
        if not 1 <= len(shape) <= 3:
            raise ValueError(f"input_shape must be (dim,), (length, channels) or (height, width, channels), got {shape}")
        sizes = [(f"input_shape[{i}]", size) for i, size in enumerate(shape)] + [("width", width), ("outputs", outputs)]
        for name, value in sizes:
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        own, last = own_widths(self.layers), last_widths(self.layers)
        if parametrization not in PARAMETRIZATIONS:
            raise ValueError(f"parametrization must be one of {', '.join(PARAMETRIZATIONS)}, got {parametrization!r}")
        if parametrization == "mup" and (own or width is None):
            raise ValueError(f'parametrization "mup" needs one width for all layers, got width {width} and layers with {own}')
        if len({*last, *([] if outputs is None else [outputs])}) > 1:
            raise ValueError(f"outputs must be the width of the last layer, {', '.join(map(str, last))}, got {outputs}")
        outputs = outputs or next(iter(last), 1)
        return draw_layers(self.layers, key, shape, Draw(width, outputs, parametrization, dtype))[1]

    def apply(self, params: Sequence[Params], x: ArrayLike) -> Float[Array, "n ..."]:
        """Outputs of the finite network; x has shape (n, *input_shape) and the dtype of the parameters.

        Raises:
            ValueError: wrong shape or dtype of x, or parameters of another network.
        """
        if len(params) != len(self.layers):
            raise ValueError(f"params must have one entry for each of the {len(self.layers)} layers, got {len(params)}")
        return apply_layers(self.layers, params, as_inputs("x", x))

    def empirical_ntk(self, params: Sequence[Params], x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """The tangent kernel of one finite network, averaged over outputs: `empirical_ntk` without Jacobians in memory.

        A dense weight's gradient is the outer product of a layer's input and the gradient at its output, so that inner
        products of gradients are products of two small Gram matrices: O(width) numbers a point instead of O(width^2).
        Of convolutions, the weights' Jacobians are formed, layer by layer. Networks with branches go through `empirical_ntk`.

        Example:
            >>> import jax
            >>> import numpy as np
            >>> from ntkit.kernels import Dense, serial
            >>> net = serial(Dense())
            >>> params = net.init(jax.random.key(0), (2,), width=1)
            >>> net.empirical_ntk(params, np.array([[1.0, 2.0], [3.0, 4.0]])).round(3).tolist()  # a linear model: x x^T / dim
            [[2.5, 5.5], [5.5, 12.5]]
        """
        first, second = as_pair(x1, x2)
        if has_structure(self.layers):
            return structured_ntk(self.layers, params, first, second)
        return empirical_ntk(self.apply, params, first, None if x2 is None else second)

    def _evaluate(self, kinds: Kinds, x1: ArrayLike, x2: ArrayLike | None) -> tuple[Array, ...]:
        first, second = as_pair(x1, x2)
        return matrices(self.layers, kinds, first, None if x2 is None else second)
