"""Cagnetta, Favero, Wyart (2023): the spectra of deep convolutional kernels, sector by sector."""

from functools import cache, reduce
from itertools import product
from math import gamma, pi
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from scipy.special import roots_legendre

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Series, Sides, Slope, Trial
from ntkit.spectra import PatchTree, TreeSpectrum, gegenbauer, torus_spectrum, tree_spectrum

paper = Paper(
    key="cagnetta2023",
    title="What Can Be Learnt With Wide Convolutional Neural Networks?",
    authors="Francesco Cagnetta, Alessandro Favero, Matthieu Wyart",
    year=2023,
    arxiv="2208.01003",
)

Floats = Float[np.ndarray, "..."]

NU = {"ntk": 0.5, "nngp": 1.5}
PAIRS = tuple(PatchTree(dim, (2,)) for dim in (2, 3, 4))  # s = (2, 2), (3, 2), (4, 2)
DEEP = PatchTree(2, (2, 2))  # s = (2, 2, 2)
DIRECTIONS: tuple[tuple[int, ...], ...] = ((1, 1), (1, 2))
DEEP_DIRECTIONS: tuple[tuple[int, ...], ...] = ((1, 1, 0, 0), (1, 2, 0, 0), (1, 0, 1, 0), (1, 1, 1, 1), (1, 1, 2, 2))
FEW = PatchTree(2, (2, 2, 2)), (1, 0, 0, 0, 1, 0, 0, 0)  # two of eight patches, in different halves
NODES = 200  # of a quadrature, along each axis


