"""The ``dagmm`` command; what takes time to import is imported by the command that needs it."""

import gc
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from dagmm.cli.commands.compare import compare
from dagmm.cli.commands.demo import demo
from dagmm.cli.commands.drift import drift
from dagmm.cli.commands.explain import explain
from dagmm.cli.commands.export import export
from dagmm.cli.commands.fit import fit
from dagmm.cli.commands.info import info
from dagmm.cli.commands.report import report
from dagmm.cli.commands.score import score
from dagmm.cli.commands.select import select
from dagmm.cli.commands.serve import serve
from dagmm.cli.commands.threshold import threshold
from dagmm.cli.commands.update import update
from dagmm.cli.terminal import Command, GuardedGroup, silence_stdout
from dagmm.cli.versions import version_lines

__all__ = ["app", "main"]

app = typer.Typer(
    cls=GuardedGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo("\n".join(version_lines()))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the versions of dagmm, Python and what dagmm depends on.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Find the strange rows of a table: DAGMM, trained without labels.

    Tables are CSV, Parquet, Arrow, JSON or Excel, also compressed, several files or folders of
    them; "-" stands for standard input and output.
    """


for _command in (
    demo,
    fit,
    score,
    explain,
    select,
    report,
    threshold,
    drift,
    update,
    info,
    export,
    compare,
    serve,
):
    app.command(cls=Command)(_command)


def main() -> None:
    """Run the command; what a shell calls."""
    signal.signal(signal.SIGTERM, _end)
    # Nearly all objects are those of imported libraries, which stay. Looked through at every 700
    # new ones, as Python does by default, they cost half a second.
    gc.set_threshold(10_000)
    # On some CPUs XLA logs a page about each program that it reads from disk. What goes wrong
    # comes as an exception all the same.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        app(prog_name="dagmm")
    finally:
        silence_stdout()
        # The process ends, and Python would look for garbage among half a million objects first,
        # for half a second.
        gc.freeze()


def _end(number: int, frame: FrameType | None) -> None:
    """Leave in an orderly way, so that no half-written file stays behind."""
    sys.exit(128 + number)
