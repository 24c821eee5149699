"""Words of Japanese text, for the search of the site.

What is searched for is not cut into words, and a word of the index is found by any three of its
letters: so each run of letters between marks and blanks is one, beside the names of things in it,
which are written in one script and may have two letters.
"""

import re

from sphinx.search.ja import BaseSplitter

_RUNS = re.compile(r"[\u3041-\u309f\u30a0-\u30ff\u4e00-\u9fff々]+|\w+")
_NAMES = re.compile(r"[\u30a1-\u30ff]{2,}|[\u4e00-\u9fff々]{2,}")


class Splitter(BaseSplitter):
    """Cuts text as the search finds it again."""

    def split(self, input: str) -> list[str]:
        """Return the words of a text, some of them within others."""
        runs = _RUNS.findall(input)
        return runs + [name for run in runs for name in _NAMES.findall(run) if name != run]
