"""Whether the rows of a table have left what a model knows."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dagmm._core.errors import InputError
from dagmm._core.parallel import parallel_map
from dagmm.data.base import Chunk
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.drift.columns import ColumnDrift, DriftCounts, holes_of
from dagmm.inference.drift.monitor import (
    ALPHA,
    Bound,
    DriftMonitor,
    bound_on,
    check_watchable,
    doubts_about,
)
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.reference_values import sampled_rows


@dataclass(frozen=True)
class Drift:
    """What a table says of drift.

    Parameters
    ----------
    has_drifted : bool
        Whether the rows, in their order, have left what the model knows.
    alpha : float
        Chance that rows like those of the model are called drift.
    bound : {"proven", "approximate", "none"}
        How far that chance can be trusted: proven for energies of rows held out of the fit, or
        of :meth:`~dagmm.DAGMMDetector.calibrate`, if rows are exchangeable; approximate where
        they are those of a part of the model; none where the rows kept depend on each other.
    p_value : float
        Chance that such rows ever look as strange, at whatever row one looks.
    row : int or None
        Number of the row at which drift was called, from 0 on.
    since : int or None
        Number of the row from which on rows are strange, as far as that can be told.
    n_rows : int
        Rows of the table.
    share_above : float or None
        Of them above the threshold, where the model has one.
    share_expected : float or None
        Of normal rows above it.
    known_rows : int
        Rows whose energies the model keeps.
    known_rows_are : str
        Which rows those are, in words.
    columns : tuple of ColumnDrift
        How far each column has moved; none of images. A column may move within what the model
        knows: that alone is no drift.
    warnings : tuple of str
        Why the bound may not hold.
    log_evidence : ndarray of shape (n_rows,)
        After each row, in nats; drift is called where it first reaches ``-log(alpha)``.
    """

    has_drifted: bool
    alpha: float
    bound: Bound
    p_value: float
    row: int | None
    since: int | None
    n_rows: int
    share_above: float | None
    share_expected: float | None
    known_rows: int
    known_rows_are: str
    columns: tuple[ColumnDrift, ...]
    warnings: tuple[str, ...]
    log_evidence: np.ndarray

    @property
    def moved(self) -> tuple[ColumnDrift, ...]:
        """The columns that have moved, the farthest first."""
        found = [column for column in self.columns if column.has_moved]
        return tuple(sorted(found, key=lambda column: -(column.distance or 0.0)))

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it, without the evidence of each row."""
        names = [field.name for field in fields(self) if field.name != "log_evidence"]
        return {
            **{name: getattr(self, name) for name in names},
            "columns": [column.plain() for column in self.columns],
            "warnings": list(self.warnings),
        }


def drift_of(model: FittedModel, table: object, alpha: object = ALPHA) -> Drift:
    """Say whether the rows of a table have left what a model knows.

    Parameters
    ----------
    model : FittedModel
    table : DataFrame, array-like of shape (n_rows, n_columns), Rows or images
        In the order in which the rows came.
    alpha : float, default=0.01
        Chance of a false alarm, in (0, 1): of the evidence of all rows together, and once more of
        that of the columns.

    Raises
    ------
    ArgumentError
        If the model keeps no energies of rows that it was not fitted to, or those of windows.
    InputError
        If there are no rows, columns are missing, or values cannot be encoded.
    """
    check_watchable(model)
    monitor = DriftMonitor(model.calibration, alpha)
    seen = look_at(model, table)
    if not len(seen.energy):
        raise InputError("drift: expected at least 1 row, got none.")
    log_evidence = monitor.follow(seen.energy)
    decision = model.decision
    above = None if decision is None else is_anomaly(seen.energy, decision.energy)
    return Drift(
        monitor.has_drifted,
        monitor.alpha,
        bound_on(model.calibration),
        monitor.p_value,
        monitor.row,
        monitor.since,
        len(seen.energy),
        None if above is None else float(above.mean()),
        None if decision is None else decision.share,
        model.calibration.reference.n_rows,
        model.calibration.reference_are,
        seen.moves(monitor.alpha),
        doubts_about(model.calibration),
        log_evidence,
    )


class Seen(NamedTuple):
    """Energies of a table, and where its columns lie."""

    energy: Float[np.ndarray, " n_rows"]
    counts: DriftCounts | None
    n_known: int
    """Rows that the usual values of columns are of."""

    def moves(self, alpha: float) -> tuple[ColumnDrift, ...]:
        """Say of each column how far it moved; of images and windows nothing."""
        return () if self.counts is None else self.counts.moves(self.n_known, alpha)


def look_at(model: FittedModel, table: object) -> Seen:
    """Score a table, and count its rows by columns, in one pass.

    Raises
    ------
    InputError
        If columns are missing, or values cannot be encoded.
    """
    rows = as_rows(table, columns=model.read_columns)
    encoder = model.encoder
    if isinstance(encoder, ImageEncoder) or model.windows is not None:
        return Seen(model.energy(rows), None, 0)
    model.check(rows)
    counts = DriftCounts(encoder, model.calibration.reference_values)

    def of_chunk(chunk: Chunk) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        features = encoder.encode(chunk)
        return model.energy_of_features(features), features, holes_of(encoder, chunk)

    def energies() -> Iterator[np.ndarray]:
        chunks = rows.only(model.read_columns).chunks(model.chunk_rows)
        for energy, features, holes in parallel_map(of_chunk, chunks):
            counts.add(features, holes)
            yield energy

    energy = np.concatenate([np.empty(0), *energies()])
    return Seen(energy, counts, _reference_rows(model))


def _reference_rows(model: FittedModel) -> int:
    """Count the rows that the usual values of a model's columns are of."""
    record, updated = model.record, model.revision.reference_rows
    if updated is not None:
        return updated
    held = record.n_rows if record.drawn_rows is None else record.drawn_rows
    return sampled_rows(held - record.held_out_rows, model.encoder.n_features)
