"""Which columns of a table are its time axis and its asset."""

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import named
from dagmm.preprocessing.table_encoder import TableEncoder


def axes_of(
    encoder: TableEncoder,
    names: tuple[str, ...],
    time: str | None,
    group: str | None,
) -> tuple[str | None, str | None]:
    """Return time axis and asset: what is said, or what was so at the fit.

    Parameters
    ----------
    encoder : TableEncoder
    names : tuple of str
        Columns of the table.
    time, group : str or None

    Raises
    ------
    ArgumentError
        If the table has no such column.
    """
    for argument, name in (("time", time), ("group", group)):
        if name is not None and name not in names:
            raise ArgumentError(
                f"{named(argument)} names column {name!r}, which the table does not have. "
                f"{near(name, names)}"
            )
    aside: dict[str, list[str]] = {"time": [], "date": [], "group": []}
    clocks = {reading.clock for _, reading in encoder.date_readings}
    for column in encoder.unused_columns:
        if column.name in names and column.reason in aside and column.name not in clocks:
            aside[column.reason].append(column.name)
    dates = aside["time"] or [*aside["date"], *(date.name for date in encoder.dates)]
    if time is None and len(dates) == 1:
        time = dates[0]
    if group is None and aside["group"]:
        group = aside["group"][0]
    return time, group
