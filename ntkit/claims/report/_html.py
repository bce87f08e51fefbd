"""HTML as values: whatever is not HTML already is escaped when it goes in, so that no page can forget it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = object  # Html stays as it is, None and False vanish, other iterables are joined, all else is text

_VOID = ("br", "hr", "img", "input", "link", "meta")


def tag(element: str, /, *children: Child, **attributes: object) -> Html:
    """An element.

    Attributes that are None or False are left out, True stands without a value; `class_` is class, `data_x` is data-x.

    Example:
        >>> tag("a", "x < y", href='"', hidden=True, id=None)
        '<a href="&quot;" hidden>x &lt; y</a>'
    """
    shown = [
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    ]
    opening = f"<{element}{''.join(shown)}>"
    return Html(opening if element in _VOID else f"{opening}{join(children)}</{element}>")


def join(children: Iterable[Child], between: str = "") -> Html:
    """The children one after the other, as HTML."""
    return Html(escape(between).join(_html(child) for child in children))


def _html(child: Child) -> str:
    if child is None or child is False:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, Iterable) and not isinstance(child, str):
        return join(child)
    return escape(str(child))
