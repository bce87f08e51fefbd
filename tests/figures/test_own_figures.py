"""A claim may have a figure of its own in `figures/PAPER.py`; it is found by path and imported only when it is asked for."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from ntkit.claims import Record, UsageError
from ntkit.claims.figures import _custom, draw, save
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


def test_folders_are_searched_in_order_and_other_names_fall_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: dict[str, Record]
) -> None:
    record = results["series"]
    bundled = tmp_path / "bundled"
    monkeypatch.setattr(_custom, "bundled_folder", lambda name: bundled)
    write_own(bundled, text="bundled")
    assert draw(record).texts[0].get_text().startswith("bundled")
    write_own(tmp_path / "figures", text="mine", name="something_else")
    assert draw(record).texts[0].get_text().startswith("bundled")
    write_own(tmp_path / "figures", text="mine")
    assert draw(record).texts[0].get_text().startswith("mine")


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
