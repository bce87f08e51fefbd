"""What the documentation is built with: formulas become MathML, claims a page, and nothing is loaded from elsewhere."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from markdown import Markdown

from docs._hooks import catalogue, command, mathematics, offline
from tests.support import write_claims

ROOT = Path(__file__).resolve().parents[2]

REFUTED = r'''
@paper.claim(
    "below", where="Lemma 2", statement=r"\frac{1}{2} < 1", rule=Exact(), controls={"off": "one more"}, kind="theorem",
    recorded={"quick": "refuted", "full": "supported"}, because="too <small>", repaired="larger",
)
def below(trial: Trial) -> Integers:
    """Measured by nobody."""
    raise AssertionError
'''


def built(text: str) -> str:
    """Markdown as mkdocs.yml has it converted, with formulas."""
    config = SimpleNamespace(markdown_extensions=["pymdownx.arithmatex", "tables"])
    extensions = mathematics.on_config(config).markdown_extensions
    options = {"pymdownx.arithmatex": {"generic": True, "preview": False}}
    html = Markdown(extensions=extensions, extension_configs=options).convert(text)
    return mathematics.formulas(html, "page.md")


def page(name: str) -> SimpleNamespace:
    return SimpleNamespace(file=SimpleNamespace(src_uri=name))


def test_formulas_become_mathml() -> None:
    html = built("In the line $a < b$, and \n\n$$\\frac{a}{b}$$\n\nbut not `$a$`.")
    assert '<math><mi>a</mi></math><wbr><math><mo form="infix">&lt;</mo><mi>b</mi></math>' in html
    assert '<div class="formula"><math displaystyle="true"><mfrac>' in html
    assert "<code>$a$</code>" in html
    for formula in re.findall(r"<math.*?</math>", html, re.DOTALL):
        ElementTree.fromstring(formula)


def test_inner_products_are_no_tags() -> None:
    assert "&lt;x, z&gt; / d" in built("K is <x, z> / d")


def test_what_is_no_latex_ends_a_strict_build(caplog: pytest.LogCaptureFixture) -> None:
    built("$\\nosuchcommand{x}$")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.name.startswith("mkdocs.")
    assert "nosuchcommand" in record.message


def test_the_catalogue_shows_what_is_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    write_claims(tmp_path / "claims", "test2024", REFUTED)
    monkeypatch.setattr(catalogue, "CLAIMS", tmp_path / "claims")
    text = catalogue.on_page_markdown(f"before\n\n{catalogue.MARK}\n", page("catalogue.md"))
    assert text.startswith("before\n\n| kind |")
    assert "| theorem |  | 1 |  |" in text
    assert "## test2024 { #test2024 }" in text
    (html,) = (part for part in text.split("\n\n") if part.startswith("<div>"))
    ElementTree.fromstring(html.replace("<wbr>", ""))  # one piece, well formed: Markdown leaves it as it is
    for shown in ('id="test2024/below"', "<mfrac>", "Exact()", "too &lt;small&gt;", "larger", "(quick)", "Lemma 2"):
        assert shown in html
    assert catalogue.on_page_markdown(catalogue.MARK, page("index.md")) == catalogue.MARK


def test_the_page_of_the_command_has_every_command_and_study() -> None:
    text = command.on_page_markdown(command.MARK, page("reference/command.md"))
    for name in ("verify", "show", "power", "analyze", "analyze orthoconv", "analyze learning-curve"):
        assert f"# ntkit {name}\n" in text
    assert "--shard i/n" in text


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<img src="HTTP://example/x.png">',
        "<style>@import 'https://example/x.css';</style>",
        '<p style="background: url(https://example/x.png)">',
    ],
)
def test_what_would_be_loaded_from_elsewhere_is_found(html: str) -> None:
    assert len(list(offline.requests(html))) == 1


def test_links_and_own_files_are_no_requests() -> None:
    assert not list(offline.requests('<a href="https://example/">x</a><script src="../x.js"></script><img src="x.png">'))


def test_a_built_page_that_asks_elsewhere_ends_a_strict_build(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.html").write_text('<script src="https://cdn.example/x.js"></script>')
    (tmp_path / "b.css").write_text("@font-face { src: url(https://fonts.example/x.woff2) }")
    offline.on_post_build(SimpleNamespace(site_dir=str(tmp_path)))
    assert [record.message for record in caplog.records] == [
        "a.html would load https://cdn.example/x.js",
        "b.css would load https://fonts.example/x.woff2",
    ]


def test_every_public_package_has_a_page() -> None:
    pages = {file.stem for file in (ROOT / "docs" / "reference").glob("*.md")} - {"command"}
    packages = {file.parent.name for file in (ROOT / "ntkit").glob("*/__init__.py") if not file.parent.name.startswith("_")}
    assert pages == (packages - {"studies"}) | {"data"}
