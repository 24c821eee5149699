"""Cells of text as they are compared: one way to write what looks the same, and marks of holes."""

import re
import unicodedata
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

#: What loggers, historians (the system states of AVEVA PI), spreadsheets and people write where
#: there is no value; in any case.
HOLE = (
    r"^(?:[-\x{2013}\x{2014}\x{2015}\x{30fc}*]+|#?n/?a|n\.a\.|#n/a n/a|null|none|nil|[-+]?nan|"
    r"-?1\.#(?:ind|qnan|nan)|#(?:value!|ref!|num!|null!|name\?|div/0!)|bad|no ?data|missing|"
    r"bad input|calc failed|comm fail|configure|i/o timeout|inp outrange|intf shut|"
    r"invalid (?:data|float)|no (?:result|sample)|not connect|out of serv|over range|"
    r"pt created|scan (?:off|timeout|timed out)|set to bad|under range|"
    r"欠測値?|欠損値?|欠|無効|未測定|未計測|データなし)$"
)
#: The same for Python's own expressions, which spell code points otherwise.
HOLE_WORDS = re.compile(re.sub(r"\\x\{(\w+)\}", r"\\u\1", HOLE), re.IGNORECASE)
#: Writes one text as :func:`tidied` does many.
NORMALIZED = partial(unicodedata.normalize, "NFKC")
#: Minus signs and hyphens that are not in ASCII and that NFKC leaves as they are.
_MINUS = r"[\x{2010}\x{2011}\x{2012}\x{2212}]"
#: How Japanese accounts write a minus.
_TRIANGLE = r"^\s*[\x{25b2}\x{25b3}]\s*(\d)"
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"


def tidied(texts: pa.Array) -> pa.Array:
    """Return texts trimmed, and full-width digits, signs and spaces as in ASCII.

    What a text becomes depends on the text alone.
    """
    if not pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
        texts = pc.utf8_normalize(texts, "NFKC")
        texts = pc.replace_substring_regex(texts, _MINUS, "-")
        texts = pc.replace_substring(texts, _APOSTROPHE, "'")
        texts = pc.replace_substring_regex(texts, _TRIANGLE, r"-\1")
    return pc.utf8_trim_whitespace(texts)


def are_holes(tidy: pa.Array) -> pa.Array:
    """Say which of tidied texts are empty or stand for a value that is not there."""
    marks = pc.match_substring_regex(tidy, HOLE, ignore_case=True)
    return pc.or_(pc.equal(tidy, ""), marks)
