"""Pages without a test of their own run and print what they say; what they quote is so."""

import ast
import contextlib
import io
import re
from pathlib import Path

import pytest

import dagmm
from documents import ROOT, code_blocks

HERE, PAGES = Path(__file__), ROOT / "docs/en"
#: Pages that another file of this folder names have a test there.
TESTED = {
    name
    for path in HERE.parent.glob("*.py")
    if path != HERE
    for name in re.findall(r"\w[\w-]*\.md", path.read_text("utf-8"))
}
RUN = [
    page
    for page in sorted(PAGES.glob("**/*.md"))
    if page.parent.name != "tutorials"  # which the site runs
    and page.name not in TESTED
    and code_blocks(page, "python")
]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_runs_and_prints_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code_blocks(page, "python"):
        for statement in ast.parse(block).body:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(ast.Module([statement], []), page.name, "exec"), names)
            # The comment behind a statement that prints is what it prints.
            said = re.search(r"  # (.+)", block.splitlines()[statement.end_lineno - 1])
            if ast.unparse(statement).startswith("print(") and said:
                assert_alike(printed.getvalue().strip(), said[1])


def assert_alike(printed, said):
    """Numbers may differ a little, as those of networks do from processor to processor."""
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", said), printed
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (printed, said)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.25, abs=0.01), printed


def templates():
    """All texts of the source, with a NUL for what is put in."""
    found = []
    for path in Path(dagmm.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    part.value if isinstance(part, ast.Constant) else "\0" for part in node.values
                ]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(re.sub(r"\{\w+[^}]*\}", "\0", node.value))
    return [re.sub("\0( ?\0)*", "\0", text) for text in found]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_messages_of_the_page_on_troubleshooting_are_in_the_source(language):
    page = (ROOT / "docs" / language / "guides/troubleshooting.md").read_text("utf-8")
    quoted = re.findall(r"^- `([^`]+)`", page, re.M)
    assert len(quoted) > 40
    known = templates()
    wrong = [
        one
        for one in quoted
        if not any(re.sub("…( ?…)*", "\0", one).strip("\0") in template for template in known)
    ]
    assert wrong == []


def test_both_glossaries_have_the_same_terms():
    english, japanese = (
        re.findall(
            r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$",
            (ROOT / "docs" / language / "reference/glossary.md").read_text("utf-8"),
            re.M,
        )
        for language in ("en", "ja")
    )
    terms = [pair for pair in english if pair != ("term", "Japanese")]
    assert terms == [(other, own) for own, other in japanese if own != "用語"]
    assert len(terms) > 50
    assert len({own for own, _ in terms}) == len(terms)
