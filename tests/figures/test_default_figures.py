"""Every kind of evidence has a figure that shows the claim beside its controls, with its data and the same bytes each time."""

import csv
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from ntkit.claims import Record, UsageError
from ntkit.claims.figures import draw, save
from ntkit.claims.figures._look import WIDTH
from tests.figures.records import KINDS, TROUBLE, measured


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def text_of(figure: Path) -> str:
    """All text of an SVG file."""
    return " ".join(" ".join(ElementTree.parse(figure).getroot().itertext()).split())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_evidence_draws(kind: str, tmp_path: Path, results: dict[str, Record]) -> None:
    record = results[kind]
    assert record.verdict["verdict"] == "supported"
    figure, data = save(record, tmp_path / "x.svg")
    text = text_of(figure)
    assert f"doe2024/{kind} " in text
    assert "supported (quick tier)" in text
    assert "claim (supported)" in text
    assert "control: wrong (refuted)" in text
    assert {row["control"] for row in rows(data)} == {"", "wrong"}


@pytest.mark.parametrize(("kind", "suffix"), [*((kind, "svg") for kind in KINDS), ("parts", "pdf"), ("parts", "png")])
def test_the_same_record_gives_the_same_bytes(kind: str, suffix: str, tmp_path: Path, results: dict[str, Record]) -> None:
    first = [path.read_bytes() for path in save(results[kind], tmp_path / f"x.{suffix}")]
    if suffix == "pdf":
        time.sleep(1.1)  # fonts carry whole seconds
    assert first == [path.read_bytes() for path in save(results[kind], tmp_path / "again" / f"x.{suffix}")]


@pytest.mark.parametrize("kind", [*KINDS, "never", "refuted", "unmet"])
def test_nothing_is_cut_off_or_too_small_to_read_at_six_centimetres(kind: str, results: dict[str, Record]) -> None:
    figure = draw(results[kind])
    figure.draw_without_rendering()
    page, shrunk = figure.bbox.padded(1), 6 / 2.54 / WIDTH
    for text in shown_texts(figure):
        assert text.get_fontsize() * shrunk >= 5.95
        assert page.contains(*text.get_window_extent().min), text.get_text()
        assert page.contains(*text.get_window_extent().max), text.get_text()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            boxes = [text.get_window_extent() for text in tick_labels(axis)]
            assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]), kind


def shown_texts(figure: Figure) -> list[Text]:
    ticks = {text for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for text in axis.get_majorticklabels()}
    shown = [text for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for text in tick_labels(axis)]
    return shown + [text for text in figure.findobj(Text) if text.get_text().strip() and text not in ticks]


