"""Whoever reads the pages asks nobody else for anything: no script, style, font or image comes from another host."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

log = logging.getLogger("mkdocs.hooks.offline")  # a warning ends a strict build

_ELSEWHERE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]*)""", re.IGNORECASE)
_LOADING = {"src", "srcset", "data", "poster"}


def on_post_build(config: Any) -> None:
    """Look at every page and style sheet that was built."""
    for file in sorted(Path(config.site_dir).rglob("*")):
        if file.suffix in (".html", ".css"):
            text = file.read_text()
            for address in requests(text) if file.suffix == ".html" else _IN_STYLES.findall(text):
                log.warning("%s would load %s", file.relative_to(config.site_dir), address)


def requests(html: str) -> Iterator[str]:
    """The addresses on other hosts that a browser loads to show a page; links that wait for a click are none."""
    page = _Page()
    page.feed(html)
    page.close()
    yield from page.found
    yield from _IN_STYLES.findall(html)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loading = _LOADING | ({"href", "xlink:href"} if tag in ("link", "image", "use") else set())
        self.found += [value for name, value in attrs if name in loading and value and _ELSEWHERE.match(value)]
