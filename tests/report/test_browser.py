"""The report in a browser, from the file system: mathematics is drawn, filters filter, nothing else is asked for."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.browser import chromium, requests, settled
from tests.report.conftest import Reported

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A browser for all of these tests."""
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def shown(browser: webdriver.Chrome) -> set[str]:
    """The claims that the index shows."""
    return {link.text for link in browser.find_elements(By.CSS_SELECTOR, ".claims > li a") if link.is_displayed()}


def choose(browser: webdriver.Chrome, name: str, value: str) -> None:
    Select(browser.find_element(By.NAME, name)).select_by_value(value)


def size(browser: webdriver.Chrome, selector: str) -> tuple[float, float]:
    box = browser.find_element(By.CSS_SELECTOR, selector).rect
    return box["width"], box["height"]


def open_page(browser: webdriver.Chrome, page: Path) -> None:
    browser.get(page.as_uri())


def test_filters_choose_by_verdict_kind_tier_and_words(browser: webdriver.Chrome, reported: Reported) -> None:
    open_page(browser, reported.out / "index.html")
    everything = {claim.slug for claim in reported.claims}
    assert shown(browser) == everything
    output = browser.find_element(By.NAME, "count")
    assert output.text == f"{len(everything)} of {len(everything)} shown"

    for box in browser.find_elements(By.NAME, "verdict"):
        if box.get_attribute("value") != "refuted":
            box.click()
    assert shown(browser) == {"refuted", "refuted-from-memory"}
    for box in browser.find_elements(By.NAME, "verdict"):
        if not box.is_selected():
            box.click()
    assert shown(browser) == everything

    choose(browser, "kind", "theorem")
    assert shown(browser) == {"refuted", "refuted-from-memory"}
    choose(browser, "kind", "")

    choose(browser, "tier", "full")
    assert shown(browser) == {"integers"}
    assert not [h for h in browser.find_elements(By.CSS_SELECTOR, ".paper h2") if h.is_displayed() and "title" in h.text]
    choose(browser, "tier", "")

    search = browser.find_element(By.NAME, "words")
    search.send_keys("EVIL2024 hostile")
    assert shown(browser) == {"hostile"}
    search.clear()
    search.send_keys("no such claim")
    assert shown(browser) == set()
    assert output.text == f"0 of {len(everything)} shown"


def test_mathematics_is_drawn(browser: webdriver.Chrome, reported: Reported) -> None:
    open_page(browser, reported.out / "claims/evil2024/hostile.html")
    assert min(size(browser, ".statement math")) > 5
    whole, over = size(browser, ".statement mfrac"), size(browser, ".statement mfrac > :first-child")
    assert whole[1] > 1.5 * over[1] > 0  # a numerator stands above a denominator
    base, power = (
        browser.find_element(By.CSS_SELECTOR, f".statement msup > :{child}-child").rect for child in ("first", "last")
    )
    assert power["x"] >= base["x"] + base["width"] - 1
    assert power["y"] < base["y"] + base["height"] / 2


def test_nothing_hostile_ran(browser: webdriver.Chrome, reported: Reported) -> None:
    from selenium.common.exceptions import NoAlertPresentException

    for page in ("index.html", "exceptions.html", "claims/evil2024/hostile.html"):
        open_page(browser, reported.out / page)
        with pytest.raises(NoAlertPresentException):
            browser.switch_to.alert.accept()
        scripts = browser.find_elements(By.TAG_NAME, "script")
        assert [Path(str(script.get_attribute("src"))).name for script in scripts] == ["report.js"]


def test_figures_are_loaded_and_pages_fit_a_phone_in_light_and_dark(browser: webdriver.Chrome, reported: Reported) -> None:
    phone = {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    grounds = set()
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        for page in reported.pages:
            open_page(browser, page)
            for fits in (
                "document.documentElement.scrollWidth <= 380",
                "[...document.images].every((one) => one.naturalWidth)",
            ):
                settled(browser, partial(browser.execute_script, f"return {fits}"), page.name)
        grounds.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_words_can_be_read_on_their_ground(browser: webdriver.Chrome, reported: Reported) -> None:
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        open_page(browser, reported.out / "index.html")
        script = "return [...document.querySelectorAll('.badge, .note, a, p')].map((e) => getComputedStyle(e).color)"
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert all(contrast(colour, ground) >= 4.5 for colour in set(browser.execute_script(script)))


def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours (WCAG 2.1)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_console_is_silent_and_no_request_leaves_the_file_system(browser: webdriver.Chrome, reported: Reported) -> None:
    browser.get_log("browser")
    requests(browser)
    for page in reported.pages:
        open_page(browser, page)
    assert browser.get_log("browser") == []
    sent = requests(browser)
    assert len(sent) >= len(reported.pages)
    assert not [address for address in sent if not address.startswith(("file://", "data:"))]


def test_without_scripts_everything_is_there_and_no_form(browser: webdriver.Chrome, reported: Reported) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    open_page(browser, reported.out / "index.html")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert shown(browser) == {claim.slug for claim in reported.claims}
    assert not browser.find_element(By.ID, "filters").is_displayed()
