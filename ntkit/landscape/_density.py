"""The density of a loss's eigenvalues, by stochastic Lanczos quadrature.

Source: Ubaru, Chen, Saad (2017); Ghorbani, Krishnan, Xiao (2019) for Hessians.
"""

from dataclasses import dataclass

import jax
import numpy as np
import scipy.stats
from jaxtyping import Float, PRNGKeyArray

from ntkit.landscape._curvature import Flat, Vector
from ntkit.landscape._lanczos import Lanczos, ritz
from ntkit.landscape._loss import Loss, Params

POINTS = 512  # of the grid that is made here
MARGIN = 4  # widths that it goes beyond the nodes
WIDTH = 0.01  # of the smoothing, relative to the spectrum, unless asked for


@dataclass(frozen=True, eq=False)
class Density:
    """How the eigenvalues of a symmetric matrix are spread.

    Attributes:
        nodes, weights: of a quadrature, shape (probes, steps): sums of weights times a function of the nodes estimate its mean
            over all eigenvalues, exactly for polynomials of degree 2 steps - 1 but for what the probes do. Weights are at
            least 0 and add up to 1; a probe that ended early has nodes of weight 0.
        grid: where the density is given, shape (points,).
        value: there, smoothed by a Gaussian.
        stderr: the standard error of `value` over the probes.
        interval: its lower and upper end at each point, Student's t at 95 %, shape (2, points).
        width: the standard deviation of the Gaussian.
        hvps: products with the matrix that were taken.
    """

    nodes: Float[np.ndarray, "probes steps"]
    weights: Float[np.ndarray, "probes steps"]
    grid: Float[np.ndarray, " points"]
    value: Float[np.ndarray, " points"]
    stderr: Float[np.ndarray, " points"]
    interval: Float[np.ndarray, "2 points"]
    width: float
    hvps: int

    def moment(self, power: int) -> tuple[float, float]:
        """The mean of a power of the eigenvalues, and its standard error.

        Example:
            >>> found = density(lambda w: w[0] ** 2, jax.numpy.zeros(2), key=jax.random.key(0), probes=2)
            >>> round(found.moment(1)[0], 6)  # of 2 and 0; probes of signs give it exactly
            1.0
        """
        each = (self.weights * self.nodes**power).sum(axis=1) * len(self.weights)
        return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


def density(
    loss: Loss,
    params: Params,
    *,
    key: PRNGKeyArray,
    steps: int = 60,
    probes: int = 8,
    grid: Float[np.ndarray, " points"] | None = None,
    width: float | None = None,
) -> Density:
    """The density of the eigenvalues of a loss's Hessian, or of another `Curvature`.

    Each probe, a vector of signs, takes `steps` products and holds so many vectors of the size of the parameters.

    Args:
        loss: as for `top_eigenpairs`.
        params: likewise.
        key: of the probes.
        steps: of Lanczos, with full reorthogonalisation; at most the number of parameters is taken.
        probes: how many, at least 2.
        grid: increasing numbers; None for 512 that hold all nodes.
        width: of the Gaussian that smooths; None for 1 % of what the nodes span.

    Raises:
        ValueError: `steps` or `probes` is too small, `width` is not above 0, or see `slice_1d` for `loss` and `params`.

    Example:
        >>> found = density(lambda w: w[0] ** 2, jax.numpy.zeros(2), key=jax.random.key(0))
        >>> float(found.weights[abs(found.nodes) < 1e-6].sum().round(6))  # half of the eigenvalues are 0
        0.5
    """
    for name, number, least in (("steps", steps, 1), ("probes", probes, 2)):
        if number < least:
            raise ValueError(f"{name} must be at least {least}, got {number}")
    flat = Flat(loss, params)
    lanczos = Lanczos(flat, steps)
    nodes, weights = np.zeros((probes, lanczos.steps)), np.zeros((probes, lanczos.steps))
    for i, one in enumerate(jax.random.split(key, probes)):
        values, shares = _probed(lanczos, jax.random.rademacher(one, (flat.size,), flat.dtype))
        nodes[i], weights[i, : len(shares)] = values[-1], shares / probes
        nodes[i, : len(values)] = values
    span = float(np.ptp(nodes)) or max(float(abs(nodes).max()), 1.0)
    width = WIDTH * span if width is None else width
    if not 0 < width < np.inf:
        raise ValueError(f"width must be above 0, got {width}")
    if grid is None:
        grid = np.linspace(nodes.min() - MARGIN * width, nodes.max() + MARGIN * width, POINTS)
    grid = np.asarray(grid, float)
    each = np.stack(
        [
            (own[:, None] * scipy.stats.norm.pdf(grid, at[:, None], width)).sum(axis=0) * probes
            for own, at in zip(weights, nodes, strict=True)
        ]
    )
    value, stderr = each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(probes)
    reach = scipy.stats.t.ppf(0.975, probes - 1) * stderr
    return Density(nodes, weights, grid, value, stderr, np.stack([value - reach, value + reach]), width, flat.products)


def _probed(lanczos: Lanczos, start: Vector) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
    """Nodes and weights of one probe; its basis goes before the next one comes."""
    values, columns = ritz(lanczos(start))
    return values, columns[0] ** 2 / (columns[0] ** 2).sum()


def expected_memory(params: Params, hvp: int, steps: int = 60) -> int:
    """Bytes that `density` and `smallest_eigenvalue` hold at most, beyond parameters and data: the basis and four products.

    Args:
        params: the parameters.
        hvp: bytes that one product needs.
        steps: of Lanczos.

    Example:
        >>> expected_memory(jax.numpy.zeros(1000, "float32"), hvp=10_000)  # 62 vectors of 4000 bytes
        288000
    """
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(params))
    return int((steps + 2) * size + 4 * hvp)
