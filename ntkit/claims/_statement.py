"""Statements are LaTeX; a report shows them as MathML. What does not convert cleanly is refused when it is collected."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ntkit.claims._errors import ClaimError

_COMMAND_LEFT_OVER = re.compile(r"\\[a-zA-Z]+")
_CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mroot": 2}


def to_mathml(statement: str) -> str:
    """The statement as one MathML element.

    Raises:
        ClaimError: the LaTeX does not convert, converts into broken MathML, or leaves a command over.

    Example:
        >>> to_mathml("x")[-30:]
        '<mrow><mi>x</mi></mrow></math>'
    """
    from latex2mathml.converter import convert

    if not statement.strip():
        raise ClaimError("statement is empty; write the theorem in LaTeX")
    if _depth(statement) != 0:
        raise ClaimError(f"statement has unbalanced braces: {statement}")
    try:
        mathml = convert(statement, display="block")
        root = ElementTree.fromstring(mathml)
    except ElementTree.ParseError as error:
        raise ClaimError(f"statement converts into broken MathML ({error}); is there a bare & in it? {statement}") from None
    except Exception as error:  # latex2mathml raises a dozen unrelated classes, some without a message
        reason = str(error) or type(error).__name__
        raise ClaimError(f"statement does not convert to MathML ({reason}): {statement}") from None
    left_over = [command for text in root.itertext() for command in _COMMAND_LEFT_OVER.findall(text)]
    if left_over:
        raise ClaimError(f"statement uses {', '.join(sorted(set(left_over)))}, which latex2mathml does not know")
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name in _CHILDREN and len(element) != _CHILDREN[name]:
            raise ClaimError(f"statement leaves an incomplete {name}; check the arguments of its commands: {statement}")
    return mathml


def _depth(statement: str) -> int:
    """Open braces at the end, or -1 where one closes that was never opened; escaped braces are text."""
    depth = 0
    for brace in re.sub(r"\\.", "", statement):
        depth += (brace == "{") - (brace == "}")
        if depth < 0:
            return -1
    return depth
