"""Scoring a table of many assets: each row by the model of its asset, in the order of the table.

Rows are sorted by asset, scored asset by asset and put back in their order. A model takes as long
to begin as it does for hundreds of rows, so many rows are taken together.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm._core.arguments import check_choice, check_int, near
from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.parallel import parallel_map
from dagmm.data.frames import arrow_chunk, frame_of
from dagmm.inference.alarms import check_no_alarm_logic
from dagmm.inference.batches import Batch, BatchScorer, names_added, results
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.fitted_fleet import FittedFleet, parts_of

#: Rows that are scored together, about.
ROWS_AT_ONCE = 2**19
#: The column that says which model scored a row, and what it holds.
SCORED_BY, OWN, ALL = "scored_by", "own", "all"
#: What becomes of assets that a fleet was not fitted to.
UNSEEN = ("error", "all")


class FleetScorer:
    """Scores batches of a table in their order.

    Parameters
    ----------
    fleet : FittedFleet
    unseen : {"error", "all"}
        Whether assets that the fleet was not fitted to are an error, or are scored by the model
        of all.
    passed : sequence of str
        Columns that come out as they are.
    p_value : bool
    explain : int
        How many columns to name for each anomaly.

    Raises
    ------
    ArgumentError
        If an argument cannot be used, or two columns of the result would have one name.
    """

    def __init__(
        self,
        fleet: FittedFleet,
        unseen: str = "error",
        *,
        passed: Sequence[str] = (),
        p_value: bool = False,
        explain: int = 0,
    ) -> None:
        self.fleet, self.passed = fleet, tuple(passed)
        self._by_all = check_choice("unseen", unseen, UNSEEN) == "all"
        self._p_value, self._explain = p_value, check_int("explain", explain, 0)
        #: Of windows, which reach across batches; the rows of an asset are in order.
        self._scorers: dict[str, BatchScorer] = {}
        self._check_names()

    def passing(self, names: Sequence[str]) -> "FleetScorer":
        """Return the same, from which columns come out as they are."""
        unseen = "all" if self._by_all else "error"
        return FleetScorer(
            self.fleet, unseen, passed=names, p_value=self._p_value, explain=self._explain
        )

    @property
    def names_written(self) -> tuple[str, ...]:
        """Columns of the result beside those that pass through."""
        added = names_added(self.fleet.of_all, self._p_value, self._explain)
        return ("energy", "is_anomaly", *added, SCORED_BY)

    def score(self, table: pa.Table, start: int = 0) -> pa.Table:
        """Score some rows.

        Parameters
        ----------
        table : pyarrow.Table
        start : int
            Number of the first row, for messages.

        Returns
        -------
        pyarrow.Table
            In the order of the rows.

        Raises
        ------
        InputError
            If columns are missing, values cannot be encoded, or an asset is unknown.
        """
        per = self.fleet.per
        if per not in table.column_names:
            raise InputError(
                f"there is no column {per!r}, which names the asset of a row. "
                f"{near(per, table.column_names)}"
            )
        parts = list(parts_of(arrow_chunk(table, start), per))
        if not parts:
            return self._score_part("", self.fleet.of_all, table)
        models = [self.fleet.model_of(part.asset, unseen_by_all=self._by_all) for part in parts]
        order = np.concatenate([part.places for part in parts])
        together = table.take(pa.array(order)).combine_chunks()
        jobs, first = [], 0
        for part, model in zip(parts, models, strict=True):
            rows = together.slice(first, len(part.places))
            jobs.append(partial(self._score_part, part.asset, model, rows))
            first += len(part.places)
        whole = pa.concat_tables(parallel_map(lambda job: job(), jobs))
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return whole.take(pa.array(back))

    def _score_part(self, asset: str, model: FittedModel, rows: pa.Table) -> pa.Table:
        check_no_alarm_logic(model, "a fleet scores rows of an asset as they come")
        try:
            scorer = self._scorer_of(asset, model)
            scored = scorer.score(Batch(rows))
            wanted = Explainer(model) if self._explain else None
            (found,) = results(
                model,
                [scored],
                wanted,
                passed=self.passed,
                p_value=self._p_value,
                explain=self._explain,
            )
        except InputError as error:
            raise InputError(
                f"{self.fleet.per} {asset!r}, whose rows are counted by themselves: {error}"
            ) from error
        by = OWN if self.fleet.is_own(asset) else ALL
        said = pa.repeat(by, rows.num_rows)
        return pa.Table.from_batches([found]).append_column(SCORED_BY, said)

    def _scorer_of(self, asset: str, model: FittedModel) -> BatchScorer:
        if model.windows is None:
            return BatchScorer(model, to_explain=bool(self._explain))
        if asset not in self._scorers:
            self._scorers[asset] = BatchScorer(model, to_explain=bool(self._explain))
        return self._scorers[asset]

    def _check_names(self) -> None:
        names = [*self.passed, *self.names_written]
        for i, name in enumerate(names):
            if name in names[:i]:
                raise ArgumentError(
                    f"the result would have two columns {name!r}; choose other columns for "
                    "passed, or rename one."
                )


def together(batches: Iterable[Any], at_least: int = ROWS_AT_ONCE) -> Iterator[pa.Table]:
    """Join record batches and tables until they have so many rows."""
    held: list[pa.Table] = []
    for batch in batches:
        frame_of(batch)  # raises where two columns have one name
        held.append(batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch]))
        if sum(table.num_rows for table in held) >= at_least:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)
