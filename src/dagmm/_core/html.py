"""Small tables for notebooks, as HTML whose texts are escaped, control characters too."""

from collections.abc import Sequence
from html import escape

from dagmm._core.visible import visible


def html_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()
) -> str:
    """Return a table with some sentences below it.

    Parameters
    ----------
    headings : sequence of str
    rows : sequence of sequence
        Cells: text as it is, other values as ``format_cell`` writes them.
    notes : sequence of str
    """
    head = "".join(f"<th>{escape(visible(heading))}</th>" for heading in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(visible(format_cell(cell)))}</td>' for cell in row)}</tr>"
        for row in rows
    )
    below = "".join(f"<p>{escape(visible(note))}</p>" for note in notes)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def format_cell(value: object) -> str:
    """Write a value in a few characters; nothing for None."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
