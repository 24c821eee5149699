"""The first stage of a fit: from rows, of whatever kind, to what networks are trained on."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dagmm._core.digests import fingerprint_of
from dagmm._core.errors import TableWarning
from dagmm._core.numerics import aligned_zeros
from dagmm._core.progress import Progress
from dagmm._core.wording import named
from dagmm.data.base import CHUNK_ROWS, Rows
from dagmm.data.images import ImageRows
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.columns.numeric import Scaling
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.row_views import (
    FeatureMatrix,
    RowSubset,
    RowView,
    View,
    learn_view,
    viewed,
)
from dagmm.preprocessing.sampling import encode_table
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.preprocessing.windows.auto_length import have_long_memory, rows_of_window
from dagmm.preprocessing.windows.features import Detail, WindowGather
from dagmm.preprocessing.windows.length import WindowLength
from dagmm.preprocessing.windows.spec import WindowSpec
from dagmm.training.splits.holdout import Split, everything, split_rows
from dagmm.training.splits.row_order import columns_in_order
from dagmm.training.splits.time_blocks import TimeOrder
from dagmm.training.trainer import TrainingRows

#: Columns that a warning lists by name.
_LISTED = 5


@dataclass(frozen=True)
class DataConfig:
    """How rows are read before networks see them.

    Parameters
    ----------
    scaling : {"standard", "minmax", "none"}
        Of a table; images have their own.
    roles : ColumnRoles, optional
        What the user says about columns; images have none.
    window : WindowLength, optional
        By default each row is scored by itself.
    detail : {"summary", "sequence"}
        What the networks see of a window.
    holds_out : bool
        Whether some rows of a large table are left out of the fit, and of a small one some by
        each network, so that something is known about rows that were not fitted to: drawn at
        random, or in blocks where ``roles`` name the time axis. Windows always are.
    """

    scaling: Scaling
    roles: ColumnRoles | None = None
    window: WindowLength | None = None
    detail: Detail = "summary"
    holds_out: bool = False


@dataclass(frozen=True)
class Prepared:
    """What the other stages need of the rows, whatever kind they are of.

    Parameters
    ----------
    encoder : TableEncoder or ImageEncoder
    shape : tuple of int
        Of what networks see of a row: (n_features,), (n_steps, n_features) of a window, (height,
        width, channels) of an image.
    inputs : FeatureMatrix of shape (n, n_inputs)
        What networks see of the rows, or windows, that are held.
    split : Split
        Who is fitted to which of them.
    table : ndarray of shape (padded_rows, n_columns), float32
        Of which the trainer makes the inputs.
    places : ndarray of shape (n,)
        Row of the table that each input is made of; the last one, of a window.
    gather : WindowGather or None
        Makes windows of the table's rows; None where its rows are the inputs.
    fingerprint : str
        Empty where it is found in a pass over all rows.
    numbers : ndarray of shape (n,) or None
        Which rows are held, in ascending order; None where they are all.
    windows : WindowSpec or None
    advised_window : int or None
        Rows that a window would have, where rows in time would be better seen so.
    """

    encoder: TableEncoder | ImageEncoder
    shape: tuple[int, ...]
    inputs: FeatureMatrix
    split: Split
    table: np.ndarray
    places: np.ndarray
    fingerprint: str
    gather: WindowGather | None = None
    numbers: np.ndarray | None = None
    windows: WindowSpec | None = None
    advised_window: int | None = None

    @property
    def input_columns(self) -> Sequence[str]:
        """The column that each input comes from."""
        columns = self.encoder.feature_columns
        return columns if self.windows is None else self.windows.input_columns(columns)

    @property
    def is_series(self) -> bool:
        """Whether inputs stand for rows that follow one another, none of them left out."""
        return self.numbers is None and (self.windows is None or self.windows.step == 1)

    @property
    def n_shared(self) -> int:
        """How many of the inputs one row of the table is part of."""
        return 1 if self.windows is None else self.windows.n_shared

    def learn(self, name: View, rows: FeatureMatrix) -> RowView | None:
        """Learn from some of the inputs what a view shows; None for rows as they are."""
        return learn_view(name, rows, None if self.windows is None else self.windows.view.parts)

    def views_of(self, names: Sequence[View]) -> list[RowView | None]:
        """Learn as what each network sees rows, from those that it is fitted to."""
        learnt: dict[tuple[View, int], RowView | None] = {}
        for i, name in enumerate(names):
            places = self.split.of_network(i)
            key = name, id(places)
            if key not in learnt:
                learnt[key] = self.learn(name, RowSubset(self.inputs, places))
        return [learnt[name, id(self.split.of_network(i))] for i, name in enumerate(names)]

    def held_out_of(self, i: int) -> FeatureMatrix:
        """Return inputs that a network is not fitted to."""
        split = self.split
        places = split.held_out if split.folds is None else split.folds.held_out[i]
        return RowSubset(self.inputs, places)

    def training_rows(self, views: Sequence[RowView | None], cycles: int) -> TrainingRows:
        """Return the rows that each network is trained on, as it sees them.

        Parameters
        ----------
        views : sequence of (NormalScores, InputPart or None)
            By network.
        cycles : int
            Most cycles that they are trained in.
        """
        # Networks that see rows as they are share the table that is held anyway.
        tables: dict[int, np.ndarray] = {id(None): self.table}
        for view in views:
            if id(view) not in tables:
                tables[id(view)] = self._table_of(viewed(self.inputs, view))
        fitted = [self.places[self.split.of_network(i)] for i in range(len(views))]
        held_out = None
        # Of one view, trained in one cycle, nothing depends on how well new rows are rebuilt.
        if cycles > 1 or len(tables) > 1:
            held_out = [viewed(self.held_out_of(i), view) for i, view in enumerate(views)]
        return TrainingRows(self.gather, fitted, held_out, [tables[id(view)] for view in views])

    def _table_of(self, features: FeatureMatrix) -> np.ndarray:
        """Return rows of a view in a table as long as the other, for the same program."""
        table = aligned_zeros(len(self.table), features.shape[1])
        for start in range(0, len(features), CHUNK_ROWS):
            part = features[start : start + CHUNK_ROWS]
            table[start : start + len(part)] = part
        return table


def prepare_rows(
    rows: Rows,
    data: DataConfig,
    n_networks: int,
    seeds: tuple[np.random.SeedSequence, np.random.SeedSequence],
    progress: Progress,
) -> Prepared:
    """Prepare a table whose rows are scored by themselves, or images.

    Of a table whose encoded rows would take more than a bounded memory, rows drawn at random are
    held; see :mod:`dagmm.preprocessing.sampling`.

    Parameters
    ----------
    rows : Rows
    data : DataConfig
    n_networks : int
    seeds : tuple of SeedSequence
        Of the rows that are drawn, and of those that are left out.
    progress : Progress
    """
    progress.phase("reading", rows.n_rows)
    encoder: TableEncoder | ImageEncoder
    shape: tuple[int, ...]
    if isinstance(rows, ImageRows):
        encoder, shape = ImageEncoder.learn(rows), rows.shape
    else:
        encoder = fit_table_encoder(rows, data.scaling, data.roles, progress)
        shape = (encoder.n_features,)
    drawing, splitting = (np.random.default_rng(seed) for seed in seeds)
    held = encode_table(rows, encoder, drawing, progress)
    inputs, by_network = held.features[: held.n_rows], held.numbers is None
    split, advised = everything(held.n_rows), None
    if data.holds_out:
        time_order = _order_of(rows, data.roles, encoder, inputs) if by_network else None
        split = split_rows(
            held.n_rows, n_networks, splitting, by_network=by_network, time_order=time_order
        )
        advised = _advised_window(inputs, time_order)
    return Prepared(
        encoder,
        shape,
        inputs,
        split,
        held.features,
        np.arange(held.n_rows),
        fingerprint_of(rows.names, inputs) if held.numbers is None else "",
        numbers=held.numbers,
        advised_window=advised,
    )


def _advised_window(inputs: np.ndarray, time_order: TimeOrder | None) -> int | None:
    """Return the rows of a window that is left to the rows, where their clock is named.

    None where they do not depend on each other so much that windows say more. Where no clock is
    named, :func:`_order_of` speaks of windows.
    """
    if time_order is None or not time_order.has_clock:
        return None
    order = time_order.order
    rows, asset = inputs[order], time_order.asset[order]
    if not columns_in_order(rows).any() or not have_long_memory(rows, asset):
        return None
    return rows_of_window(rows, asset)


def _order_of(
    rows: Rows,
    roles: ColumnRoles | None,
    encoder: TableEncoder | ImageEncoder,
    inputs: np.ndarray,
) -> TimeOrder | None:
    """Return how rows follow each other: by their clock, or as the table has them if they do."""
    if isinstance(encoder, ImageEncoder):
        return None
    if roles is not None and roles.time is not None:
        return TimeOrder.of(rows, roles.time, roles.group, encoder.reading_of(roles.time))
    alike = columns_in_order(inputs)
    if not alike.any():
        return None
    names = list(dict.fromkeys(np.array(encoder.feature_columns, object)[alike]))
    listed = ", ".join(repr(name) for name in names[:_LISTED])
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    warnings.warn(
        f"rows that stand one after the other are alike in {listed}{more}, as those of a series "
        "are: each network leaves out blocks of them instead of single ones. If they are rows in "
        f"time, say which column is the clock ({named('time')}), and consider windows "
        f"({named('window')}); if their order means nothing, shuffle them.",
        TableWarning,
        stacklevel=2,
    )
    return TimeOrder.of_rows(len(inputs))
