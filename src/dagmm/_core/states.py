"""Parts of a saved model: plain data and arrays, and what is promised before it is loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from dagmm._core.atomic_files import ArraySpecs

_T = TypeVar("_T")


class State(NamedTuple):
    """A part of a model as it is saved."""

    plain: Any
    """What JSON can hold."""
    arrays: Mapping[str, np.ndarray]
    """By their names within the part."""

    def under(self, path: str) -> dict[str, np.ndarray]:
        """Return the arrays by their names within the model."""
        return {f"{path}.{name}": array for name, array in self.arrays.items()}


@dataclass(frozen=True)
class Promise(Generic[_T]):
    """A part whose plain data was checked, and that is built once its arrays are there.

    Names, types and shapes are checked before any array is read: a file from anywhere can neither
    take memory nor reach a formula with anything else than it promises.
    """

    arrays: ArraySpecs
    """Type and shape of each array that the part needs, by its name within the model."""
    build: Callable[[Mapping[str, np.ndarray]], _T]
    """Makes the part of the arrays of the model; refuses values that it cannot have."""


def check_array(good: np.ndarray, name: str, expected: str) -> None:
    """Refuse an array where a check of it does not hold.

    Raises
    ------
    ValueError
    """
    if not good.all():
        raise ValueError(f"array {name!r} must be {expected}")
