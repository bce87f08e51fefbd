"""The built documentation in a browser: formulas are drawn, the search finds, and no other host is asked for anything."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import chromium, requests, settled

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the documentation, built as it is, unless NTKIT_SITE is where it has been, and served on loopback."""
    folder = Path(os.environ.get("NTKIT_SITE") or tmp_path_factory.mktemp("site"))
    if not any(folder.iterdir()):
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def formulas_of(browser: webdriver.Chrome) -> list[WebElement]:
    return browser.find_elements(By.TAG_NAME, "math")[:50]


def test_pages_draw_formulas_and_ask_no_other_host(browser: webdriver.Chrome, site: str) -> None:
    browser.get("about:blank")  # the page that a browser begins with has requests of its own
    requests(browser)
    for page in ("catalogue.html", "notation.html", "explanation/numerics.html", "reference/kernels.html"):
        browser.get(site + page)
        if page != "reference/kernels.html":
            settled(browser, lambda: max((formula.size["width"] for formula in formulas_of(browser)), default=0) > 10)
        formulas = formulas_of(browser)
        assert all(min(formula.size.values()) > 0 for formula in formulas if formula.text.strip())  # spaces have no height
        assert "\\(" not in browser.find_element(By.TAG_NAME, "article").text
    asked = requests(browser)
    assert len(asked) > 10
    assert not [address for address in asked if not address.startswith((site, "data:"))]


def test_the_search_finds_a_claim(browser: webdriver.Chrome, site: str) -> None:
    browser.get(site + "index.html?q=frobenius-identity")
    found = "a.md-search-result__link[href*='achour2022/frobenius-identity']"
    assert WebDriverWait(browser, 20).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, found))
