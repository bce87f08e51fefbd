"""Formulas as MathML: a browser shows them by itself, so that no page asks anybody for a script or a font."""

from __future__ import annotations

import logging
import re
from html import unescape
from typing import Any

from markdown import Extension, Markdown

from ntkit.claims import ClaimError
from ntkit.claims._statement import to_mathml
from ntkit.claims.report._mathml import mathematics

log = logging.getLogger("mkdocs.hooks.mathematics")  # a warning ends a strict build

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


class _AngleBracketsAreText(Extension):  # type: ignore[misc]
    """`<x, z>` in a docstring is an inner product, never a tag."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's name
        md.inlinePatterns.deregister("html")


def on_config(config: Any) -> Any:
    """Let mkdocs convert pages and docstrings with the extension above."""
    config.markdown_extensions.append(_AngleBracketsAreText())
    return config


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Replace every formula of a page."""
    return formulas(html, str(page.file.src_uri))


def formulas(html: str, page: str) -> str:
    """The page with its LaTeX as MathML: what stood between `$` in the line, what stood between `$$` as a block."""

    def converted(found: re.Match[str]) -> str:
        latex = unescape(found[3]).strip()
        try:
            mathml = mathematics(to_mathml(latex), latex)
        except ClaimError as error:
            log.warning("%s: %s", page, error)
            return found[0]
        if found[2] == "(":
            return mathml.replace('<math displaystyle="true">', "<math>")
        return f'<div class="formula">{mathml}</div>'

    return _FORMULA.sub(converted, html)
