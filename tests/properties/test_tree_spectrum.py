"""Laws of the spectra of trees of patches."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.spectra import PatchTree, tree_spectrum

shapes = st.tuples(st.integers(2, 5), st.lists(st.integers(2, 3), max_size=2).map(tuple), st.integers(1, 2))
kinds = st.sampled_from(["ntk", "nngp"])


@settings(max_examples=20)
@given(shapes, kinds, st.integers(0, 2))
def test_eigenvalues_are_not_negative_and_stay_below_the_trace(shape, kind, top):
    tree = PatchTree(*shape)
    spectrum = tree_spectrum(tree, top, kind=kind)
    total = error = 0.0
    for sector in range(tree.depth + 1):
        found = spectrum.sector(sector)
        counts = np.array(tree.multiplicities(found.labels), dtype=float)
        assert (found.values >= -found.errors).all()
        total += found.values @ counts
        error += found.errors @ counts
    assert total <= tree.kernel(np.zeros(tree.patches), kind) + error


@settings(max_examples=20)
@given(shapes, kinds, st.data())
def test_eigenvalues_of_random_labels_are_those_of_siblings_exchanged(shape, kind, data):
    tree = PatchTree(*shape)
    labels = np.array(data.draw(st.lists(st.integers(0, 4), min_size=tree.patches, max_size=tree.patches)))
    children = (*tree.branching, tree.tops)
    axis = data.draw(st.integers(0, len(children) - 1))
    shaped = labels.reshape(tuple(children[::-1]))
    turned = np.flip(shaped, axis=axis).reshape(-1)
    spectrum = tree_spectrum(tree, 4, kind=kind)
    found = spectrum.eigenvalues([labels, turned])
    assert abs(found.values[0] - found.values[1]) <= 1e-12 * abs(found.values[0])
    assert len(set(tree.multiplicities([labels, turned]))) == 1
    assert len(set(tree.sectors([labels, turned]).tolist())) == 1


@settings(max_examples=15)
@given(st.integers(2, 4), st.integers(1, 2), kinds, st.lists(st.floats(0.4, 3.1), min_size=4, max_size=4))
def test_the_spectrum_gives_the_kernel_back(dim, tops, kind, angles):
    tree = PatchTree(dim, (2,), tops)
    top = 24
    spectrum = tree_spectrum(tree, top, kind=kind)
    theta = np.array(angles[: tree.patches])
    # Eigenfunctions about the first input's patches, where they are sqrt(N): the sum over an eigenspace, averaged over orders.
    x = np.zeros((1, tree.patches, dim))
    x[0, :, 0], x[0, :, 1] = np.cos(theta), np.sin(theta)
    poles = np.eye(dim)[np.zeros(tree.patches, int)]
    rows = np.stack(np.meshgrid(*[range(top + 1)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    rows = np.concatenate([np.pad(rows, ((0, 0), (2 * i, tree.patches - 2 - 2 * i))) for i in range(tops)])
    rows = np.unique(rows, axis=0)
    values = spectrum.eigenvalues(rows).values
    weights = tree.eigenfunctions(rows, poles[None], poles)[0]
    kernel = tree.eigenfunctions(rows, x, poles)[0] @ (weights * values)
    left = tree.kernel(np.zeros(tree.patches), kind) - values @ weights**2
    assert left > 0
    assert abs(kernel - tree.kernel(theta, kind)) <= left + 1e-9
