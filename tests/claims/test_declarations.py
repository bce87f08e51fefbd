"""What is declared wrongly is refused when the file is collected, with file, line and remedy."""

from pathlib import Path

import pytest

from ntkit.claims import ClaimError, Identity, Paper, Sides, Slope, Trial
from ntkit.claims._index import read_catalogue
from tests.support import HEADER, catalogue, equal_claim, write_claims

GOOD = """
@paper.claim("a", where="T", statement="x", rule={rule}, controls={controls}{more})
def a(trial: Trial) -> {returns}:
    pass
"""
LINE = 8  # of the decorator, after the header


def _error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> str:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "paper_checks"
    write_claims(folder, "doe2024", source)
    found = read_catalogue(folder)
    assert len(found.errors) == 1, found
    return found.errors[0].replace(f"{folder}/", "")


def _claim(rule: str = "Identity(rtol=1e-9)", controls: str = '{"c": "wrong"}', more: str = "", returns: str = "Sides") -> str:
    return GOOD.format(rule=rule, controls=controls, more=more, returns=returns)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (_claim() + _claim(), f"doe2024.py:{LINE + 4}: slug 'a' is declared twice in doe2024; give each claim its own"),
        (_claim(controls="{}"), "a has no control; name at least one mistake that its rule must refute"),
        (_claim(controls='{"repaired": "x"}'), "control name 'repaired' is reserved; say repaired= instead"),
        (_claim(controls='{"c": " "}'), "control 'c' has no description; say what is made wrong"),
        (_claim(controls='{"Not good": "x"}'), "control name 'Not good'; use lower-case words joined by hyphens"),
        (_claim(controls='{"c": Control("x", parts=("slope",))}'), "names parts ['slope']; the rule has the parts []"),
        (_claim(more=', recorded="refuted", because="b"'), "a is recorded as refuted; say in repaired= what holds instead"),
        (_claim(more=', recorded="refuted", repaired="r"'), "a is recorded as refuted; say why in because="),
        (_claim(more=', recorded="inconclusive"'), "a is recorded as inconclusive; say why in because="),
        (_claim(more=', recorded={"quick": "supported"}'), "inconclusive, or one for each of quick, full"),
        (_claim(more=', recorded="maybe", because="b"'), "a: recorded 'maybe'; use one of supported, refuted, inconclusive"),
        (_claim(more=', kind="law"'), "a: kind 'law'; use one of theorem, corollary, derived, reading, trend"),
        (_claim(more=', checked="no"'), "a: checked 'no'; use one of text, code, secondary, memory"),
        (_claim(more=", deadline=-1"), "a: deadline -1; give a positive number of seconds"),
        (_claim(rule="Identity(rtoll=1e-9)"), "unknown option 'rtoll'; allowed are rtol, atol, refute"),
        (_claim(more=", colour=1"), "unknown option 'colour'; allowed are slug, where, statement, rule, controls"),
        (_claim(rule="Identity(rtol=2)"), "ValueError: rtol must be in [0, 1), got 2"),
        (_claim(rule='"exact"'), "a: rule is 'exact'; give one of the rules of ntkit.claims"),
        (_claim(returns="Series"), "a returns Series, Identity judges Sides; change one"),
        (_claim().replace(" -> Sides", ""), "a does not say what it returns; annotate it: def a(trial: Trial) -> Sides"),
        (_claim().replace('"a"', '"A b"'), "slug 'A b'; use lower-case words joined by hyphens"),
        (_claim().replace('"T"', '""'), "a has no source; say in where= which theorem, section or equation it is"),
        (_claim().replace('="x"', r'=r"\foo x"'), r"a: statement uses \foo, which latex2mathml does not know"),
        (_claim().replace('"x"', '"a_{"'), "a: statement has unbalanced braces: a_{"),
        (_claim().replace('"x"', r'r"\frac{a}"'), "a: statement leaves an incomplete mfrac"),
        (_claim().replace('"x"', '"a & b"'), "a: statement converts into broken MathML"),
        (_claim().replace('"x"', '" "'), "a: statement is empty; write the theorem in LaTeX"),
        (_claim().replace('"x"', '"a_"'), "a: statement does not convert to MathML (MissingSuperScriptOrSubscriptError): a_"),
        ("", "doe2024.py:1: paper doe2024 has no claim; decorate a function with @paper.claim(...)"),
        ("import no_such_module", "doe2024.py:7: ModuleNotFoundError: No module named 'no_such_module'; install it, or put"),
        ("def f(:", "doe2024.py:7: SyntaxError: invalid syntax"),
        ("1 / 0", "doe2024.py:7: ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(3)", "doe2024.py:7: SystemExit: 3"),
        ("import os; os._exit(3)", "doe2024.py:1: ended the interpreter (exit status 3) while it was imported"),
        ('other = Paper("roe2024", "t", "a", 2024)', "doe2024.py:1: declares 2 papers; give each paper a file of its own"),
        ('Paper("Doe 2024", "t", "a", 2024)', "doe2024.py:7: paper key 'Doe 2024'; use a-z and 0-9 only"),
        ('Paper("doe2025", "", "a", 2024)', "paper doe2025 has no title or authors; give both"),
    ],
)  # fmt: skip
def test_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str) -> None:
    error = _error(tmp_path, monkeypatch, source)
    assert message in error
    assert error.startswith("doe2024.py:")


