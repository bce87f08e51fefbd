"""The report: every claim has a complete page, everything is escaped, links lead somewhere, nothing stale stays."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import pytest

from ntkit.claims import Claim, UsageError
from ntkit.claims._statement import to_mathml
from ntkit.claims._store import Store
from ntkit.claims.report import write_report
from ntkit.claims.report._mathml import mathematics
from tests.figures.records import declare, measure
from tests.report.conftest import HOSTILE, Reported

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}


class Page(HTMLParser):
    """A page as a browser reads it: elements, attributes, text; every element must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += " "
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def addresses(self) -> list[str]:
        return [value for _, attributes in self.elements for name in ("href", "src") if (value := attributes.get(name))]


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def words(page: Page) -> str:
    return " ".join(page.text.split())


def test_every_claim_has_a_page_that_says_everything(reported: Reported) -> None:
    for claim in reported.claims:
        page = read(reported.out / "claims" / claim.paper.key / f"{claim.slug}.html")
        text = words(page)
        said = (claim.where, claim.kind, claim.checked, claim.rule_shown, claim.rule_text, claim.statement, claim.paper.title)
        missing = [part for part in (*said, *(c.description for c in claim.controls.values())) if part not in text]
        assert not missing, claim.name
        assert claim.notes.split("\n")[0] in text
        assert f"ntkit verify {claim.name}" in text
        assert "@article{" in text
        assert any(tag == "math" for tag, _ in page.elements)


def test_a_measured_claim_shows_its_verdict_its_evidence_and_how_to_repeat_it(reported: Reported) -> None:
    page = read(reported.out / "claims/doe2024/series.html")
    text = words(page)
    record = reported.record("doe2024/series")
    assert record["sentence"] in text
    assert "ntkit verify doe2024/series --tier quick --seed 1000" in text
    assert re.search(r"wrong something is wrong refuted \S+ \[.*?\] [\d.]+ beyond it", text)
    assert f"numpy {record['versions']['numpy']}" in text
    assert "measured by series in doe2024.py, line" in text
    for name in ("series.svg", "series.csv", "series.npz", "series.wrong.npz"):
        assert name in page.addresses
    source = reported.store.evidence_path(record["evidence"]["claim"])
    assert (reported.out / "claims/doe2024/series.npz").read_bytes() == source.read_bytes()
    with (reported.out / "claims/doe2024/series.csv").open(newline="") as file:
        assert {row["control"] for row in csv.DictReader(file)} == {"", "wrong"}


def test_full_results_are_shown_where_there_are_any(reported: Reported) -> None:
    assert "--tier full --seed 1000" in words(read(reported.out / "claims/doe2024/integers.html"))
    text = words(read(reported.out / "index.html"))
    assert "Each shows its newest result at tier full where there is one, else quick: 1 at tier full and" in text


def test_no_machine_path_is_on_any_page(reported: Reported) -> None:
    folder = str(reported.out.parent)
    assert not [page for page in reported.pages if folder in page.read_text()]


def test_a_refuted_theorem_is_one_only_if_its_text_was_checked(reported: Reported) -> None:
    index = words(read(reported.out / "index.html"))
    assert "Refuted theorems: 1 ( doe2024/refuted )" in index
    exceptions = words(read(reported.out / "exceptions.html"))
    assert "A refuted theorem: the statement was checked against the paper's text." in exceptions
    assert "Not a refuted theorem: the statement was checked against memory, not against the paper's text." in exceptions


def test_what_did_not_hold_is_listed_with_the_reason(reported: Reported) -> None:
    text = words(read(reported.out / "exceptions.html"))
    for reason in (
        "because",
        "a counterexample",
        "for small values",
        "it never trained",
        "cannot <i>allocate</i>",
        "A control that must be refuted is not",
        "Against the record, which says supported.",
    ):
        assert reason in text
    assert "doe2024/series" not in text


def test_the_index_lists_slow_claims_and_claims_without_a_result(reported: Reported) -> None:
    text = words(read(reported.out / "index.html"))
    assert "Slower than 20 CPU seconds at the quick tier doe2024/counts 33 s" in text
    assert "Without a result new2026/nothing" in text
    assert "No result yet." in words(read(reported.out / "claims/new2026/nothing.html"))


def test_power_repeats_and_parts_are_shown(reported: Reported) -> None:
    assert (
        "as recorded in 50 of 50 seeds at tier quick; control wrong refuted in 49 of 50; "
        "measured before code, rule or controls last changed" in words(read(reported.out / "claims/doe2024/counts.html"))
    )
    assert "The first run was a surprise" in words(read(reported.out / "claims/doe2024/unmet.html"))
    assert "Parts" in words(read(reported.out / "claims/doe2024/parts.html"))


def test_every_link_leads_somewhere(reported: Reported) -> None:
    for path in reported.pages:
        for address in read(path).addresses:
            if urlparse(address).scheme in ("https", "data"):
                continue
            assert (path.parent / unquote(address)).is_file(), (path.name, address)


def test_pages_load_nothing_from_elsewhere(reported: Reported) -> None:
    for path in reported.pages:
        for tag, attributes in read(path).elements:
            loaded = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            assert not loaded or loaded == "data:," or not urlparse(loaded).scheme
    for asset in ("report.css", "report.js"):
        assert "://" not in (reported.out / asset).read_text()


