import re
import sys
from xml.etree import ElementTree as ET

import pytest

from dagmm._core.errors import MissingExtraError
from dagmm.report.plots.canvas import NORMAL
from dagmm.report.svg import svg_of


def drawn(name="a", title="t"):
    def draw(ax):
        ax.scatter([0, 1], [0, 1], color=NORMAL)
        ax.plot([0, 1], [1, 0], marker="o")
        ax.set(xlabel='圧力 <&> "x"', xlim=(0.2, 0.8))

    return svg_of(name, title, (3.0, 2.0), draw)


def test_a_figure_is_one_element_with_names_of_its_own():
    root = ET.fromstring(drawn("first", 'a "<b>" & c'))
    assert root.tag.endswith("svg")
    assert root.get("aria-label") == 'a "<b>" & c'
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids)) > 3
    assert all(name.startswith("first-") for name in ids)
    text = drawn("first")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert used
    assert used <= set(ids)
    assert not set(re.findall(r'id="([^"]+)"', drawn("other"))) & set(ids)


def test_text_stays_text_in_the_font_and_colours_of_the_page():
    text = drawn()
    assert "圧力 &lt;&amp;&gt;" in text
    assert "font-family" not in text
    assert "DejaVu" not in text
    assert NORMAL not in text
    assert "#010203" not in text
    assert "var(--normal)" in text
    assert "var(--ink)" in text
    assert "font-size: 9px" in text


def test_the_same_figure_is_the_same_text():
    assert drawn() == drawn()
    assert "<metadata" not in drawn()
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"', "", drawn())


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = r'^report needs the \'report\' extra: pip install "dagmm\[report\]"\.$'
    with pytest.raises(MissingExtraError, match=message):
        drawn()
