"""Architectures in words: what each word means, and where errors point."""

import numpy as np
import pytest

from ntkit.kernels import (
    AvgPool,
    Conv,
    Dense,
    Elementwise,
    Erf,
    Flatten,
    GlobalAvgPool,
    Hermite,
    Identity,
    LayerNorm,
    LeakyRelu,
    Network,
    Relu,
    parallel,
    parse,
    product,
    residual,
    serial,
    words,
)  # fmt: skip
from ntkit.kernels._words import _NAMES

HE = 2**0.5


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("dense", serial(Dense())),
        ("dense relu dense", serial(Dense(), Relu(), Dense(HE))),
        ("  DENSE\n ReLU\tdense ", serial(Dense(), Relu(), Dense(HE))),
        ("dense512 erf dense10", serial(Dense(width=512), Erf(), Dense(width=10))),
        ("dense@1.5 dense@2,0.1 dense@,.5 dense@1e-3", serial(Dense(1.5), Dense(2.0, 0.1), Dense(1.0, 0.5), Dense(0.001))),
        ("dense leaky0.5 dense", serial(Dense(), LeakyRelu(0.5), Dense((2 / 1.25) ** 0.5))),
        ("dense leaky dense@1", serial(Dense(), LeakyRelu(), Dense())),
        ("dense hermite3 dense", serial(Dense(), Hermite(3), Dense())),
        ("conv3x3x64 relu gap dense", serial(Conv((3, 3), width=64), Relu(), GlobalAvgPool(), Dense(HE))),
        ("conv3c64/2 gap dense7@1.5", serial(Conv(3, 2, width=64), GlobalAvgPool(), Dense(1.5, width=7))),
        ("conv3x3x16s2same avgpool2s1", serial(Conv((3, 3), 2, "same", width=16), AvgPool(2, 1))),
        ("conv5/2:same flatten", serial(Conv(5, 2, "same"), Flatten())),
        ("conv5x3/2x1:circular@2 gap", serial(Conv((5, 3), (2, 1), "circular", 2.0), GlobalAvgPool())),
        ("avgpool2 avgpool3x2/1 gap", serial(AvgPool(2), AvgPool((3, 2), 1), GlobalAvgPool())),
        ("conv3 layernorm relu avgpool2 conv3", serial(Conv(3), LayerNorm(), Relu(), AvgPool(2), Conv(3, w_std=HE))),
        ("dense layernorm1e-5 erf dense", serial(Dense(), LayerNorm(1e-5), Erf(), Dense())),
        ("dense residual(relu dense) dense", serial(Dense(), residual(Relu(), Dense(HE)), Dense())),
        ("dense + dense relu dense", parallel(Dense(), serial(Dense(), Relu(), Dense(HE)))),
        ("dense (erf dense * dense) ", serial(Dense(), product(serial(Erf(), Dense()), Dense()))),
        ("dense * dense + dense", parallel(product(Dense(), Dense()), Dense())),
        ("(dense) ((relu) dense)", serial(Dense(), Relu(), Dense(HE))),
        ("identity dense", serial(Identity(), Dense())),
    ],
)
def test_words_are_what_they_say(text: str, network: Network) -> None:
    assert parse(text) == network
    assert parse(words(network)) == network


def test_a_finite_network_must_say_its_widths() -> None:
    assert parse("conv3x3x8 relu gap dense2", (4, 4, 1), finite=True) == parse("conv3x3x8 relu gap dense2")
    with pytest.raises(
        ValueError, match=r'^word 2, "dense@2", needs a width, as in dense32@2, since the network is fin'
    ) as caught:
        parse("dense8 ( dense@2 )", finite=True)
    assert caught.value.__notes__ == ["  dense8 ( dense@2 )\n           ^^^^^^^"]
    with pytest.raises(ValueError, match=r'^word 1, "conv3x3", needs a width, as in conv3x3x32, since'):
        parse("conv3x3 relu gap dense2", finite=True)
    with pytest.raises(ValueError, match=r'^word 1, "dense0", cannot be: width must be at least 1, got 0'):
        parse("dense0 relu dense")


