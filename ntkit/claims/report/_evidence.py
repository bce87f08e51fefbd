"""The figure of a claim on its page, and everything behind it to take away."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ntkit.claims._errors import UsageError
from ntkit.claims.figures import write_figure
from ntkit.claims.figures._words import variant_words
from ntkit.claims.report._entry import Entry
from ntkit.claims.report._html import Html, join, tag


@dataclass(frozen=True)
class Files:
    """What lies next to a claim's page.

    Attributes:
        figure, data: names from the report's folder; None if there are none.
        arrays: variant -> name of its evidence.
        trouble: why the figure is not the one it should be.
    """

    figure: str | None = None
    data: str | None = None
    arrays: Mapping[str | None, str] = field(default_factory=dict)
    trouble: str | None = None

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [name for name in (self.figure, self.data, *self.arrays.values()) if name]


def write_files(entry: Entry, out: Path) -> Files:
    """Draw the claim's figure and copy its evidence; whatever goes wrong is said on the page, and stops nothing else."""
    record = entry.record
    if record is None:
        return Files()
    arrays: dict[str | None, str] = {}
    for name in entry.claim.variants:
        source = record.evidence_path(name)
        if source is not None and source.is_file():
            arrays[name] = entry.control_file(name, ".npz") if name else f"{entry.stem}.npz"
            (out / arrays[name]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, out / arrays[name])
    figure, data = f"{entry.stem}.svg", f"{entry.stem}.csv"
    trouble = None
    try:
        try:
            write_figure(record, out / figure, custom=True)
        except UsageError as error:
            trouble = f"The claim's own figure could not be drawn, this is the default one. {error}"
            write_figure(record, out / figure, custom=False)
    except Exception as error:  # one picture is not worth the report
        return Files(arrays=arrays, trouble=f"The figure could not be drawn: {type(error).__name__}: {error}")
    return Files(figure, data, arrays, trouble)


def evidence_section(entry: Entry, files: Files) -> Html | None:
    """Figure and downloads."""
    if entry.record is None:
        return None
    here = entry.stem.rpartition("/")[0] + "/"
    picture = None
    if files.figure:
        about = f"{entry.claim.name}: {entry.word}. {entry.record.verdict['sentence']}"
        picture = tag("figure", tag("img", src=files.figure.removeprefix(here), alt=about))
    links = [("figure (SVG)", files.figure), ("what it shows (CSV)", files.data)]
    links += [(f"evidence, {variant_words(name)} (NPZ)", file) for name, file in files.arrays.items()]
    taken = [tag("a", text, href=file.removeprefix(here), download=True) for text, file in links if file]
    return tag(
        "section",
        tag("h2", "Evidence"),
        picture,
        tag("p", files.trouble, class_="trouble") if files.trouble else None,
        tag("p", "Download: ", join(taken, ", ")) if taken else tag("p", "No trial left any evidence."),
    )
