"""Values of a file from anywhere, checked before they are used and named by their path."""

import math
import reprlib
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

#: Largest size that is read: the widest layer.
_WIDEST = 2**24


class JsonField(NamedTuple):
    """A value somewhere in the manifest, and the path to it."""

    value: Any
    path: str

    def fail(self, expected: str) -> NoReturn:
        """Refuse the value.

        Raises
        ------
        ValueError
        """
        raise ValueError(f"{self.path} must be {expected}, got {reprlib.repr(self.value)}")

    def fields(self, *names: str) -> "tuple[JsonField, ...]":
        """Return the fields of an object that has these fields and no others."""
        if not isinstance(self.value, dict):
            self.fail("an object")
        for name in names:
            if name not in self.value:
                raise ValueError(f"{self.path} has no {name!r}")
        unknown = sorted(self.value.keys() - set(names))
        if unknown:
            raise ValueError(f"{self.path} has an unknown field {reprlib.repr(unknown[0])}")
        prefix = "" if self.path == "the manifest" else f"{self.path}."
        return tuple(JsonField(self.value[name], prefix + name) for name in names)

    def items(self, most: int, *, least: int = 0) -> "list[JsonField]":
        """Return the entries of a list."""
        if not isinstance(self.value, list) or not least <= len(self.value) <= most:
            self.fail(f"a list of {least} to {most} entries")
        return [JsonField(item, f"{self.path}.{i}") for i, item in enumerate(self.value)]

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            self.fail("a string")
        return self.value

    def texts(self, most: int, *, least: int = 0) -> tuple[str, ...]:
        """Return strings that are all different."""
        texts = tuple(item.text() for item in self.items(most, least=least))
        if len(set(texts)) < len(texts):
            self.fail("a list of strings that are all different")
        return texts

    def choice(self, known: Iterable[str]) -> str:
        """Return one of some strings."""
        if self.text() not in known:
            self.fail(f"one of {', '.join(known)}")
        return self.text()

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            self.fail("true or false")
        return self.value

    def size(self, most: int = _WIDEST) -> int:
        """Return a whole number from 1 on."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("a whole number")
        if not 0 < self.value <= most:
            self.fail(f"from 1 to {most}")
        return self.value

    def whole(self) -> int:
        """Return a whole number from 0 on."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("a whole number")
        if not 0 <= self.value < 2**62:
            self.fail("a number of rows or steps")
        return self.value

    def number(self) -> float:
        """Return a finite number."""
        if isinstance(self.value, float) and math.isfinite(self.value):
            return self.value
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("a finite number")
        if abs(self.value) > 2**63:
            self.fail("a finite number")
        return float(self.value)