def tick_labels(axis: Axis) -> list[Text]:
    """The labels of ticks within the limits; matplotlib keeps others that nobody sees."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high and tick.label1.get_text()]


def test_legend_title_and_panels_do_not_overlap(tmp_path: Path, results: dict[str, Record]) -> None:
    slug = "a-very-long-name-for-a-claim-that-has-to-be-broken-into-several-lines-of-the-title"
    control = "another-long-name-of-a-control-that-needs-two-lines-in-the-legend"
    source = KINDS["series"].replace("'series'", repr(slug)).replace("def series", f"def {slug.replace('-', '_')}")
    figure = draw(measured(tmp_path, source.replace('"wrong":', f'"{control}":')))
    figure.draw_without_rendering()
    boxes = [legend.get_window_extent() for legend in figure.legends]
    boxes += [axes.get_tightbbox() for axes in figure.axes] + [figure.texts[0].get_window_extent()]
    for i, a in enumerate(boxes):
        assert not any(a.padded(-1).overlaps(b) for b in boxes[i + 1 :])


def test_csv_of_a_series_holds_curve_fit_and_expectation(tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["series"]
    series = record.measurement()
    table = [row for row in rows(save(record, tmp_path / "x.svg")[1]) if not row["control"]]
    x, y, fit = (np.array([float(row[name]) for row in table]) for name in ("x", "y", "fit"))
    np.testing.assert_array_equal(x, series.x)
    np.testing.assert_array_equal(y, np.sqrt((series.y**2).mean(0)))
    assert np.polyfit(np.log(x), np.log(fit), 1)[0] == pytest.approx(record.verdict["statistic"])
    expected = np.array([float(row["expected"]) for row in table])
    np.testing.assert_allclose(np.diff(np.log(expected)) / np.diff(np.log(x)), -0.5)


def test_csv_of_proportions_has_their_exact_intervals(tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["counts"]
    table = rows(save(record, tmp_path / "x.svg")[1])
    worst = next(row for row in table if not row["control"] and row["cell"] == "0")
    assert (worst["successes"], worst["trials"]) == ("99", "100")
    assert [float(worst["low"]), float(worst["high"])] == pytest.approx(record.verdict["interval"])


@pytest.mark.parametrize("control", ["", "wrong"])
def test_csv_of_estimates_has_the_intervals_that_were_judged(control: str, tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["estimates"]
    table = [row for row in rows(save(record, tmp_path / "x.svg")[1]) if row["control"] == control]
    judged = record.verdict["controls"][control] if control else record.verdict
    assert len(table) == 3
    assert judged["interval"] in [[float(row["low"]), float(row["high"])] for row in table]
    assert judged["statistic"] in [float(row["value"]) for row in table]


def test_csv_of_thinned_sides_keeps_the_worst(tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["sides"]
    table = [row for row in rows(save(record, tmp_path / "x.svg")[1]) if row["control"]]
    assert len(table) <= 200
    assert max(float(row["tolerances"]) for row in table) == pytest.approx(record.verdict["controls"]["wrong"]["statistic"])


def test_csv_of_pairs_holds_means_and_single_differences(tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["pairs"]
    table = [row for row in rows(save(record, tmp_path / "x.svg")[1]) if not row["control"]]
    pairs = record.measurement()
    assert [float(r["value"]) for r in table if r["value"]] == pytest.approx((pairs.first - pairs.second).mean(0))
    assert len([r for r in table if r["difference"]]) == pairs.first.size


def test_csv_of_parts_names_them(tmp_path: Path, results: dict[str, Record]) -> None:
    table = rows(save(results["parts"], tmp_path / "x.svg")[1])
    assert {row["part"] for row in table} == {"equal", "rank"}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_is_drawn_honestly(trouble: str, tmp_path: Path, results: dict[str, Record]) -> None:
    record = results[trouble]
    text = text_of(save(record, tmp_path / "x.svg")[0])
    assert f"{record.verdict['verdict']} (quick tier)" in text
    reasons = {
        "raises": "cannot <i>allocate</i>",
        "control-raises": "not drawn: control: wrong: division by zero",
        "unmet": "it never trained",
        "nothing-finite": "it diverged",
        "pairs-unmet": "it diverged",
        "estimates-unmet": "it diverged",
        "never": "does not cross",
        "wrong-kind": "judges Integers",
        "unmet-trial": "too small",
        "refuted": "repaired (supported)",
        "toothless": "control: wrong (supported)",
    }
    assert reasons[trouble] in text


def test_damaged_evidence_is_said(tmp_path: Path, results: dict[str, Record]) -> None:
    record = measured(tmp_path, KINDS["integers"])
    record.evidence_path("wrong").write_bytes(b"damaged")
    assert "not drawn: control: wrong" in text_of(save(record, tmp_path / "x.svg")[0])


def test_labels_that_are_no_mathematics_stand_as_they_are(tmp_path: Path, results: dict[str, Record]) -> None:
    source = KINDS["series"].replace("width $n$", r"cost in $ \\foo $").replace("y_label='error'", "y_label='100 % & <b>'")
    text = text_of(save(measured(tmp_path, source), tmp_path / "x.svg")[0])
    assert r"cost in $ \foo $" in text
    assert "100 % & <b>" in text


def test_other_endings_are_refused(tmp_path: Path, results: dict[str, Record]) -> None:
    record = results["integers"]
    with pytest.raises(UsageError, match=r"-o .*x\.jpg: a figure's name must end in \.pdf, \.png, \.svg"):
        save(record, tmp_path / "x.jpg")


def test_the_users_own_style_changes_nothing(tmp_path: Path, results: dict[str, Record]) -> None:
    import matplotlib

    record = results["integers"]
    plain = save(record, tmp_path / "x.svg")[0].read_bytes()
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert save(record, tmp_path / "y.svg")[0].read_bytes() == plain
