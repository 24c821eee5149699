"""What documents show."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def code_blocks(document: Path, language: str = "") -> list[str]:
    """Fenced blocks of a document, in order."""
    return [
        block
        for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", document.read_text(), re.S | re.M)
        if language in ("", kind)
    ]
