"""The Tennessee Eastman process: 52 readings of a simulated chemical plant, a row in 3 minutes."""

import os
import re
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.file_bytes import named, read_bytes
from dagmm.datasets.labelled import Labelled

_MEASURED, _MANIPULATED = 41, 11
_NAMES = (
    *(f"XMEAS({i})" for i in range(1, _MEASURED + 1)),
    *(f"XMV({i})" for i in range(1, _MANIPULATED + 1)),
)
_MINUTES_A_ROW = 3.0
#: The fault of a test file begins after so many rows, 8 hours.
_FAULT_FROM = 160
_FILE_NAME = re.compile(r"d(?P<fault>\d\d)(?P<test>_te)?\.dat(\.gz)?")
_EXPECTED = (
    "a file of the Tennessee Eastman process, such as d00.dat, d00_te.dat or d01_te.dat.gz: "
    f"{len(_NAMES)} columns of numbers without a header, or these as lines"
)


def tennessee_eastman(path: str | os.PathLike[str]) -> dict[str, Labelled]:
    """Read one file or a whole folder of the Tennessee Eastman process.

    The process is that of Downs and Vogel, "A plant-wide industrial process control problem",
    Computers & Chemical Engineering 17, 1993; the files are those of Chiang, Russell and Braatz,
    "Fault Detection and Diagnosis in Industrial Systems", Springer, 2001.

    Parameters
    ----------
    path : path-like
        A ``.dat`` file, gzipped or not, or a folder of such files. Other files of the folder are
        left out.

    Returns
    -------
    dict of str to Labelled
        By name, in order: ``d00`` (normal rows to train on), ``d00_te`` (other normal rows),
        ``d01_te`` (the first fault) and so on, those that are there. ``table`` is a pyarrow.Table
        of ``minute`` (0, 3, 6, ... of the file), ``XMEAS(1)`` to ``XMEAS(41)`` and ``XMV(1)`` to
        ``XMV(11)``. The first 160 rows of ``d01_te`` are normal, all others are anomalies; all
        rows of ``d01``, which faults are learned from, are.

    Raises
    ------
    InputError
        If there is no such file, or one that is something else.

    Examples
    --------
    >>> from dagmm.datasets import tennessee_eastman
    >>> runs = tennessee_eastman("tennessee-eastman")  # doctest: +SKIP
    >>> table, is_anomaly = runs["d01_te"]  # doctest: +SKIP
    """
    folder = Path(path)
    if not folder.is_dir():
        return {folder.name.partition(".")[0]: _read(folder)}
    # A file stands before its gzipped copy in this order, and is the one that is read.
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if _FILE_NAME.fullmatch(file.name):
            files.setdefault(file.name.partition(".")[0], file)
    if not files:
        raise InputError(
            f"{named(path)} holds no files of the Tennessee Eastman process; expected d00.dat, "
            "d00_te.dat, d01_te.dat and so on, gzipped or not, in the folder itself."
        )
    return {name: _read(files[name]) for name in sorted(files)}


def _read(path: Path) -> Labelled:
    content = read_bytes(path, _EXPECTED)
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise InputError(f"{named(path)} has a name that says no fault; expected {_EXPECTED}.")
    readings = _readings(path, content)
    table = pa.table(
        {
            "minute": _MINUTES_A_ROW * np.arange(len(readings)),
            **dict(zip(_NAMES, np.ascontiguousarray(readings.T), strict=True)),
        }
    )
    is_anomaly = np.full(len(readings), int(match["fault"]) > 0)
    if match["test"]:
        is_anomaly[:_FAULT_FROM] = False
    return Labelled(table, is_anomaly)


def _readings(path: Path, content: bytes) -> np.ndarray:
    """Return the numbers of a file, (n_rows, 52)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of no rows, which the shape tells
            numbers = np.loadtxt(BytesIO(content), ndmin=2)
    except ValueError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(
            f"{named(path)} cannot be read ({reason}); expected {_EXPECTED}."
        ) from error
    n_columns = len(_NAMES)
    if n_columns not in numbers.shape:
        found = f"{numbers.shape[0]:,} lines of {numbers.shape[1]:,} numbers"
        raise InputError(f"{named(path)} has {found}; expected {_EXPECTED}.")
    # The normal training rows of the source lie transposed.
    return numbers if numbers.shape[1] == n_columns else numbers.T
