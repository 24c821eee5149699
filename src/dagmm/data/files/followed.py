"""A table in a file that grows, and in those that take its place when logs are rotated."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from dagmm._core.arguments import near
from dagmm._core.errors import InputError
from dagmm.data.files.base import Kind, TableFile, TableOptions
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.live import GrowingFile
from dagmm.data.files.open import open_live


class FollowedTable(TableFile):
    """A table whose rows are read as they are written, from the first on; it never ends.

    A file that takes the name of the one before, or is written anew, is read from its beginning,
    with a header of its own; what the one before still got is read first.

    Parameters
    ----------
    path : str
    options : TableOptions
    n_lines : int
        As :func:`dagmm.data.files.open.open_live` takes it.

    Raises
    ------
    InputError
        If there is no such file, or it is neither CSV nor JSON lines.
    """

    def __init__(self, path: str, options: TableOptions, n_lines: int) -> None:
        self._path, self._options, self._n_lines = path, options, n_lines
        self._now = self._open()
        self.name, self.columns, self.style = self._now.name, self._now.columns, self._now.style
        self.description, self.na = f"{self._now.description}, followed", self._now.na

    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Refuse: a table that never ends is read by :meth:`batches`."""
        raise InputError(f"{self.name} is followed, and has no end.")

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read rows as they are written; see :meth:`TableFile.batches`. There is always a next."""
        first = 0
        while True:
            n_rows = 0
            for start, table in self._now.batches(kinds):
                n_rows = start + table.num_rows
                yield first + start, table
            first += n_rows
            self._now.close()
            self._now = self._open()
            self._check(kinds)

    def fraction(self) -> float | None:
        """Return None: nobody knows how much is to come."""
        return None

    def close(self) -> None:
        """Close the file."""
        self._now.close()

    def _open(self) -> TableFile:
        """Wait until the file has a beginning, and open it."""
        file = GrowingFile(self._path)
        while not file.has_begun():
            file.close()
            file = GrowingFile(self._path)
        table = open_live(file, self._path, self._options, self._n_lines, is_endless=True)
        if isinstance(table, CSVTable):
            table.needs_rows = False  # it may be replaced before the first
        return table

    def _check(self, kinds: Mapping[str, Kind]) -> None:
        missing = [name for name in kinds if name not in self._now.columns]
        # Keys that the first lines of JSON lack may come.
        if missing and isinstance(self._now, CSVTable):
            raise InputError(
                f"{self.name} was written anew and has no column {missing[0]!r} any more. "
                f"{near(missing[0], self._now.columns)}"
            )
