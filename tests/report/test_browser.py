"""The report in a real browser: nothing is fetched, nothing fails, nothing overflows."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from browser import started
from dagmm.report.make import make_report
from fleets import fleet_table, tiny_fleet
from reports import HOSTILE, JAPANESE, fitted, sensors, with_faults

PHONE, DESK = 390, 1200
#: A4 less margins, in pixels of CSS.
PAPER = 718
#: Pages by name: language, and a table.
PAGES = ("en", "ja", "hostile", "wide", "fleet", "fleet_ja")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    session = started(tmp_path_factory.mktemp("browser"))
    yield session
    session.quit()


@pytest.fixture(scope="module")
def pages(browser, tmp_path_factory):
    """Write a few pages; made only where they can be looked at."""
    home = tmp_path_factory.mktemp("pages")
    detector, scored = fitted(sensors()), with_faults(sensors(seed=1))
    names = (HOSTILE, JAPANESE[0], "a_name_" * 30)
    hostile = fitted(sensors(names))
    broken = with_faults(sensors(names, seed=1)).assign(tool=HOSTILE)
    made = {
        "en": make_report(detector, scored, compare=False, table_name="pump.csv"),
        "ja": make_report(detector, scored, lang="ja", compare=False, table_name="ポンプ.csv"),
        "hostile": make_report(hostile, broken, compare=False, table_name=HOSTILE),
        "wide": make_report(
            detector,
            scored.assign(temp=scored["temp"] * 1e12, torque=scored["torque"][:1]),
            labels=scored["temp"] > 5,
            compare=False,
        ),
    }
    table = fleet_table(n_rows=60)
    assets = [
        {"p1": HOSTILE, "p2": "a_name_" * 30}.get(one, one) for one in table["pump"].to_pylist()
    ]
    table = table.set_column(0, "pump", pa.array(assets))
    fleet = tiny_fleet(least_rows=30, unseen="all").fit(table).set_threshold(quantile=0.8)
    more = pa.concat_tables([table, fleet_table(("p9",), 5)])
    for name, lang in (("fleet", "en"), ("fleet_ja", "ja")):
        made[name] = make_report(fleet, more, lang=lang, table_name="fleet.csv")
    assert set(made) == set(PAGES)
    for name, report in made.items():
        report.save(home / f"{name}.html")
    return {name: (home / f"{name}.html").as_uri() for name in made}


@pytest.fixture
def look(browser, pages):
    """Return a function that opens a page on a screen of some width, light or dark."""

    def open_page(name, width=DESK, scheme="light", media=""):
        for log in ("browser", "performance"):
            browser.get_log(log)
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": media, "features": [feature]}
        )
        browser.get(pages[name])
        return browser

    return open_page


def requested(browser):
    """Addresses that were asked for since the page was opened."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing_and_fails_nowhere(look, pages, name):
    page = look(name)
    assert page.execute_script("return document.readyState") == "complete"
    asked = requested(page)
    assert pages[name] in asked
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert [url for url in asked if url.startswith("file:")] == [pages[name]]
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_page_fits_its_screen(look, name, width):
    page = look(name, width)
    wide, screen = page.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert screen == width
    assert wide <= width


def test_no_column_of_a_table_is_squeezed_on_a_phone(look):
    heights = look("wide", PHONE).execute_script(
        "return [...document.querySelectorAll('#data tr, #drift tr, #training tr')].map("
        " row => row.getBoundingClientRect().height)"
    )
    assert len(heights) > 10
    assert max(heights) < 130


@pytest.mark.parametrize("name", PAGES)
def test_events_and_reasons_are_read_on_a_phone_without_scrolling(look, name):
    beyond, n_cells = look(name, PHONE).execute_script(
        "const cells = [...document.querySelectorAll('.cards tbody td, .first li')];"
        "return [cells.filter(cell => cell.getBoundingClientRect().right > innerWidth)"
        ".map(cell => cell.innerText), cells.length]"
    )
    assert n_cells > 10
    assert beyond == []


@pytest.mark.parametrize("name", PAGES)
def test_figures_are_there_and_drawn(look, name):
    sizes = look(name).execute_script(
        "return [...document.querySelectorAll('svg[data-figure]')].map(svg => {"
        " const box = svg.getBoundingClientRect();"
        " return [svg.dataset.figure, box.width, box.height,"
        "         svg.querySelectorAll('path').length, svg.querySelectorAll('text').length] })"
    )
    wanted = {"series", "histogram", "budget", "latent", "training"}
    assert {figure for figure, *_ in sizes} >= ({"assets"} if "fleet" in name else wanted)
    for figure, width, height, paths, texts in sizes:
        assert width > 300, figure
        assert height > 60, figure
        assert paths > 2, figure
        assert texts > 2, figure


@pytest.mark.parametrize("name", PAGES)
def test_no_text_of_a_figure_is_cut_off(look, name):
    beyond = look(name).execute_script(
        "return [...document.querySelectorAll('svg[data-figure] text')].filter(text => {"
        " const box = text.getBoundingClientRect();"
        " const all = text.closest('svg').getBoundingClientRect();"
        " return box.left < all.left - 1 || box.right > all.right + 1 ||"
        "        box.top < all.top - 1 || box.bottom > all.bottom + 1 })"
        ".map(text => text.textContent)"
    )
    assert beyond == []


def test_both_languages_are_spoken(look):
    for name, title in (("en", "Anomaly report"), ("ja", "異常検知レポート")):
        page = look(name)
        heading = page.execute_script("return document.querySelector('h1').innerText")
        assert heading == title
        assert page.execute_script("return document.documentElement.lang") == name
    assert "軸受温度" in look("hostile").find_element("tag name", "body").text


def test_names_of_columns_stay_text(look):
    page = look("hostile")
    assert page.execute_script("return document.scripts.length") == 0
    assert page.find_element("tag name", "body").text.count(HOSTILE) > 3
    assert page.execute_script("return document.title").endswith(HOSTILE)
    assert page.get_log("browser") == []


def test_dark_screens_get_a_dark_page(look):
    colours = (
        "const all = getComputedStyle(document.body);"
        "const line = document.querySelector('svg[data-figure=series] text');"
        "return [all.backgroundColor, all.color, getComputedStyle(line).fill]"
    )

    def brightness(colour):
        return sum(map(int, colour.removeprefix("rgb(").rstrip(")").split(",")[:3])) / 765

    for scheme, is_dark in (("light", False), ("dark", True)):
        paper, ink, figure = map(brightness, look("en", scheme=scheme).execute_script(colours))
        assert (paper < 0.2) == is_dark
        assert (ink > 0.7) == is_dark
        assert ink == figure


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_printed(look, name):
    page = look(name, PAPER, media="print")
    assert page.execute_script("return document.documentElement.scrollWidth") <= PAPER
    printed = page.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert len(printed["data"]) > 50_000


def test_the_pages_are_files_of_their_own(pages):
    for uri in pages.values():
        assert Path(uri.removeprefix("file://")).stat().st_size < 3_000_000
