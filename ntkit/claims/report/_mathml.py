"""Statements as mathematics: only elements and attributes of presentation MathML pass, all else becomes text."""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

from ntkit.claims.report._html import Html, tag
from ntkit.claims.report._linebreaks import breakable_rows

ELEMENTS = frozenset(
    {"math", "menclose", "merror", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts"}
    | {"mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder"}
    | {"munderover", "none"}
)
LEAVES = frozenset({"mi", "mn", "mo", "ms", "mtext"})
ATTRIBUTES = frozenset(
    {"accent", "accentunder", "columnalign", "columnlines", "columnspacing", "columnspan", "depth", "displaystyle", "fence"}
    | {
        "form",
        "frame",
        "height",
        "largeop",
        "linethickness",
        "lspace",
        "mathbackground",
        "mathcolor",
        "mathsize",
        "mathvariant",
    }
    | {"maxsize", "minsize", "movablelimits", "notation", "rowalign", "rowlines", "rowspacing", "rowspan", "rspace"}
    | {"scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width"}
)
VALUE = re.compile(r"[A-Za-z0-9#%+., -]*")  # nothing in it can end an attribute, call a function or name an address


def mathematics(mathml: str, latex: str) -> Html:
    """The statement for a page: its MathML without anything foreign, or its LaTeX where that is no MathML.

    Browsers break no line inside a formula, so a long statement becomes several formulas, one behind the other.

    Example:
        >>> mathematics('<math><mi onclick="x()">x</mi></math>', "x")
        '<math displaystyle="true"><mi>x</mi></math>'
    """
    try:
        root = ElementTree.fromstring(mathml)
    except ElementTree.ParseError:
        return tag("code", latex)
    if _name(root) != "math":
        return tag("code", latex)
    row = root[0] if len(root) == 1 and _name(root[0]) == "mrow" else root
    pieces = ["".join(_element(child, "mrow") for child in piece) for piece in breakable_rows(row)]
    return Html("<wbr>".join(f'<math displaystyle="true">{piece}</math>' for piece in pieces))


def _element(element: ElementTree.Element, inside: str) -> str:
    name = _name(element)
    if name not in ELEMENTS or name == "math":
        text = escape(ElementTree.tostring(_without_tail(element), encoding="unicode"))
        return text if inside in LEAVES else f"<mtext>{text}</mtext>"
    attributes = "".join(
        f' {key}="{escape(value)}"' for key, value in element.attrib.items() if key in ATTRIBUTES and VALUE.fullmatch(value)
    )
    return f"<{name}{attributes}>{_inside(element)}</{name}>"


def _inside(element: ElementTree.Element) -> str:
    name = _name(element)
    pieces = [escape(element.text or "")]
    for child in element:
        pieces += [_element(child, name), escape(child.tail or "")]
    return "".join(pieces)


def _without_tail(element: ElementTree.Element) -> ElementTree.Element:
    """A copy that is not followed by text and whose names lost their namespace, as somebody would have typed it."""
    copy = ElementTree.fromstring(ElementTree.tostring(element, encoding="unicode").removesuffix(element.tail or ""))
    for part in copy.iter():
        part.tag = _name(part)
    return copy


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
