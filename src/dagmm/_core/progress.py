"""What a user sees while a fit runs: the phase, the loss and the time left."""

import sys
from types import TracebackType
from typing import Any


class Progress:
    """Receives what a long run has to say; this one keeps it to itself."""

    def phase(self, text: str, total: int) -> None:
        """Begin a phase of ``total`` units, which ends the one before."""

    def advance(self, done: int, note: str = "") -> None:
        """Say how many units of the phase are done in all."""

    def say(self, text: str) -> None:
        """Say something that a user should know of even when nobody watches a bar."""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


class LineProgress(Progress):
    """Says on standard error what has to be said, and draws no bar."""

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)


class TerminalProgress(Progress):
    """A progress bar on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar: Any = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._task: Any = None

    def phase(self, text: str, total: int) -> None:
        """Begin a new line; the bar of the phase before is complete."""
        self._finish()
        self._task = self._bar.add_task(text, total=total, note="")

    def advance(self, done: int, note: str = "") -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, note=note)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> "TerminalProgress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._finish()
        self._bar.stop()

    def _finish(self) -> None:
        if self._task is not None:
            task = self._bar.tasks[self._task]
            self._bar.update(self._task, completed=task.total)


def progress_for(verbose: object) -> Progress:
    """Return a bar if it is wanted and standard error is a terminal, else none; see ``say``."""
    if not verbose:
        return Progress()
    return TerminalProgress() if sys.stderr.isatty() else LineProgress()
