"""SKAB, the Skoltech Anomaly Benchmark: eight sensors of a water circuit, a row a second."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from dagmm._core.errors import InputError
from dagmm.data.file_bytes import named, read_bytes
from dagmm.datasets.labelled import Labelled

_LABELS = ("anomaly", "changepoint")
_EXPECTED = "a CSV file of SKAB, separated by semicolons, with a column 'datetime'"


def skab(path: str | os.PathLike[str]) -> dict[str, Labelled]:
    """Read one file or a whole folder of SKAB.

    Parameters
    ----------
    path : path-like
        A ``.csv`` file, or a folder, whose folders are read too.

    Returns
    -------
    dict of str to Labelled
        By path within the folder, such as ``valve1/0.csv``, in order; for one file, by its name.
        ``table`` is a pyarrow.Table of ``datetime`` and the sensors, in the order of time. A file
        without labels has no anomalies.

    Raises
    ------
    InputError
        If there is no such file, or one that is something else.

    Examples
    --------
    >>> from dagmm.datasets import skab
    >>> table, is_anomaly = skab("SKAB/data/valve1/0.csv")["0.csv"]  # doctest: +SKIP
    """
    folder = Path(path)
    if not folder.is_dir():
        return {folder.name: _read(path)}
    files = sorted(folder.rglob("*.csv"), key=_by_number)
    if not files:
        raise InputError(f"{named(path)} holds no .csv files; expected a folder of SKAB.")
    return {file.relative_to(folder).as_posix(): _read(file) for file in files}


def _by_number(file: Path) -> tuple[str, int, str]:
    number = int(file.stem) if file.stem.isdecimal() else -1
    return file.parent.as_posix(), number, file.name


def _read(path: str | os.PathLike[str]) -> Labelled:
    content = read_bytes(path, _EXPECTED)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content), parse_options=arrow_csv.ParseOptions(delimiter=";")
        )
        names = table.column_names
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(
            f"{named(path)} cannot be read ({reason}); expected {_EXPECTED}."
        ) from error
    if "datetime" not in names:
        raise InputError(f"{named(path)} has no column 'datetime'; expected {_EXPECTED}.")
    labels = [name for name in _LABELS if name in names]
    is_anomaly = np.zeros(table.num_rows, bool)
    if "anomaly" in labels:
        is_anomaly = table["anomaly"].to_numpy() != 0
    return Labelled(table.drop_columns(labels).combine_chunks(), is_anomaly)
