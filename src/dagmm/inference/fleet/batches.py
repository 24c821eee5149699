"""Scoring a table of many assets: each row by the model of its asset, in the order of the table.

Rows are sorted by asset, scored asset by asset and put back in their order. A model takes as long
to begin as it does for hundreds of rows, so many rows are taken together.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from dagmm._core.arguments import check_choice, check_int, near
from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.parallel import parallel_map
from dagmm.data.frames import arrow_chunk, frame_of
from dagmm.inference.alarms import check_no_alarm_logic
from dagmm.inference.batches import Batch, BatchScorer, Scored, names_added, results
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.explain.reasons import reasons_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.fitted_fleet import FittedFleet, parts_of

#: Rows that are scored together, about.
ROWS_AT_ONCE = 2**19
#: The column that says which model scored a row, and what it holds.
SCORED_BY, OWN, ALL = "scored_by", "own", "all"
#: What becomes of assets that a fleet was not fitted to.
UNSEEN = ("error", "all")


class _Part(NamedTuple):
    """The rows of one asset, what scores them, and their places in the table."""

    asset: str
    model: FittedModel
    rows: pa.Table
    places: np.ndarray


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
        parts = self._parts(table, start)
        if not parts:
            return self._score_part(_Part("", self.fleet.of_all, table, np.empty(0, np.int64)))
        whole = pa.concat_tables(parallel_map(self._score_part, parts))
        order = np.concatenate([part.places for part in parts])
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return whole.take(pa.array(back))

    def explain(self, table: pa.Table, start: int = 0, *, all_rows: bool = False) -> pa.Table:
        """Say why rows are strange: anomalies, or all.

        Parameters
        ----------
        table : pyarrow.Table
        start : int
            Number of the first row.
        all_rows : bool, default=False

        Returns
        -------
        pyarrow.Table
            In the order of the rows: what passes through, the columns of
            :func:`dagmm.inference.explain.reasons.names_of_reasons`, and ``scored_by``.

        Raises
        ------
        InputError
            As :meth:`score`.
        """
        nothing = _Part("", self.fleet.of_all, table.slice(0, 0), np.empty(0, np.int64))
        parts = self._parts(table, start) or [nothing]
        found = parallel_map(lambda part: self._explain_part(part, start, all_rows), parts)
        return pa.concat_tables(found).sort_by("row")

    def _parts(self, table: pa.Table, start: int) -> list["_Part"]:
        """Return the rows of each asset, with what scores them and their places."""
        per = self.fleet.per
        if per not in table.column_names:
            raise InputError(
                f"there is no column {per!r}, which names the asset of a row. "
                f"{near(per, table.column_names)}"
            )
        parts = list(parts_of(arrow_chunk(table, start), per))
        if not parts:
            return []
        models = [self.fleet.model_of(part.asset, unseen_by_all=self._by_all) for part in parts]
        order = np.concatenate([part.places for part in parts])
        together = table.take(pa.array(order)).combine_chunks()
        found, first = [], 0
        for part, model in zip(parts, models, strict=True):
            rows = together.slice(first, len(part.places))
            found.append(_Part(part.asset, model, rows, part.places))
            first += len(part.places)
        return found

    def _scored(self, part: "_Part") -> Scored:
        check_no_alarm_logic(part.model, "a fleet scores rows of an asset as they come")
        return self._scorer_of(part.asset, part.model).score(Batch(part.rows))

    def _score_part(self, part: "_Part") -> pa.Table:
        with self._named(part.asset):
            wanted = Explainer(part.model) if self._explain else None
            (found,) = results(
                part.model,
                [self._scored(part)],
                wanted,
                passed=self.passed,
                p_value=self._p_value,
                explain=self._explain,
            )
        return self._with_model(part, pa.Table.from_batches([found]))

    def _explain_part(self, part: "_Part", start: int, all_rows: bool) -> pa.Table:
        with self._named(part.asset):
            scored = self._scored(part)
            wanted = np.ones(len(scored.energy), bool)
            if part.model.threshold is not None and not all_rows:
                wanted = is_anomaly(scored.energy, part.model.threshold)
            explainer, passed = Explainer(part.model), list(self.passed)
            found = reasons_of(explainer, part.model, scored, wanted, passed, self._explain)
        at = found.column_names.index("row")
        found = found.set_column(at, "row", pa.array(start + part.places[wanted]))
        return self._with_model(part, found)

    def _with_model(self, part: "_Part", found: pa.Table) -> pa.Table:
        by = OWN if self.fleet.is_own(part.asset) else ALL
        return found.append_column(SCORED_BY, pa.repeat(by, found.num_rows))

    @contextlib.contextmanager
    def _named(self, asset: str) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise InputError(
                f"{self.fleet.per} {asset!r}, whose rows are counted by themselves: {error}"
            ) from error

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
