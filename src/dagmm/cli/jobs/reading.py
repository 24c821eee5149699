"""What a fit was told of how its table is written, for tables that come after it."""

from dataclasses import replace
from typing import Any

from dagmm.data.files.base import TableOptions

#: Options that a model remembers; the others depend on the file more than on who writes it.
_KEPT = ("skip_rows", "units_row", "na", "thousands")
_NOTHING = TableOptions()


def remembered(options: TableOptions) -> dict[str, Any]:
    """Return what a model's record keeps of options; nothing where nothing was said."""
    said = {
        name: getattr(options, name)
        for name in _KEPT
        if getattr(options, name) != getattr(_NOTHING, name)
    }
    if "na" in said:
        said["na"] = list(said["na"])
    return {"reading": said} if said else {}


def reading_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a model's record keeps, those that it can have."""
    kept = record.get("reading")
    kept = kept if isinstance(kept, dict) else {}
    known = {name: kept[name] for name in _KEPT if kept.get(name) is not None}
    if "na" in known:
        known["na"] = tuple(map(str, known["na"]))
    return known


def as_at_fit(options: TableOptions, record: dict[str, Any]) -> TableOptions:
    """Return options with what is not said now as it was said at the fit."""
    known = {
        name: value
        for name, value in reading_of(record).items()
        if getattr(options, name) == getattr(_NOTHING, name)
    }
    return replace(options, **known)
