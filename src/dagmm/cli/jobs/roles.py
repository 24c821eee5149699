"""Which column plays which part: identifier, label, left out, or described by the model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.files.base import is_number, is_text
from dagmm.inference.record import InputRoles, TrainingRecord
from dagmm.preprocessing.column_roles import ColumnRoles


@dataclass(frozen=True)
class Roles:
    """The columns of a table that are not fitted, and the values that mean normal.

    Parameters
    ----------
    ids, drop, normal : tuple of str
    label : str or None
    time, group, clock : str or None
        Given to the detector, which does not fit them; passed through to the scores. The clock
        is the time of day, where the time axis has two columns.
    categorical, numeric : tuple of str
    time_format : str or None
        Given to the detector.
    """

    ids: tuple[str, ...] = ()
    label: str | None = None
    normal: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    time_format: str | None = None
    clock: str | None = None

    @property
    def passed(self) -> list[str]:
        """The columns that pass through to the output."""
        names = (*self.ids, self.group, self.time, self.clock, self.label)
        return [name for name in names if name is not None]

    @property
    def arguments(self) -> dict[str, Any]:
        """What the detector has to be told."""
        several = {"categorical": self.categorical, "numeric": self.numeric}
        time = self.time if self.clock is None else (self.time, self.clock)
        one = {"time": time, "group": self.group, "time_format": self.time_format}
        return {name: list(columns) or None for name, columns in several.items()} | one

    def features(self, names: Sequence[str], table: str) -> tuple[str, ...]:
        """Return the columns that the detector gets.

        Raises
        ------
        ArgumentError
            If a column is not there, is named twice, or none is left.
        """
        without = [("--id", name) for name in self.ids] + [("--drop", name) for name in self.drop]
        if self.label is not None:
            without.append(("--label", self.label))
        elif self.normal:
            raise ArgumentError("--normal needs --label, the column whose value it is.")
        options = without + [
            (f"--{argument}", name)
            for argument, name in ColumnRoles.of(None, **self.arguments).named()
        ]
        for option, name in options:
            check_column(option, name, names, table)
        named = Counter(name for _, name in options)
        twice = [name for name, count in named.items() if count > 1]
        if twice:
            said = " and ".join(option for option, name in options if name == twice[0])
            raise ArgumentError(f"column {twice[0]!r} is given as {said}; give it once.")
        left_out = {name for _, name in without}
        left = tuple(name for name in names if name not in left_out)
        if not left:
            raise ArgumentError(
                f"{table}: no column is left to fit; all {len(names)} are given as --id, --drop "
                "or --label."
            )
        return left

    @property
    def remembered(self) -> InputRoles:
        """What a saved model records of them."""
        return InputRoles(self.ids, self.label, self.normal, self.drop, self.time, self.group)

    def for_asset(self, per: str) -> InputRoles:
        """Return what the model of an asset records of them, whose rows one column names."""
        return InputRoles(self.ids, self.label, self.normal, self.drop, self.time, per)

    @classmethod
    def of_record(cls, record: TrainingRecord) -> "Roles":
        """Return what a saved model records; nothing, for one that was fitted in Python."""
        known = record.roles or InputRoles()
        return cls(known.ids, known.label, known.normal, known.drop, known.time, known.group)


def check_column(option: str, name: str, names: Sequence[str], table: str) -> None:
    """Check that a table has a column.

    Raises
    ------
    ArgumentError
        With the names that come near.
    """
    if name not in names:
        raise ArgumentError(f"{option} {name}: {table} has no such column. {near(name, names)}")


def check_types(schema: pa.Schema, table: str, clock: str | None = None) -> None:
    """Check that each column to be fitted holds what a model can use.

    Parameters
    ----------
    schema : pyarrow.Schema
    table : str
        How messages call the table.
    clock : str or None
        A column that may hold times of day.

    Raises
    ------
    InputError
        Naming the first that does not, and the options that leave it out.
    """
    for field in schema:
        dtype = field.type
        is_date = pa.types.is_date(dtype) or pa.types.is_timestamp(dtype)
        if field.name == clock and pa.types.is_time(dtype):
            continue
        is_other = pa.types.is_null(dtype) or pa.types.is_duration(dtype)
        if is_number(dtype) or is_text(dtype) or is_date or is_other:
            continue
        raise InputError(
            f"{table}: column {field.name!r} holds values of type {dtype}; expected numbers, "
            "true/false, text or dates. Pass it through as an identifier "
            f"(--id {field.name!r}) or leave it out (--drop {field.name!r})."
        )
