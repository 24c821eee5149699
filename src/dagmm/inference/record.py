"""What a model remembers of its training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from dagmm._core.json_fields import JsonField
from dagmm.inference.diagnostics import MOST_PARTS, Diagnostics
from dagmm.inference.verdict import verdict_of

#: Most epochs that are read.
_MOST_EPOCHS = 2**24
#: What can stand between groups of three digits.
_THOUSANDS = (",", ".", " ", "'")


@dataclass(frozen=True)
class InputRoles:
    """Which columns of a file were what, for whoever scores such a file.

    Parameters
    ----------
    ids, normal, drop : tuple of str
        Identifiers, values of the label that mean normal, columns that were left out.
    label, time, group : str or None
    """

    ids: tuple[str, ...] = ()
    label: str | None = None
    normal: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None

    @classmethod
    def read(cls, field: JsonField) -> "InputRoles":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        parts = dict(zip(names, field.fields(*names), strict=True))
        several = {name: parts[name].texts(MOST_PARTS) for name in ("ids", "normal", "drop")}
        one = {
            name: None if parts[name].value is None else parts[name].text()
            for name in ("label", "time", "group")
        }
        return cls(**several, **one)  # type: ignore[arg-type]


@dataclass(frozen=True)
class InputReading:
    """How a file is written, as far as somebody said so; the rest is found out for each file.

    Parameters
    ----------
    skip_rows : int or None
        Lines before the header.
    units_row : bool or None
        Whether the row below the header holds units.
    na : tuple of str
        Texts that stand for holes.
    thousands : str or None
        What stands between groups of three digits.
    """

    skip_rows: int | None = None
    units_row: bool | None = None
    na: tuple[str, ...] = ()
    thousands: str | None = None

    @classmethod
    def read(cls, field: JsonField) -> "InputReading":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        skip_rows, units_row, na, thousands = field.fields(*(part.name for part in fields(cls)))
        return cls(
            None if skip_rows.value is None else skip_rows.whole(),
            None if units_row.value is None else units_row.flag(),
            na.texts(MOST_PARTS),
            None if thousands.value is None else thousands.choice(_THOUSANDS),
        )


@dataclass(frozen=True)
class TrainingRecord:
    """What a model remembers of its training.

    Parameters
    ----------
    n_rows : int
        Training rows.
    held_out_rows : int
        Those among them that nothing was fitted to.
    fingerprint : str
        SHA-256 of the columns' names and the encoded training rows.
    histories : tuple of dict of str to list
        One for each network, one entry an epoch; see :class:`dagmm.training.history.History`.
    diagnostics : tuple of Diagnostics
        One for each network.
    drawn_rows : int or None
        Rows that networks were trained on, where the table was too large to be held.
    n_windows : int or None
        Windows of a model of windows.
    roles : InputRoles or None
        Of the file, where it was a command that fitted one.
    reading : InputReading or None
        How that file is written, where the command was told.
    advised_window : int or None
        Rows that a window would have, where rows were fitted by themselves and depend on each
        other so much that windows say more.
    """

    n_rows: int
    held_out_rows: int
    fingerprint: str
    histories: tuple[Mapping[str, list[Any]], ...]
    diagnostics: tuple[Diagnostics, ...]
    drawn_rows: int | None = None
    n_windows: int | None = None
    roles: InputRoles | None = None
    reading: InputReading | None = None
    advised_window: int | None = None

    @property
    def verdict(self) -> list[str]:
        """How the training went, in words, the good and the bad."""
        return verdict_of(self.diagnostics)

    @property
    def said_reading(self) -> dict[str, Any]:
        """How the file is written, as far as anything was said."""
        said = asdict(self.reading or InputReading())
        return {name: value for name, value in said.items() if value not in (None, ())}

    def plain(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return asdict(self)

    @classmethod
    def read(cls, field: JsonField, n_networks: int) -> "TrainingRecord":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        parts = dict(zip(names, field.fields(*names), strict=True))
        histories, diagnostics = (
            parts[name].items(n_networks, least=n_networks)
            for name in ("histories", "diagnostics")
        )
        optional = {
            name: None if parts[name].value is None else parts[name].whole()
            for name in ("drawn_rows", "n_windows", "advised_window")
        }
        roles, reading = parts["roles"], parts["reading"]
        return cls(
            parts["n_rows"].whole(),
            parts["held_out_rows"].whole(),
            parts["fingerprint"].text(),
            tuple(_history(history) for history in histories),
            tuple(Diagnostics.read(one) for one in diagnostics),
            **optional,
            roles=None if roles.value is None else InputRoles.read(roles),
            reading=None if reading.value is None else InputReading.read(reading),
        )


def _history(field: JsonField) -> dict[str, list[Any]]:
    """Check what a manifest says of a training's epochs."""
    if not isinstance(field.value, dict):
        field.fail("an object")
    for name, values in field.value.items():
        for value in JsonField(values, f"{field.path}.{name}").items(_MOST_EPOCHS):
            numbers = value.items(MOST_PARTS) if isinstance(value.value, list) else [value]
            for number in numbers:
                if number.value is not None:
                    number.number()
    return dict(field.value)
