"""Which column plays which part: identifier, label, left out, or described by the model."""

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dagmm.errors import ArgumentError, InputError
from dagmm.tables.parquet_table import is_number, is_text


@dataclass(frozen=True)
class Roles:
    """The columns of a table that are not fitted, and the values that mean normal.

    Parameters
    ----------
    ids, drop, normal : tuple of str
    label : str or None
    """

    ids: tuple[str, ...] = ()
    label: str | None = None
    normal: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    def features(self, names: Sequence[str], table: str) -> tuple[str, ...]:
        """Return the columns that are left to be fitted.

        Raises
        ------
        ArgumentError
            If a column is not there, is named twice, or none is left.
        """
        options = [("--id", name) for name in self.ids] + [("--drop", name) for name in self.drop]
        if self.label is not None:
            options.append(("--label", self.label))
        elif self.normal:
            raise ArgumentError("--normal needs --label, the column whose value it is.")
        for option, name in options:
            check_column(option, name, names, table)
        named = Counter(name for _, name in options)
        twice = [name for name, count in named.items() if count > 1]
        if twice:
            said = " and ".join(option for option, name in options if name == twice[0])
            raise ArgumentError(f"column {twice[0]!r} is given as {said}; give it once.")
        left = tuple(name for name in names if name not in named)
        if not left:
            raise ArgumentError(
                f"{table}: no column is left to fit; all {len(names)} are given as --id, --drop "
                "or --label."
            )
        return left

    def plain(self) -> dict[str, Any]:
        """Return them as a saved model records them."""
        return {
            "ids": list(self.ids),
            "label": self.label,
            "normal": list(self.normal),
            "drop": list(self.drop),
        }

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> "Roles":
        """Return what a saved model records; nothing, for one that was fitted in Python."""
        plain = record.get("table") or {}
        label = plain.get("label")
        return cls(
            tuple(map(str, plain.get("ids") or ())),
            None if label is None else str(label),
            tuple(map(str, plain.get("normal") or ())),
            tuple(map(str, plain.get("drop") or ())),
        )


def check_column(option: str, name: str, names: Sequence[str], table: str) -> None:
    """Check that a table has a column.

    Raises
    ------
    ArgumentError
        With the names that come near.
    """
    if name not in names:
        raise ArgumentError(f"{option} {name}: {table} has no such column. {near(name, names)}")


def near(name: str, names: Sequence[str]) -> str:
    """Say which columns may have been meant."""
    lower = {other.lower(): other for other in names}
    found = [lower[match] for match in difflib.get_close_matches(name.lower(), list(lower), n=3)]
    if found:
        return f"Did you mean {' or '.join(repr(other) for other in found)}?"
    listed = ", ".join(repr(other) for other in names[:8])
    return f"It has {listed}{f' and {len(names) - 8} more' if len(names) > 8 else ''}."


def check_types(schema: pa.Schema, table: str) -> None:
    """Check that each column to be fitted holds numbers, booleans or text.

    Raises
    ------
    InputError
        Naming the first that does not, and the options that leave it out.
    """
    for field in schema:
        if is_number(field.type) or is_text(field.type):
            continue
        if pa.types.is_null(field.type):
            got, ways = "is empty in every row", f"leave it out: --drop {field.name!r}"
        else:
            kind = "dates or times" if pa.types.is_temporal(field.type) else "values"
            got = f"holds {kind} ({field.type})"
            ways = (
                f"pass it through as an identifier (--id {field.name!r}) or leave it out "
                f"(--drop {field.name!r})"
            )
        raise InputError(
            f"{table}: column {field.name!r} {got}; expected numbers, true/false or text. "
            f"{ways[0].upper()}{ways[1:]}."
        )
