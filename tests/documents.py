"""What documents show."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FENCED = re.compile(r"^```([^`\n]*)\n(.*?)^```$", re.S | re.M)


def code_blocks(document: Path, language: str = "") -> list[str]:
    """Fenced blocks of a document, in order, cells of notebooks too; directives are none."""
    return [
        block
        for kind, block in _FENCED.findall(document.read_text("utf-8"))
        if (re.fullmatch(r"\w*", kind) and language in ("", kind))
        or (kind.startswith("{code-cell}") and language in ("", "python"))
    ]
