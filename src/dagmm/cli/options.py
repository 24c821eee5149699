"""Options that several commands share."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from dagmm.data.files.base import TableOptions
    from dagmm.data.files.folder import Paths


class TableFormat(StrEnum):
    """Formats of tables."""

    csv = "csv"
    parquet = "parquet"
    arrow = "arrow"
    json = "json"
    excel = "excel"


class Train(StrEnum):
    """Which rows to learn from, where labels are known."""

    normal = "normal"
    all = "all"


class UnseenAssets(StrEnum):
    """What becomes of assets that a fleet was not fitted to."""

    error = "error"
    all = "all"


Unseen: TypeAlias = Annotated[
    UnseenAssets | None,
    typer.Option(
        help="Of a fleet: rows of assets that it was not fitted to are an error, or are scored by "
        "the model of all assets.",
        show_default=False,
    ),
]
Tables: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help="File of CSV, Parquet, Arrow, JSON or Excel, also compressed; several of them, or a "
        "folder, as one table; or - for standard input; or images: a folder of image files, or a "
        ".npy file.",
    ),
]
Delimiter: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Delimiter of CSV; found out among , ; tab | by default.", metavar="CHAR"),
]
Header: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first row of CSV names the columns; by default it does unless one of "
        "its cells reads as a number. Without, columns are x0, x1, ...",
        show_default=False,
    ),
]
Format: TypeAlias = Annotated[
    TableFormat | None, typer.Option(help="Format of TABLE; found out by default.")
]
Encoding: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Encoding of CSV, such as cp932; found out by default.",
        metavar="NAME",
    ),
]
OutputEncoding: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Encoding of a CSV output: utf-8-sig, which Excel knows, cp932 or any other; UTF-8 "
        "by default.",
        metavar="NAME",
    ),
]
Decimal: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Decimal mark of CSV, . or , ; found out by default.", metavar="CHAR"),
]
SkipRows: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="Lines of CSV before its header; found out by default where it is clear.",
        metavar="N",
        min=0,
    ),
]
UnitsRow: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--units-row/--no-units-row",
        help="Whether the row below the header of CSV holds units; by default if it clearly does.",
        show_default=False,
    ),
]
NA: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--na",
        help="Text that stands for a missing value, in any column; among numbers -, NA, null, "
        "\u6b20\u6e2c and their like do so already. Repeatable.",
        metavar="MARK",
    ),
]
Thousands: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="What stands between groups of three digits: , . ' or space; found out by default.",
        metavar="CHAR",
    ),
]
Sheet: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Sheet of an Excel workbook, by name or number from 1 on; the first by default.",
        metavar="SHEET",
    ),
]
Ids: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        help="Column that identifies rows: not fitted, passed through to the scores. Repeatable.",
        metavar="COLUMN",
    ),
]
Label: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column that tells anomalies (not 0): not fitted, used to report how good it was.",
        metavar="COLUMN",
    ),
]
Normal: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Value of the label column that means normal; all others are anomalies. Repeatable.",
        metavar="VALUE",
    ),
]
Explain: TypeAlias = Annotated[
    int,
    typer.Option(
        help="Name, for each anomaly, so many columns that make it strange.", min=0, max=100
    ),
]
Categorical: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of categories, also where they are written as numbers. Repeatable.",
        metavar="COLUMN",
    ),
]
Numeric: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of numbers that looks like an identifier and is none. Repeatable.",
        metavar="COLUMN",
    ),
]
Times: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--time",
        help="Column that is the time axis: not fitted, passed through to the scores. Twice, for "
        "the date and for the time of day, where these are two columns.",
        metavar="COLUMN",
    ),
]
Group: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column that names the asset: not fitted, passed through to the scores.",
        metavar="COLUMN",
    ),
]
TimeFormat: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="How dates are written, as Python's strptime takes it: '%d/%m/%Y %H:%M'; what the "
        "cells tell by default.",
        metavar="FORMAT",
    ),
]
AsJSON: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", help="No log and no progress bar.")]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace what exists already.")]
Seed: TypeAlias = Annotated[
    int,
    typer.Option(help="The one source of chance: same seed, same model.", min=0, max=2**32 - 1),
]


def one_or_several(tables: list[str]) -> "Paths":
    """Return one path as it is, and several together."""
    return tables[0] if len(tables) == 1 else tuple(tables)


#: How a table is to be read, of a command that :func:`reads_tables` has given options for it.
Reading: TypeAlias = "TableOptions"
AS_FOUND: Any = None


def reads_tables(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of how tables are written, in place of its ``reading``.

    The encoding of the output, where it has one, stands beside that of the table.
    """

    @wraps(command)
    def with_options(**given: Any) -> None:
        options = {name: given.pop(name) for name in shared.parameters}
        command(**given, reading=_table_options(**options))

    shared, own = inspect.signature(_table_options), inspect.signature(command).parameters
    parameters = []
    for parameter in own.values():
        if parameter.name == "reading":
            parameters += [one.replace(default=None) for one in shared.parameters.values()]
        else:
            parameters.append(parameter)
    if "output_encoding" in own:
        parameters.remove(own["output_encoding"])
        names = [parameter.name for parameter in parameters]
        parameters.insert(names.index("encoding") + 1, own["output_encoding"])
    # Both are read, by inspect and by typer.
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options


def _table_options(
    delimiter: Delimiter,
    header: Header,
    format: Format,
    encoding: Encoding,
    decimal: Decimal,
    skip_rows: SkipRows,
    units_row: UnitsRow,
    na: NA,
    thousands: Thousands,
    sheet: Sheet,
) -> "TableOptions":
    from dagmm.data.files.base import TableOptions

    return TableOptions(
        format and format.value,
        unescaped(delimiter),
        header,
        encoding,
        decimal,
        skip_rows,
        units_row,
        tuple(na or ()),
        " " if thousands == "space" else thousands,
        sheet,
    )


def unescaped(delimiter: str | None) -> str | None:
    r"""Return the character that ``\t`` or ``tab`` stands for, or the delimiter as it is."""
    return "\t" if delimiter in ("\\t", "tab") else delimiter
