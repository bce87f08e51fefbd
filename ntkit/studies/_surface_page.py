"""A surface to turn by hand: one page of HTML that holds its data, style and script, and asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

WIDE = 30.0  # times the smallest value that the largest one is, from where on heights are powers of ten to begin with
_SOME = 10.0  # likewise, from where on it can be chosen
_COLOURS = 64
_KEYS = "Drag to turn, wheel or two fingers to zoom; with the keyboard: arrows, + and \N{MINUS SIGN}, 0 for the first view."


def surface_page(
    title: str,
    first_grid: Sequence[float] | Floats,
    second_grid: Sequence[float] | Floats,
    values: Sequence[Sequence[float]] | Floats,
    *,
    first: str = "multiple of the first direction",
    second: str = "multiple of the second",
    value: str = "loss",
    mark: tuple[float, float, float, str] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """A page with an interactive surface.

    It works from the file system and in any browser of today; its own policy forbids every request. Without JavaScript it shows
    the values from above, as colours, and says what is lowest and highest.

    Args:
        title: of the page and of the picture.
        first_grid: where the values are along the first axis, rising, at least two.
        second_grid: likewise along the second one.
        values: [i, j] at first_grid[i] and second_grid[j]; NaN and infinite ones are holes, and counted.
        first: what the first axis shows, with its unit if it has one.
        second: what the second axis shows.
        value: what the height shows.
        mark: a point to be marked: its two places, its value, and a word.
        notes: sentences below the picture, such as how directions were made.

    Raises:
        ValueError: grids that do not rise or are not finite, values of another shape, or none that is finite.

    Example:
        >>> page = surface_page("A bowl", [-1, 0, 1], [-1, 1], [[2, 2], [1, 1], [2, 2]])
        >>> page.startswith("<!DOCTYPE html>"), "://" in page
        (True, False)
    """
    grids = [_grid(name, grid) for name, grid in (("first_grid", first_grid), ("second_grid", second_grid))]
    heights = np.asarray(values, np.float64)
    if heights.shape != (len(grids[0]), len(grids[1])):
        raise ValueError(f"values must have shape {len(grids[0]), len(grids[1])}, as the grids say, got {heights.shape}")
    known = heights[np.isfinite(heights)]
    if not known.size:
        raise ValueError("values must have a finite one, got none")
    ratio = known.max() / known.min() if known.min() > 0 else 0.0
    names = {"first": first, "second": second, "value": value}
    colours = _viridis()
    data = {
        "first": _short(grids[0]), "second": _short(grids[1]), "values": [_short(row) for row in heights], "names": names,
        "colours": colours,
        "mark": None if mark is None else {"at": list(mark[:2]), "value": _short(np.array(mark[2:3]))[0], "name": mark[3]},
    }  # fmt: skip
    said = _said(grids, heights, names)
    picture = _image(
        np.log10(heights, where=heights > 0, out=np.full(heights.shape, np.nan)) if ratio > WIDE else heights, colours
    )
    return _page(title, data, said, picture, [*notes], offered=ratio >= _SOME, powers=ratio > WIDE)


def _grid(name: str, grid: Sequence[float] | Floats) -> Floats:
    found = np.asarray(grid, np.float64)
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all() or not (np.diff(found) > 0).all():
        raise ValueError(f"{name} must be at least two finite numbers that rise, got {grid}")
    return found


def _short(row: Floats) -> list[float | None]:
    """Numbers with seven digits, None for those that are not finite."""
    return [float(f"{number:.7g}") if np.isfinite(number) else None for number in row.tolist()]


def _viridis() -> list[list[int]]:
    """Colours of rising values, told apart with any colour vision."""
    from matplotlib import colormaps

    rows = colormaps["viridis"](np.linspace(0, 1, _COLOURS))[:, :3]
    return [[round(255 * channel) for channel in row] for row in rows.tolist()]


def _said(grids: list[Floats], heights: Floats, names: dict[str, str]) -> list[str]:
    """What the picture shows, in sentences."""
    known = np.where(np.isfinite(heights), heights, np.nan)

    def at(place: int) -> str:
        i, j = np.unravel_index(place, heights.shape)
        return f"{known[i, j]:.4g} at ({grids[0][i]:.4g}, {grids[1][j]:.4g})"

    low, high = at(int(np.nanargmin(known))), at(int(np.nanargmax(known)))
    ends = " by ".join(
        f"{name} from {grid[0]:.4g} to {grid[-1]:.4g}" for name, grid in zip(names.values(), grids, strict=False)
    )
    said = [f"{ends[:1].upper()}{ends[1:]}: the lowest {names['value']} is {low}, the highest {high}."]
    lost = int((~np.isfinite(heights)).sum())
    if lost:
        points = "1 point is" if lost == 1 else f"{lost} of {heights.size} points are"
        said.append(f"{points} NaN or infinite: holes in the surface, with crosses on the floor.")
    return said


def _image(heights: Floats, colours: list[list[int]]) -> str:
    """The values from above as a PNG in a data address, a pixel each; the first axis to the right, the second one upward."""
    shown = np.isfinite(heights)
    low, high = heights[shown].min(), heights[shown].max()
    span = float(high - low) or 1.0
    places = np.rint(np.where(shown, heights - low, 0.0) / span * (len(colours) - 1)).astype(int)
    pixels = np.concatenate([np.array(colours, np.uint8)[places], np.where(shown, 255, 0).astype(np.uint8)[..., None]], axis=2)
    rows = pixels.transpose(1, 0, 2)[::-1]
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    size = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + _chunk(b"IDAT", zlib.compress(raw, 9)) + _chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _page(
    title: str, data: dict[str, Any], said: list[str], picture: str, notes: list[str], *, offered: bool, powers: bool
) -> str:
    """The page from its parts; what the policy allows is known by its hash."""
    style, script = (files("ntkit.studies").joinpath(f"surface.{kind}").read_text("utf-8") for kind in ("css", "js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hashed(style)}; script-src {_hashed(script)}; base-uri 'none'; "
        "form-action 'none'"
    )
    numbers = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    below = "".join(f'<p class="note">{escape(sentence)}</p>\n' for sentence in (*said, *notes))
    label = escape(f"{title}. {' '.join(said)}")
    axes = escape(
        f"{data['names']['first']} to the right, {data['names']['second']} upward, {data['names']['value']} as colour"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<noscript>
<p>A script of this page draws the surface, and scripts are turned off. From above it is this, {axes}, dark where it is low:</p>
<p><img src="{picture}" alt="{label}"></p>
</noscript>
<main data-script hidden>
<div class="stage"><canvas id="surface" role="img" tabindex="0" aria-label="{label}" aria-describedby="keys"></canvas></div>
<div class="controls">
<button type="button" id="reset">First view</button>
<button type="button" id="above">From above</button>
<label{"" if offered else " hidden"}><input type="checkbox" id="powers"{" checked" if powers else ""}> powers of ten</label>
</div>
<output id="read"></output>
<p class="note" id="keys">{escape(_KEYS)}</p>
</main>
<footer>
{below}</footer>
<script type="application/json" id="data">{numbers}</script>
<script>{script}</script>
</body>
</html>
"""


def _hashed(text: str) -> str:
    """What a policy knows an inline style or script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
