"""What activations share."""

from abc import abstractmethod

from jaxtyping import Array, Float

from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Layer, Params
from ntkit.kernels._moments import Angles, Moments, Needs, everywhere


class Activation(Layer):
    """A function of every unit by itself. Its kernel is an expectation over Gaussian inputs, so it must follow weights."""

    def gaussian(self, before: bool) -> bool:
        """Functions of Gaussians are not."""
        if not before:
            raise ValueError("must directly follow a layer with weights: its kernel assumes Gaussian inputs")
        return False

    def needs(self, after: Needs) -> Needs:
        """Variances and angles."""
        return after._replace(angles=True)

    @abstractmethod
    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Variances and angles of the outputs, E phi(h) phi(h'), and the derivative dual E phi'(h) phi'(h')."""

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        assert isinstance(moments, Moments)
        return everywhere(self._propagate, moments)

    def _propagate(self, moments: Moments) -> Moments:
        angles, slope = self.dual(moments.angles)
        return moments.with_angles(angles, moments.ntk * slope)

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """The same."""
        return shape

    @abstractmethod
    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function, element by element."""

    def apply(self, params: Params, x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The layer's outputs."""
        return self(x)
