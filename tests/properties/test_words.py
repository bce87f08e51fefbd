"""Networks in words that are printed and read again, and texts of every kind."""

from hypothesis import given
from hypothesis import strategies as st

from ntkit.kernels import parse, words
from ntkit.kernels._words import _NAMES

NUMBERS = st.floats(1e-9, 1e20).map(lambda value: repr(value).replace("e+", "e"))
SIZES = st.sampled_from(("1", "3", "2x5", "12x1"))
STDS = st.one_of(st.just(""), NUMBERS.map("@{}".format), st.tuples(NUMBERS, NUMBERS).map("@{0[0]},{0[1]}".format))
STEPS = st.tuples(st.sampled_from(("", "/1", "/2", "/3x2")), st.sampled_from(("", ":valid", ":same", ":circular"))).map("".join)
WEIGHTS = st.one_of(STDS.map("dense{}".format), st.tuples(SIZES, STEPS, STDS).map(lambda parts: "conv" + "".join(parts)))
PLAIN = st.sampled_from(("relu", "abs", "step", "sign", "erf", "gelu", "sin", "cos", "exp"))
NUMBERED = st.one_of(st.floats(-2, 2).map("leaky{}".format), st.integers(0, 99).map("hermite{}".format))
POOLS = st.one_of(st.sampled_from(("gap", "flatten", "identity")), st.tuples(SIZES, STEPS).map("avgpool{0[0]}{0[1]}".format))


@st.composite
def blocks(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """Words that begin with weights and end in them."""
    function, pool = draw(st.one_of(st.just(""), PLAIN, NUMBERED)), draw(st.one_of(st.just(""), POOLS))
    chain, other = f"{draw(WEIGHTS)} {function} {pool} {draw(WEIGHTS)}", draw(inner)
    norm = f"layernorm{draw(NUMBERS)} {draw(PLAIN)}"
    forms = ("{0} {1}", "{0} {2} {1}", "{0} residual({1})", "({0} + {1})", "({0} * {1} * {0}) {0}", "({0} + {1}) relu {0}")
    return draw(st.sampled_from(forms)).format(chain, other, norm)


TEXTS = st.recursive(WEIGHTS, blocks, max_leaves=4)
TOKENS = st.one_of(st.sampled_from((*_NAMES, "(", ")", "+", "*", "conv3x3", "dense@,1", "avgpool2/1")), st.text(max_size=6))


@given(text=TEXTS)
def test_a_network_in_words_reads_as_the_same_network(text: str) -> None:
    network = parse(text)
    shown = words(network)
    assert parse(shown) == network
    assert words(parse(shown)) == shown


@given(tokens=st.lists(TOKENS, max_size=8), shape=st.sampled_from((None, (5,), (6, 2), (6, 5, 1))))
def test_any_text_is_a_network_or_an_error_that_points(tokens: list[str], shape: tuple[int, ...] | None) -> None:
    try:
        network = parse(" ".join(tokens), shape)
    except ValueError as error:
        for note in getattr(error, "__notes__", ()):
            text, marks = note.split("\n")
            assert marks.strip(" ^") == ""
            assert len(marks) <= len(text)
    else:
        assert parse(words(network), shape) == network