@paper.claim(
    "sector-exponents",
    where="theorem 3.1 (number unconfirmed), spectrum of hierarchical kernels",
    kind="theorem",
    checked="memory",
    statement=r"\text{Sector } l \text{: labels } k \text{ inside one meta-patch of layer } l \text{ and in no smaller one. "
    r"For a fixed direction in which all its patches are active, } \Lambda_k \sim |k|^{-2\nu - d(l)},"
    r"\ d(l) = (s_1 - 1) s_2 \cdots s_l,\ \nu = \tfrac{1}{2} \text{ (NTK)},"
    r"\ \tfrac{3}{2} \text{ (NNGP)}; \text{ sector 1: for even and for odd } k",
    # Windows of the claims' protocol: they allow for corrections of order 1 / |k|. The second way: the instrument is good to
    # some 1e-5, and rounding in a quadrature of kernels up to 3 to 2e-15.
    rule=All(
        even=Slope(tol=0.1, refute=0.5),
        odd=Slope(tol=0.1, refute=0.5),
        two=Slope(tol=0.3, refute=0.5),
        three=Slope(tol=0.3, refute=0.5),
        first=Identity(rtol=0, atol=0.1, refute=5),
        pairs=Identity(rtol=0, atol=0.15, refute=10 / 3),
        deep=Identity(rtol=0, atol=0.3, refute=5 / 3),
        quadrature=Identity(rtol=1e-4, atol=2e-15),
    ),
    controls={
        "next-dimension": Control("d(l) + 1 in place of d(l)", parts=("even", "odd", "two", "three", "first", "pairs", "deep")),
        "not-normalised": Control(
            "d(l) = s_1 s_2 ... s_l, as if patches were not on spheres", parts=("even", "odd", "two", "three", "first")
        ),
        "other-kernel": Control("the exponents of the NTK and the NNGP exchanged", parts=("two", "three", "first", "pairs")),
        "larger-patches": Control("patches of s_1 + 1 numbers", parts=("first", "pairs", "quadrature")),
        "ray": Control("labels (k, 1), whose direction is not fixed", parts=("pairs",)),
        "few-active": Control("sector 4 of s = (2, 2, 2, 2), with two of eight patches active", parts=("deep",)),
    },
)
def sector_exponents(trial: Trial) -> dict[str, Series | Sides]:
    r"""Slopes of computed eigenvalues against |k + (s_1 - 2) / 2|; nothing is sampled, and nothing depends on the seed.

    `even` to `three`: the NTK of s = (2, 2, 2), sector 1 at k in [120, 240] for each parity, sectors 2 and 3 along (k, k, 0, 0)
    and (k, k, k, k), k in [10, 30]. `first`, `pairs`, `deep`: the same for both kernels, for s = (2, 2), (3, 2), (4, 2) too,
    and in other directions; where s_1 > 2, sector 1 at k in [30, 100], since rounding ends the NNGP's beyond. `quadrature`:
    all eigenvalues of sector 2 with k <= 30, by tensor quadrature of the kernel in nodes dense towards angle 0.

    Why, and with which constants: see sector-constants. From there, three things about the assumptions:

    - Sector 1 converges slowly, as sector 2 adds a share of order k^(d(1) - d(2)): for s = (2, 2) and odd k the slope is -2.38
      at k in [10, 30], -2.04 at [120, 240] and -2.01 at [500, 1000].
    - Rays with a fixed label, such as (k, 1), have the exponent of sector 1, and no exponent in between. A fit over both
      parities wavers; each alone reaches -2.02 and -2.07 at k in [500, 1000].
    - The theorem needs active patches. Two single patches far apart fall *slower* than it says if d(l) > 2 s_1 + 1, by products
      of their own kinks: k^-6, not k^-9, for the NTK in `few-active`.
    """
    control = trial.control
    octave = trial.scale(quick=1, full=2)
    low, near, high = octave * np.arange(10, 31), np.arange(30, 101), np.arange(120, 241)
    spectra = {
        (tree, kind): _spectrum(_measured(tree, control), 240 if tree.patch_dim == 2 else 120, kind)
        for kind in NU
        for tree in (*PAIRS, DEEP)
    }
    out: dict[str, Series | Sides] = {}
    shown = {"even": (high[::2], (1, 0, 0, 0)), "odd": (high[1::2], (1, 0, 0, 0))}
    shown |= {"two": (low, (1, 1, 0, 0)), "three": (low, (1, 1, 1, 1))}
    for part, (k, row) in shown.items():
        x, y = _curve(spectra[DEEP, "ntk"], np.outer(k, row))
        sector = int(DEEP.sectors([row])[0])
        out[part] = Series(x, y, _exponent(DEEP, sector, "ntk", control), x_label="|k|", y_label="eigenvalue")
    slopes: dict[str, list[tuple[float, float]]] = {"first": [], "pairs": [], "deep": []}
    for (tree, kind), spectrum in trial.progress(spectra.items()):
        first = high if tree.patch_dim == 2 else near
        for k in (first[first % 2 == 0], first[first % 2 == 1]):
            rows = np.pad(k[:, None], ((0, 0), (0, tree.patches - 1)))
            slopes["first"].append((_slope(*_curve(spectrum, rows)), _exponent(tree, 1, kind, control)))
        for direction in DIRECTIONS if tree in PAIRS else DEEP_DIRECTIONS:
            rows, sector = np.outer(low, direction), int(tree.sectors([direction])[0])
            if control == "ray" and tree in PAIRS:
                rows[:, 1] = 1
            part = "pairs" if tree in PAIRS else "deep"
            slopes[part].append((_slope(*_curve(spectrum, rows)), _exponent(tree, sector, kind, control)))
    if control == "few-active":
        tree, few = FEW
        for kind in NU:
            slope = _slope(*_curve(_spectrum(tree, 60, kind), np.outer(low, few)))
            slopes["deep"].append((slope, _exponent(tree, tree.depth, kind, control)))
    for part, pairs in slopes.items():
        out[part] = Sides(*np.transpose(pairs), x_label="slope", y_label="-2 nu - d(l)")
    rows = np.array(list(product(range(1, 31), repeat=2)))
    grids = [_by_quadrature(tree, kind, 30)[1:, 1:].ravel() for tree in PAIRS for kind in NU]
    computed = [spectra[tree, kind].eigenvalues(rows).values for tree in PAIRS for kind in NU]
    out["quadrature"] = Sides(computed, grids, x_label="eigenvalue", y_label="by quadrature")
    return out


