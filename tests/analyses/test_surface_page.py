"""The page with a surface to turn: what it holds, what it refuses, and, in a browser, that it turns and asks for nothing."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from ntkit.studies import surface_page
from tests.browser import chromium, requests, settled
from tests.report.test_browser import contrast

HOSTILE = "A bowl </script><script>alert('<b>')</script> & Kérn"
GRID = np.linspace(-1, 1, 15)


def bowl() -> np.ndarray:
    """Over three decades, with a hole of three points and an infinite one."""
    values = np.exp(4 * (GRID[:, None] ** 2 + 0.5 * GRID**2)) + 0.01 * GRID[:, None]
    values[12:, 2] = np.nan
    values[3, 11] = np.inf
    return values


def page(**options: Any) -> str:
    notes = ["Directions are <made> by hand."]
    return surface_page(HOSTILE, GRID, GRID, bowl(), mark=(0.0, 0.0, 1.0, "the network"), notes=notes, **options)


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    decoded: dict[str, Any] = json.loads(found[1])
    return decoded


def test_the_page_holds_all_numbers_and_counts_the_holes() -> None:
    text = page(first="first, in steps", value="loss / nat")
    data = data_of(text)
    values = np.array(data["values"], float)
    np.testing.assert_allclose(values, np.where(np.isfinite(bowl()), bowl(), np.nan), rtol=1e-6)
    np.testing.assert_allclose(data["first"], GRID, rtol=1e-6)
    assert data["names"] == {"first": "first, in steps", "second": "multiple of the second", "value": "loss / nat"}
    assert data["mark"] == {"at": [0.0, 0.0], "value": 1.0, "name": "the network"}
    assert "4 of 225 points are NaN or infinite: holes in the surface" in text
    low, high = np.nanargmin(values), np.nanargmax(values)
    for place, word in ((low, "lowest"), (high, "highest")):
        i, j = np.unravel_index(place, values.shape)
        assert re.search(rf"{word} (loss / nat is )?{values[i, j]:.4g} at \({GRID[i]:.4g}, {GRID[j]:.4g}\)", text)


def test_nothing_in_it_can_be_run_that_is_not_its_own() -> None:
    text = page()
    assert text.count("<script") == 2
    assert "alert('<b>')" not in text
    assert unescape(re.findall(r"<title>(.*?)</title>", text)[0]) == HOSTILE
    assert "Directions are &lt;made&gt; by hand." in text
    policy = unescape(re.findall(r'Content-Security-Policy" content="(.*?)"', text)[0])
    assert policy.startswith("default-src 'none'; img-src data:;")
    for kind, element in (("style", "style"), ("script", "script")):
        content = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        assert len(content) == 1
        digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.findall(r"https?:|//[a-z]+\.", text)


def test_without_scripts_there_is_a_picture_from_above() -> None:
    text = page()
    note = text[text.index("<noscript>") : text.index("</noscript>")]
    png = base64.b64decode(re.findall(r'src="data:image/png;base64,(.*?)"', note)[0])
    pixels = matplotlib.image.imread(BytesIO(png))
    assert pixels.shape == (15, 15, 4)
    shown = pixels[::-1].transpose(1, 0, 2)  # [i, j] at the first and the second grid
    np.testing.assert_array_equal(shown[..., 3] == 1, np.isfinite(bowl()))
    assert shown[7, 7, 2] > shown[7, 7, 0], "the lowest is dark violet"
    assert shown[0, 0, 0] > 0.9, "the highest is yellow"
    assert "highest" in note


@pytest.mark.parametrize(
    ("values", "offered", "checked"),
    [((1, 4), False, False), ((1, 15), True, False), ((1, 100), True, True), ((0, 100), False, False)],
)
def test_powers_of_ten_are_offered_where_values_span_decades(values: Any, offered: bool, checked: bool) -> None:
    text = surface_page("t", [0, 1], [0, 1], [[values[0], 3], [3, values[1]]])
    label = re.findall(r'<label( hidden)?><input type="checkbox" id="powers"( checked)?>', text)
    assert label == [("" if offered else " hidden", " checked" if checked else "")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], [0, 1], np.ones((2, 2))), "first_grid must be at least two finite numbers that rise, got"),
        (([0, 1], [0], np.ones((2, 1))), "second_grid must be at least two finite numbers that rise"),
        (([0, np.nan], [0, 1], np.ones((2, 2))), "first_grid must be at least two finite numbers"),
        (([0, 1], [0, 1], np.ones((2, 3))), r"values must have shape \(2, 2\), as the grids say, got \(2, 3\)"),
        (([0, 1], [0, 1], np.full((2, 2), np.nan)), "values must have a finite one, got none"),
    ],
)
def test_what_is_no_surface_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        surface_page("t", *arguments)


# In a browser.


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def canvas(browser: webdriver.Chrome, tmp_path: Path) -> WebElement:
    """The surface of a fresh page."""
    file = tmp_path / "fläché 1.html"
    file.write_text(page(), encoding="utf-8")
    browser.get(file.as_uri())
    return browser.find_element(By.ID, "surface")


def pixels(browser: webdriver.Chrome) -> np.ndarray:
    """What is drawn, once it is, in colours from 0 to 1."""
    browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")
    address = browser.execute_script("return document.getElementById('surface').toDataURL('image/png')")
    return np.asarray(matplotlib.image.imread(BytesIO(base64.b64decode(address.split(",")[1]))))


def changed(one: np.ndarray, other: np.ndarray) -> float:
    """The share of pixels that differ."""
    return float((np.abs(one - other).max(axis=2) > 0.02).mean())


def view(canvas: WebElement) -> list[float]:
    return [float(str(canvas.get_attribute(f"data-{name}"))) for name in ("turn", "tilt", "zoom")]


def scroll(browser: webdriver.Chrome, canvas: WebElement, by: int) -> None:
    script = "arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: arguments[1], cancelable: true, bubbles: true}))"
    assert browser.execute_script(f"return {script}", canvas, by) is False, "the page must not scroll along"


@pytest.mark.browser
def test_a_drag_turns_the_surface_and_the_wheel_zooms(browser: webdriver.Chrome, canvas: WebElement) -> None:
    before, (turn, tilt, zoom) = pixels(browser), view(canvas)
    assert len(np.unique(before.reshape(-1, 4), axis=0)) > 100, "something is drawn"
    ActionChains(browser).move_to_element(canvas).click_and_hold().move_by_offset(120, 40).release().perform()
    after = pixels(browser)
    assert changed(before, after) > 0.1
    assert view(canvas) == pytest.approx([turn + 120 * 0.008, tilt + 40 * 0.008, zoom], abs=0.02)
    ActionChains(browser).move_by_offset(30, 10).perform()
    assert view(canvas) == pytest.approx([turn + 120 * 0.008, tilt + 40 * 0.008, zoom], abs=0.02), "only while it is held"
    scroll(browser, canvas, -400)
    assert changed(after, pixels(browser)) > 0.1
    assert view(canvas)[2] > 1.3 * zoom
    scroll(browser, canvas, 10_000)
    pixels(browser)
    assert view(canvas)[2] == 0.4, "no further than can be seen"
    browser.find_element(By.ID, "reset").click()
    assert changed(before, pixels(browser)) < 0.02


@pytest.mark.browser
def test_the_keyboard_does_what_the_mouse_does(browser: webdriver.Chrome, canvas: WebElement) -> None:
    turn, tilt, zoom = view(canvas)
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN, "+")
    pixels(browser)
    assert view(canvas) == pytest.approx([turn + np.pi / 36, tilt + np.pi / 18, 1.15 * zoom], abs=1e-3)
    canvas.send_keys(*[Keys.ARROW_DOWN] * 30)
    pixels(browser)
    assert view(canvas)[1] == pytest.approx(np.pi / 2, abs=1e-3), "not beyond the top"
    canvas.send_keys("0")
    pixels(browser)
    assert view(canvas) == [turn, tilt, zoom]


@pytest.mark.browser
def test_powers_of_ten_can_be_switched_off_and_the_view_from_above_chosen(
    browser: webdriver.Chrome, canvas: WebElement
) -> None:
    before = pixels(browser)
    browser.find_element(By.ID, "powers").click()
    linear = pixels(browser)
    assert changed(before, linear) > 0.05
    browser.find_element(By.ID, "above").click()
    assert changed(linear, pixels(browser)) > 0.05
    assert view(canvas)[1] == pytest.approx(np.pi / 2, abs=1e-3)


@pytest.mark.browser
def test_the_point_under_the_mouse_is_read_out(browser: webdriver.Chrome, canvas: WebElement) -> None:
    browser.find_element(By.ID, "above").click()
    pixels(browser)
    output = browser.find_element(By.ID, "read")
    assert output.text == ""
    across = int(-(browser.execute_script("return arguments[0].clientWidth", canvas) > 520) * 96 / 2)  # the scale of colours
    read = set()
    for down in range(-60, 61, 6):
        ActionChains(browser, duration=20).move_to_element_with_offset(canvas, across, down).perform()
        read.add(output.text)
    first = [text for text in read if text.startswith("multiple of the first direction 0, ")]
    assert first, read
    shown = re.fullmatch(r".*multiple of the second (.*): loss (.*)", first[0])
    assert shown
    second, value = (float(text.replace("\u2212", "-")) for text in shown.groups())
    j = int(np.abs(GRID - second).argmin())
    assert value == pytest.approx(bowl()[7, j], rel=1e-3)


@pytest.mark.browser
def test_it_is_named_fits_a_phone_and_has_two_schemes(browser: webdriver.Chrome, canvas: WebElement) -> None:
    assert browser.title == HOSTILE
    assert browser.find_element(By.TAG_NAME, "h1").text == HOSTILE
    assert canvas.aria_role in ("img", "image")
    assert canvas.accessible_name.startswith(HOSTILE)
    assert "4 of 225 points are NaN or infinite" in canvas.accessible_name
    pictures = []
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        pictures.append(pixels(browser))
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        words = "return [...document.querySelectorAll('h1, p, label, output')].map((e) => getComputedStyle(e).color)"
        assert all(contrast(colour, ground) >= 4.5 for colour in set(browser.execute_script(words)))
    assert np.ptp([picture[2, 2, 0] for picture in pictures]) > 0.7, "the ground of the picture follows"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    phone = {"width": 360, "height": 640, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    settled(browser, lambda: browser.execute_script("return document.documentElement.scrollWidth") <= 360)
    assert len(np.unique(pixels(browser).reshape(-1, 4), axis=0)) > 100
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.browser
def test_no_request_leaves_and_the_console_is_silent(browser: webdriver.Chrome, canvas: WebElement) -> None:
    browser.get_log("browser")
    requests(browser)
    browser.refresh()
    pixels(browser)
    assert browser.get_log("browser") == []
    assert [address.partition(":")[0] for address in requests(browser) if not address.startswith("data:")] == ["file"]


@pytest.mark.browser
def test_without_scripts_the_page_says_what_it_shows(browser: webdriver.Chrome, canvas: WebElement) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.refresh()
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert not browser.find_element(By.ID, "surface").is_displayed()
    assert not browser.find_element(By.ID, "reset").is_displayed()
    body = browser.find_element(By.TAG_NAME, "body").text
    assert "scripts are turned off" in body
    assert "4 of 225 points are NaN or infinite" in body
    assert browser.find_element(By.TAG_NAME, "img").size["width"] > 100
