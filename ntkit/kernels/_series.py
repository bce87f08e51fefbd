"""Activations by their Hermite series: polynomials exactly, any function by quadrature.

With phi(sigma g) = sum_j c_j(sigma) he_j(g) / sqrt(j!) for standard normal g (probabilists' Hermite polynomials),
E phi(h) phi(h') = sum_j c_j(sigma) c_j(sigma') rho^j, and its derivative in K is sum_j j c_j c_j' rho^(j-1) / (sigma sigma').
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.kernels._activation import Activation
from ntkit.kernels._arc import root
from ntkit.kernels._moments import Angles


class _Series(Activation):
    """An activation that knows its Hermite coefficients."""

    @abstractmethod
    def coefficients(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """c_0, c_1, ... for inputs of a variance."""

    @abstractmethod
    def slopes(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """sqrt(j) c_j / sigma for j = 1, 2, ...: coefficients of the derivative."""

    def tail(self, var: Float[Array, "..."]) -> Float[Array, "..."]:
        """Root of the second moment that the coefficients leave out; taken as a further coefficient."""
        return jnp.zeros_like(var)

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        out: tuple[Angles, Array] = self._dual(angles)
        return out

    @partial(jax.jit, static_argnums=0)  # hundreds of operations, which would otherwise be compiled one by one
    def _dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        first, second = ([*self.coefficients(var), self.tail(var)] for var in (angles.var1, angles.var2))
        rho = angles.cosine
        products = [a * b for a, b in zip(first, second, strict=True)]
        var1, var2 = (jnp.sum(jnp.stack(side) ** 2, axis=0) for side in (first, second))
        # sum_j w_j (1 - rho^j) = (1 - rho) sum_i rho^i sum_{j > i} w_j: nothing cancels at rho = 1.
        rest, series = jnp.zeros_like(rho), jnp.zeros_like(rho)
        for product in products[:0:-1]:
            rest = rest + product
            series = series * rho + rest
        spread = jnp.where(angles.same, 0.0, jnp.maximum(root(var1) * root(var2) - sum(products), 0.0))
        below = spread + 2 * angles.sin2 * series
        slope = jnp.zeros_like(rho)
        for a, b in zip(*(self.slopes(var)[::-1] for var in (angles.var1, angles.var2)), strict=True):
            slope = slope * rho + a * b
        out = angles.with_gaps(var1, var2, below, None)
        return out._replace(cos2=1 - out.sin2), slope


@dataclass(frozen=True)
class Polynomial(_Series):
    """sum_i coefficients[i] h^i. Must follow a layer with weights.

    Raises:
        ValueError: no coefficients, or one that is not finite.
    """

    terms: tuple[float, ...]

    def __init__(self, coefficients: Sequence[float]) -> None:
        terms = tuple(float(c) for c in coefficients)
        if not terms or not all(map(math.isfinite, terms)):
            raise ValueError(f"coefficients must be at least one finite number, got {coefficients!r}")
        object.__setattr__(self, "terms", terms)

    def coefficients(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """From h^i = sum_k i! / (k! 2^k (i - 2k)!) sigma^i he_{i-2k}."""
        return [factor * root(var) ** j for j, factor in enumerate(self._factors(var))]

    def slopes(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """The same, divided by sigma before it can vanish."""
        return [math.sqrt(j) * factor * root(var) ** (j - 1) for j, factor in enumerate(self._factors(var)) if j]

    def _factors(self, var: Array) -> list[Array]:
        """c_j / sigma^j, polynomials in the variance."""
        return [
            sum(
                (
                    self.terms[i] * math.factorial(i) / (math.factorial(k) * 2**k * math.sqrt(math.factorial(j))) * var**k
                    for k, i in enumerate(range(j, len(self.terms), 2))
                ),
                start=jnp.zeros_like(var),
            )
            for j in range(len(self.terms))
        ]

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return sum((c * h**i for i, c in enumerate(self.terms)), start=jnp.zeros_like(h))


@dataclass(frozen=True)
class Hermite(_Series):
    """The probabilists' Hermite polynomial he_degree(h) / sqrt(degree!). Must follow a layer with weights.

    For variances 1, K -> K^degree, and T is multiplied by degree K^(degree-1).

    Raises:
        ValueError: degree is not an int >= 0.
    """

    degree: int

    def __post_init__(self) -> None:
        if type(self.degree) is not int or self.degree < 0:
            raise ValueError(f"degree must be an int >= 0, got {self.degree!r}")

    @property
    def polynomial(self) -> Polynomial:
        """The same, by its coefficients."""
        series = np.polynomial.hermite_e.herme2poly([0] * self.degree + [1]) / math.sqrt(math.factorial(self.degree))
        return Polynomial(series.tolist())

    def coefficients(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """See `Polynomial`; he_n(sigma g) = sum_k n! / (k! 2^k (n - 2k)!) sigma^(n-2k) (sigma^2 - 1)^k he_{n-2k}(g)."""
        return [factor * root(var) ** j for j, factor in enumerate(self._factors(var))]

    def slopes(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """The same, divided by sigma before it can vanish."""
        return [math.sqrt(j) * factor * root(var) ** (j - 1) for j, factor in enumerate(self._factors(var)) if j]

    def _factors(self, var: Array) -> list[Array]:
        """c_j / sigma^j, from powers of var - 1: no cancellation for normalised inputs."""
        n = self.degree
        out = [jnp.zeros_like(var) for _ in range(n + 1)]
        for k in range(n // 2 + 1):
            j = n - 2 * k
            out[j] = math.sqrt(math.factorial(n)) / (math.factorial(k) * 2**k * math.sqrt(math.factorial(j))) * (var - 1) ** k
        return out

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return self.polynomial(h)


@dataclass(frozen=True)
class Elementwise(_Series):
    """Any function, by Gauss-Hermite quadrature. Must follow a layer with weights.

    What the series leaves out beyond its last term is known (`error`) and taken as one more term, so that the variance
    is that of quadrature. Smooth functions converge fast; kinks slowly: prefer the closed forms of `Relu` and its kin.

    Args:
        function: acts on every element of an array by itself, differentiable by JAX.
        terms: of the Hermite series.
        nodes: of the quadrature, more than terms.

    Raises:
        ValueError: function is not callable, or terms and nodes are not ints with 1 <= terms < nodes.

    Example:
        >>> import numpy as np
        >>> from ntkit.kernels import Dense, Sin, serial
        >>> net = serial(Dense(), Elementwise(jnp.sin), Dense())
        >>> exact = serial(Dense(), Sin(), Dense())
        >>> bool(np.allclose(net.ntk(np.eye(3)), exact.ntk(np.eye(3)), rtol=1e-5))
        True
    """

    function: Callable[[Array], Array]
    terms: int = 40
    nodes: int = 100

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ValueError(f"function must be callable, got {self.function!r}")
        if not (type(self.terms) is int and type(self.nodes) is int and 1 <= self.terms < self.nodes):
            raise ValueError(f"terms and nodes must be ints with 1 <= terms < nodes, got {self.terms!r} and {self.nodes!r}")

    def coefficients(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """Quadrature of phi he_j."""
        return self._project(self.function, var)

    def slopes(self, var: Float[Array, "..."]) -> list[Float[Array, "..."]]:
        """Coefficients of the derivative, by quadrature of it."""
        return self._project(_derivative(self.function), var)[:-1]

    def tail(self, var: Float[Array, "..."]) -> Float[Array, "..."]:
        """Root of the second moment beyond the series."""
        return root(self.error(var))

    def error(self, var: Float[Array, "..."]) -> Float[Array, "..."]:
        """Second moment that the series leaves out: E phi(h)^2, by quadrature, minus the sum of squares of coefficients.

        It bounds the error of K for equal variances, up to that of quadrature itself (compare two numbers of nodes).
        """
        points, weights = (jnp.asarray(v, var.dtype) for v in _rule(self.nodes))
        total = jnp.tensordot(weights, self.function(root(var)[None] * points.reshape(-1, *[1] * var.ndim)) ** 2, 1)
        return jnp.maximum(total - sum(c**2 for c in self.coefficients(var)), 0)

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return self.function(h)

    def _project(self, function: Callable[[Array], Array], var: Array) -> list[Array]:
        """E function(sigma g) he_j(g) / sqrt(j!) for j < terms."""
        points, weights = _rule(self.nodes)
        values = function(root(var)[None] * jnp.asarray(points, var.dtype).reshape(-1, *[1] * var.ndim))
        basis = jnp.asarray(_basis(points, self.terms) * weights, var.dtype)
        return list(jnp.tensordot(basis, values, 1))


def _derivative(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda h: jax.jvp(function, (h,), (jnp.ones_like(h),))[1]


def _rule(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for expectations over a standard normal."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return points, weights / weights.sum()


def _basis(points: np.ndarray, terms: int) -> np.ndarray:
    """he_j / sqrt(j!) at the points, (terms, points), by the recurrence of the normalised polynomials."""
    rows = [np.ones_like(points), points]
    for j in range(1, terms - 1):
        rows.append((points * rows[j] - math.sqrt(j) * rows[j - 1]) / math.sqrt(j + 1))
    return np.stack(rows[:terms])