@paper.claim(
    "sector-constants",
    where="sectors as in the spectrum of hierarchical kernels; the constants are ours",
    kind="derived",
    checked="memory",
    statement=r"\Lambda_k = \sum_{m \ge l} C_m |k|^{-2\nu - d(m)} \left(1 + O(|k|^{-1})\right) \text{ if all patches "
    r"of the meta-patch are active, or } d(l) \le 2 s_1;\ C_m = W_m a_m "
    r"\frac{2^{D + 2\nu} \pi^{D/2}\, \Gamma(D/2 + \nu)}{\Gamma(-\nu)\, |S^{s_1 - 1}|^n},\ n = s_2 \cdots s_m,"
    r"\ D = d(m),\ a_m = -\frac{m}{\pi \sqrt{n}} \text{ (NTK)}, \frac{1}{3 \pi n^{3/2}} \text{ (NNGP)},"
    r"\ W_m = \mathbb{E} \prod_{j > m} \frac{k_0(S_j)}{s_j} \text{ given angle 0 in the meta-patch};"
    r"\ \text{to } C_1 \text{ angle } \pi \text{ adds } (-1)^k C_1';"
    r"\ \text{two single patches in a large node have } |k|^{-2\nu - 2 s_1 - 1}",
    # Corrections are of order 1 / |k|, of 1 / |k|^2 in sector 1: pilots had up to 3.1 % at these labels.
    rule=All(
        constants=Identity(rtol=0.04, refute=2),
        rays=Identity(rtol=0.04, refute=2),
        few=Identity(rtol=0, atol=0.1, refute=5),
    ),
    controls={
        "one-layer": Control("m = 1 in a_m: only one layer has a kink", parts=("constants",)),
        "unconditional": Control("W_m with all patches random, not those of the meta-patch at 0", parts=("constants", "rays")),
        "own-sector": Control("the term m = l alone", parts=("constants",)),
        "maximum": Control("|k| as the largest label, not the Euclidean norm", parts=("constants",)),
        "all-active": Control("the exponent of the sector where two of many patches are active", parts=("few",)),
    },
)
def sector_constants(trial: Trial) -> dict[str, Sides]:
    r"""Eigenvalues at random labels, in all sectors of s = (2, 2), (3, 2), (4, 2) and (2, 2, 2), of both kernels.

    Labels are random in [120, 240], each 0 half of the time; one that is left alone, in [60, 80], since rounding ends
    eigenvalues of single patches: that of the NNGP of (4, 2) at 100 is known to 1 % only.
    |k| is the norm of the labels that are not 0, each with (s_1 - 2) / 2 added.

    The kernel is singular where all angles of a meta-patch are 0. With y = 1 - S_m = |theta|^2 / 2n there, arccos S_m is
    |theta| / sqrt(n), and the layer computes k0(S_m) T_m + k1(S_m) with T_m = m: a kink -m |theta| / (pi sqrt(n)), or, in k1,
    |theta|^3 / (3 pi n^(3/2)). Layers above it multiply by k0(S_j) / s_j, averaged over the other patches: W_m. A harmonic is
    locally a plane wave averaged over directions, so that the eigenvalue is the Fourier transform of |theta|^(2 nu) in D
    dimensions, isotropic: C depends on no direction. Labels in a meta-patch see all larger ones, too: the sum over m.
    Single patches have an antipode, where k0(t) t has the same kink (k1 the same |theta|^3): constants of even and odd k.

    For s = (2, 2) the NTK has sqrt(2) / (2 pi^2) in sector 2 and E[k0((1 + k1(t)) / 2) +- k0(k1(t) / 2)] / (2 pi^2) in sector
    1, 0.0675 for even k and 0.0101 for odd k; the NNGP has twice that in sector 1.

    `rays`: (k, j), j = 1, 2, 3 fixed, k in [120, 240]: sector 1's law with P_j in the average, and sector 2's term. `few`: two
    single patches, (k, k, 0, ...) in a node with 9 children or far apart among 8. S has |theta|^3 in each patch, k0(S) T a kink
    |theta| of one times |theta|^3 of another (k1(S) two of the latter), and the product of their transforms falls as
    k^-(2 nu + 2 s_1 + 1), whatever d(l) is; with all patches active it falls faster than the sector.
    Slopes at k in [120, 240].
    """
    random = np.random.default_rng(np.asarray(jax.random.key_data(trial.key)))
    measured, predicted = [], []
    for tree, kind in trial.progress(list(product((*PAIRS, DEEP), NU))):
        rows = _random_labels(tree, random, trial.scale(quick=40, full=400))
        measured.append(_spectrum(tree, 240, kind).eigenvalues(rows).values)
        predicted.append(_predicted(tree, kind, rows, trial.control))
    rays = [_ray(kind, trial.control) for kind in NU]
    few = []
    for (tree, direction), kind in product((FEW, (PatchTree(2, (9,)), (1, 1, *[0] * 7))), NU):
        rows = np.outer(np.arange(120, 241, 2), direction)
        slope = _slope(*_curve(_spectrum(tree, 240, kind), rows))
        other = -2 * NU[kind] - tree.effective_dim(tree.depth)
        few.append((slope, other if trial.control == "all-active" else -2 * NU[kind] - 5))
    return {
        "constants": Sides(np.concatenate(measured), np.concatenate(predicted), x_label="eigenvalue", y_label="predicted"),
        "rays": Sides(*np.concatenate(rays, axis=1), x_label="eigenvalue of (k, j)", y_label="predicted"),
        "few": Sides(*np.transpose(few), x_label="slope", y_label="of the product"),
    }


