"""Small models and tables that the tests of the report share, and a look at a page."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from dagmm import DAGMMDetector
from small_fits import TINY

HOSTILE = "<script>alert(1)</script>"
JAPANESE = ("軸受温度", "流量", "吐出圧力")
N_ROWS = 160


def sensors(names=("temp", "torque", "load"), seed=0, n_rows=N_ROWS):
    """Correlated columns, a text, and times a minute apart."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=(n_rows, 1))
    frame = pd.DataFrame(load + 0.1 * rng.normal(size=(n_rows, len(names))), columns=list(names))
    frame["tool"] = rng.choice(["drill", "mill"], n_rows)
    frame["when"] = pd.date_range("2026-01-05", periods=n_rows, freq="1min")
    return frame


def with_faults(frame):
    """Two events: three rows of the first column, and one of the second."""
    broken = frame.copy()
    broken.loc[[40, 41, 44], frame.columns[0]] = 6.0
    broken.loc[120, frame.columns[1]] = -3.5
    return broken


def fitted(frame, **arguments):
    sizes = {"n_members": 1, "contamination": 0.02, "time": "when", "config": TINY}
    return DAGMMDetector(**(sizes | arguments)).fit(frame)


class Page(HTMLParser):
    """What a page is made of; ``attributes`` are those of its last element."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.tags, self.links, self.text, self._open = [], [], [], [], []
        self.attributes = {}
        self.feed(html)
        assert self._open == [], self._open

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.tags.append(tag)
        self.attributes = known
        self.ids += [known["id"]] if "id" in known else []
        self.links += [
            value for name, value in attributes if name in ("src", "href", "xlink:href", "action")
        ]
        if tag not in ("meta", "link", "br"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self._open):
            self.text.append(data)

    @property
    def said(self):
        """The text of the page, its spaces made one."""
        return re.sub(r"\s+", " ", " ".join(self.text))

    @property
    def figures(self):
        return self.tags.count("svg")


def check_page(html):
    """Check what holds for every page, and return it."""
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("script") == 0
    anchors = {f"#{name}" for name in page.ids}
    assert {link for link in page.links if link != "data:,"} <= anchors
    assert not re.search(r"@import|url\((?!#)", html)
    assert not re.search(r"\b(nan|inf|None)\b", page.said)
    return page
