"""The columns of a table as inputs of a graph, and the encoded rows that are made of them."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from dagmm.inference.export.conditional_mean import filled
from dagmm.inference.export.recording import namespace as xp
from dagmm.inference.export.recording.nodes import FLOAT, INT, node
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.recorder import ML_DOMAIN, Recorder, Value
from dagmm.preprocessing.columns.categorical import TextColumn
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT
from dagmm.preprocessing.table_encoder import TableEncoder

#: The length of the first axis of inputs and outputs, which may be any.
ROWS = "rows"
TEXT = np.dtype(object)

Kind: TypeAlias = Literal["number", "text", "date"]
_TYPES: dict[Kind, np.dtype[Any]] = {"number": FLOAT, "text": TEXT, "date": FLOAT}


class ColumnInput(NamedTuple):
    """A column and the input that takes it, of shape (rows, 1).

    Parameters
    ----------
    column : str
    kind : {"number", "text", "date"}
        A date is the seconds since 1970 on the wall clock. A hole is NaN, of texts an empty one.
    value : Value
    """

    column: str
    kind: Kind
    value: Value


def column_inputs(encoder: TableEncoder, taken: Sequence[str]) -> list[ColumnInput]:
    """Return an input for each column, in the order of the training table.

    Parameters
    ----------
    encoder : TableEncoder
    taken : sequence of str
        Names that are taken; a column of such a name has an input of another.
    """
    kinds: dict[str, Kind] = {text.name: "text" for text in encoder.texts}
    kinds |= {date.name: "date" for date in encoder.dates}
    names, inputs = {*taken, *encoder.columns}, []
    for column in encoder.columns:
        name, kind = column, kinds.get(column, "number")
        if not name or name in taken:  # a value without a name is one that is left out
            name = f"column_{column}"
            while name in names:
                name += "_"
            names.add(name)
        inputs.append(ColumnInput(column, kind, Value(name, _TYPES[kind], (ROWS, 1))))
    return inputs


def encoded_rows(
    recorder: Recorder, encoder: TableEncoder, inputs: Sequence[ColumnInput]
) -> Recorded:
    """Record how rows are encoded: as :meth:`TableEncoder.encode` does with a chunk of them.

    Returns
    -------
    Recorded of shape (rows, n_features), float32
    """
    given = {one.column: Recorded(recorder, one.value) for one in inputs}
    numbers = [given[name] for name in encoder.numbers.names]
    parts: list[Any] = []
    holes = [xp.isnan(one) for one in numbers]
    for text in encoder.texts:
        code = _code_of(text, given[text.name])
        parts.append(text.features_of(code))
        holes.append((code == text.n_features)[:, None])
    for date in encoder.dates:
        is_hole = xp.isnan(given[date.name])
        seconds = xp.where(is_hole, 0.0, xp.floor(given[date.name]))
        parts.append(date.features_of(seconds[:, 0], is_hole[:, 0]))
        holes.append(is_hole)
    all_holes = xp.concatenate(holes, axis=1)
    parts = encoder.with_masks(parts, all_holes)
    if numbers:
        assert encoder.imputation is not None, "checked before"
        values = xp.concatenate(numbers, axis=1)
        parts.insert(0, encoder.scaled(values, all_holes, filled(encoder.imputation)))
    features = xp.concatenate(parts, axis=1)
    return xp.clip(features, -ENCODED_LIMIT, ENCODED_LIMIT).astype(np.float32)


def _code_of(text: TextColumn, given: Recorded) -> Recorded:
    """Record the number of each category, as :attr:`TextColumn.codes` has them."""
    codes = text.codes | {"": text.n_features}
    code = node(
        "LabelEncoder",
        [given],
        INT,
        given.shape,
        ML_DOMAIN,
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=len(text.categories),
    )
    return code.squeeze(1)
