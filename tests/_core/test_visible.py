import json

import pytest

from dagmm._core.visible import visible, visible_json, visible_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x00b\x7f\r", r"a\x00b\x7f\x0d"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\ud800", r"\ud800"),
        ("\u6e29\u5ea6 \u2103 \U0001f600", "\u6e29\u5ea6 \u2103 \U0001f600"),
        ("a\n\tb", "a\n\tb"),
    ],
)
def test_what_steers_is_written_out(text, shown):
    assert visible(text) == shown
    assert visible_line(text) == shown.replace("\n", r"\n").replace("\t", r"\t")


def test_json_keeps_its_meaning():
    texts = ["\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800", "\u6e29", "a\nb"]
    shown = visible_json(json.dumps(texts, indent=1, ensure_ascii=False))
    assert json.loads(shown) == texts
    assert shown.replace("\n", "").isprintable()
