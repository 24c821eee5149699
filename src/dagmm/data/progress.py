"""Rows that tell how far a pass over them has come."""

from collections.abc import Iterator

from dagmm._core.progress import Progress
from dagmm.data.base import CHUNK_ROWS, Chunk, Rows


class WatchedRows(Rows):
    """A table, and somebody who is told how many of its rows a pass has read.

    Parameters
    ----------
    rows : Rows
    progress : Progress
    """

    def __init__(self, rows: Rows, progress: Progress) -> None:
        self._rows, self._progress = rows, progress
        self.names, self.n_rows = rows.names, rows.n_rows

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``."""
        return self._rows.chunk(start, stop)

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Read the whole table, and tell it."""
        for chunk in self._rows.chunks(size):
            done = chunk.start + chunk.n_rows
            self._progress.advance(done, f"{done} rows")
            yield chunk
