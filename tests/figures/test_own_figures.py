"""A claim may have a figure of its own in `figures/PAPER.py`; it is found by path and imported only when it is asked for."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import ntkit.claims.figures
from ntkit.claims import Integers, Record, Sides, UsageError
from ntkit.claims.figures import BLUE, ORANGE, _custom, draw, head, save
from ntkit.claims.figures._look import style
from tests.figures.records import KINDS, claim, measured

OWN = """
from matplotlib.figure import Figure

def {name}(record):
    figure = Figure(figsize=(2, 2))
    figure.text(0.1, 0.5, "{text} " + record.claim.name)
    return figure
"""


def write_own(folder: Path, text: str = "mine", name: str = "series", body: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "doe2024.py"
    file.write_text(body or OWN.format(text=text, name=name))
    return file


def test_a_figure_of_its_own_comes_first_and_its_csv_is_the_whole_evidence(tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["series"]
    write_own(tmp_path / "figures")
    assert draw(record).texts[0].get_text() == "mine doe2024/series"
    figure, data = save(record, tmp_path / "x.svg")
    assert b"mine doe2024/series" in figure.read_bytes()
    with data.open(newline="") as file:
        rows = list(csv.DictReader(file))
    series = record.measurement()
    claim = [row for row in rows if not row["control"]]
    assert list(rows[0]) == ["part", "control", "repeat", "point", "x", "y"]
    assert len(rows) == 2 * series.y.size
    assert all(float(row["y"]) == series.y[int(row["repeat"]), int(row["point"])] for row in claim)


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_evidence_of_every_kind_is_written(kind: str, tmp_path: Path, results: dict[str, Record]) -> None:
    record = results[kind]
    write_own(tmp_path / "figures", name=kind)
    _, data = save(record, tmp_path / "x.svg")
    measurement = record.measurement()
    parts = measurement.values() if isinstance(measurement, dict) else [measurement]
    largest = sum(max(getattr(part, name).size for name in part.arrays if getattr(part, name) is not None) for part in parts)
    assert len(data.read_text().splitlines()) == 1 + 2 * largest


def test_the_current_folder_adds_names_and_replaces_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: dict[str, Record]
) -> None:
    record = results["series"]
    bundled = tmp_path / "bundled"
    monkeypatch.setattr(_custom, "bundled_folder", lambda name: bundled)
    write_own(bundled, text="bundled", name="something_else")
    write_own(tmp_path / "figures", text="mine")
    assert draw(record).texts[0].get_text().startswith("mine")
    write_own(bundled, text="bundled")
    assert draw(record).texts[0].get_text().startswith("bundled")
    write_own(tmp_path / "figures", body="raise SystemExit('a folder of this name that has nothing to do with ntkit')")
    assert draw(record).texts[0].get_text().startswith("bundled")  # what ships is not replaced, nor is the other imported


def test_a_changed_file_is_read_again(tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["series"]
    write_own(tmp_path / "figures", text="first")
    assert draw(record).texts[0].get_text().startswith("first")
    write_own(tmp_path / "figures", text="second")
    assert draw(record).texts[0].get_text().startswith("second")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def series(record):\n    return 1 / 0\n", r"figures/doe2024\.py:2: ZeroDivisionError: division by zero"),
        ("import no_such_module\n", r"figures/doe2024\.py:1: ModuleNotFoundError"),
        ("def series(record:\n", r"figures/doe2024\.py:1: SyntaxError"),
        ("def series(record):\n    return 'a picture'\n", "must return a matplotlib Figure, it returned str"),
    ],
)
def test_what_is_wrong_with_it_is_said_with_file_and_line(
    body: str, message: str, tmp_path: Path, results: dict[str, Record]
) -> None:
    record = results["series"]
    write_own(tmp_path / "figures", body=body)
    with pytest.raises(UsageError, match=message):
        draw(record)


def test_a_part_is_that_of_the_claim_or_of_a_control(results: dict[str, Record]) -> None:
    record = results["parts"]
    assert isinstance(record.part("equal"), Sides)
    rank, wrong = record.part("rank"), record.part("rank", control="wrong")
    assert isinstance(rank, Integers)
    assert isinstance(wrong, Integers)
    assert [rank.expected.tolist(), wrong.expected.tolist()] == [[3], [4]]


def test_a_failed_trial_has_no_parts(tmp_path: Path) -> None:
    body = "return {'rank': Integers([3], [3 if not wrong else 1 / 0])}"
    record = measured(tmp_path, claim("whole", "All(rank=Exact())", "dict[str, Integers]", body))
    assert isinstance(record.part("rank"), Integers)
    assert record.part("rank", control="wrong") is None


@pytest.mark.parametrize(
    ("kind", "name", "control", "message"),
    [
        ("parts", "ranks", None, r"name='ranks': the parts of doe2024/parts are \['equal', 'rank'\]"),
        ("series", "curve", None, "name='curve': doe2024/series has no parts"),
        ("parts", "rank", "wrogn", r"control='wrogn': the controls of doe2024/parts are \['wrong'\], None is the claim itself"),
    ],
)
def test_a_part_that_nobody_declared_is_an_error(
    kind: str, name: str, control: str | None, message: str, results: dict[str, Record]
) -> None:
    with pytest.raises(UsageError, match=message):
        results[kind].part(name, control)
    if control is not None:
        with pytest.raises(UsageError, match=message):
            results[kind].measurement(control)


@pytest.mark.parametrize(
    ("slug", "inches", "title"),
    [
        ("series", 4.0, "doe2024/series: supported (quick tier)"),
        ("series", 2.5, "doe2024/series\nsupported (quick tier)"),
        ("a-name-of-more-than-one-line", 2.5, "doe2024/\na-name-of-more-than-one-line\nsupported (quick tier)"),
        ("a-name-of-more-than-one-line", 1.8, "doe2024/\na-name-of-more-than-\none-line\nsupported (quick tier)"),
    ],
)
def test_the_title_is_broken_where_the_figure_is_too_narrow(slug: str, inches: float, title: str, tmp_path: Path) -> None:
    source = KINDS["series"].replace("'series'", repr(slug)).replace("def series", f"def {slug.replace('-', '_')}")
    record = measured(tmp_path, source)
    with style():
        figure = Figure(figsize=(inches, 2.0))
        axes = figure.subplots(1, 2)
        head(figure, record)
        figure.set_dpi(600)  # letters as wide as in a vector file
        figure.draw_without_rendering()
    (text,) = figure.texts
    assert text.get_text() == title
    assert text.get_window_extent().x1 <= figure.bbox.width
    assert all(tick.gridline.get_visible() for one in axes for tick in one.xaxis.get_major_ticks())


def test_the_example_of_the_documentation_draws(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", ntkit.claims.figures.__doc__ or "", re.DOTALL)
    body = (
        "y = (0.1 * g.random((200, 3)) + 1) / (n := np.array([16, 64, 256])) ** (1 if wrong else 0.5)\n"
        "    return {'rate': Series(n, y, -0.5), 'rank': Integers([3], [3])}"
    )
    rule = "All(rate=Slope(tol=0.1), rank=Exact())"
    record = measured(tmp_path, claim("rate-and-rank", rule, "dict[str, Series | Integers]", body))
    write_own(tmp_path / "figures", body=example)
    figure = draw(record)
    assert figure.texts[0].get_text() == "doe2024/rate-and-rank\nsupported (quick tier)"
    (axes,) = figure.axes
    claimed, wrong = axes.get_lines()
    assert [claimed.get_color(), wrong.get_color()] == [BLUE, ORANGE]
    np.testing.assert_allclose(claimed.get_ydata(), np.mean(record.part("rate").y, axis=0))


def test_the_figure_that_ships_for_the_kernel_at_initialisation(tmp_path: Path) -> None:
    source = claim(
        "init-limit",
        "Slope(tol=0.1)",
        "Series",
        "Series(n := np.array([16, 64, 256]), (0.3 * g.random((200, 3)) + 1) / np.sqrt(n) + wrong, -0.5, reduce='rms')",
        controls="{'other-activation': 'erf', 'first-layer': 'one term less'}",
    )
    record = measured(tmp_path, source, key="jacot2018")
    figure = draw(record)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "limit of this network" in texts
    assert "limit with erf (control, refuted)" in texts
    first, again = (save(record, tmp_path / name / "x.svg")[0].read_bytes() for name in ("a", "b"))
    assert first == again


def test_matplotlib_is_imported_when_something_is_drawn_and_pyplot_never() -> None:
    code = (
        "import sys, ntkit.claims.figures, ntkit.claims.report; assert 'matplotlib' not in sys.modules;"
        "import ntkit.claims.figures._compose, ntkit.claims.figures._custom, ntkit.claims.figures._look as look;"
        "assert 'matplotlib' not in sys.modules\nwith look.style(): pass\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)
