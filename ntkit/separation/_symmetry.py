"""Groups under which tasks keep their law and learners are equivariant."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Inputs = Float[np.ndarray, "n patches dim"]
Action = Callable[[Inputs], Inputs]


@dataclass(frozen=True)
class Symmetry:
    """A group that acts on inputs of shape (n, patches, dim).

    Attributes:
        name: of the group.
        draw: generator, patches and dim -> a random element, a function of the inputs; where an element may differ from
            sample to sample, every call of the function draws its own.

    Example:
        >>> act = ORTHOGONAL.draw(np.random.default_rng(0), 2, 3)
        >>> x = np.ones((1, 2, 3))
        >>> bool(np.isclose(np.linalg.norm(act(x)), np.linalg.norm(x)))
        True
    """

    name: str
    draw: Callable[[np.random.Generator, int, int], Action]

    def __repr__(self) -> str:
        return f"Symmetry({self.name!r})"


def haar(rng: np.random.Generator, dim: int) -> Float[np.ndarray, "dim dim"]:
    """A random orthogonal matrix, uniform: QR of a Gaussian one with the signs of R's diagonal (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(dim, dim)))
    return np.asarray(q * np.sign(np.diag(r)))


def _orthogonal(rng: np.random.Generator, patches: int, dim: int) -> Action:
    matrix = haar(rng, patches * dim)
    return lambda x: (x.reshape(len(x), -1) @ matrix.T).reshape(x.shape)


def _patchwise(rng: np.random.Generator, patches: int, dim: int) -> Action:
    matrices, order = np.stack([haar(rng, dim) for _ in range(patches)]), rng.permutation(patches)
    return lambda x: np.einsum("nkd,ked->nke", x, matrices)[:, order]


def _common(rng: np.random.Generator, patches: int, dim: int) -> Action:
    matrix, permute = haar(rng, dim), _tokens(rng, patches, dim)
    return lambda x: permute(x @ matrix.T)


def _tokens(rng: np.random.Generator, patches: int, dim: int) -> Action:
    return lambda x: np.take_along_axis(x, rng.permuted(np.tile(np.arange(patches), (len(x), 1)), axis=1)[:, :, None], axis=1)


def _sign(rng: np.random.Generator, patches: int, dim: int) -> Action:
    sign = rng.choice([-1.0, 1.0])
    return lambda x: sign * x


NONE = Symmetry("none", lambda rng, patches, dim: lambda x: x)
ORTHOGONAL = Symmetry("all rotations and reflections of the whole input", _orthogonal)
PATCHWISE = Symmetry("a rotation or reflection for each patch, and a permutation of the patches", _patchwise)
COMMON = Symmetry("one rotation or reflection for all patches, and a permutation of the patches for each sample", _common)
TOKENS = Symmetry("a permutation of the patches for each sample", _tokens)
SIGN = Symmetry("x and -x", _sign)