@paper.claim(
    "no-cross-modes-in-shallow",
    where="the case of one hidden layer, where the kernel is a sum over patches",
    kind="corollary",
    checked="memory",
    statement=r"L = 1: \Lambda_k = 0 \text{ if two patches or more have } k_i > 0; \quad L \ge 2: \Lambda_k > 0 \text{ for "
    r"every } k \text{ inside one meta-patch of layer } L, \text{ and } 0 \text{ for } k \text{ across two of them}; \quad "
    r"\textstyle\sum_k \Lambda_k = L + 1 \text{ (NTK)}, 1 \text{ (NNGP)}",
    # Rounding: kernels of at most 3, averaged; the quadrature is good to 1e-5. The trace: extrapolated, to 1 / K^2.
    rule=All(
        shallow=Identity(rtol=0, atol=1e-12),
        deep=Inequality(rtol=1e-9),
        quadrature=Identity(rtol=1e-4, atol=1e-12),
        trace=Identity(rtol=1e-4, refute=10),
    ),
    controls={
        "second-layer": Control("a second hidden layer, which joins the patches", parts=("shallow",)),
        "wide-filter": Control("one hidden layer whose filter sees two patches at once", parts=("shallow",)),
        "two-tops": Control("two hidden layers, labels across two meta-patches of the second", parts=("deep",)),
        "one-layer": Control("one hidden layer, labels in a single patch: odd degrees beyond 1 have 0", parts=("deep",)),
        "depth": Control("the trace as L, without the last layer", parts=("trace",)),
        "cut": Control("the trace without what lies beyond k = 80", parts=("trace",)),
    },
)
def no_cross_modes_in_shallow(trial: Trial) -> dict[str, Sides | Bounds]:
    r"""Fourier coefficients of kernels on the torus, and eigenvalues by recursion; nothing depends on the seed.

    `shallow`: one hidden layer, by FFT of the kernel: all coefficients with two or more labels, k <= 30 for two patches, k <= 4
    for four; and across the two meta-patches of two hidden layers. That sums of functions of single patches have none is true
    by construction: it tests the transform. `deep`: all k in [1, 10]^2 and (k, 0), k <= 30, for s = (2, 2) and (3, 2), and all
    of sector 3 with k <= 4 for (2, 2, 2): above 1e-9. `quadrature`: one and two layers, all of [0, 30]^2, a second way.
    `trace`: sums over labels up to 80 and 160 on the torus; the rest is of order 1 / K and is extrapolated.

    Why it is positive, without exception: k1(t) = 1 / pi + t / 2 + even powers of t, all with positive coefficients. So S, the
    mean of k1(t_i), has positive coefficients for 1 and every t_i, its even powers, all of which are in k1(S), for every
    product of powers of the t_i, and a product of powers has positive coefficients for all harmonics of lower degree and the
    same parity. The zeros at odd k > 1 in single patches are those of one hidden layer only.
    """
    control = trial.control
    shallow: list[Floats] = []
    for patches, top, points in ((2, 30, 256), (4, 4, 24)):
        tree = {"second-layer": PatchTree(2, (patches,))}.get(control or "", PatchTree(2, (), patches))
        shallow += [_cross(tree, kind, top, points, control == "wide-filter") for kind in NU]
    shallow += [_cross(PatchTree(2, (2,), 2), kind, 4, 24, False) for kind in NU]
    values = []
    for kind in NU:
        for tree in PAIRS[:2]:
            spectrum = _spectrum(tree, 30, kind)
            values.append(spectrum.eigenvalues(np.array(list(product(range(1, 11), repeat=2)))).values)
            values.append(spectrum.eigenvalues(np.outer(np.arange(1, 31), (1, 0))).values)
        values.append(_spectrum(DEEP, 4, kind).sector(3).values)
        if control == "two-tops":
            values[0] = _spectrum(PatchTree(2, (2,), 2), 1, kind).eigenvalues([[1, 0, 1, 0]]).values
        if control == "one-layer":
            values[0] = _spectrum(PatchTree(2, (), 2), 30, kind).eigenvalues(np.outer(np.arange(1, 31), (1, 0))).values
    rows = np.array(list(product(range(31), repeat=2)))
    both = [(tree, kind) for kind in NU for tree in (PatchTree(2, (), 2), PAIRS[0])]
    grids = [_spectrum(tree, 30, kind).eigenvalues(rows).values.reshape(31, 31) for tree, kind in both]
    traces = [_trace(kind, extrapolated=control != "cut") for kind in NU]
    expected = [2 if control == "depth" else 3, 1]
    return {
        "shallow": Sides(np.concatenate(shallow), np.zeros(sum(map(len, shallow))), x_label="coefficient", y_label="0"),
        "deep": Bounds(np.concatenate(values), lower=1e-9, x_label="label", y_label="eigenvalue"),
        "quadrature": Sides(
            grids, [_by_quadrature(tree, kind, 30) for tree, kind in both], x_label="eigenvalue", y_label="by quadrature"
        ),
        "trace": Sides(traces, expected, x_label="sum of eigenvalues", y_label="kernel at equal inputs"),
    }


