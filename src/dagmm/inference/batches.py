"""Scoring a table that comes in pieces: Arrow batches in, Arrow batches out."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pyarrow as pa

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.base import Chunk
from dagmm.data.frames import FrameRows, frame_of
from dagmm.inference.calibration.threshold import is_anomaly, p_value_of
from dagmm.inference.explain.attribution import Explainer, Explanation, explain_rows
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model
from dagmm.preprocessing.pipeline import Features


class Batch(FrameRows):
    """Some rows of a longer table, which know their numbers in it."""

    def __init__(self, table: pa.Table, start: int) -> None:
        super().__init__(nw.from_native(table, eager_only=True))
        self._start = start

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``, counted from this batch's first."""
        return replace(super().chunk(start, stop), start=self._start + start)  # type: ignore[type-var]


class Scored(NamedTuple):
    """Some rows and their energies."""

    table: pa.Table
    """The rows as they came."""
    start: int
    """Number of the first row."""
    energy: np.ndarray
    """Of each row, in nats."""
    seen: Features | None
    """What the networks see of them; None where each row is scored by itself."""


class BatchScorer:
    """Scores the pieces of a table in their order; windows reach across pieces.

    Parameters
    ----------
    model : FittedModel
    """

    def __init__(self, model: FittedModel) -> None:
        self._model = model
        self._reader = model.reader()
        self._start = 0

    def score(self, table: pa.Table) -> Scored:
        """Score the next rows.

        Raises
        ------
        InputError
            If values cannot be encoded.
        """
        start, self._start = self._start, self._start + table.num_rows
        batch = Batch(table.select(list(self._model.columns)), start)
        if self._model.windows is None:
            return Scored(table, start, self._model.energy(batch), None)
        if batch.n_rows == 0:
            seen = self._reader.read(batch.chunk(0, 0), to_explain=True)
            return Scored(table, start, np.empty(0), seen)
        return Scored(table, start, *self._model.next_seen(self._reader, batch))


def explained(
    explainer: Explainer, model: FittedModel, part: Scored, wanted: np.ndarray
) -> Explanation:
    """Explain some of the rows that were scored."""
    if part.seen is not None:
        return explainer.explain(part.seen.of(wanted))
    features = part.table.filter(pa.array(wanted)).select(list(model.encoder.columns))
    return explain_rows(explainer, Batch(features, 0))


def names_added(p_value: bool, explain: int) -> list[str]:
    """Columns of the output that are there only when they are asked for."""
    top = [f"top_feature_{i + 1}" for i in range(explain)]
    return ["p_value", *top] if p_value else top


def results(
    model: FittedModel,
    parts: Iterable[Scored],
    passed: Sequence[str],
    p_value: bool,
    explain: int,
) -> Iterator[pa.RecordBatch]:
    """Yield what is said of rows that were scored, as :func:`score_batches` does."""
    explainer = Explainer(model) if explain else None
    for part in parts:
        energy = part.energy
        fields = [part.table.schema.field(name) for name in passed]
        columns = [part.table[name].combine_chunks() for name in passed]
        added = {"energy": pa.array(energy, pa.float64())}
        strange = np.ones(len(energy), bool)
        if model.threshold is not None:
            strange = is_anomaly(energy, model.threshold)
            added["is_anomaly"] = pa.array(strange, pa.bool_())
        if p_value:
            added["p_value"] = pa.array(p_value_of(model.calibration, energy), pa.float64())
        if explainer is not None:
            top = np.full((len(energy), explain), None, dtype=object)
            if strange.any():
                top[strange] = explained(explainer, model, part, strange).top_features(explain)
            for i in range(explain):
                added[f"top_feature_{i + 1}"] = pa.array(top[:, i], pa.string())
        fields += [pa.field(name, column.type) for name, column in added.items()]
        yield pa.RecordBatch.from_arrays([*columns, *added.values()], schema=pa.schema(fields))


def score_batches(
    model: FittedModel | str | os.PathLike[str],
    batches: Iterable[Any],
    *,
    passed: Sequence[str] = (),
    p_value: bool = False,
    explain: int = 0,
) -> Iterator[pa.RecordBatch]:
    """Score a table of any length, batch by batch.

    A batch is read when its result is asked for, and not kept. A row's energy does not depend on
    how the table is cut; windows reach across batches.

    Parameters
    ----------
    model : FittedModel, str or path-like
        Of a table; a path is one of a saved model.
    batches : iterable of pyarrow.RecordBatch or pyarrow.Table
        The rows in their order; any may be empty.
    passed : sequence of str, default=()
        Columns that come out as they are, such as identifiers or a label.
    p_value : bool, default=False
        Whether to add a p-value to each row.
    explain : int, default=0
        How many columns to name that make an anomaly strange; without a threshold, any row.

    Returns
    -------
    iterator of pyarrow.RecordBatch
        One for each batch: the columns in ``passed``, ``energy``, ``is_anomaly`` if the model
        has a threshold, ``p_value`` and ``top_feature_1`` and so on if they are asked for.

    Raises
    ------
    ArgumentError
        If two columns of the result would have one name, or the model cannot tell what is asked.
    InputError
        If columns are missing, or values cannot be encoded; rows are counted from the first batch.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from dagmm import DAGMMDetector
    >>> from dagmm.inference import score_batches
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> table = pa.table({"id": np.arange(300), "a": x[:, 0], "b": x[:, 1]})
    >>> detector = DAGMMDetector(n_members=1).fit(table.select(["a", "b"]))
    >>> batches = table.to_batches(max_chunksize=100)
    >>> scored = list(score_batches(detector.model_, batches, passed=["id"]))
    >>> [batch.num_rows for batch in scored]
    [100, 100, 100]
    >>> scored[0].schema.names
    ['id', 'energy', 'is_anomaly']
    """
    fitted = model if isinstance(model, FittedModel) else load_model(model).model
    fitted.table_encoder  # noqa: B018 - raises for images
    if isinstance(passed, str):
        raise ArgumentError(f"passed must be a sequence of column names, got {passed!r}.")
    if isinstance(explain, bool) or not isinstance(explain, Integral) or explain < 0:
        raise ArgumentError(f"explain must be an integer of at least 0, got {explain!r}.")
    decided = [] if fitted.threshold is None else ["is_anomaly"]
    names = [*passed, "energy", *decided, *names_added(p_value, int(explain))]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ArgumentError(
                f"the result would have two columns {name!r}; choose other columns for passed, "
                "or rename one."
            )
    parts = _scored(fitted, batches, passed)
    return results(fitted, parts, passed, p_value, int(explain))


def _scored(model: FittedModel, batches: Iterable[Any], passed: Sequence[str]) -> Iterator[Scored]:
    """Check and score the batches one by one."""
    scorer = BatchScorer(model)
    for batch in batches:
        if not isinstance(batch, pa.RecordBatch | pa.Table):
            raise InputError(
                "batches must hold Arrow record batches or tables, "
                f"got an object of type {type(batch).__name__}."
            )
        frame_of(batch)  # each name but once
        table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        for name in passed:
            if name not in table.column_names:
                raise InputError(
                    f"batches have no column {name!r}, which passed names. "
                    f"{near(name, table.column_names)}"
                )
        model.check(Batch(table, 0))
        yield scorer.score(table)
