"""The asset whose rows a model was fitted to, where each asset of a fleet has a model."""

from typing import NamedTuple

import numpy as np

from dagmm._core.errors import InputError
from dagmm.data.base import Chunk
from dagmm.preprocessing.windows.clock import known_assets_of


class OneAsset(NamedTuple):
    """An asset, and the column that would name it."""

    column: str
    name: str

    def check(self, chunk: Chunk) -> None:
        """Check that rows are of this asset, where the table says whose they are.

        Raises
        ------
        InputError
            Naming the first row of another asset.
        """
        if self.column not in chunk.names:
            return
        names, code = known_assets_of(chunk, self.column)
        is_other = np.array([name != self.name for name in names], bool)
        if not is_other.any():
            return
        row = int(np.argmax(is_other[code]))
        other = names[code[row]]
        raise InputError(
            f"column {self.column!r} names {'no asset' if other is None else repr(other)} in row "
            f"{chunk.start + row}; this model is of a fleet, and was fitted to the rows of "
            f"{self.name!r} alone. Pass those rows, take the fleet for rows of several assets, or "
            "leave the column out to have them taken for rows of this one."
        )
