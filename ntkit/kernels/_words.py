"""Architectures in words: "conv3x3 relu gap dense" as a network, and a network as such words."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ntkit.kernels._chain import Branches
from ntkit.kernels._compose import parallel, product, residual, serial
from ntkit.kernels._conv import Conv
from ntkit.kernels._dense import Dense
from ntkit.kernels._layer import Layer
from ntkit.kernels._network import Network
from ntkit.kernels._norm import LayerNorm
from ntkit.kernels._piecewise import Abs, LeakyRelu, Relu, Sign, Step
from ntkit.kernels._pool import AvgPool, GlobalAvgPool
from ntkit.kernels._series import Hermite
from ntkit.kernels._shape import Flatten, Identity
from ntkit.kernels._smooth import Cos, Erf, Exp, Gelu, Sin

_PLAIN: dict[str, Layer] = {
    "relu": Relu(), "erf": Erf(), "gelu": Gelu(), "sin": Sin(), "cos": Cos(), "abs": Abs(), "sign": Sign(), "step": Step(),
    "exp": Exp(), "gap": GlobalAvgPool(), "flatten": Flatten(), "identity": Identity(),
}  # fmt: skip
_SIZE, _REAL = r"[0-9]{1,6}(?:x[0-9]{1,6})?", r"-?[0-9.]+(?:e-?[0-9]+)?"
_WIDTH = r"[0-9]{1,7}"
_STEPS = rf"(?:[/s](?=[0-9])(?P<stride>{_SIZE}))?(?::?(?P<padding>valid|same|circular))?"
_STDS = rf"(?:@(?=.)(?P<w_std>{_REAL})?(?:,(?P<b_std>{_REAL}))?)?"
_PATTERNS = {
    "dense": re.compile(rf"dense(?P<width>{_WIDTH})?{_STDS}"),
    "conv": re.compile(rf"conv(?P<window>{_SIZE})(?:[xc](?P<width>{_WIDTH}))?{_STEPS}{_STDS}"),
    "avgpool": re.compile(rf"avgpool(?P<window>{_SIZE}){_STEPS}"),
    "layernorm": re.compile(rf"layernorm(?P<epsilon>{_REAL})?"),
    "leaky": re.compile(rf"leaky(?P<slope>{_REAL})?"),
    "hermite": re.compile(r"hermite(?P<degree>[0-9]{1,2})"),
}
_FORMS = {
    "dense": "dense, dense@1.4 (standard deviation of weights), dense@1.4,0.1 (and of biases) or dense64 (channels)",
    "conv": "conv3, conv3x3, conv3x3x64 (channels), conv3/2 (stride), conv3:same (padding; valid, circular) or conv3@1.4,0.1",
    "avgpool": "avgpool2, avgpool2x2, avgpool3/2 (stride) or avgpool2:same (padding; valid, circular)",
    "layernorm": "layernorm or layernorm1e-5 (epsilon)",
    "leaky": "leaky0.1 (slope)",
    "hermite": "hermite3 (degree, below 100)",
}
_NAMES = (*_PATTERNS, *_PLAIN, "residual")
_DEEPEST = 40  # brackets inside of brackets


def parse(text: str, input_shape: Sequence[int] | None = None, *, finite: bool = False) -> Network:
    """The network that a line of words describes, from its inputs to its outputs.

    - `dense`, `conv3x3/2:same`, `conv5`, `avgpool2:valid`, `gap` (global average pooling), `flatten`, `layernorm`: layers; /2
      is the stride, and padding is valid, same or circular as for `Conv`. One number of a window stands for all axes.
    - `relu`, `leaky0.1`, `erf`, `gelu`, `sin`, `cos`, `exp`, `abs`, `sign`, `step`, `hermite3`, `identity`: functions.
    - `dense@1.5,0.1`: standard deviations of weights (before the fan-in) and biases. Biases are off unless given; weights have
      1, but sqrt(2 / (1 + a^2)) after a ReLU of slope a below zero (He et al., 2015), possibly pooled: sizes are kept.
    - `residual( ... )`, `( ... + ... )` and `( ... * ... )`: `residual`, `parallel` and `product` of what stands there.
    - `conv3x3x64`, `conv3c64` and `dense64`: channels of the finite network; the kernels do not depend on them.
    - `conv3x3x16s2same` is another spelling of `conv3x3x16/2:same`.

    Args:
        text: words between spaces; upper and lower case are alike.
        input_shape: shape of one input, such as (height, width, channels); if given, the words are checked against it.
        finite: whether every layer with weights must say its channels.

    Raises:
        ValueError: a word that is not understood, or cannot stand where it does. The message names it and says what is
            allowed, and its note (shown in tracebacks) is the text with a mark under that place.

    Example:
        >>> import jax
        >>> net = parse("dense relu dense")
        >>> net.layers
        (Dense(w_std=1.0, b_std=0.0, width=None), Relu(), Dense(w_std=1.4142135623730951, b_std=0.0, width=None))
        >>> [weights.w.shape for weights in parse("dense8 relu dense3").init(jax.random.key(0), (4,)) if weights]
        [(4, 8), (8, 3)]
        >>> parse("dense rleu dense")
        Traceback (most recent call last):
        ...
        ValueError: word 2, "rleu", is no layer; did you mean relu?
          dense rleu dense
                ^^^^
    """
    return _Reader(" ".join(text.split()), finite).network(None if input_shape is None else tuple(input_shape))


def words(net: Network) -> str:
    """The words from which `parse` makes the same network; numbers are written only where they are needed.

    Raises:
        ValueError: a layer for which there is no word.

    Example:
        >>> words(parse("CONV3x3x64 relu gap dense@1.4142135623730951,0.5"))
        'conv3x3x64 relu gap dense@,0.5'
    """
    return _chain_words(net.layers, _START)


class _Token(NamedTuple):
    """A word, a bracket or a sign, and where it stands."""

    text: str
    start: int
    stop: int


@dataclass(frozen=True)
class _Place:
    """Between two layers.

    Attributes:
        gaussian: whether what comes out is Gaussian at infinite width.
        activation: the last one since the last weights.
        shape: (*space, channels), where the channels are those of the inputs throughout; None if it is not known.
    """

    gaussian: bool
    activation: Layer | None
    shape: tuple[int, ...] | None

    @property
    def w_std(self) -> float:
        """Default of the weights that follow: keeps the variance where it is easy."""
        match self.activation:
            case Relu():
                return float(2**0.5)
            case LeakyRelu(slope=slope):
                return float((2 / (1 + slope**2)) ** 0.5)
        return 1.0

    def after(self, layer: Layer) -> "_Place":
        """The place behind a layer; ValueError if it cannot stand here."""
        gaussian = layer.gaussian(self.gaussian)
        shape = self.shape
        if shape is not None and not isinstance(layer, Branches):
            shape = (*layer.output_shape(shape, shape[-1])[:-1], shape[-1])
        linear = isinstance(layer, AvgPool | GlobalAvgPool | Flatten | Identity)
        activation = self.activation if linear else None if layer.weighted or gaussian else layer
        return _Place(gaussian, None if isinstance(layer, Branches) else activation, shape)


_START = _Place(gaussian=False, activation=None, shape=None)


@dataclass
class _Reader:
    """Reads tokens from the left to the right: sums of products of chains."""

    text: str
    finite: bool
    tokens: list[_Token] = field(init=False)
    at: int = 0
    depth: int = 0

    def __post_init__(self) -> None:
        self.tokens = [_Token(m[0], *m.span()) for m in re.finditer(r"[()+*]|[^\s()+*]+", self.text)]

    def network(self, shape: tuple[int, ...] | None) -> Network:
        """The whole text."""
        if not self.tokens:
            raise ValueError('a network needs at least one word, as in "dense relu dense", got none')
        layers, end = self.join("+", _Place(False, None, shape))
        if self.at < len(self.tokens):
            raise self.error("closes no bracket", self.tokens[self.at])
        if end.shape is not None and len(end.shape) > 1:
            pixels = " x ".join(map(str, end.shape[:-1]))
            raise self.error(f"leaves {pixels} pixels: the network must end in a vector; add gap or flatten", self.tokens[-1])
        return serial(*layers)

    def join(self, sign: str, place: _Place) -> tuple[list[Layer], _Place]:
        """Branches with a sign between them, or just one."""
        first = self.at
        branches, ends = [], []
        while True:
            layers, end = self.join("*", place) if sign == "+" else self.chain(place)
            branches.append(serial(*layers))
            ends.append(end)
            if self.peek() != sign:
                break
            self.at += 1
        if len(branches) == 1:
            return list(branches[0].layers), ends[0]
        make = parallel if sign == "+" else product
        return self.group(lambda: make(*branches), place, ends, self.tokens[first])

    def group(
        self, make: Callable[[], Network], place: _Place, ends: Sequence[_Place], first: _Token
    ) -> tuple[list[Layer], _Place]:
        """One layer of several branches; `first` is the token with which it begins."""
        last = self.tokens[self.at - 1]
        if len({end.shape for end in ends}) > 1:
            raise self.error(
                f"has branches with different pixels: {[end.shape[:-1] for end in ends if end.shape]}", first, last
            )
        try:
            (layer,) = make().layers
            return [layer], _Place(place.after(layer).gaussian, None, ends[0].shape)
        except ValueError as error:
            raise self.error(f"cannot be: {error}", first, last) from None

    def chain(self, place: _Place) -> tuple[list[Layer], _Place]:
        """One layer after the other."""
        layers: list[Layer] = []
        while self.peek() not in ("", ")", "+", "*"):
            token = self.tokens[self.at]
            if token.text == "(":
                more, place = self.bracket(place)
            elif token.text.lower() == "residual":
                self.at += 1
                if self.peek() != "(":
                    raise self.error("must be followed by layers in brackets, as in residual( relu dense )", token)
                inner, end = self.bracket(place)
                more, place = self.group(lambda inner=inner: residual(*inner), place, (place, end), token)  # type: ignore[misc]
            else:
                more, place = self.layer(token, place)
                self.at += 1
            layers += more
        if not layers:
            here = self.tokens[self.at] if self.peek() else self.tokens[-1]
            raise self.error("stands where a layer should" if self.peek() else "must be followed by a layer", here)
        return layers, place

    def bracket(self, place: _Place) -> tuple[list[Layer], _Place]:
        """What stands in brackets."""
        opening = self.tokens[self.at]
        self.at, self.depth = self.at + 1, self.depth + 1
        if self.depth > _DEEPEST:
            raise self.error(f"is the bracket too many: at most {_DEEPEST} may be inside each other", opening)
        if not self.peek():
            raise self.error("is never closed", opening)
        inside = self.join("+", place)
        if self.peek() != ")":
            raise self.error("is never closed", opening)
        self.at, self.depth = self.at + 1, self.depth - 1
        return inside

    def layer(self, token: _Token, place: _Place) -> tuple[list[Layer], _Place]:
        """The layer of one word."""
        try:
            layer = _layer(token.text.lower(), place.w_std)
            if self.finite and isinstance(layer, Dense | Conv) and layer.width is None:
                raise ValueError(f"needs a width, as in {_word(replace(layer, width=32), place)}, since the network is finite")
            return [layer], place.after(layer)
        except ValueError as error:
            raise self.error(str(error), token) from None

    def peek(self) -> str:
        """The next token, "" at the end."""
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def error(self, problem: str, first: _Token, last: _Token | None = None) -> ValueError:
        """A ValueError about what stands from one token to another, with a note that points there."""
        stop = (last or first).stop
        shown = self.text[first.start : stop]
        count = sum(token.text not in "()+*" for token in self.tokens if token.start <= first.start)
        name = f'word {count}, "{shown}",' if last is None and first.text not in "()+*" else f'"{shown}"'
        error = ValueError(f"{name} {problem}")
        error.add_note(f"  {self.text}\n  {' ' * first.start}{'^' * (stop - first.start)}")
        return error


def _layer(word: str, w_std: float) -> Layer:
    """The layer of a word; ValueError that continues a sentence which names the word."""
    if word in _PLAIN:
        return _PLAIN[word]
    letters = re.match(r"[a-z]*", word)
    name = letters[0] if letters else ""
    if name not in _PATTERNS:
        near = difflib.get_close_matches(name, _NAMES, 1) if name not in _NAMES else [name]
        raise ValueError(f"is no layer; {'did you mean ' + near[0] + '?' if near else 'there are ' + ', '.join(_NAMES)}")
    match = _PATTERNS[name].fullmatch(word)
    if match is None:
        raise ValueError(f"is not understood; write {_FORMS[name]}")
    given = {key: value for key, value in match.groupdict().items() if value is not None}
    if name == "hermite":
        return Hermite(int(given["degree"]))
    for key in given.keys() & {"w_std", "b_std", "epsilon", "slope"}:
        given[key] = _real(given[key], name)
    for key in given.keys() & {"window", "stride"}:
        given[key] = _sizes(given[key])
    if "width" in given:
        given["width"] = int(given["width"])
    if name in ("dense", "conv"):
        given.setdefault("w_std", w_std)
    make: dict[str, Callable[..., Layer]] = {
        "dense": Dense, "conv": Conv, "avgpool": AvgPool, "layernorm": LayerNorm, "leaky": LeakyRelu,
    }  # fmt: skip
    try:
        return make[name](**given)
    except ValueError as error:
        raise ValueError(f"cannot be: {error}") from None


def _real(text: str, name: str) -> Any:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"is not understood, {text!r} is no number; write {_FORMS[name]}") from None


def _sizes(text: str) -> Any:
    sizes = tuple(map(int, text.split("x")))
    return sizes if len(sizes) == 2 else sizes[0]


def _chain_words(layers: Sequence[Layer], place: _Place) -> str:
    shown = []
    for layer in layers:
        shown.append(_word(layer, place))
        place = place.after(layer)
    return " ".join(shown)


def _word(layer: Layer, place: _Place) -> str:
    """The word of a layer that stands at a place."""
    for name, plain in _PLAIN.items():
        if layer == plain:
            return name
    match layer:
        case Branches(branches=((Identity(),), inner), join="sum"):
            return f"residual({_chain_words(inner, place)})"
        case Branches(branches=branches, join=join):
            sign = " + " if join == "sum" else " * "
            return f"({sign.join(_chain_words(branch, place) for branch in branches)})"
        case Dense():
            return f"dense{layer.width or ''}{_std_words(layer, place)}"
        case Conv():
            return f"conv{_window_words(layer)}{_std_words(layer, place)}"
        case AvgPool():
            return f"avgpool{_window_words(layer)}"
        case LayerNorm(epsilon=epsilon):
            return "layernorm" if epsilon == LayerNorm().epsilon else f"layernorm{_real_words(epsilon)}"
        case LeakyRelu(slope=slope):
            return f"leaky{_real_words(slope)}"
        case Hermite(degree=degree) if degree < 100:
            return f"hermite{degree}"
    raise ValueError(f"there is no word for {layer}")


def _std_words(layer: Dense | Conv, place: _Place) -> str:
    w_std = "" if layer.w_std == place.w_std else _real_words(layer.w_std)
    b_std = f",{_real_words(layer.b_std)}" if layer.b_std else ""
    return f"@{w_std}{b_std}" if w_std or b_std else ""


def _window_words(layer: Conv | AvgPool) -> str:
    channels = ""
    if isinstance(layer, Conv) and layer.width is not None:  # conv3x64 is a window of two sides
        channels = f"{'x' if isinstance(layer.window, tuple) else 'c'}{layer.width}"
    window, stride = ("x".join(map(str, size if isinstance(size, tuple) else (size,))) for size in (layer.window, layer.stride))
    padding = "" if layer.padding == "valid" else f":{layer.padding}"
    return f"{window}{channels}{'' if layer.stride is None else f'/{stride}'}{padding}"


def _real_words(value: float) -> str:
    return repr(float(value)).removesuffix(".0").replace("e+", "e")
