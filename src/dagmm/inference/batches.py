"""Scoring a table that comes in batches: Arrow batches in, Arrow batches out; images likewise."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float

from dagmm._core.arguments import check_int, near
from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.base import Chunk
from dagmm.data.frames import FrameRows, arrow_chunk, frame_of
from dagmm.data.images import ImageChunk, ImageRows, image_rows
from dagmm.inference.alarms import AlarmTracker
from dagmm.inference.calibration.threshold import is_anomaly, p_value_of
from dagmm.inference.explain.attribution import Explainer, Explanation, explain_rows
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.pipeline import Features


class Batch(FrameRows):
    """Some rows of a longer table, which know their numbers in it.

    Parameters
    ----------
    table : pyarrow.Table
        The columns that the model reads, and those that pass through.
    start : int
        Number of the first row.
    """

    def __init__(self, table: pa.Table, start: int = 0) -> None:
        super().__init__(nw.from_native(table, eager_only=True))
        self.table, self.start = table, start

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``, counted from this batch's first."""
        return arrow_chunk(self.table.slice(start, stop - start), self.start + start)


class ImageBatch(ImageRows):
    """Some of a longer row of images, which know their numbers in it.

    Parameters
    ----------
    images : ImageRows
    start : int
        Number of the first image.
    table : pyarrow.Table, optional
        Columns that pass through, such as the names of files.
    """

    def __init__(self, images: ImageRows, start: int = 0, table: pa.Table | None = None) -> None:
        self._images, self.start = images, start
        self.n_rows, self.shape = images.n_rows, images.shape
        self.table = pa.table({}) if table is None else table

    def chunk(self, start: int, stop: int) -> ImageChunk:
        """Return the images from ``start`` up to ``stop``, counted from this batch's first."""
        return replace(self._images.chunk(start, stop), start=self.start + start)


class Scored(NamedTuple):
    """A batch and the energies of its rows."""

    batch: Batch | ImageBatch
    energy: Float[np.ndarray, " n_rows"]
    """Of each row, in nats."""
    features: Features | None
    """Of windows that are to be explained: a row does not tell what its window holds."""


class BatchScorer:
    """Scores batches in their order; windows reach across batches.

    Parameters
    ----------
    model : FittedModel
    to_explain : bool, default=False
        Whether rows are to be explained after they were scored.
    """

    def __init__(self, model: FittedModel, *, to_explain: bool = False) -> None:
        self._model = model
        self._reader = model.reader()
        self._to_explain = to_explain

    def score(self, batch: Batch | ImageBatch) -> Scored:
        """Score the next rows.

        Raises
        ------
        InputError
            If columns are missing, or values cannot be encoded.
        """
        model = self._model
        if model.windows is None:
            return Scored(batch, model.energy(batch), None)
        model.check(batch)
        if not self._to_explain:
            return Scored(batch, model.next_energies(self._reader, batch), None)
        if batch.n_rows == 0:
            nothing = self._reader.read(batch.chunk(0, 0), to_explain=True)
            return Scored(batch, np.empty(0), nothing)
        return Scored(batch, *model.next_seen(self._reader, batch))


def explained(
    explainer: Explainer, model: FittedModel, part: Scored, wanted: Bool[np.ndarray, " n_rows"]
) -> Explanation:
    """Explain some of the rows that were scored."""
    if part.features is not None:
        return explainer.explain(part.features.of(wanted))
    table = part.batch.table.select(list(model.encoder.columns))
    return explain_rows(explainer, Batch(table.filter(pa.array(wanted))))


def names_added(model: FittedModel, p_value: bool, explain: int) -> list[str]:
    """Columns of the output that are there only where they are asked for, or alarm logic is."""
    alarm = ["is_alarm"] if model.has_alarm_logic else []
    top = ["is_explained", *(f"top_feature_{i + 1}" for i in range(explain))] if explain else []
    return [*alarm, *(["p_value"] if p_value else []), *top]


def results(
    model: FittedModel,
    parts: Iterable[Scored],
    explainer: Explainer | None = None,
    *,
    passed: Sequence[str],
    p_value: bool,
    explain: int,
) -> Iterator[pa.RecordBatch]:
    """Yield the result for each batch that was scored, as :func:`score_batches` does.

    Parameters
    ----------
    model : FittedModel
    parts : iterable of Scored
    explainer : Explainer or None
        Of that model; needed where ``explain`` is not 0.
    passed, p_value, explain
        As :func:`score_batches` takes them.
    """
    alarms = AlarmTracker(model)
    for batch, energy, features in parts:
        fields = [batch.table.schema.field(name) for name in passed]
        columns = [batch.table[name].combine_chunks() for name in passed]
        added = {"energy": _arrow(energy)}
        wanted = np.ones(len(energy), bool)
        if model.threshold is not None:
            wanted = is_anomaly(energy, model.threshold)
            added["is_anomaly"] = _arrow(wanted)
        if model.has_alarm_logic:
            alarms.check(batch.table.column_names)
            alarm = alarms.update(batch.chunk(0, batch.n_rows), energy)
            added["is_alarm"], wanted = _arrow(alarm), wanted | alarm
        if p_value:
            added["p_value"] = _arrow(p_value_of(model.calibration, energy))
        if explainer is not None:
            top = np.full((len(energy), explain), None, dtype=object)
            is_explained = np.full(len(energy), None, dtype=object)
            if wanted.any():
                found = explained(explainer, model, Scored(batch, energy, features), wanted)
                top[wanted], is_explained[wanted] = found.top_features(explain), found.is_explained
            added["is_explained"] = pa.array(is_explained, pa.bool_())
            for i in range(explain):
                added[f"top_feature_{i + 1}"] = pa.array(top[:, i], pa.string())
        fields += [pa.field(name, column.type) for name, column in added.items()]
        yield pa.RecordBatch.from_arrays([*columns, *added.values()], schema=pa.schema(fields))


