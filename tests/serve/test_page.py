"""The page in a real browser: it asks the service alone, in both languages, light and dark."""

import time

import pytest

from browser import started
from service import serving, settings_for

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    session = started(tmp_path_factory.mktemp("browser"))
    yield session
    session.quit()


def text_of(browser, name):
    return browser.find_element("id", name).text


def wait_for(condition):
    end = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def colours(browser, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    style = "getComputedStyle(document.body)"
    return browser.execute_script(f"return [{style}.color, {style}.backgroundColor]")


def lightness(colour):
    return sum(int(part) for part in colour.strip("rgb()").split(","))


def test_the_page_shows_state_and_alarms(models, browser):
    strange = {"temp": 90.0, "torque": 0.0, "tool": "mill", "part": "<i>p7</i>"}
    with serving(settings_for(models[0], token=TOKEN)) as service:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert service.post("/score?explain=1", [strange], "", **bearer).status == 200
        browser.get(f"http://127.0.0.1:{service.port}/")
        wait_for(lambda: browser.find_element("id", "token").is_displayed())
        browser.find_element("id", "token").send_keys(TOKEN)
        browser.find_element("id", "enter").click()
        wait_for(lambda: text_of(browser, "model") == "pump")
        assert text_of(browser, "state") == "answering"
        assert "<i>p7</i>" in text_of(browser, "body")
        assert "Drift\nno, p = 0." in text_of(browser, "cards")
        assert text_of(browser, "head").split() == (
            ["Time", "part", "Energy", "p-value", "Explained", "Reason", "1"]
        )
        browser.find_element("id", "language").click()
        assert text_of(browser, "state") == "稼働中"
        assert text_of(browser, "head").split()[:2] == ["時刻", "part"]
        assert service.post("/score", [strange] * 30, "", **bearer).status == 200
        wait_for(lambda: "ドリフト\nあり、p < 0.001" in text_of(browser, "cards"))
        text, ground = map(lightness, colours(browser, "light"))
        assert text < 200 < 600 < ground
        text, ground = map(lightness, colours(browser, "dark"))
        assert ground < 200 < 600 < text
        time.sleep(0.2)
    log = [entry["message"] for entry in browser.get_log("performance")]
    asked = [one for one in log if '"Network.requestWillBeSent"' in one and '"url":"http' in one]
    assert asked
    assert all(f'"url":"http://127.0.0.1:{service.port}/' in one for one in asked)
    wait_for(lambda: text_of(browser, "state") == "接続できません")
    said = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    expected = ("status of 401", "ERR_CONNECTION_REFUSED")
    assert all(any(part in one["message"] for part in expected) for one in said), said
