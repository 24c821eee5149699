"""Rows of Arrow datasets: partitioned folders, several formats, remote file systems."""

import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.base import CHUNK_ROWS

#: Batches that are read ahead; more would only take memory.
_READ_AHEAD = 2


class DatasetPieces:
    """An Arrow dataset that is read some rows at a time.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    """

    def __init__(self, dataset: Any) -> None:
        self.name = "the dataset"
        self._dataset = dataset
        self.schema: pa.Schema = dataset.schema
        self.n_rows = int(self._read(dataset.count_rows))

    def pieces(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read columns from the first row on, some rows at a time."""
        batches = self._dataset.to_batches(
            columns=list(columns),
            batch_size=CHUNK_ROWS,
            batch_readahead=_READ_AHEAD,
            fragment_readahead=1,
        )
        while True:
            batch = self._read(lambda: next(batches, None))
            if batch is None:
                return
            yield batch

    def _read(self, read: Any) -> Any:
        try:
            return read()
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(f"{self.name} cannot be read ({reason}).") from error


def is_dataset(table: object) -> bool:
    """Whether a table is an Arrow dataset; where nobody has loaded their module, there is none."""
    module = sys.modules.get("pyarrow.dataset")
    return module is not None and isinstance(table, module.Dataset)
