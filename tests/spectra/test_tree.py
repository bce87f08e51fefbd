"""Trees of patches and their spectra: known values, sectors, refusals."""

import numpy as np
import pytest

from ntkit.spectra import PatchTree, funk_hecke, leading_term, tree_spectrum
from ntkit.spectra._exponentials import exponents, lift, one_minus_dual
from ntkit.spectra._tree import check_integer

DEEP = PatchTree(2, (2, 2))


@pytest.mark.parametrize("tops", [1, 3])
@pytest.mark.parametrize("dim", [2, 3, 6])
def test_one_hidden_layer_is_a_sum_of_dot_product_kernels(dim, tops):
    tree = PatchTree(dim, tops=tops)

    def tangent(theta):
        k0, k1 = 1 - theta / np.pi, (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / np.pi
        return k0 * np.cos(theta) + k1

    expected = funk_hecke(tangent, dim, range(1, 41))
    found = tree_spectrum(tree, 40).sector(1)
    assert (found.labels.max(axis=1) == np.arange(1, 41)).all()
    assert (abs(tops * found.values - expected.eigenvalues) <= tops * found.errors + expected.errors).all()
    assert tree_spectrum(tree, 1).eigenvalues([[0] * tops]).values[0] == pytest.approx(
        funk_hecke(tangent, dim, [0]).eigenvalues[0], rel=1e-13
    )


def test_a_sum_of_patches_has_no_eigenvalue_across_them():
    found = tree_spectrum(PatchTree(2, (2,), tops=2), 3).eigenvalues([[0, 1, 1, 0], [3, 3, 1, 2], [3, 3, 0, 0]])
    assert found.values[:2].tolist() == [0, 0]
    assert found.values[2] > 0
    assert PatchTree(2, (2,), tops=2).sectors(found.labels).tolist() == [3, 3, 2]


@pytest.mark.parametrize(("kind", "nu"), [("ntk", 0.5), ("nngp", 1.5)])
def test_eigenvalues_fall_as_the_dimension_of_their_meta_patch_says(kind, nu):
    tree = PatchTree(3, (2,))
    k = np.array([40, 80])
    found = tree_spectrum(tree, 80, kind=kind).eigenvalues(np.stack([k, k], axis=1))
    assert found.resolved(1e-3).all()
    slope = np.log(found.values[1] / found.values[0]) / np.log((k[1] + 0.5) / (k[0] + 0.5))
    assert slope == pytest.approx(-2 * nu - tree.effective_dim(2), abs=0.1)


@pytest.mark.parametrize("parity", [0, 1])
def test_labels_in_one_patch_have_the_constant_of_its_kinks(parity):
    # Of layer 1, k0(t) t + k1(t) has the kinks -theta / pi at 0 and at pi; layer 2 multiplies by k0(S) / 2, of which the other
    # patch is averaged. On the sphere in three dimensions its cosine is uniform.
    k = np.array([200, 400]) + parity
    found = tree_spectrum(PatchTree(3, (2,)), 401).eigenvalues(np.stack([k, 0 * k], axis=1))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    other = 1 - np.add(1 - nodes, one_minus_dual(1 - nodes)[0])  # k1 of the other patch's cosine
    near, far = (weights @ (1 + one_minus_dual(1 - (end + other) / 2)[1]) / 4 for end in (1, 0))  # k1 is 1 at 0, 0 at pi
    ratio = found.values / leading_term(3, k, at_zero=-near / np.pi, at_pi=-far / np.pi)
    assert (abs(ratio - 1) < 12 / k).all()  # the next term is that of sector 2, of relative order 1 / k^2
    assert abs(ratio[1] - 1) < 0.5 * abs(ratio[0] - 1)
    assert found.resolved(1e-3).all()


def test_labels_in_any_order_of_siblings_and_from_the_sector_are_the_same():
    spectrum = tree_spectrum(DEEP, 4)
    rows = [[1, 0, 2, 4], [0, 1, 2, 4], [4, 2, 0, 1], [1, 0, 4, 2]]
    found = spectrum.eigenvalues(rows)
    assert np.ptp(found.values) == 0
    assert spectrum.eigenvalues([[1, 2, 0, 4]]).values != found.values[0]
    sector = spectrum.sector(3)
    (where,) = np.nonzero((sector.labels == [0, 1, 2, 4]).all(axis=1))
    assert sector.values[where] == pytest.approx(found.values[:1], rel=1e-6)
    assert DEEP.multiplicities(rows)[0] == 2**3 * 2**3


@pytest.mark.parametrize("tree", [DEEP, PatchTree(3, (3,), 2), PatchTree(2, (), 3), PatchTree(4, (2,))])
def test_sectors_hold_every_label_once(tree):
    top = 3
    spectrum = tree_spectrum(tree, top)
    rows = np.stack(np.meshgrid(*[range(top + 1)] * tree.patches, indexing="ij"), axis=-1).reshape(-1, tree.patches)
    sectors = tree.sectors(rows)
    singles = tree_spectrum(PatchTree(tree.patch_dim), top)
    harmonics = np.array(singles.tree.multiplicities(np.arange(top + 1)[:, None]))[rows].prod(axis=1)
    for sector in range(tree.depth + 1):
        found = spectrum.sector(sector)
        assert (tree.sectors(found.labels) == sector).all()
        assert sum(tree.multiplicities(found.labels)) == harmonics[sectors == sector].sum()
    assert spectrum.sector(tree.depth, 0).values.shape == (0,)


def test_multiplicities_are_exact_where_floats_are_not():
    (count,) = PatchTree(30, (2,)).multiplicities([[20, 21]])
    singles = [PatchTree(30).multiplicities([[k]])[0] for k in (20, 21)]
    assert count == 2 * singles[0] * singles[1] > 2**53


def test_multiplicities_of_many_siblings_are_exact():
    tree = PatchTree(2, (25,))
    assert tree.multiplicities([[1] * 25, [1] * 24 + [0]]) == [2**25, 25 * 2**24]


def test_no_labels_have_no_eigenvalues():
    none = np.zeros((0, 4), int)
    found = tree_spectrum(DEEP, 3).eigenvalues(none)
    assert found.labels.shape == (0, 4)
    assert found.values.shape == found.errors.shape == DEEP.sectors(none).shape == (0,)
    assert DEEP.multiplicities(none) == []


@pytest.mark.parametrize("dim", [100, 5000])
def test_patches_of_many_numbers(dim):
    # S = t at first order: the eigenvalue of t is its coefficient over dim, that of a linear function of all patches.
    found = tree_spectrum(PatchTree(dim, (2,)), 4).eigenvalues([[0, 0], [1, 0], [1, 1]])
    assert found.resolved(1e-5).all()
    at_zero = PatchTree(dim, (2,)).kernel([np.pi / 2, np.pi / 2])
    assert abs(found.values[0] / at_zero - 1) < 1 / dim
    step = 1e-4
    slope = (PatchTree(dim, (2,)).kernel([np.pi / 2 - step, np.pi / 2]) - at_zero) / step
    assert abs(found.values[1] * dim / slope - 1) < 1 / dim**0.5


def test_effective_dimension_of_a_target():
    assert [DEEP.effective_dim(sector) for sector in range(4)] == [0, 1, 2, 4]
    assert PatchTree(5, (3, 2)).effective_dim(2) == 12
    assert DEEP.effective_dim(DEEP.sectors([[3, 0, 0, 0], [0, 0, 1, 1]]).max()) == 2


def test_eigenfunctions_are_orthonormal():
    tree = PatchTree(3, (2,))
    nodes, weights = np.polynomial.legendre.leggauss(12)
    around = np.arange(24) * np.pi / 12
    sine = np.sqrt(1 - nodes**2)
    sphere = np.stack([np.outer(sine, np.cos(around)), np.outer(sine, np.sin(around)), np.repeat(nodes[:, None], 24, 1)], -1)
    sphere, each = sphere.reshape(-1, 3), np.repeat(weights / 48, 24)
    poles = np.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0]])
    first, second = np.divmod(np.arange(len(sphere) ** 2), len(sphere))
    x = np.stack([sphere[first], sphere[second]], axis=1)
    values = tree.eigenfunctions([[0, 0], [1, 0], [0, 2], [3, 2]], x, poles)
    np.testing.assert_allclose(values.T @ ((each[first] * each[second])[:, None] * values), np.eye(4), atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PatchTree(1), "patch_dim must be an integer, at least 2, got 1"),
        (lambda: PatchTree(2, (2, 1)), r"branching\[1\] must be an integer, at least 2, got 1"),
        (lambda: PatchTree(2, (), 0), "tops must be an integer, at least 1, got 0"),
        (lambda: PatchTree(2, (2,), True), "tops must be an integer, at least 1, got True"),
        (lambda: DEEP.effective_dim(4), "sector must be an integer, 0 to 3, got 4"),
        (lambda: DEEP.sectors([[1, 2]]), r"labels must be integers of shape \(n, 4\), a degree for each patch, got int64 of"),
        (lambda: DEEP.sectors([[1.0, 2, 3, 4]]), "got float64 of shape"),
        (lambda: DEEP.sectors(np.full((1, 4), 2**63, np.uint64)), r"labels must be at most 2\*\*62, got 9223372036854775808"),
        (lambda: DEEP.multiplicities([[1, -2, 3, 4]]), "labels must be at least 0, got -2"),
        (lambda: DEEP.kernel([0.0, 0.0]), r"angles must have shape \(..., 4\), one for each patch, got \(2,\)"),
        (lambda: DEEP.kernel([[0.0, 0.0, -1.0, 4.0]]), r"angles must lie in \[0, pi\], got -1.0 \(and 1 more outside\)"),
        (lambda: DEEP.kernel([0.0, 0.0, 0.0, np.nan]), r"angles must lie in \[0, pi\], got nan"),
        (
            lambda: DEEP.eigenfunctions([[0] * 4], np.ones((5, 4, 2)), np.ones((4, 2))),
            "x must consist of unit vectors, got one",
        ),
        (lambda: DEEP.eigenfunctions([[0] * 4], np.zeros((5, 4, 3)), np.zeros((4, 2))), "x and poles must have shapes"),
        (lambda: tree_spectrum(DEEP, -1), "max_degree must be an integer, at least 0, got -1"),
        (lambda: tree_spectrum(DEEP, 3, kind="rfk"), "kind must be 'ntk' or 'nngp', got 'rfk'"),
        (lambda: tree_spectrum(DEEP, 3).eigenvalues([[4, 0, 0, 0]]), "labels must be at most max_degree = 3, got 4"),
        (lambda: tree_spectrum(DEEP, 3).sector(4), "sector must be an integer, 0 to 3, got 4"),
        (lambda: tree_spectrum(DEEP, 3).sector(3, 4), "max_degree must be an integer, 0 to 3, got 4"),
        (lambda: tree_spectrum(DEEP, 200).sector(3), r"max_degree must leave at most 2\*\*25 sets of labels, got 200"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", [2.0, 2.5, float("nan"), float("inf"), "2", None, True, np.array([2, 3]), 5, 0])
def test_integers_only(value):
    assert check_integer("tops", np.int64(2), 1, 4) == 2
    with pytest.raises(ValueError, match="tops must be an integer, 1 to 4, got "):
        check_integer("tops", value, 1, 4)


def fit_errors(ratio, children):
    """Of exp(-a u), and relative to their singular parts, of u exp(-a u) and k0(1 - y) exp(-a u); beyond rounding."""
    most = 1e8
    fit, b = lift(ratio, most, children), exponents(ratio, most)
    y = np.geomspace(30 / most, 1, 301)
    rest, kink = one_minus_dual(y)
    basis = np.exp(-np.outer(b, y))
    a = np.zeros((1, 1)) if children is None else b[:, None] / children
    decay = np.exp(-a * (y + rest))
    parts = (fit.plain, decay, 1), (fit.mean, (y + rest) * decay, y**1.5), (fit.slope, (1 + kink) * decay, y**0.5)
    rounding = [4 * np.finfo(float).eps * (np.abs(found) @ basis) for found, _, _ in parts]
    errors = [np.abs(found @ basis - exact) for found, exact, _ in parts]
    return [np.max((e - r) / scale) for e, r, (_, _, scale) in zip(errors, rounding, parts, strict=True)]


def test_fits_converge_exponentially_relative_to_the_singular_part():
    coarse, fine, finest = (fit_errors(ratio, None) for ratio in (2.0, 2**0.5, 2**0.25))
    assert max(coarse) < 1e-4
    assert max(fine) < 1e-9
    assert max(finest) < 1e-11


@pytest.mark.parametrize("children", [2, 3, 9])
def test_what_parents_need_is_fitted_too(children):
    plain, mean, slope = fit_errors(2**0.5, children)
    assert plain < 2e-6
    assert mean < 1e-2  # where exp(-a y) is steep, its own size counts, and that of the singular part is less
    assert slope < 1e-2
