"""Follows tutorials as a reader does who copies their cells: ``python docs/follow.py SITE``.

The cells of each page run in order, in a fresh process and an empty folder. What they print has to
be what the built page shows, in both languages. Another processor rounds otherwise, and a network
trained there ends elsewhere: numbers that differ by one in their last digit are only counted.
``--python`` names the interpreter of another environment, such as one where the package was just
installed; figures are not compared.
"""

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

TUTORIALS = Path(__file__).parent / "en" / "tutorials"
#: Longer lines, such as those of a page within a page, are cut where they are shown.
_WIDTH = 200
_NUMBER = re.compile(r"\d+\.\d+")
_CELL = re.compile(r"^```\{code-cell\} ipython3\n((?::[^\n]*\n)*)(.*?)^```$", re.S | re.M)

# Shows what the last line of a cell is worth, as a notebook does.
_READER = """
import ast, contextlib, io, json, sys, types
page = types.ModuleType("__main__")
sys.modules["__main__"] = page
shown = []
for cell in json.loads(sys.stdin.read()):
    body, text = ast.parse(cell).body, io.StringIO()
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(text):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), vars(page))
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), vars(page))
            if "pandas" in sys.modules:
                sys.modules["pandas"].set_option("display.max_columns", 20)
            if value is not None:
                print(repr(value))
    shown.append(text.getvalue())
print(json.dumps(shown))
"""


def cells(page: Path) -> list[str]:
    """Code of a page's cells, in order."""
    return [code for _, code in _CELL.findall(page.read_text("utf-8"))]


def followed(page: Path, python: str) -> list[str]:
    """Run the cells of a page in a process of their own, and return what each printed."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [python, "-c", _READER],
            input=json.dumps(cells(page)),
            cwd=folder,
            env=os.environ | {"MPLBACKEND": "svg"},
            check=False,
            capture_output=True,
            text=True,
        )
    if result.returncode:
        raise SystemExit(f"{page.name}: {result.stderr}")
    return list(json.loads(result.stdout.splitlines()[-1]))


def shown(notebook: Path) -> list[str]:
    """Return what the code cells of an executed notebook show as text."""
    kept = json.loads(notebook.read_text("utf-8"))["cells"]
    return ["".join(map(_text, cell["outputs"])) for cell in kept if cell["cell_type"] == "code"]


def _text(output: dict) -> str:
    match output["output_type"]:
        case "stream":
            return "".join(output["text"])
        case "execute_result":
            return "".join(output["data"]["text/plain"]) + "\n"
        case _:
            return ""


def differences(ours: list[str], theirs: list[str]) -> tuple[str, int]:
    """Say where two lists of texts differ, nothing if they do not, and how many last digits do."""
    page, copied = (
        [f"[{i}] {line}" for i, text in enumerate(texts, 1) for line in text.splitlines()]
        for texts in (theirs, ours)
    )
    n_digits = 0
    for i, (line, other) in enumerate(zip(page, copied, strict=False)):
        if n_here := _last_digits(line, other):
            n_digits += n_here
            copied[i] = line
    found = difflib.unified_diff(page, copied, "page", "copied cells", lineterm="", n=0)
    return "\n".join(line[:_WIDTH] for line in found), n_digits


def _last_digits(line: str, other: str) -> int:
    """Count numbers that differ by one in their last digit; none if anything else differs."""
    if _NUMBER.sub("", line) != _NUMBER.sub("", other):
        return 0
    pairs = [
        (Decimal(one), Decimal(two))
        for one, two in zip(_NUMBER.findall(line), _NUMBER.findall(other), strict=True)
        if one != two
    ]
    steps = [abs(one - two).scaleb(-one.as_tuple().exponent) for one, two in pairs]
    return len(pairs) if all(step <= 1 for step in steps) else 0


def main() -> None:
    """Follow the pages that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, help="where docs/build.py put the site")
    parser.add_argument("names", nargs="*", help="tutorials, such as 01-first-steps; all if none")
    parser.add_argument("--python", default=sys.executable, help="interpreter that runs the cells")
    arguments = parser.parse_args()
    names = arguments.names or sorted(page.stem for page in TUTORIALS.glob("[0-9]*.md"))
    failed = False
    for name in names:
        printed = followed(TUTORIALS / f"{name}.md", arguments.python)
        for language in ("en", "ja"):
            built = sorted((arguments.site / language / "_downloads").glob(f"*/{name}.ipynb"))
            if len(built) != 1:
                raise SystemExit(f"expected one {name}.ipynb of {language}, found {len(built)}")
            difference, n_digits = differences(printed, shown(built[0]))
            failed = failed or bool(difference)
            but = f", but for the last digit of {n_digits} numbers" if n_digits else ""
            print(f"{name} ({language}): {difference or 'the same'}{but}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