def test_a_file_without_a_paper_is_a_helper_with_the_wrong_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "helpers.py").write_text("x = 1\n")
    assert "declares no Paper; a helper's file name begins with an underscore" in read_catalogue(tmp_path).errors[0]


def test_two_files_may_not_declare_one_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    for name in ("a2024", "b2024"):
        (tmp_path / f"{name}.py").write_text(HEADER.format(key="same2024") + equal_claim("x"))
    found = read_catalogue(tmp_path)
    assert [claim.file for claim in found.claims] == [str(tmp_path / "a2024.py")]
    assert f"paper same2024 is declared in {tmp_path / 'a2024.py'} already; give it another key" in found.errors[0]


def test_every_other_file_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    for name, source in {"a2024": equal_claim("x"), "b2024": "import os; os._exit(1)", "c2024": equal_claim("y")}.items():
        write_claims(tmp_path, name, source)
    found = read_catalogue(tmp_path)
    assert [claim.name for claim in found.claims] == ["a2024/x", "c2024/y"]
    assert len(found.errors) == 1


def test_helpers_can_be_imported_and_are_not_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "_common.py").write_text("TOLERANCE = 1e-7\n")
    source = "from _common import TOLERANCE\n" + equal_claim("x").replace("rtol=1e-9", "rtol=TOLERANCE")
    write_claims(tmp_path, "doe2024", source)
    assert catalogue(tmp_path).claims[0].rule == Identity(rtol=1e-7)
    (tmp_path / "_common.py").write_text("TOLERANCE = 1e-6\n")
    assert catalogue(tmp_path).claims[0].rule == Identity(rtol=1e-6), "a changed helper must be noticed"


def test_a_catalogue_survives_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reading comes from the index, and is equal to the first."""
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    parts = '@paper.claim("p", where="T", statement="x", rule=All(one=Slope(tol=(None, 0.1)), two=Proportion(at_least=0.5)), '
    parts += 'controls={"c": Control("d", parts=("one",))})\ndef p(trial: Trial) -> dict[str, Series]:\n    """Notes."""\n'
    write_claims(
        tmp_path, "doe2024", equal_claim("x", options='deadline=5, recorded="refuted", because="b", repaired="r"'), parts
    )
    first, second = catalogue(tmp_path), catalogue(tmp_path)
    assert first == second
    assert second.claims[1].rule == first.claims[1].rule
    assert second.claims[0].variants == (None, "off", "repaired")
    assert second.claims[1].controls["c"].parts == ("one",)
    assert second.claims[1].has_interval
    assert not second.claims[0].has_interval


def test_the_decorator_returns_the_function_itself() -> None:
    paper = Paper("doe2024", "Title", "Jane Doe, John Roe", 2024, arxiv="2401.00001")

    @paper.claim("x", where="T", statement="x", rule=Identity(rtol=1e-9), controls={"c": "wrong"})
    def measure(trial: Trial) -> Sides:
        return Sides([trial.seed], [trial.seed])

    assert measure(Trial("doe2024/x", seed=3)).lhs.tolist() == [3.0]  # type: ignore[union-attr]
    assert paper.cite().splitlines() == [
        "@article{doe2024,",
        "  author = {Jane Doe and John Roe},",
        "  title = {{Title}},",
        "  year = {2024},",
        "  eprint = {2401.00001},",
        "  archiveprefix = {arXiv},",
        "}",
    ]


def test_a_wrong_declaration_names_the_line_of_the_call() -> None:
    paper = Paper("doe2024", "Title", "Doe", 2024)
    with pytest.raises(ClaimError, match=r"test_declarations.py:\d+: slug 'No'"):
        paper.claim("No", where="T", statement="x", rule=Slope(tol=1), controls={"c": "wrong"})
