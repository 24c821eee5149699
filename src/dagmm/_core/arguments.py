"""Checks of constructor arguments; every message says what was expected and what came."""

import difflib
import math
import numbers
from collections.abc import Iterable, Sequence

from dagmm._core.errors import ArgumentError
from dagmm._core.wording import named


def check_int(argument: str, value: object, low: int) -> int:
    """Return a whole number of at least ``low``."""
    if _is_whole(value) and int(value) >= low:  # type: ignore[call-overload]
        return int(value)  # type: ignore[call-overload]
    raise ArgumentError(f"{named(argument)} must be an int >= {low}, got {value!r}.")


def check_number(
    argument: str, value: object, low: float, high: float = math.inf, *, above: bool = False
) -> float:
    """Return a finite number in [low, high), or in (low, high) if ``above``."""
    number = _as_float(value)
    if math.isfinite(number) and (low < number if above else low <= number) and number < high:
        return number
    if high < math.inf:
        wanted = f"in {'(' if above else '['}{low:g}, {high:g})"
    else:
        wanted = f"a finite number {'>' if above else '>='} {low:g}"
    raise ArgumentError(f"{named(argument)} must be {wanted}, got {value!r}.")


def check_sizes(argument: str, value: object) -> tuple[int, ...]:
    """Return layer widths: a list of one or more whole numbers."""
    items = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
    if items and all(_is_whole(item) and item >= 1 for item in items):
        return tuple(int(item) for item in items)
    hint = ""
    decimals = [str(item).split(".") for item in items if isinstance(item, float)]
    if decimals and all(part.isdigit() and int(part) for pair in decimals for part in pair):
        meant = [
            part
            for item in items
            for part in (str(item).split(".") if isinstance(item, float) else [str(item)])
        ]
        hint = f" Did you mean [{', '.join(meant)}], with a comma?"
    raise ArgumentError(f"{named(argument)} must be a list of ints >= 1, got {value!r}.{hint}")


def check_choice(argument: str, value: object, choices: tuple[object, ...]) -> object:
    """Return a value that is one of a few; a near miss is answered with what was meant."""
    if any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        return value
    listed = ", ".join(repr(choice) for choice in choices)
    texts = [choice for choice in choices if isinstance(choice, str)]
    near = difflib.get_close_matches(str(value), texts, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ArgumentError(f"{named(argument)} must be one of {listed}, got {value!r}.{hint}")


def near(name: str, names: Sequence[str]) -> str:
    """Say which columns may have been meant."""
    lower = {other.lower(): other for other in names}
    found = [lower[match] for match in difflib.get_close_matches(name.lower(), list(lower), n=3)]
    if found:
        return f"Did you mean {' or '.join(repr(other) for other in found)}?"
    listed = ", ".join(repr(other) for other in names[:8])
    return f"It has {listed}{f' and {len(names) - 8} more' if len(names) > 8 else ''}."


def _as_float(value: object) -> float:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
