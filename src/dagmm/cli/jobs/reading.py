"""What a fit was told of how its table is written, for tables that come after it."""

from dataclasses import asdict, fields, replace

from dagmm.data.files.base import TableOptions
from dagmm.inference.record import InputReading, TrainingRecord


def remembered(options: TableOptions) -> InputReading | None:
    """Return what a model's record keeps of options; None where nothing was said."""
    said = InputReading(
        **{field.name: getattr(options, field.name) for field in fields(InputReading)}
    )
    return None if said == InputReading() else said


def as_at_fit(options: TableOptions, record: TrainingRecord) -> TableOptions:
    """Return options with what is not said now as it was said at the fit."""
    nothing = asdict(InputReading())
    known = {
        name: value
        for name, value in record.said_reading.items()
        if getattr(options, name) == nothing[name]
    }
    return replace(options, **known)