@cache
def _spectrum(tree: PatchTree, max_degree: int, kind: str) -> TreeSpectrum:
    """Kept for the next trial: controls ask for the same."""
    return tree_spectrum(tree, max_degree, kind=kind)


def _measured(tree: PatchTree, control: str | None) -> PatchTree:
    """The tree that is measured in place of this one."""
    return PatchTree(tree.patch_dim + (control == "larger-patches"), tree.branching)


def _exponent(tree: PatchTree, sector: int, kind: str, control: str | None) -> float:
    """What the claim predicts."""
    if control == "other-kernel":
        kind = "nngp" if kind == "ntk" else "ntk"
    dim = tree.effective_dim(sector) + (control == "next-dimension")
    if control == "not-normalised":
        dim = tree.patch_dim * tree.sizes[sector - 1]
    return -2 * NU[kind] - dim


def _norms(tree: PatchTree, rows: np.ndarray) -> Floats:
    """Of labels, those of active patches with (s_1 - 2) / 2 added."""
    return np.asarray(np.linalg.norm((rows + (tree.patch_dim - 2) / 2) * (rows > 0), axis=1))


def _curve(spectrum: TreeSpectrum, rows: np.ndarray) -> tuple[Floats, Floats]:
    """Norms of labels and their eigenvalues."""
    return _norms(spectrum.tree, rows), spectrum.eigenvalues(rows).values


