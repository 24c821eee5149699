"""Which files a path stands for: itself, or the tables of a folder in the order of their names."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from dagmm._core.errors import ArgumentError
from dagmm.data.files.arrow import ARROW_SUFFIXES
from dagmm.data.files.compression import without_codec
from dagmm.data.files.parquet import PARQUET_SUFFIXES
from dagmm.data.files.source import STANDARD

#: One path, or several, whose tables are one.
Paths: TypeAlias = str | tuple[str, ...]

#: Files of a folder that are taken for tables; others, such as notes, are passed over.
_SUFFIXES = (
    *(".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".xls"),
    *ARROW_SUFFIXES,
)


def parquet_files(path: str) -> list[str]:
    """Return the Parquet files of a folder in order of their names; none where it is no folder."""
    return [file for file in _visible(path) if file.endswith(PARQUET_SUFFIXES)]


def table_files(path: str) -> list[str]:
    """Return the tables of a folder in order of their names; none where it is no folder.

    Where some are Parquet, only these.
    """
    found = [file for file in _visible(path) if without_codec(file.lower()).endswith(_SUFFIXES)]
    return parquet_files(path) or found


def files_of(paths: Sequence[str]) -> list[str]:
    """Return the files that several paths stand for, in their order.

    Raises
    ------
    ArgumentError
        If one comes twice, or standard input is among them.
    """
    files = [file for path in paths for file in table_files(path) or [path]]
    if STANDARD in files:
        raise ArgumentError("standard input is a table by itself; give it without other paths.")
    for i, file in enumerate(files):
        if Path(file).resolve() in map(Path.resolve, map(Path, files[:i])):
            raise ArgumentError(f"{file!r} is given twice; its rows would count twice.")
    return files


def _visible(path: str) -> list[str]:
    folder = Path(path)
    if not folder.is_dir():
        return []
    files = (file for file in folder.iterdir() if file.is_file())
    names = (str(file) for file in files if not file.name.startswith((".", "_", "~$")))
    return sorted(names, key=_natural)


def _natural(name: str) -> list[tuple[int, str]]:
    """Order names as people do: 2 before 10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts] + [(-1, name)]
