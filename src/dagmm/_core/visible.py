"""Text from a table or a model, shown: what would steer a terminal or a page is written out."""

import re

#: Control characters (without the ends of lines and tabs), halves of surrogate pairs, and what
#: turns the direction of text round or ends a line unseen.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def visible(text: str) -> str:
    r"""Return a text with its control characters as escapes, such as ``\x1b`` or ``\u202e``.

    Ends of lines and tabs stay.
    """
    return _UNSEEN.sub(_escape, text)


def visible_line(text: str) -> str:
    r"""Return a text as one line: ends of lines and tabs are written out too, as ``\n``."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


def visible_json(text: str) -> str:
    r"""Return JSON with escapes, such as ``\u009b``, for what JSON lets through."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
