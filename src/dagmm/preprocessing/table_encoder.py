"""The encoder of tables: frozen, made by :mod:`dagmm.preprocessing.table_fit`."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int

from dagmm._core.errors import InputError, TableWarning
from dagmm._core.numerics import AnyArray, is_known
from dagmm.data.base import Chunk, TableStyle
from dagmm.data.number_text.number_format import NumberFormat
from dagmm.preprocessing.column_roles import UnusedColumn
from dagmm.preprocessing.columns.categorical import TextColumn
from dagmm.preprocessing.columns.date_text import ISO, DateReading
from dagmm.preprocessing.columns.datetimes import DateColumn
from dagmm.preprocessing.columns.missing import Imputer, MissingIndicator
from dagmm.preprocessing.columns.number_text import NumberTextColumn, numbers_in
from dagmm.preprocessing.columns.numeric import (
    ENCODED_LIMIT,
    NumberColumns,
    Scaling,
    check_finite,
)
from dagmm.preprocessing.one_asset import OneAsset

#: Rows without a value, from which on a column is said to have none.
_MANY_ROWS = 100

#: Puts a value into each hole of scaled numbers, both of shape (n_rows, n_numbers).
Fill: TypeAlias = Callable[[AnyArray, AnyArray], AnyArray]


@dataclass(frozen=True)
class TableEncoder:
    """Frozen description of a table; turns any chunk of such a table into features.

    Features are those of the numbers, of the texts, of the dates, and the masks. A hole among
    numbers is filled with what the rest of the row makes most likely, a hole among texts and
    dates with the mean of the training rows. What a hole says beyond that depends on what the
    training rows say about holes:

    - a column that had holes has a mask feature, scaled by how often it had one;
    - where other columns had holes and this one never did, a hole moves the column's own
      features by ``lost`` deviations: a sensor that never fails has gone missing;
    - where the training rows had no hole at all, rows with holes may just have been left out of
      them, and a hole says nothing; unless the row has no value at all.

    Parameters
    ----------
    columns : tuple of str
        The columns that are used, in the order of the training table.
    scaling : {"standard", "minmax", "none"}
    numbers : NumberColumns
    texts : tuple of TextColumn
    dates : tuple of DateColumn
    masks : MissingIndicator
    imputation : Imputer or None
        None for a model of format 1, which refuses holes among numbers and takes a hole among
        texts for another text.
    lost : float
        Deviations by which a hole moves a column that never had one.
    unused_columns : tuple of UnusedColumn
        The other columns of the training table, which scoring does not need.
    number_texts : tuple of NumberTextColumn
        Columns of numbers that were text in the training table, and how they are written.
    units : tuple of (str, str)
        Columns whose unit stood in a row below the header, and that unit.
    date_readings : tuple of (str, DateReading)
        Columns of dates that are not used, the time axis among them, and how they are written,
        where that can be in several ways.
    asset : OneAsset or None
        Whose rows the training rows were, where they were part of a larger table.
    """

    columns: tuple[str, ...]
    scaling: Scaling
    numbers: NumberColumns
    texts: tuple[TextColumn, ...]
    dates: tuple[DateColumn, ...]
    masks: MissingIndicator
    imputation: Imputer | None
    lost: float
    unused_columns: tuple[UnusedColumn, ...]
    number_texts: tuple[NumberTextColumn, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    date_readings: tuple[tuple[str, DateReading], ...] = ()
    asset: OneAsset | None = None

    @property
    def n_features(self) -> int:
        """Width of an encoded row."""
        return len(self.feature_columns)

    @property
    def n_numbers(self) -> int:
        """How many features, the first ones, are numbers."""
        return self.numbers.n_features

    @cached_property
    def feature_columns(self) -> tuple[str, ...]:
        """The column that each encoded feature comes from."""
        return (
            *self.numbers.names,
            *(column.name for column in self._others for _ in range(column.n_features)),
            *self.masks.names,
        )

    def reading_of(self, name: str) -> DateReading:
        """Return how a column writes dates."""
        used = {date.name: date.reading for date in self.dates}
        return (used | dict(self.date_readings)).get(name, ISO)

    def check(self, names: Sequence[str]) -> None:
        """Check that a table has the columns it needs; their order does not matter.

        Raises
        ------
        InputError
            Naming the columns that are missing.
        """
        if tuple(names) == self.columns:
            return
        present = set(names)
        missing = [name for name in self.columns if name not in present]
        if missing:
            listed = ", ".join(repr(name) for name in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise InputError(
                f"X has {len(names)} columns, this model was fitted with {len(self.columns)}; "
                f"missing: {listed}{more}."
            )

    def check_units(self, style: TableStyle) -> None:
        """Check that a row of units, where a table has one, says what that of the fit said.

        Raises
        ------
        InputError
            Naming the first column that is in another unit.
        """
        known = dict(self.units)
        for name, unit in style.units:
            if known.get(name, unit) != unit:
                raise InputError(
                    f"column {name!r} is in {unit}, as the row below the header says; this model "
                    f"was fitted on {known[name]} there. Convert it and write the other unit."
                )

    def numbers_of(self, chunk: Chunk) -> Float[np.ndarray, "n_rows n_numbers"]:
        """Columns of numbers as they come, also those that are written as text; a hole is NaN.

        Raises
        ------
        InputError
            If a cell is no number of its column's unit; column and row are named.
        """
        return numbers_in(chunk, self.numbers.names, self._formats)

    def encode(self, chunk: Chunk) -> Float32[np.ndarray, "n_rows n_features"]:
        """Features of a chunk, each within +-1e6; a row's features depend on the row alone.

        Raises
        ------
        InputError
            If a number is infinite, a column has changed between text, dates and numbers, or a
            row says that it is of another asset.
        """
        if self.asset is not None:
            self.asset.check(chunk)
        values = self.numbers_of(chunk)
        features = np.empty((chunk.n_rows, self.n_features), np.float32)
        n_numbers = self.numbers.n_features
        are_ordinary = self._scale(values, features[:, :n_numbers])
        if are_ordinary and n_numbers == self.n_features:
            return features
        values = values.astype(np.float64, copy=False)
        number_holes = np.zeros(values.shape, bool) if are_ordinary else self._holes(chunk, values)
        parts, holes = [], [number_holes]
        for column in self._others:
            part, missing = column.encode(chunk)
            if self.imputation is None and isinstance(column, TextColumn):
                part[missing] = column.other
            parts.append(part)
            holes.append(missing[:, None])
        all_holes = np.concatenate(holes, axis=1)
        self._warn_of_empty(all_holes)
        if not are_ordinary:
            fill = None if self.imputation is None else self.imputation.fill
            scaled = self.scaled(values, all_holes, fill)
            _limit(scaled, features[:, :n_numbers])
        start = n_numbers
        for part in self.with_masks(parts, all_holes):
            stop = start + part.shape[1]
            _limit(part, features[:, start:stop])
            start = stop
        return features

    def scaled(
        self,
        values: Float64[AnyArray, "n_rows n_numbers"],
        holes: Bool[AnyArray, "n_rows n_columns"],
        fill: Fill | None,
    ) -> Float64[AnyArray, "n_rows n_numbers"]:
        """Scale numbers and fill their holes; not yet limited.

        Parameters
        ----------
        values : array of shape (n_rows, n_numbers)
        holes : array of shape (n_rows, n_columns)
            Of all columns, in the order in which their features come.
        fill : callable or None
            As :meth:`Imputer.fill`; None for a model that fills none.
        """
        numbers = self.numbers.encode(values)
        if fill is None:
            return numbers
        numbers = fill(numbers, holes[:, : self.numbers.n_features])
        lost = self._lost(holes)
        if lost is None or self.imputation is None:
            return numbers
        is_lost = lost[:, : self.numbers.n_features]
        return numbers + is_lost * (self.lost * self.imputation.spread)

    def with_masks(
        self,
        parts: Sequence[Float64[AnyArray, "n_rows _"]],
        holes: Bool[AnyArray, "n_rows n_columns"],
    ) -> list[Float64[AnyArray, "n_rows _"]]:
        """Return the features of texts and dates, moved where they are lost, and the masks."""
        lost, moved = self._lost(holes), list(parts)
        if lost is not None:
            for i, part in enumerate(parts):
                is_lost = lost[:, self.numbers.n_features + i, None]
                # The feature of other texts, or the cosine of the last cycle.
                moved[i] = part + is_lost * (self.lost * np.eye(part.shape[1])[-1])
        return [*moved, self.masks.encode(holes[:, self._masked])]

    def decode(self, features: Float32[np.ndarray, "n_rows n_features"]) -> dict[str, np.ndarray]:
        """Return encoded rows, or what a network makes of them, to the user's units.

        Returns
        -------
        dict of str to ndarray of shape (n_rows,)
            By column, in their order: numbers as float64, to float32 rounding; texts as the
            nearest category, None for other texts; dates as None, since they cannot be told from
            their place in a cycle.
        """
        start = self.numbers.n_features
        values = self.numbers.decode(features[:, :start].astype(np.float64))
        decoded = dict(zip(self.numbers.names, values.T, strict=True))
        for text in self.texts:
            stop = start + text.n_features
            decoded[text.name] = text.decode(features[:, start:stop].astype(np.float64))
            start = stop
        nothing = np.full(len(features), None, dtype=object)
        return {name: decoded.get(name, nothing) for name in self.columns}

    def holes(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> dict[str, Bool[np.ndarray, " n_rows"]]:
        """Whether encoded rows hold no value, of the columns that had holes in training."""
        masks = features[:, features.shape[1] - self.masks.n_features :]
        are_holes = masks * self.masks.scale + self.masks.centre > 0.5
        return dict(zip(self.masks.names, are_holes.T, strict=True))

    @cached_property
    def _formats(self) -> dict[str, NumberFormat]:
        return {column.name: column.format for column in self.number_texts}

    @cached_property
    def _others(self) -> tuple[TextColumn | DateColumn, ...]:
        """Columns that are no numbers."""
        return (*self.texts, *self.dates)

    @cached_property
    def _hole_names(self) -> tuple[str, ...]:
        """Columns in the order in which their holes stand side by side."""
        return (*self.numbers.names, *(column.name for column in self._others))

    @cached_property
    def _masked(self) -> Int[np.ndarray, " n_masks"]:
        position = {name: i for i, name in enumerate(self._hole_names)}
        return np.array([position[name] for name in self.masks.names], np.int64)

    def _scale(
        self,
        values: Float[np.ndarray, "n_rows n_numbers"],
        out: Float32[np.ndarray, "n_rows n_numbers"],
    ) -> bool:
        """Scale numbers; whether that is all there is to do, without holes and far values."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            self.numbers.encode_to(values, out)
            # Two comparisons of what was made are quicker than a look at each value.
            least, most = out.min(initial=0.0), out.max(initial=0.0)
        return bool(least >= -ENCODED_LIMIT and most <= ENCODED_LIMIT)

    def _holes(
        self, chunk: Chunk, values: Float64[np.ndarray, "n_rows n_numbers"]
    ) -> Bool[np.ndarray, "n_rows n_numbers"]:
        """Return which numbers of a chunk are missing; none may be infinite."""
        check_finite(values, chunk.start, self.numbers.names)
        holes = np.isnan(values)
        if self.imputation is None and holes.any():
            raise self._cannot_fill(chunk, holes)
        return holes

    def _lost(
        self, holes: Bool[AnyArray, "n_rows n_columns"]
    ) -> Bool[AnyArray, "n_rows n_columns"] | None:
        """Holes of columns that never fail and have, and of all in a row of holes, if any."""
        if self.imputation is None or is_known(~holes.any()):
            return None
        never = np.full(holes.shape[1], bool(self.masks.names))
        never[self._masked] = False
        lost = holes & (never | holes.all(axis=1, keepdims=True))
        return None if is_known(~lost.any()) else lost

    def _warn_of_empty(self, holes: Bool[np.ndarray, "n_rows n_columns"]) -> None:
        """Warn of columns without a value, which they always had in training."""
        if len(holes) < _MANY_ROWS:
            return
        for i in np.flatnonzero(holes.all(axis=0)):
            name = self._hole_names[i]
            if name not in self.masks.names:
                warnings.warn(
                    f"column {name!r} has no value in {_MANY_ROWS} rows and more, and the "
                    "training rows had one everywhere; energies of such rows are those of the "
                    "other columns.",
                    TableWarning,
                    stacklevel=3,
                )

    def _cannot_fill(
        self, chunk: Chunk, holes: Bool[np.ndarray, "n_rows n_columns"]
    ) -> InputError:
        column = int(np.argmax(holes.any(axis=0)))
        row = chunk.start + int(np.argmax(holes[:, column]))
        return InputError(
            f"column {self.numbers.names[column]!r} has no value in row {row}, and this model is "
            "of an older format that cannot fill it; fill it, or fit the model again."
        )


def _limit(part: Float64[np.ndarray, "n_rows _"], out: Float32[np.ndarray, "n_rows _"]) -> None:
    """Limit features and narrow them, in this order: float32 would overflow."""
    np.clip(part, -ENCODED_LIMIT, ENCODED_LIMIT, out=out, casting="same_kind")
