"""Links between pages as they lie in the repository, made to fit the site.

Pages link to files by their place in the repository, so that they can be read there too. What
lies outside a tree of pages (the READMEs, the benchmarks, the changelog) is a page of the site of
its own and is linked by that.
"""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)(#[^)\s]*)?(?=\))")
_PAGES = {
    "README.md": "index.md",
    "README.ja.md": "index.md",
    "CHANGELOG.md": "reference/changes.md",
    "benchmarks/README.md": "reference/measurements.md",
    "benchmarks/TRIALS.md": "reference/trials.md",
}


def rewritten(text: str, source: Path, tree: Path) -> str:
    """``text`` of the file ``source`` with links to pages as they are from the top of ``tree``."""

    def link(match: re.Match[str]) -> str:
        target, section = (source.parent / match[1]).resolve(), match[2] or ""
        if not target.is_relative_to(ROOT):
            return match[0]
        place = target.relative_to(ROOT).as_posix()
        if place in _PAGES:
            return f"/{_PAGES[place]}{section}"
        if match_page := re.fullmatch(r"docs/(en|ja)/(.+\.md)", place):
            language, page = match_page.groups()
            # Titles of sections differ between the languages.
            return f"/{page}{section if language == tree.name else ''}"
        return f"/{os.path.relpath(target, tree)}{section}"

    return _LINK.sub(link, text)