def _slope(x: Floats, y: Floats) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _angles(tree: PatchTree, nodes: int) -> tuple[Floats, Floats]:
    """Angles, dense towards 0, and weights for the average over a patch."""
    x, weights = roots_legendre(nodes)
    x = (1 + x) / 2
    theta = pi * x**3
    weights = weights * x**2 * np.sin(theta) ** (tree.patch_dim - 2)
    return theta, weights / weights.sum()


@cache
def _by_quadrature(tree: PatchTree, kind: str, top: int) -> Floats:
    """Averages of the kernel times harmonics of all labels up to a degree."""
    theta, weights = _angles(tree, NODES)
    harmonics = gegenbauer(tree.patch_dim, np.arange(top + 1), theta) * weights
    kernel = tree.kernel(np.stack(np.meshgrid(*[theta] * tree.patches, indexing="ij"), axis=-1), kind)
    return np.asarray(reduce(lambda values, _: np.tensordot(values, harmonics, axes=(0, 1)), range(tree.patches), kernel))


def _cross(tree: PatchTree, kind: str, top: int, points: int, wide: bool) -> Floats:
    """Fourier coefficients across patches, or across tops where these hold more than one patch each.

    wide: of one hidden layer whose filter sees all patches.
    """

    def kernel(*angles: Floats) -> Floats:
        theta = np.abs(np.stack(np.broadcast_arrays(*angles), axis=-1))
        if wide:
            mean = np.arccos(np.clip(np.cos(theta).mean(axis=-1), -1, 1))
            return PatchTree(2).kernel(mean[..., None], kind)
        return tree.kernel(theta, kind)

    found = torus_spectrum(kernel, tree.patches, top, points=points)
    labels = np.abs(np.stack(np.meshgrid(*[found.frequencies] * tree.patches, indexing="ij"), axis=-1))
    groups = tree.tops if tree.tops > 1 else tree.patches
    active = labels.reshape(*labels.shape[:-1], groups, -1).any(axis=-1).sum(axis=-1)
    return np.asarray(found.eigenvalues[active > 1])


def _trace(kind: str, extrapolated: bool) -> float:
    """Sum of all eigenvalues for s = (2, 2), extrapolated from those with labels up to K = 80 and 160."""
    tree, sums = PAIRS[0], []
    spectrum = _spectrum(tree, 160, kind)
    for top in (80, 160):
        found = [spectrum.sector(sector, top) for sector in range(3)]
        sums.append(sum(one.values @ np.array(tree.multiplicities(one.labels), float) for one in found))
    # The rest falls as 1 / (K + 1/2).
    return float(sums[1] + (sums[1] - sums[0]) * 80.5 / 80) if extrapolated else float(sums[0])


def _random_labels(tree: PatchTree, random: np.random.Generator, count: int) -> np.ndarray:
    patterns = np.array(list(product((0, 1), repeat=tree.patches)))[1:]
    active = patterns[random.integers(len(patterns), size=count)]
    single = active.sum(axis=1, keepdims=True) == 1
    return active * np.where(single, random.integers(60, 81, active.shape), random.integers(120, 241, active.shape))


def _predicted(tree: PatchTree, kind: str, rows: np.ndarray, control: str | None) -> Floats:
    """The leading terms of all sectors from a label's own on."""
    norms = rows.max(axis=1) + (tree.patch_dim - 2) / 2 if control == "maximum" else _norms(tree, rows)
    sectors = tree.sectors(rows)
    out = np.zeros(len(rows))
    for layer in range(1, tree.depth + 1):
        terms = _constant(tree, layer, kind, control) * _weight(tree, layer, 1.0, control)
        if layer == 1:
            odd = rows.max(axis=1) % 2
            terms = terms + _constant(tree, 1, kind, control) * _weight(tree, 1, -1.0, control) * (1 - 2 * odd)
        seen = sectors == layer if control == "own-sector" else sectors <= layer
        out += seen * terms * norms ** (-2 * NU[kind] - tree.effective_dim(layer))
    return out


