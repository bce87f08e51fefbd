"""neural-tangents through the adapter: a second implementation of every kernel, and what the adapter does to JAX."""

import sys

import jax
import jax.core
import numpy as np
import pytest

from ntkit._compat import neural_tangents as adapter
from ntkit.kernels import (
    Abs,
    Cos,
    Dense,
    Erf,
    Exp,
    Gelu,
    Hermite,
    LeakyRelu,
    Polynomial,
    Relu,
    Sign,
    Sin,
    serial,
)
from tests.oracles import stax

ACTIVATIONS = (LeakyRelu(0.3), Abs(), Sign(), Gelu(), Sin(), Cos(), Exp(), Hermite(3), Polynomial((0.2, 1.0, -0.3)))

NETWORKS = {
    "relu": serial(Dense(2**0.5, 0.1), Relu(), Dense(2**0.5), Relu(), Dense(1.0, 0.3)),
    "erf": serial(Dense(1.5), Erf(), Dense(1.2, 0.2), Erf(), Dense()),
    "both": serial(Dense(1.5), Erf(), Dense(1.2, 0.2), Relu(), Dense()),
    "linear": serial(Dense(1.5, 0.5), Dense(0.8, 0.1)),
}


@pytest.fixture(scope="module")
def nt():
    return adapter.load()


@pytest.fixture
def lenient():
    """Numerics as neural-tangents expects them."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def translated(nt, net, width, outputs=1):
    """The same network in neural-tangents."""
    last = max(i for i, layer in enumerate(net.layers) if layer.weighted)
    make = {
        Dense: lambda i, x: nt.stax.Dense(outputs if i == last else width, x.w_std, x.b_std, parameterization="ntk"),
        Relu: lambda i, x: nt.stax.Relu(),
        Erf: lambda i, x: nt.stax.Erf(),
    }
    return nt.stax.serial(*[make[type(layer)](i, layer) for i, layer in enumerate(net.layers)])


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_agree(nt, name):
    net = NETWORKS[name]
    x, z = np.random.default_rng(0).normal(size=(2, 5, 4))
    _, _, kernel_fn = translated(nt, net, width=1)
    for second in (None, z):
        both = kernel_fn(x, second, ("nngp", "ntk"))
        np.testing.assert_allclose(net.nngp(x, second), both.nngp, rtol=0, atol=1e-14)
        # neural-tangents loses half of the digits at correlation 1, that is on the diagonal; 4 is the size of the kernel.
        np.testing.assert_allclose(net.ntk(x, second), both.ntk, rtol=0, atol=4e-8 if second is None else 1e-13)


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_kernels_of_every_activation_agree(activation):
    """Step is missing: neural-tangents answers with nan for RectifiedMonomial(0). It is in `test_duals`."""
    net = serial(Dense(1.2, 0.1), activation, Dense(0.8, 0.2))
    x = np.random.default_rng(0).normal(size=(5, 4))
    theirs = stax.kernel_fn(net, 0)(x, None, ("nngp", "ntk"))
    for got, expected in zip(net.kernels(x), theirs, strict=True):
        size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        assert (np.abs(got - expected) <= np.where(np.eye(5), 1e-6, 1e-12) * size).all()  # see above for the diagonal


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("outputs", [1, 3])
def test_finite_networks_agree(nt, outputs):
    net = NETWORKS["relu"]
    _, apply_fn, _ = translated(nt, net, width=6, outputs=outputs)
    params = net.init(jax.random.key(0), (4,), width=6, outputs=outputs)
    # Only the first bias is left out, and only by us.
    theirs = [(p.w, np.zeros((1, p.w.shape[1])) if p.b is None else p.b[None, :]) if p else () for p in params]
    x = np.random.default_rng(1).normal(size=(5, 4))
    np.testing.assert_allclose(net.apply(params, x), apply_fn(theirs, x), rtol=1e-12, atol=1e-13)
    contraction = nt.NtkImplementation.JACOBIAN_CONTRACTION
    kernel_fn = jax.jit(lambda p: nt.empirical_ntk_fn(apply_fn, implementation=contraction)(x, None, p))
    kernel = jax.jit(net.empirical_ntk)(params, x)
    np.testing.assert_allclose(kernel, kernel_fn(theirs), rtol=1e-12, atol=1e-12)


def test_jax_is_as_it_was(nt):
    assert sys.modules["jax.core"] is jax.core
    assert sys.modules["jax.interpreters.ad"] is jax.interpreters.ad
    assert not isinstance(jax.core, adapter._Overlay)
    assert not isinstance(jax.interpreters.ad, adapter._Overlay)
    assert "jax.util" not in sys.modules
    assert "neural_tangents.experimental" not in sys.modules
    assert not hasattr(nt, "experimental")


def test_the_same_module_is_returned_again(nt):
    assert adapter.load() is nt
    assert sys.modules["neural_tangents"] is nt


@pytest.fixture
def fresh(monkeypatch):
    """As if nobody had imported neural-tangents yet; put back afterwards."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "neural_tangents"}
    for name in before:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "neural_tangents"]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("missing", ["neural_tangents", "frozendict"])
def test_without_it_the_error_names_the_extra(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"install the extra ntkit\[neural-tangents\]"):
        adapter.load()
    assert not [name for name in sys.modules if name.startswith("neural_tangents.")]
    assert sys.modules["jax.core"] is jax.core
