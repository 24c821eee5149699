"""Trees of arrays: frozen dataclasses whose fields are arrays, other trees and tuples of them.

JAX differentiates and moves them as it does arrays. It is told of their classes once it is there
(:mod:`dagmm._core.compilation`), so that nothing else needs it to use them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, dataclass_transform

from dagmm._core.numerics import Array

_T = TypeVar("_T")

_classes: list[type] = []
_told: list[Callable[[type], None]] = []


def static() -> Any:
    """Declare a field that holds no arrays: a name, a number, a function."""
    return field(metadata={"static": True})


@dataclass_transform(frozen_default=True, field_specifiers=(static,))
def tree(cls: type[_T]) -> type[_T]:
    """Make a class a tree of arrays."""
    made = dataclass(frozen=True)(cls)
    _classes.append(made)
    for tell in _told:
        tell(made)
    return made


def tell_of_trees(tell: Callable[[type], None]) -> None:
    """Have somebody told of all classes of trees, those to come as well."""
    _told.append(tell)
    for known in _classes:
        tell(known)


def parts_of(cls: type) -> tuple[list[str], list[str]]:
    """Return the names of the fields that hold arrays, and of those that hold none."""
    static_names = [one.name for one in fields(cls) if one.metadata.get("static")]
    return [one.name for one in fields(cls) if one.name not in static_names], static_names


def leaves_of(part: Any, path: str = "") -> Iterator[tuple[str, Array]]:
    """Yield the arrays of a tree, each with its path, such as ``compression.encoder.0.weight``."""
    before = f"{path}." if path else ""
    if isinstance(part, tuple):
        for i, one in enumerate(part):
            yield from leaves_of(one, f"{before}{i}")
    elif is_dataclass(part):
        for name in parts_of(type(part))[0]:
            yield from leaves_of(getattr(part, name), before + name)
    else:
        yield path, part


def with_leaves(part: _T, arrays: Iterator[Array]) -> _T:
    """Return a tree of the same form with other arrays, in the order of its own."""
    made: Any
    if isinstance(part, tuple):
        made = tuple(with_leaves(one, arrays) for one in part)
    elif is_dataclass(part):
        names, static_names = parts_of(type(part))
        made = blank_of(type(part))
        for name in names:
            object.__setattr__(made, name, with_leaves(getattr(part, name), arrays))
        for name in static_names:
            object.__setattr__(made, name, getattr(part, name))
    else:
        made = next(arrays)
    result: _T = made
    return result


def blank_of(cls: type[_T]) -> _T:
    """Return a tree without its fields, which need not be arrays: whoever maps trees sets them."""
    return object.__new__(cls)
