"""Trees of patches: the shape of a convolutional network without overlaps, and the eigenfunctions of its kernels."""

from dataclasses import dataclass
from functools import cached_property
from math import factorial, prod
from operator import index
from typing import Any, SupportsIndex

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ntkit.kernels import Conv, Dense, Flatten, Layer, Network, Relu, serial
from ntkit.spectra._exponentials import one_minus_dual
from ntkit.spectra._harmonics import gegenbauer, multiplicity


@dataclass(frozen=True)
class PatchTree:
    """A ReLU network of convolutions without overlaps; the patches of its inputs lie on unit spheres.

    Layer 1 sees patches of `patch_dim` numbers, layer l + 1 sees `branching[l - 1]` neighbours of layer l, and the output is a
    dense layer on the `tops` nodes that are left. So a node of layer l sees a meta-patch. With t the cosine between the same
    patches of two inputs, the kernels (nngp S, ntk T) are, with means over the children of a node, at last over the tops,

        S_1 = T_1 = t,   S_(l+1) = mean k1(S_l),   T_(l+1) = mean (k0(S_l) T_l) + S_(l+1),

    k0(t) = 1 - arccos(t) / pi and k1(t) = t k0(t) + sqrt(1 - t^2) / pi. At equal inputs S is 1 and T is depth + 1.

    For independent uniform patches, eigenfunctions are products of spherical harmonics, of degree k_i for the i-th patch, and
    eigenvalues depend on the labels (k_1, ..., k_p), up to the order of siblings.

    Attributes:
        patch_dim: numbers in a patch, at least 2 (the circle).
        branching: children of the nodes of layers 2, 3, ..., at least 2 each; empty for one hidden layer.
        tops: nodes of the last layer, at least 1.

    Raises:
        ValueError: a number is out of range.

    Example:
        >>> tree = PatchTree(patch_dim=2, branching=(2, 2))
        >>> tree.patches, tree.depth, tree.kernel([[0.0, 0.0, 0.0, 0.0]]).tolist()
        (4, 3, [4.0])
        >>> tree.sectors([[5, 0, 0, 0], [3, 1, 0, 0], [3, 0, 0, 1]]).tolist()  # in a patch, in a pair, across
        [1, 2, 3]

    Source: Cagnetta, Favero and Wyart (2023), hierarchical kernels (from memory).
    """

    patch_dim: int
    branching: tuple[int, ...] = ()
    tops: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "patch_dim", check_integer("patch_dim", self.patch_dim, 2))
        object.__setattr__(self, "tops", check_integer("tops", self.tops, 1))
        if not isinstance(self.branching, (tuple, list)):
            raise ValueError(
                f"branching must be a tuple of integers, one for each layer beyond the first, got {self.branching!r}"
            )
        branching = tuple(check_integer(f"branching[{i}]", children, 2) for i, children in enumerate(self.branching))
        object.__setattr__(self, "branching", branching)

    @property
    def depth(self) -> int:
        """Hidden layers, which is also the highest sector."""
        return len(self.branching) + 1

    @property
    def patches(self) -> int:
        """Of an input."""
        return self.sizes[-1] * self.tops

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Patches in a meta-patch of layers 1, 2, ..., depth."""
        return tuple(prod(self.branching[:layer]) for layer in range(self.depth))

    def effective_dim(self, sector: SupportsIndex) -> int:
        """d_eff: the dimension of a meta-patch of layer `sector`, a product of spheres; 0 for sector 0, the constants."""
        layer = check_integer("sector", sector, 0, self.depth)
        return (self.patch_dim - 1) * self.sizes[layer - 1] if layer else 0

    def sectors(self, labels: ArrayLike) -> Int[np.ndarray, " n"]:
        """The layer of the smallest meta-patch that holds all non-zero labels of a row.

        0 if there are none; depth + 1 if none holds them: their eigenvalue is 0, since two tops are joined by a sum only.
        The effective dimension of a target is `effective_dim` of the highest sector among its labels.
        """
        active = self.check_labels(labels) > 0
        out = np.full(len(active), self.depth + 1)
        for layer in range(self.depth, 0, -1):
            size = self.sizes[layer - 1]
            nodes = active.reshape(len(active), self.patches // size, size).any(axis=2)
            out[nodes.sum(axis=1) == 1] = layer
        out[~active.any(axis=1)] = 0
        return out

    def multiplicities(self, labels: ArrayLike) -> list[int]:
        """How many eigenfunctions have these labels or those with siblings exchanged, exactly.

        Example:
            >>> PatchTree(2, (2,)).multiplicities([[0, 0], [1, 0], [2, 1]])  # cosines and sines, in both orders
            [1, 4, 8]
        """
        which = self.check_labels(labels)
        degrees = range(int(which.max(initial=0)) + 1)
        counts = np.array([multiplicity(self.patch_dim, k) for k in degrees], dtype=object)
        for children in (*self.branching, self.tops):
            nodes, which = distinct_nodes(which, children)
            # repeats: a product of factorials, which 64 bits hold up to 20!
            run, repeats = np.ones(len(nodes), np.int64), np.ones(len(nodes), np.int64 if children <= 20 else object)
            for i in range(1, children):
                run = np.where(nodes[:, i] == nodes[:, i - 1], run + 1, 1)
                repeats = repeats * run
            arrangements = factorial(children) // repeats.astype(object)
            counts = arrangements * prod(counts[nodes[:, i]] for i in range(children))
        return [int(count) for count in counts[which[:, 0]]]

    def kernel(self, angles: ArrayLike, kind: str = "ntk") -> Float[np.ndarray, "..."]:
        """The kernel between inputs whose patches are these angles apart, in [0, pi], shape (..., patches)."""
        check_kind(kind)
        theta = np.asarray(angles, dtype=np.float64)
        if theta.ndim == 0 or theta.shape[-1] != self.patches:
            raise ValueError(f"angles must have shape (..., {self.patches}), one for each patch, got {theta.shape}")
        outside = ~((theta >= 0) & (theta <= np.pi))
        if outside.any():
            raise ValueError(f"angles must lie in [0, pi], got {theta[outside][0]} (and {outside.sum() - 1} more outside)")
        y = 2 * np.sin(theta / 2) ** 2  # 1 - S, without its cancellation
        excess = -y  # T - 1, or S - 1
        for children in (*self.branching, self.tops):
            rest, kink = one_minus_dual(y)
            excess = ((1 + kink) * (1 + excess) if kind == "ntk" else 0) - y - rest
            shape = (*y.shape[:-1], y.shape[-1] // children, children)
            y, excess = (y + rest).reshape(shape).mean(axis=-1), excess.reshape(shape).mean(axis=-1)
        return np.asarray(1 + excess[..., 0])

    def network(self) -> Network:
        """The same network for `ntkit.kernels`: inputs (n, patches * patch_dim, 1), whose patches have norm sqrt(patch_dim)."""
        layers: list[Layer] = [Conv((self.patch_dim,), stride=(self.patch_dim,)), Relu()]
        for children in self.branching:
            layers += [Conv((children,), stride=(children,), w_std=2**0.5), Relu()]
        return serial(*layers, Flatten(), Dense(2**0.5))

    def eigenfunctions(self, labels: ArrayLike, x: ArrayLike, poles: ArrayLike) -> Float[np.ndarray, "n m"]:
        """Some eigenfunctions, prod_i sqrt(N(k_i)) P_(k_i)(<x_i, pole_i>), of mean square 1; orthogonal for different labels.

        With other poles, or on the circle (patch_dim 2) with two of them, they span all eigenfunctions of these labels.

        Args:
            labels: degrees, shape (m, patches).
            x: inputs, unit vectors in patches, shape (n, patches, patch_dim).
            poles: a unit vector for each patch, shape (patches, patch_dim).
        """
        k = self.check_labels(labels)
        units, axes = np.asarray(x, dtype=np.float64), np.asarray(poles, dtype=np.float64)
        shape = (self.patches, self.patch_dim)
        if units.ndim != 3 or units.shape[1:] != shape or axes.shape != shape:
            raise ValueError(f"x and poles must have shapes (n, *{shape}) and {shape}, got {units.shape} and {axes.shape}")
        for name, given in (("x", units), ("poles", axes)):
            off = np.abs(np.linalg.norm(given, axis=-1) - 1).max(initial=0)
            if not off < 1e-6:
                raise ValueError(f"{name} must consist of unit vectors, got one whose norm differs from 1 by {off:.3g}")
        out = np.ones((len(units), len(k)))
        for i in range(self.patches):
            half = np.linalg.norm(units[:, i] - axes[i], axis=1) / 2  # sin of half the angle
            theta = 2 * np.arcsin(np.minimum(half, 1))
            degrees, which = np.unique(k[:, i], return_inverse=True)
            scale = np.sqrt([float(multiplicity(self.patch_dim, degree)) for degree in degrees.tolist()])
            out *= (scale[:, None] * gegenbauer(self.patch_dim, degrees, theta))[which].T
        return out

    def check_labels(self, labels: ArrayLike) -> Int[np.ndarray, "n patches"]:
        """Labels as integers of shape (n, patches), or a ValueError."""
        given = np.asarray(labels)
        if given.ndim != 2 or given.shape[1] != self.patches or given.dtype.kind not in "iu":
            raise ValueError(
                f"labels must be integers of shape (n, {self.patches}), a degree for each patch, "
                f"got {given.dtype} of shape {given.shape}"
            )
        if (given < 0).any():
            raise ValueError(f"labels must be at least 0, got {given.min()}")
        if given.max(initial=0) > 2**62:
            raise ValueError(f"labels must be at most 2**62, got {given.max()}")
        return given.astype(np.int64)


def check_kind(kind: str) -> None:
    """Refuse what is no kind of kernel."""
    if kind not in ("ntk", "nngp"):
        raise ValueError(f"kind must be 'ntk' or 'nngp', got {kind!r}")


def distinct_nodes(
    which: Int[np.ndarray, "n nodes"], children: int
) -> tuple[Int[np.ndarray, "distinct children"], Int[np.ndarray, "n parents"]]:
    """The different sets of siblings among numbered nodes, in order, and which of them each parent has."""
    siblings = np.sort(which.reshape(which.size // children, children), axis=1)
    base = int(siblings.max(initial=0)) + 1
    if base**children < 2**62:  # as one number: sorting rows is slow
        codes = siblings @ base ** np.arange(children)[::-1]
        _, first, which_one = np.unique(codes, return_index=True, return_inverse=True)
        nodes = siblings[first]
    else:
        nodes, which_one = np.unique(siblings, axis=0, return_inverse=True)
    return nodes, which_one.reshape(len(which), which.shape[1] // children)


def check_integer(name: str, value: Any, least: int, most: int | None = None) -> int:
    """An integer in this range, or a ValueError."""
    allowed = f"an integer, at least {least}" if most is None else f"an integer, {least} to {most}"
    try:
        found = index(value)
    except TypeError:
        raise ValueError(f"{name} must be {allowed}, got {value!r}") from None
    if isinstance(value, bool) or found < least or (most is not None and found > most):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return found
