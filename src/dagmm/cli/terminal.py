"""What a user sees: results on standard output, all else on standard error, and exit codes."""

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

from dagmm._core.errors import DAGMMError, InputError, TableWarning
from dagmm._core.lazy_imports import OF_TRAINING, check_jax
from dagmm._core.visible import visible, visible_json, visible_line
from dagmm._core.wording import options_named

FAILED = 1
DRIFTED = 3
INTERRUPTED = 130
BROKEN_PIPE = 141


class GuardedGroup(TyperGroup):
    """Commands whose expected errors are messages of one line; others keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except KeyboardInterrupt:
            _fail("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever read our output has seen enough, as `head` does.
            raise typer.Exit(BROKEN_PIPE) from None
        except (DAGMMError, OSError) as error:
            _fail(_text_of(error))
            raise typer.Exit(FAILED) from error


class Command(TyperCommand):
    """A command in whose messages arguments are called by its options."""

    #: Arguments of the library whose options have other names.
    _ARGUMENTS: ClassVar[dict[str, str]] = {
        "members": "n_members",
        "seed": "random_state",
        "runs": "n_runs",
    }

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        options = {
            self._ARGUMENTS.get(one.name or "", one.name or ""): max(one.opts, key=len)
            for one in self.params
            if one.param_type_name == "option"
        }
        with options_named(options):
            try:
                return super().invoke(ctx)
            except ModuleNotFoundError as error:
                if error.name in OF_TRAINING:
                    check_jax(f"dagmm {ctx.info_name}")
                raise


def keep_interrupts() -> None:
    """Leave Ctrl-C to Python: Arrow's handler loses one that comes as Arrow's work ends."""
    import pyarrow

    pyarrow.enable_signal_handlers(False)


def silence_stdout() -> None:
    """Hand over what is left to write, so that Python does not complain about it as it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def errors_named(name: str) -> Iterator[None]:
    """Begin what is said of wrong input with the name of the table, where it does not yet.

    Parameters
    ----------
    name : str
        How messages call the table; a folder's name also begins those of its files.
    """
    try:
        yield
    except InputError as error:
        if str(error).startswith(name.rstrip("'\"")):
            raise
        raise InputError(f"{name}: {error}") from error


def log(message: str, quiet: bool) -> None:
    """Say what is going on, to somebody who is watching."""
    if not quiet and sys.stderr.isatty():
        typer.echo(visible_line(message), err=True)


def note(message: str, quiet: bool) -> None:
    """Say something that a user should know of even when nobody is watching."""
    if not quiet:
        typer.echo(f"note: {visible_line(message)}", err=True)


@contextlib.contextmanager
def noted(quiet: bool) -> Iterator[None]:
    """Say as notes what is doubtful about tables, each but once."""
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
            elif text not in said:
                said.add(text)
                note(text.rstrip(".").replace("this warning", "this note"), quiet)

        warnings.showwarning = say
        yield


def show(result: Mapping[str, Any], as_json: bool, err: bool = False) -> None:
    """Print a result: one line for each entry, or as JSON."""
    if as_json:
        text = _json_of(result)
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
        typer.echo(_json_of(result.to_dict()) if as_json else visible(str(result)), err=err)
        return
    from rich.console import Console

    Console(stderr=err).print(result)


def _json_of(plain: Any) -> str:
    return visible_json(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False))


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Lay out cells in columns; the first row is the header."""
    rows = [tuple(map(visible_line, row)) for row in rows]
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
    return f"{value:.6g}" if isinstance(value, float) else visible_line(str(value))


def _text_of(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    named = getattr(error, "filename", None)
    return f"{named!r}: {reason}" if named else reason


def _fail(message: str) -> None:
    typer.echo(f"dagmm: {visible_line(' '.join(message.split()))}", err=True)
