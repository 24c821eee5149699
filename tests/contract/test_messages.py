"""No two pieces of a message are glued together without a space at the joint."""

import io
import re
import tokenize
from itertools import pairwise
from pathlib import Path

import pytest

import dagmm

SOURCE = Path(dagmm.__file__).parent
_SKIPPED = {tokenize.NL, tokenize.COMMENT}
_QUOTES = re.compile(r"""^[rbfu]*('''|\"\"\"|'|")|('''|\"\"\"|'|")$""", re.IGNORECASE)


def pieces(source):
    """Each string literal as its first line and its text; None for what stands between."""
    depth, line, text = 0, 0, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_START":  # from Python 3.12 on, an f-string is many tokens
            if depth == 0:
                line, text = token.start[0], ""
            depth += 1
        elif name == "FSTRING_END":
            depth -= 1
            if depth == 0:
                yield line, text
        elif depth:
            text += token.string
        elif token.type == tokenize.STRING:
            yield token.start[0], _QUOTES.sub("", token.string)
        elif token.type not in _SKIPPED:
            yield token.start[0], None


def glued(source):
    """Joints of neighbouring literals that have no space on either side."""
    return [
        f"line {line}: {left[-12:]}|{right[:12]}"
        for (_, left), (line, right) in pairwise(pieces(source))
        if left and right and re.search(r"[\w.,;:)}'!?]$", left) and re.match(r"[\w({']", right)
    ]


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: file.stem)
def test_no_words_are_glued(file):
    assert glued(file.read_text("utf-8")) == []


def test_scan_finds_glued_words():
    assert glued('raise E("expected 2"\n f"got {n}")') == ["line 2: expected 2|got {n}"]
    assert glued('raise E(f"at {n}"\n # why\n "of 3")') == ["line 3: at {n}|of 3"]
    assert glued('raise E("expected 2, "\n f"got {n}")') == []
    assert glued('raise E("expected", "got")') == []
