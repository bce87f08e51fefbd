"""What every page has: head, navigation, and a policy by which a browser loads nothing but the report's own files."""

from __future__ import annotations

from collections.abc import Sequence

from ntkit.claims.report._html import Child, Html, tag

POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src 'self' file: data:",
        "style-src 'self' file:",
        "script-src 'self' file:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


def page(title: str, *body: Child, depth: int = 0) -> bytes:
    """A whole page.

    Args:
        title: for the browser's window.
        body: what stands below the navigation.
        depth: how many folders below the report's own it lies.
    """
    up = "../" * depth
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="stylesheet", href=f"{up}report.css"),
        tag("link", rel="icon", href="data:,"),  # else browsers ask for one
        tag("script", src=f"{up}report.js", defer=True),
    )
    navigation = tag(
        "nav",
        tag("a", "All claims", href=f"{up}index.html"),
        tag("a", "What did not hold", href=f"{up}exceptions.html"),
    )
    whole = tag("html", head, tag("body", tag("header", navigation), tag("main", *body)), lang="en")
    return f"<!DOCTYPE html>\n{whole}\n".encode("utf-8", "replace")


def badge(word: str) -> Html:
    """A verdict as a coloured word; the colour only repeats what the word says."""
    return tag("span", word, class_=f"badge {word.replace(' ', '-')}")


def definitions(*pairs: tuple[str, Child]) -> Html:
    """A list of terms with what belongs to them; terms without anything are left out."""
    return tag("dl", [[tag("dt", term), tag("dd", what)] for term, what in pairs if what not in (None, "", [])])


def table(header: tuple[str, ...], rows: Sequence[tuple[Child, ...]], *, caption: str | None = None) -> Html:
    """A table; the first cell of a row is its head. On a narrow screen cells stand one below the other, under their names."""
    body = []
    for first, *others in rows:
        cells = [tag("td", cell, data_label=name) for name, cell in zip(header[1:], others, strict=True)]
        body.append(tag("tr", tag("th", first, scope="row"), cells))
    head = tag("tr", [tag("th", name, scope="col") for name in header])
    title = tag("caption", caption) if caption else None
    return tag("div", tag("table", title, tag("thead", head), tag("tbody", body)), class_="scroll", tabindex=0)
