"""What a user sees: results on standard output, all else on standard error."""

import json
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import typer

from dagmm._core.errors import TableWarning


def log(message: str, quiet: bool) -> None:
    """Say what is going on, to somebody who is watching."""
    if not quiet and sys.stderr.isatty():
        typer.echo(message, err=True)


def note(message: str, quiet: bool) -> None:
    """Say something that a user should know of even when nobody is watching."""
    if not quiet:
        typer.echo(f"note: {message}", err=True)


@contextmanager
def noted(quiet: bool, unused: bool = True) -> Iterator[None]:
    """Say as notes what is doubtful about tables, each but once.

    Parameters
    ----------
    quiet : bool
    unused : bool
        Whether columns that are not used are among it.
    """
    said: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", TableWarning)
        other = warnings.showwarning

        def say(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            text = str(message)
            if not issubclass(category, TableWarning):
                other(message, category, filename, lineno, file, line)
            elif text not in said and (unused or " is not used: " not in text):
                said.add(text)
                note(text.rstrip("."), quiet)

        warnings.showwarning = say
        yield


def show(result: Mapping[str, Any], as_json: bool, err: bool = False) -> None:
    """Print a result: one line for each entry, or as JSON."""
    if as_json:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
    else:
        width = max(map(len, result)) + 2
        lines = [
            f"{key.replace('_', ' '):<{width}}{line}".rstrip()
            for name, value in result.items()
            for key, line in _lines(name, value)
        ]
        text = "\n".join(lines)
    typer.echo(text, err=err)


def show_rich(result: Any, as_json: bool, err: bool = False) -> None:
    """Print a result that lays itself out; for a pipe in plain text, or as JSON."""
    stream = sys.stderr if err else sys.stdout
    if as_json or not stream.isatty():
        text = json.dumps(result.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        typer.echo(text if as_json else str(result), err=err)
        return
    from rich.console import Console

    Console(stderr=err).print(result)


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Lay out cells in columns; the first row is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _lines(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list | tuple):
        return [(name if i == 0 else "", _plain(item)) for i, item in enumerate(value)]
    return [(name, _plain(value))]


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