def _arrow(values: Bool[np.ndarray, " n"] | Float[np.ndarray, " n"]) -> pa.Array:
    """Return booleans or float64 as Arrow has them.

    Not by ``pa.array``, which imports pandas, where that is installed, to ask whether it is its.
    """
    is_bool = values.dtype == bool
    bits = np.packbits(values, bitorder="little") if is_bool else np.ascontiguousarray(values)
    kind = pa.bool_() if is_bool else pa.float64()
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(bits)])


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
        A path is one of a saved model.
    batches : iterable of pyarrow.RecordBatch or pyarrow.Table
        The rows in their order; any may be empty. For a model of images: stacks of images, such
        as arrays of shape (n, height, width).
    passed : sequence of str, default=()
        Columns that come out as they are, such as identifiers or a label.
    p_value : bool, default=False
        Whether to add a p-value to each row.
    explain : int, default=0
        How many columns to name that add most to an anomaly's energy; without a threshold, to any
        row's.

    Returns
    -------
    iterator of pyarrow.RecordBatch
        One for each batch: the columns in ``passed``, ``energy`` (float64, in nats),
        ``is_anomaly`` if the model has a threshold, ``is_alarm`` if it has alarm logic, and if
        they are asked for ``p_value``,
        ``is_explained`` (false where a few columns do not explain an anomaly) and
        ``top_feature_1`` and so on.

    Raises
    ------
    ArgumentError
        If two columns of the result would have one name, or images are to have columns.
    ModelFileError
        If a saved model cannot be read.
    InputError
        While batches are read: if columns are missing or values cannot be encoded. The batch and
        its first row are named; rows are counted from 0 through all batches.

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
    n_named = check_int("explain", explain, 0)
    _check_names(fitted, passed, names_added(fitted, p_value, n_named))
    explainer = Explainer(fitted) if n_named else None
    parts = _scored(fitted, batches, tuple(passed), explainer is not None)
    return results(fitted, parts, explainer, passed=passed, p_value=p_value, explain=n_named)


def _check_names(model: FittedModel, passed: Sequence[str], added: list[str]) -> None:
    """Check that each column of the result has a name of its own."""
    if isinstance(passed, str):
        raise ArgumentError(f"passed must be a sequence of column names, got {passed!r}.")
    if passed and isinstance(model.encoder, ImageEncoder):
        raise ArgumentError(f"passed must be empty, as images have no columns; got {passed!r}.")
    above = [] if model.threshold is None else ["is_anomaly"]
    names = [*passed, "energy", *above, *added]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ArgumentError(
                f"the result would have two columns {name!r}; choose other columns for passed, "
                "or rename one."
            )


def _scored(
    model: FittedModel, batches: Iterable[Any], passed: tuple[str, ...], to_explain: bool
) -> Iterator[Scored]:
    """Check and score batches one by one; wrong ones are named by number and first row."""
    scorer = BatchScorer(model, to_explain=to_explain)
    types: dict[str, pa.DataType] = {}
    start = 0
    for i, given in enumerate(batches):
        try:
            if isinstance(model.encoder, ImageEncoder):
                batch: Batch | ImageBatch = ImageBatch(_images(given), start)
            else:
                batch = Batch(_table(given), start)
                _check_passed(batch.table, passed, types)
            part = scorer.score(batch)
        except InputError as error:
            raise InputError(f"batch {i}, from row {start} on: {error}") from error
        start += batch.n_rows
        yield part


def _table(given: object) -> pa.Table:
    if not isinstance(given, pa.RecordBatch | pa.Table):
        raise InputError(
            "expected an Arrow record batch or table, got an object of type "
            f"{type(given).__name__}."
        )
    frame_of(given)  # raises where two columns have one name
    return given if isinstance(given, pa.Table) else pa.Table.from_batches([given])


def _images(given: object) -> ImageRows:
    images = image_rows(given)
    if images is None:
        raise InputError(
            "expected a stack of images, such as an array of shape (n, height, width), got an "
            f"object of type {type(given).__name__}."
        )
    return images


def _check_passed(table: pa.Table, passed: tuple[str, ...], types: dict[str, pa.DataType]) -> None:
    """Check that what passes through is there, and of the type that it had before."""
    for name in passed:
        if name not in table.column_names:
            raise InputError(
                f"there is no column {name!r}, which passed names. "
                f"{near(name, table.column_names)}"
            )
        now, before = table.schema.field(name).type, types.get(name)
        if before is not None and now != before:
            raise InputError(
                f"column {name!r} has type {now}, in the batches before it has {before}; a column "
                "that passes through keeps its type."
            )
        types[name] = now
