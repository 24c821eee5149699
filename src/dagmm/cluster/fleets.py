"""Fits of fleets whose table lies on an engine: rows come over, and workers fit the assets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pyarrow as pa

from dagmm.cluster.jobs import ChosenRowsJob, RowsOfAssetsJob
from dagmm.cluster.rows import CountedTable, EngineRows
from dagmm.data.base import Chunk, TablePass
from dagmm.data.frames import FrameRows
from dagmm.estimators.fleet_fit import AssetRows, RunApart, drawn_numbers, split_table, starting
from dagmm.estimators.fleet_rows import FleetRows
from dagmm.inference.fleet.fitted_fleet import parts_of
from dagmm.preprocessing import sampling


class EngineFleetRows(FleetRows):
    """Rows on an engine, brought over some assets at a time, as many as are held of one table.

    Parameters
    ----------
    table : CountedTable
    per : str
        The column that names the asset of a row.

    Raises
    ------
    InputError
        If a row names no asset.
    """

    def __init__(self, table: CountedTable, per: str) -> None:
        self.names = tuple(table.schema.names)
        self._table, self._per = table, per
        self._n_rows: dict[str, int] = {}
        count = _CountAssets(per)
        for found in EngineRows(table).only((per,)).map_chunks(count):
            count.merge(self._n_rows, found)

    @property
    def run(self) -> RunApart:
        """The engine's workers."""
        return self._table.engine.apart

    def drawn(self, seed: int, *, whole: bool) -> FrameRows:
        """Return the rows that the model of all is fitted to."""
        n_rows, schema = self._table.n_rows, self._table.schema
        numbers = np.arange(n_rows) if whole else drawn_numbers(n_rows, seed)
        found = self._table.gathered(
            self.names, lambda place: ChosenRowsJob(schema, place, place.of_these(numbers))
        )
        return _held(found)

    def starting(self, least: int) -> list[AssetRows]:
        """Return some assets with so many rows."""
        some = starting([name for name, n_rows in self._n_rows.items() if n_rows >= least])
        return list(self._of(some).values()) if some else []

    def rounds(self) -> Iterator[dict[str, AssetRows]]:
        """Yield the rows of as many assets as are held at a time."""
        most = sampling.most_rows(len(self.names))
        some: list[str] = []
        held = 0
        for name, n_rows in self._n_rows.items():
            if some and held + n_rows > most:
                yield self._of(some)
                some, held = [], 0
            some.append(name)
            held += n_rows
        yield self._of(some)

    def _of(self, assets: Sequence[str]) -> dict[str, AssetRows]:
        schema, per = self._table.schema, self._per
        found = self._table.gathered(
            self.names, lambda place: RowsOfAssetsJob(schema, place, per, tuple(assets))
        )
        split = split_table(_held(found), per)
        return {name: split[name] for name in assets}


@dataclass(frozen=True)
class _CountAssets(TablePass[dict[str, int]]):
    """Counts the rows of each asset, in the order in which assets come."""

    per: str

    def look(self, chunk: Chunk) -> dict[str, int]:
        return {part.asset: len(part.places) for part in parts_of(chunk, self.per)}

    def merge(self, found: dict[str, int], later: dict[str, int]) -> dict[str, int]:
        for name, n_rows in later.items():
            found[name] = found.get(name, 0) + n_rows
        return found


def _held(table: pa.Table) -> FrameRows:
    return FrameRows(nw.from_native(table, eager_only=True))
