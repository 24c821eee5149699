"""What a model reads of a table in a file."""

from collections.abc import Iterator, Sequence

from dagmm._core.arguments import near
from dagmm._core.errors import InputError
from dagmm.data.files.base import Kind, TableFile
from dagmm.inference.batches import Batch
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.table_encoder import TableEncoder


def check_columns(model: FittedModel, names: Sequence[str], table: str) -> None:
    """Check that a table has the model's columns.

    Parameters
    ----------
    model : FittedModel
    names : sequence of str
        Columns of the table.
    table : str
        How messages call it.

    Raises
    ------
    InputError
        Naming those that are missing.
    """
    known = set(names)
    missing = [name for name in model.columns if name not in known]
    if missing:
        listed = ", ".join(repr(name) for name in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise InputError(
            f"{table} has {len(names)} column{'s' * (len(names) != 1)}; this model was fitted on "
            f"{len(model.columns)}, of which these are missing: {listed}{more}. "
            f"{near(missing[0], names)}"
        )


def batches_of(model: FittedModel, source: TableFile, passed: Sequence[str]) -> Iterator[Batch]:
    """Read some rows at a time: the model's columns, and those that pass through.

    Parameters
    ----------
    model : FittedModel
        Of tables.
    source : TableFile
        With the model's columns.
    passed : sequence of str

    Raises
    ------
    InputError
        If a row of units says another unit than that of the fit; while batches are read, if rows
        cannot be.
    """
    encoder = model.table_encoder
    kinds: dict[str, Kind] = dict.fromkeys(passed, "other")
    kinds |= dict.fromkeys((*model.columns, *model.alarm_columns), "other")
    kinds |= {name: "other" for name in model.read_columns if name in source.columns}
    kinds |= kinds_of(encoder)
    encoder.check_units(source.style)
    return (Batch(table, start) for start, table in source.batches(kinds))


def kinds_of(encoder: TableEncoder) -> dict[str, Kind]:
    """Return what each column of the model must hold; what "other" holds, the encoder reads."""
    kinds: dict[str, Kind] = dict.fromkeys(encoder.columns, "number")
    kinds |= {date.name: "other" for date in encoder.dates}
    kinds |= {written.name: "other" for written in encoder.number_texts}
    # What was said to be a category may be written as a number.
    return kinds | {text.name: "other" if text.is_told else "text" for text in encoder.texts}
