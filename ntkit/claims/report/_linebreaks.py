"""Where a long formula may go on in the next line: before a relation, behind a comma, between words; never in parentheses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

OPENING, CLOSING = frozenset("([{\u27e8\u2308\u230a"), frozenset(")]}\u27e9\u2309\u230b")
RELATIONS = frozenset("=<>\u2264\u2265\u2248\u223c\u2261\u2243\u226a\u226b\u2192\u21d2\u27f9\u21d4\u27fa\u221d\u2282\u2286")
STOPS = frozenset(",;.:")
WIDE = frozenset({"1em", "2em"})  # \quad and \qquad; narrower spaces belong to what stands beside them


def breakable_rows(elements: Iterable[Element]) -> list[list[Element]]:
    """The elements of a row in pieces, each of which stays on one line."""
    pieces: list[list[Element]] = [[]]
    depth = 0
    for element in elements:
        name, text = str(element.tag).rpartition("}")[2], (element.text or "").strip()
        operator = text if name == "mo" else ""
        depth += (operator in OPENING) - (operator in CLOSING) if operator else 0
        wide = name == "mspace" and element.get("width") in WIDE
        if depth == 0 and name == "mtext":
            pieces += [[word] for word in _words(element)] + [[]]
            continue
        if depth == 0 and (operator in RELATIONS or wide):
            pieces.append([])
        if operator in RELATIONS:
            element.set("form", "infix")  # at the beginning of a piece it would lose its spaces
        pieces[-1].append(element)
        if depth == 0 and (operator in STOPS or wide):
            pieces.append([])
    return [piece for piece in pieces if piece]


def _words(element: Element) -> list[Element]:
    """Text word by word, each with the spaces beside it."""
    words = re.findall(r"\s*\S+\s*", element.text or "")
    if len(element) or len(words) < 2:
        return [element]
    copies = [Element(element.tag, element.attrib) for _ in words]
    for copy, word in zip(copies, words, strict=True):
        copy.text = word
    return copies
