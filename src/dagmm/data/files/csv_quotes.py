"""Quotes of CSV that are not closed where they should be: rows would vanish in them."""

import re
from typing import NamedTuple


class Stray(NamedTuple):
    """A quote that swallows rows.

    Parameters
    ----------
    offset : int
        Where it is opened.
    lines_before : int
        Line breaks before it.
    is_closed : bool
        Whether another quote ends the cell, in a later line and not before a delimiter.
    """

    offset: int
    lines_before: int
    is_closed: bool


def find_stray(block: bytes, delimiter: str, newline: bytes, n_rows: int | None) -> Stray | None:
    """Return the first quote that swallows rows of a block of whole rows.

    Parameters
    ----------
    block : bytes
    delimiter : str
    newline : bytes
    n_rows : int or None
        How many rows a parser found; None where it found none that it could tell apart.

    Returns
    -------
    Stray or None
        Of a quoted cell with line breaks in it only where something is wrong with its end.
    """
    if b'"' not in block:
        return None
    start = 0
    n_lines = block.count(newline) + (not block.endswith(newline))
    if n_rows == n_lines:
        # Each line is a row: only the last can have a quote that is not closed.
        start = block.rstrip(b"\r\n").rfind(newline) + 1
        if b'"' not in block[start:]:
            return None
    mark = re.escape(delimiter.encode())
    # A quote begins a quoted cell only at the cell's beginning.
    cells = re.compile(rb'(?:\A|(?<=[%s\r\n]))"([^"]*(?:""[^"]*)*)("?)' % mark)
    ends = {b"", delimiter.encode(), b"\r", b"\n"}
    for cell in cells.finditer(block[start:] if start else block):
        is_closed = bool(cell[2])
        if is_closed and (
            newline not in cell[1] or cell.string[cell.end() : cell.end() + 1] in ends
        ):
            continue
        offset = start + cell.start()
        return Stray(offset, block.count(newline, 0, offset), is_closed)
    return None
