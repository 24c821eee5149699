"""The encoder of a table, saved and back; every field is checked."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dagmm._core.atomic_files import ArraySpecs
from dagmm._core.errors import ArgumentError
from dagmm._core.json_fields import JsonField
from dagmm._core.states import Promise, State, check_array
from dagmm.data.number_text.number_format import STYLES, NumberFormat
from dagmm.preprocessing.column_roles import REASONS, UnusedColumn
from dagmm.preprocessing.columns.categorical import MAX_CATEGORIES, TextColumn
from dagmm.preprocessing.columns.date_text import ORDERS, DateReading, reading_as_told
from dagmm.preprocessing.columns.datetimes import CYCLES, DateColumn
from dagmm.preprocessing.columns.missing import Imputer, MissingIndicator
from dagmm.preprocessing.columns.number_text import NumberTextColumn
from dagmm.preprocessing.columns.numeric import SCALINGS, NumberColumns
from dagmm.preprocessing.one_asset import OneAsset
from dagmm.preprocessing.table_encoder import TableEncoder

#: Most columns of a table that are read.
_MOST_COLUMNS = 2**20
#: Powers of two a column can have been scaled by, with room to spare.
_EXPONENTS = 1100


def state_of_table_encoder(encoder: TableEncoder) -> State:
    """Return an encoder as plain data and arrays."""
    return State(_plain(encoder), _arrays(encoder))


def _plain(encoder: TableEncoder) -> dict[str, Any]:
    imputation = encoder.imputation
    return {
        "columns": list(encoder.columns),
        "scaling": encoder.scaling,
        "numbers": list(encoder.numbers.names),
        "texts": [
            {
                "name": text.name,
                "categories": list(text.categories),
                "is_told": text.is_told,
            }
            for text in encoder.texts
        ],
        "dates": [
            {"name": date.name, "cycles": list(date.cycles), **dataclasses.asdict(date.reading)}
            for date in encoder.dates
        ],
        "masks": list(encoder.masks.names),
        "fills_holes": imputation is not None,
        "is_correlated": imputation is not None and bool(len(imputation.correlation)),
        "lost": encoder.lost,
        "unused_columns": [column._asdict() for column in encoder.unused_columns],
        "number_texts": [_plain_number_text(column) for column in encoder.number_texts],
        "units": [{"name": name, "unit": unit} for name, unit in encoder.units],
        "date_readings": [
            {"name": name, **dataclasses.asdict(reading)}
            for name, reading in encoder.date_readings
        ],
        "asset": None if encoder.asset is None else encoder.asset._asdict(),
    }


def _arrays(encoder: TableEncoder) -> dict[str, np.ndarray]:
    arrays = {
        "exponent": encoder.numbers.exponent,
        "centre": encoder.numbers.centre,
        "scale": encoder.numbers.scale,
    }
    for i, text in enumerate(encoder.texts):
        arrays[f"texts.{i}.centre"] = text.centre
    if encoder.masks.names:
        arrays["masks.centre"] = encoder.masks.centre
        arrays["masks.scale"] = encoder.masks.scale
    if encoder.imputation is not None:
        arrays["mean"] = encoder.imputation.mean
        arrays["spread"] = encoder.imputation.spread
        if len(encoder.imputation.correlation):
            arrays["correlation"] = encoder.imputation.correlation
    return arrays


def read_table_encoder(field: JsonField) -> tuple[TableEncoder, Promise[TableEncoder]]:
    """Check an encoder's plain data.

    Returns
    -------
    frame : TableEncoder
        The encoder without the values of its arrays, which knows its columns and features.
    promise : Promise

    Raises
    ------
    ValueError
        Naming the first field that is missing, unknown, or not as it must be.
    """
    (
        columns,
        scaling,
        numbers,
        texts,
        dates,
        masks,
        fills,
        correlated,
        lost,
        aside,
        number_texts,
        units,
        readings,
        asset,
    ) = field.fields(
        *("columns", "scaling", "numbers", "texts", "dates", "masks", "fills_holes"),
        *("is_correlated", "lost", "unused_columns", "number_texts", "units"),
        *("date_readings", "asset"),
    )
    names = columns.texts(_MOST_COLUMNS, least=1)
    text_columns = tuple(_text(part) for part in texts.items(_MOST_COLUMNS))
    date_columns = tuple(_date(part) for part in dates.items(_MOST_COLUMNS))
    others = [text.name for text in text_columns] + [date.name for date in date_columns]
    expected = tuple(name for name in names if name not in set(others))
    if numbers.texts(_MOST_COLUMNS) != expected:
        numbers.fail("the columns that are neither text nor dates, in their order")
    _check_in_order(texts, [text.name for text in text_columns], names)
    _check_in_order(dates, [date.name for date in date_columns], names)
    if len(set(others)) < len(others):
        dates.fail("columns that are not texts as well")
    masked = masks.texts(_MOST_COLUMNS)
    _check_in_order(masks, list(masked), names)
    if not 0.0 <= lost.number() <= 1e12:
        lost.fail("from 0 to 1e12")
    if correlated.flag() and not (fills.flag() and expected):
        correlated.fail("false where there are no numbers or no holes are filled")
    none = np.empty(0)
    width = len(expected) if correlated.flag() else 0
    unused = _unused_columns(aside, names)
    frame = TableEncoder(
        names,
        scaling.choice(SCALINGS),  # type: ignore[arg-type]
        NumberColumns(expected, none, none, none),
        text_columns,
        date_columns,
        MissingIndicator(masked, none, none),
        Imputer(none, none, np.broadcast_to(0.0, (width, width))) if fills.flag() else None,
        lost.number(),
        unused,
        _number_texts(number_texts, expected),
        _units(units, names),
        _date_readings(readings, tuple(column.name for column in unused)),
        None if asset.value is None else _asset(asset, names),
    )
    return frame, Promise(_promised(frame), lambda arrays: _joined(frame, arrays))


def _promised(encoder: TableEncoder) -> ArraySpecs:
    width = (encoder.numbers.n_features,)
    arrays: ArraySpecs = {
        "encoder.exponent": ("I64", width),
        "encoder.centre": ("F64", width),
        "encoder.scale": ("F64", width),
    }
    for i, text in enumerate(encoder.texts):
        arrays[f"encoder.texts.{i}.centre"] = ("F64", (text.n_features,))
    if encoder.masks.names:
        for name in ("centre", "scale"):
            arrays[f"encoder.masks.{name}"] = ("F64", (encoder.masks.n_features,))
    if encoder.imputation is not None:
        arrays |= {"encoder.mean": ("F64", width), "encoder.spread": ("F64", width)}
        if len(encoder.imputation.correlation):
            arrays["encoder.correlation"] = ("F64", width * 2)
    return arrays


def _joined(encoder: TableEncoder, arrays: Mapping[str, np.ndarray]) -> TableEncoder:
    numbers = NumberColumns(
        encoder.numbers.names,
        arrays["encoder.exponent"],
        arrays["encoder.centre"],
        arrays["encoder.scale"],
    )
    # Not by np.abs, which leaves the smallest int64 negative.
    within = (numbers.exponent >= -_EXPONENTS) & (numbers.exponent <= _EXPONENTS)
    check_array(within, "encoder.exponent", f"within +-{_EXPONENTS}")
    check_array(numbers.scale > 0.0, "encoder.scale", "> 0")
    texts = tuple(
        TextColumn(text.name, text.categories, arrays[f"encoder.texts.{i}.centre"], text.is_told)
        for i, text in enumerate(encoder.texts)
    )
    return TableEncoder(
        encoder.columns,
        encoder.scaling,
        numbers,
        texts,
        encoder.dates,
        _joined_masks(encoder, arrays),
        _joined_imputation(encoder, arrays),
        encoder.lost,
        encoder.unused_columns,
        encoder.number_texts,
        encoder.units,
        encoder.date_readings,
        encoder.asset,
    )


def _joined_masks(encoder: TableEncoder, arrays: Mapping[str, np.ndarray]) -> MissingIndicator:
    if not encoder.masks.names:
        return encoder.masks
    scale = arrays["encoder.masks.scale"]
    check_array(scale > 0.0, "encoder.masks.scale", "> 0")
    return MissingIndicator(encoder.masks.names, arrays["encoder.masks.centre"], scale)


def _joined_imputation(encoder: TableEncoder, arrays: Mapping[str, np.ndarray]) -> Imputer | None:
    if encoder.imputation is None:
        return None
    spread = arrays["encoder.spread"]
    check_array(spread > 0.0, "encoder.spread", "> 0")
    correlation = encoder.imputation.correlation
    if len(correlation):
        correlation = arrays["encoder.correlation"]
        good = (correlation == correlation.T) & (abs(correlation) < 2.0)
        if good.all():
            good = np.linalg.eigvalsh(correlation) > 1e-6
        check_array(good, "encoder.correlation", "symmetric and positive definite")
    return Imputer(arrays["encoder.mean"], spread, correlation)


def _text(field: JsonField) -> TextColumn:
    name, categories, is_told = field.fields("name", "categories", "is_told")
    texts = categories.texts(MAX_CATEGORIES)
    return TextColumn(name.text(), texts, np.empty(0), is_told.flag())


def _date(field: JsonField) -> DateColumn:
    name, cycles, *reading = field.fields("name", "cycles", "order", "format", "clock")
    found = cycles.texts(len(CYCLES), least=1)
    if not set(found) <= set(CYCLES):
        cycles.fail(f"some of {', '.join(CYCLES)}")
    return DateColumn(name.text(), found, _reading(*reading))  # type: ignore[arg-type]


def _asset(field: JsonField, columns: tuple[str, ...]) -> OneAsset:
    column, name = (part.text() for part in field.fields("column", "name"))
    if column in columns:
        field.fail("named by a column that is not described")
    return OneAsset(column, name)


def _reading(order: JsonField, form: JsonField, clock: JsonField) -> DateReading:
    first = order.choice(ORDERS)
    try:
        return DateReading(first, reading_as_told(form.text() or None).format, clock.text())  # type: ignore[arg-type]
    except ArgumentError:
        form.fail("a format of dates")


def _date_readings(
    field: JsonField, names: tuple[str, ...]
) -> tuple[tuple[str, DateReading], ...]:
    parts = [
        part.fields("name", "order", "format", "clock") for part in field.items(_MOST_COLUMNS)
    ]
    found = tuple((name.text(), _reading(*reading)) for name, *reading in parts)
    clocks = [reading.clock for _, reading in found if reading.clock]
    named = [name for name, _ in found] + clocks
    if len(set(named)) < len(named) or not set(named) <= set(names):
        field.fail("columns that are all different and not used")
    return found


def _plain_number_text(column: NumberTextColumn) -> dict[str, Any]:
    return {
        "name": column.name,
        **dataclasses.asdict(column.format),
        "marks": [{"mark": mark, "count": count} for mark, count in column.marks],
    }


def _number_texts(field: JsonField, names: tuple[str, ...]) -> tuple[NumberTextColumn, ...]:
    found = []
    for part in field.items(_MOST_COLUMNS):
        name, before, after, thousands, decimal, marks = part.fields(
            "name", "before", "after", "thousands", "decimal", "marks"
        )
        style = (thousands.text(), decimal.text())
        if style not in STYLES:
            thousands.fail("a mark that goes with the decimal mark")
        counted = [mark.fields("mark", "count") for mark in marks.items(_MOST_COLUMNS)]
        found.append(
            NumberTextColumn(
                name.text(),
                NumberFormat(before.text(), after.text(), *style),
                tuple((mark.text(), count.size(2**62)) for mark, count in counted),
            )
        )
    _check_in_order(field, [column.name for column in found], names)
    return tuple(found)


def _units(field: JsonField, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    parts = [part.fields("name", "unit") for part in field.items(_MOST_COLUMNS)]
    found = tuple((name.text(), unit.text()) for name, unit in parts)
    _check_in_order(field, [name for name, _ in found], names)
    return found


def _unused_columns(field: JsonField, columns: tuple[str, ...]) -> tuple[UnusedColumn, ...]:
    found = []
    for part in field.items(_MOST_COLUMNS):
        name, reason, why = part.fields("name", "reason", "why")
        known = reason.choice(REASONS)
        found.append(UnusedColumn(name.text(), known, why.text()))  # type: ignore[arg-type]
    names = [column.name for column in found]
    if len(set(names)) < len(names) or set(names) & set(columns):
        field.fail("columns that are all different and not used")
    return tuple(found)


def _check_in_order(field: JsonField, found: list[str], names: Iterable[str]) -> None:
    wanted = set(found)
    if [name for name in names if name in wanted] != found:
        field.fail("columns of the table, in their order")