def test_nothing_hostile_survives(reported: Reported) -> None:
    allowed = {"report.js"}
    for path in reported.pages:
        page = read(path)
        for tag, attributes in page.elements:
            assert tag not in ("iframe", "object", "svg", "style", "i", "b")
            assert tag != "script" or Path(attributes["src"] or "").name in allowed
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            assert attributes.get("id") in (None, "filters")
            assert not any((value or "").strip().lower().startswith("javascript:") for value in attributes.values())
    page = read(reported.out / "claims/evil2024/hostile.html")
    for text in HOSTILE:
        assert text in page.text


def test_every_statement_is_valid_mathml(reported: Reported) -> None:
    for path in reported.pages:
        for formula in re.findall(r"<math.*?</math>", path.read_text(), re.S):
            root = ElementTree.fromstring(formula)
            assert {element.tag for element in root.iter()} <= {
                "math", "mrow", "mi", "mo", "mn", "mtext", "msup", "msub", "mfrac", "mspace", "mstyle", "msubsup", "msqrt"
            }  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "pieces"),
    [
        (r"a = b", ["a", "=b"]),
        (r"f(x = 1, y) \le C\, n^{-1/2}", ["f(x=1,y)", "≤Cn-1/2"]),
        (r"a, \quad b \text{ for all } c", ["a,", "b", "for", "all", "c"]),
        (r"\left(a, b\right) > 0", ["(a,b)", ">0"]),
    ],
)
def test_a_long_statement_can_go_on_in_the_next_line(statement: str, pieces: list[str]) -> None:
    page = mathematics(to_mathml(statement), statement)
    formulas = [ElementTree.fromstring(piece) for piece in page.split("<wbr>")]
    shown = ["".join(formula.itertext()).replace("\N{MINUS SIGN}", "-").strip() for formula in formulas]
    assert [text for text in shown if text] == pieces
    assert not [mo for f in formulas for mo in f.iter("mo") if mo.text == "=" and mo is f[0] and mo.get("form") != "infix"]


def test_what_is_no_mathml_is_shown_as_latex() -> None:
    assert mathematics("<math><mi>", "<x>") == "<code>&lt;x&gt;</code>"
    assert mathematics("<script>x</script>", "x") == "<code>x</code>"


def test_the_same_store_gives_the_same_bytes(reported: Reported, tmp_path: Path) -> None:
    write_report(reported.claims, reported.store, tmp_path / "again")
    names = sorted(path.relative_to(reported.out) for path in reported.out.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*") if path.is_file())
    assert [n for n in names if (reported.out / n).read_bytes() != (tmp_path / "again" / n).read_bytes()] == []


def one_claim(folder: Path, slug: str) -> tuple[list[Claim], Store]:
    from tests.figures.records import claim

    claims = declare(folder / "paper_checks", "doe2024", claim(slug, "Exact()", "Integers", "Integers([1], [1 + wrong])"))
    store = Store(folder / "store")
    measure(claims, store)
    return claims, store


def test_what_an_earlier_report_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    old, store = one_claim(tmp_path / "old", "old")
    out = tmp_path / "report"
    write_report(old, store, out)
    (out / "notes.txt").write_text("mine")
    new, store = one_claim(tmp_path / "new", "new")
    write_report(new, store, out)
    assert sorted(path.name for path in (out / "claims/doe2024").iterdir()) == sorted(
        f"new{suffix}" for suffix in (".html", ".svg", ".csv", ".npz", ".wrong.npz")
    )
    assert (out / "notes.txt").read_text() == "mine"


def test_a_list_that_names_files_elsewhere_removes_nothing_there(tmp_path: Path) -> None:
    claims, store = one_claim(tmp_path, "one")
    (tmp_path / "precious").write_text("mine")
    out = tmp_path / "report"
    out.mkdir()
    (out / ".ntkit-report.json").write_text(json.dumps({"files": ["../precious", str(tmp_path / "precious")]}))
    write_report(claims, store, out)
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_folder_of_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "index.html").write_text("mine")
    with pytest.raises(UsageError, match=r"-o .*thesis: holds files that are not a report"):
        write_report([], Store(tmp_path / "store"), out)
    assert [path.name for path in out.iterdir()] == ["index.html"]
    assert (out / "index.html").read_text() == "mine"
    with pytest.raises(UsageError, match=r"is a file; give a folder"):
        write_report([], Store(tmp_path / "store"), out / "index.html")


def test_an_empty_catalogue_has_a_report_too(tmp_path: Path) -> None:
    index = write_report([], Store(tmp_path / "store"), tmp_path / "report")
    assert "0 claims." in words(read(index))
    assert "Every result is supported." in words(read(tmp_path / "report/exceptions.html"))


def test_a_figure_of_its_own_that_fails_is_replaced_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claims, store = one_claim(tmp_path, "one")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/doe2024.py").write_text("def one(record):\n    raise KeyError('no <such> width')\n")
    monkeypatch.chdir(tmp_path)
    write_report(claims, store, tmp_path / "report")
    text = words(read(tmp_path / "report/claims/doe2024/one.html"))
    assert "this is the default one. figures/doe2024.py:2: KeyError: 'no <such> width'" in text
    assert (tmp_path / "report/claims/doe2024/one.svg").is_file()