def test_he_weights_keep_the_size_of_what_passes_a_relu() -> None:
    x = np.array([[1.0, -1.0, 1.0]])
    for text in ("dense relu dense relu dense", "dense leaky0.3 dense leaky-0.5 dense", "dense"):
        np.testing.assert_allclose(parse(text).nngp(x), [[1.0]], rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "shape", "problem", "marked"),
    [
        ("dense rleu dense", None, 'word 2, "rleu", is no layer; did you mean relu?', "rleu"),
        ("dense Layernrom", None, 'word 2, "Layernrom", is no layer; did you mean layernorm?', "Layernrom"),
        ("conv3x3 (zigzag)", None, 'word 2, "zigzag", is no layer; there are dense, conv,', "zigzag"),
        ("dense 10", None, 'word 2, "10", is no layer', "10"),
        ("dense relu relu", None, 'word 3, "relu", must directly follow a layer with weights', "relu"),
        ("relu dense", None, 'word 1, "relu", must directly follow a layer with weights', "relu"),
        ("dense (relu + relu)", None, '"relu + relu" cannot be: parallel: all branches but one', "relu + relu"),
        ("dense residual(relu)", None, '"residual(relu)" cannot be: parallel: all branches but one', "residual(relu)"),
        ("identity * identity", None, "cannot be: product: all branches but one", "identity * identity"),
        ("conv", None, 'word 1, "conv", is not understood; write conv3, conv3x3', "conv"),
        ("conv3-3", None, "is not understood; write conv3", "conv3-3"),
        ("conv0", None, "cannot be: window must be an int >= 1", "conv0"),
        ("conv3:smae", None, "conv3:same (padding; valid, circular)", "conv3:smae"),
        ("conv3/1x2 dense", None, None, None),
        ("dense@", None, "is not understood; write dense, dense@1.4", "dense@"),
        ("dense1.4", None, "is not understood; write dense, dense@1.4", "dense1.4"),
        ("dense@1.2.3", None, "'1.2.3' is no number; write dense", "dense@1.2.3"),
        ("dense@-1", None, "cannot be: w_std must be a positive", "dense@-1"),
        ("dense@1,-1", None, "cannot be: b_std must be", "dense@1,-1"),
        ("dense@1e999", None, "cannot be: w_std must be", "dense@1e999"),
        ("dense leaky1e999", None, "cannot be: slope must be a finite number", "leaky1e999"),
        ("dense hermite100", None, "is not understood; write hermite3 (degree, below 100)", "hermite100"),
        ("avgpool", None, "is not understood; write avgpool2", "avgpool"),
        ("dense residual relu", None, "must be followed by layers in brackets", "residual"),
        ("dense (relu dense", None, '"(" is never closed', "("),
        ("dense (", None, '"(" is never closed', "("),
        ("dense ) relu", None, '")" closes no bracket', ")"),
        ("dense + + dense", None, '"+" stands where a layer should', "+"),
        ("dense ()", None, '")" stands where a layer should', ")"),
        ("dense *", None, '"*" must be followed by a layer', "*"),
        ("(" * 41 + "dense", None, "is the bracket too many: at most 40", "("),
        ("conv3x3 relu dense", (8, 8, 1), 'word 3, "dense", leaves 6 x 6 pixels: the network must end in a vector', "dense"),
        ("conv3x3 gap conv3x3", (8, 8, 1), 'word 3, "conv3x3", needs images', "conv3x3"),
        ("conv9 gap", (8, 3), "has a window of 9, which does not fit 8 pixels", "conv9"),
        ("conv3x3 gap", (8, 3), "has windows with 2 axes", "conv3x3"),
        ("dense gap", (12,), "channels), got vectors", "gap"),
        ("conv3 gap + conv3", (8, 3), "has branches with different pixels: [(), (6,)]", "conv3 gap + conv3"),
        ("conv3 residual(relu conv3) gap", (8, 3), "has branches with different pixels: [(6,), (4,)]", "residual(relu conv3)"),
    ],
)  # fmt: skip
def test_errors_point_at_the_word(text: str, shape: tuple[int, ...] | None, problem: str | None, marked: str | None) -> None:
    if problem is None:
        assert parse(text, shape)
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse(text, shape)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    (note,) = caught.value.__notes__
    shown, marks = note.split("\n")
    assert shown == f"  {text}"
    assert "".join(letter for letter, mark in zip(shown, marks, strict=False) if mark == "^") == marked


def test_a_text_without_words() -> None:
    for text in ("", "  \n"):
        with pytest.raises(ValueError, match='at least one word, as in "dense relu dense", got none'):
            parse(text)


def test_shapes_that_fit_change_nothing() -> None:
    text = "conv3x3:same residual(relu conv3x3:same) relu (gap dense + flatten dense) erf dense"
    assert parse(text, (8, 8, 3)) == parse(text)


def test_layers_without_a_word() -> None:
    with pytest.raises(ValueError, match="there is no word for Elementwise"):
        words(serial(Dense(), Elementwise(np.tanh), Dense()))


def test_the_docstring_names_every_word() -> None:
    assert parse.__doc__ is not None
    assert [name for name in _NAMES if f"`{name}" not in parse.__doc__] == []
