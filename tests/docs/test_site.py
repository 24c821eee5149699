"""The site is built without a warning, and every page holds in a real browser."""

import importlib.util
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from browser import started
from documents import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None, reason="make .venv/docs installs what it takes"
)


class Page(HTMLParser):
    """The links and the targets of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.ids |= {named[key] for key in ("id", "name") if named.get(key)}
        if tag == "a" and named.get("href"):
            self.links.append(named["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site as ``make docs`` builds it, notebooks executed."""
    folder = tmp_path_factory.mktemp("build") / "site"
    result = subprocess.run(
        [sys.executable, ROOT / "docs/build.py", folder],
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    session = started(tmp_path_factory.mktemp("browser"))
    yield session
    session.quit()


def places(site):
    return {
        path.relative_to(site / "en").as_posix()
        for path in (site / "en").rglob("*.html")
        if not path.is_relative_to(site / "en/_static")
    }


def test_both_languages_have_the_same_pages(site):
    japanese = {path.relative_to(site / "ja").as_posix() for path in (site / "ja").rglob("*.html")}
    assert japanese == places(site)
    written = {path.relative_to(ROOT / "docs/en") for path in ROOT.glob("docs/en/**/*.md")}
    assert {path.with_suffix(".html").as_posix() for path in written} <= japanese


@pytest.mark.parametrize("language", ["en", "ja"])
def test_links_within_the_site_lead_somewhere(site, language):
    pages = {}

    def page_at(path):
        if path not in pages:
            pages[path] = Page(path.read_text("utf-8"))
        return pages[path]

    dead = []
    for place in sorted(places(site)):
        path = site / language / place
        for link in page_at(path).links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or (
                parts.fragment
                and target.suffix == ".html"
                and unquote(parts.fragment) not in page_at(target).ids
            ):
                dead.append((place, link))
    assert dead == []


def test_each_notebook_can_be_taken_away(site):
    notebooks = sorted(path.name for path in (ROOT / "docs/en/tutorials").glob("*.md"))
    taken = sorted(path.name for path in (site / "en/_downloads").rglob("*.ipynb"))
    assert taken == [name.replace(".md", ".ipynb") for name in notebooks]


def asked_for(log):
    """Addresses that a page asked for, of the browser's log."""
    messages = (json.loads(entry["message"])["message"] for entry in log)
    return {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }


def look(browser, page, width):
    for log in ("browser", "performance"):
        browser.get_log(log)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page.as_uri())


@pytest.mark.parametrize("language", ["en", "ja"])
def test_pages_hold_in_a_browser(site, browser, language):
    for place in sorted(places(site)):
        look(browser, site / language / place, 1300)
        # What a browser asks for itself at its start is not ours.
        asked = asked_for(browser.get_log("performance"))
        assert {url for url in asked if url.startswith(("http", "ws"))} == set(), place
        assert browser.get_log("browser") == [], place
        assert browser.find_element("tag name", "html").get_attribute("lang") == language


@pytest.mark.parametrize("language", ["en", "ja"])
def test_pages_fit_a_phone(site, browser, language):
    wide = []
    for place in sorted(places(site)):
        look(browser, site / language / place, 390)
        if browser.execute_script("return document.documentElement.scrollWidth") > 390:
            wide.append(place)
    assert wide == []


def test_formulas_are_drawn(site, browser):
    look(browser, site / "en/tutorials/07-inside-dagmm.html", 1300)
    browser.execute_async_script("MathJax.startup.promise.then(arguments[0])")
    n_formulas, n_drawn = browser.execute_script(
        "const all = [...document.querySelectorAll('.math.notranslate')];"
        "return [all.length, all.filter(one => one.querySelector('mjx-container svg')).length]"
    )
    assert n_drawn == n_formulas > 0


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "hysteresis"), ("ja", "誤報"), ("ja", "誤報はイベント")],
)
def test_the_search_finds_words_without_a_server(site, browser, language, word):
    look(browser, site / language / "search.html", 1300)
    browser.get(f"{(site / language / 'search.html').as_uri()}?q={word}")
    WebDriverWait(browser, 20).until(
        lambda _: browser.find_elements("css selector", "#search-results a[href*='guides/plant']")
    )


def test_the_first_page_leads_to_a_language(site, browser):
    look(browser, site / "index.html", 1300)
    assert browser.current_url.endswith(("/en/index.html", "/ja/index.html"))