def _constant(tree: PatchTree, layer: int, kind: str, control: str | None) -> float:
    """The Fourier transform of the singularity at angle 0 in a meta-patch, under the uniform probability measure."""
    n, dim, power = tree.sizes[layer - 1], tree.effective_dim(layer), 2 * NU[kind]
    size = -(1 if control == "one-layer" else layer) / (pi * n**0.5) if kind == "ntk" else 1 / (3 * pi * n**1.5)
    sphere = 2 * pi ** (tree.patch_dim / 2) / gamma(tree.patch_dim / 2)
    transform = 2 ** (dim + power) * pi ** (dim / 2) * gamma((dim + power) / 2) / gamma(-power / 2)
    return float(size * transform / sphere**n)


def _weight(tree: PatchTree, layer: int, cosine: float, control: str | None, degree: int = 0) -> float:
    """The average of prod k0(S_j) / s_j over the nodes above a meta-patch of this layer whose patches have this cosine.

    With a degree, times its harmonic of the sibling, for nodes with two patches.
    """
    theta, mass = _angles(tree, 60 if tree.patches > 2 else NODES)
    dual = _k1(np.cos(theta))  # of nodes of a layer, with their masses
    path, weight = np.array([_k1(np.array(cosine))]), np.ones(1)
    if control == "unconditional":
        path, weight = (dual, mass) if layer == 1 else (path, weight)
    for below, children in enumerate(tree.branching, start=1):
        if below >= layer:
            others, masses = _sums(
                dual, mass * gegenbauer(tree.patch_dim, [degree], theta)[0] if degree else mass, children - 1
            )
            s = np.add.outer(path, others).ravel() / children
            weight = np.multiply.outer(weight, masses).ravel() * _k0(s) / children
            path = _k1(s)
        if below < tree.depth - 1:
            dual, mass = _sums(dual, mass, children)
            dual = _k1(dual / children)
    return float(weight.sum()) / tree.tops


def _sums(values: Floats, masses: Floats, count: int) -> tuple[Floats, Floats]:
    """The distribution of a sum of independent copies."""
    total, weight = np.zeros(1), np.ones(1)
    for _ in range(count):
        total, weight = np.add.outer(total, values).ravel(), np.multiply.outer(weight, masses).ravel()
    return total, weight


def _ray(kind: str, control: str | None) -> tuple[Floats, Floats]:
    """Eigenvalues of s = (2, 2) at labels (k, j), j = 1, 2 and 3, and what sectors 1 and 2 make of them."""
    tree = PAIRS[0]
    k = np.arange(120, 241, 7)
    spectrum = _spectrum(tree, 240, kind)
    found, predicted = [], []
    for degree in (1, 2, 3):
        rows = np.stack([k, np.full_like(k, degree)], axis=1)
        at_zero, at_pi = (_weight(tree, 1, cosine, control, degree) for cosine in (1.0, -1.0))
        first = _constant(tree, 1, kind, None) * (at_zero + (1 - 2 * (k % 2)) * at_pi) * k ** (-2 * NU[kind] - 1)
        second = _constant(tree, 2, kind, None) * _norms(tree, rows) ** (-2 * NU[kind] - 2)
        found.append(spectrum.eigenvalues(rows).values)
        predicted.append(first + second)
    return np.concatenate(found), np.concatenate(predicted)


def _k0(u: Floats) -> Any:
    return 1 - np.arccos(np.clip(u, -1, 1)) / pi


def _k1(u: Floats) -> Any:
    return u * _k0(u) + np.sqrt(np.maximum(1 - u**2, 0)) / pi
