"""How a command fails: one line on standard error and an exit code that scripts can rely on."""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from dagmm._core.errors import DAGMMError

FAILED = 1
INTERRUPTED = 130
BROKEN_PIPE = 141


class GuardedGroup(TyperGroup):
    """Commands whose expected errors are messages; anything else keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except KeyboardInterrupt:
            _say("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever read our output has seen enough, as `head` does.
            raise typer.Exit(BROKEN_PIPE) from None
        except DAGMMError as error:
            _say(_text_of(error))
            raise typer.Exit(FAILED) from error
        except OSError as error:
            _say(_text_of(error))
            raise typer.Exit(FAILED) from error


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


def _text_of(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    named = getattr(error, "filename", None)
    return f"{named!r}: {reason}" if named else reason


def _say(message: str) -> None:
    typer.echo(f"dagmm: {' '.join(message.split())}", err=True)
