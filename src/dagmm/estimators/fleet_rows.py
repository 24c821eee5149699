"""Where the rows of a fleet come from: held whole, or brought over some assets at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from dagmm.data.frames import FrameRows
from dagmm.estimators.fleet_fit import AssetRows, RunApart, draw_of_all, split_table


class FleetRows(ABC):
    """The training rows of a fleet.

    Attributes
    ----------
    names : tuple of str
        Columns.
    """

    names: tuple[str, ...]

    @property
    @abstractmethod
    def run(self) -> RunApart | None:
        """What fits assets; None for processes of this machine."""

    @abstractmethod
    def drawn(self, seed: int, *, whole: bool) -> FrameRows:
        """Return the rows that the model of all is fitted to: some, or the whole table."""

    @abstractmethod
    def starting(self, least: int) -> list[AssetRows]:
        """Return assets with so many rows, whose rows networks may be trained on to begin with."""

    @abstractmethod
    def rounds(self) -> Iterator[dict[str, AssetRows]]:
        """Yield the rows of each asset in the order in which assets come, some at a time."""


class HeldFleetRows(FleetRows):
    """Rows in memory.

    Parameters
    ----------
    rows : FrameRows
    per : str
        The column that names the asset of a row.
    run : callable, optional
        What fits assets; by default processes of this machine.

    Raises
    ------
    InputError
        If a row names no asset.
    """

    def __init__(self, rows: FrameRows, per: str, run: RunApart | None = None) -> None:
        self.names = rows.names
        self._rows, self._per, self._run = rows, per, run
        self._split: dict[str, AssetRows] | None = None

    @property
    def run(self) -> RunApart | None:
        """What fits assets."""
        return self._run

    def drawn(self, seed: int, *, whole: bool) -> FrameRows:
        """Return the rows that the model of all is fitted to."""
        return draw_of_all(self._rows, seed, whole=whole)

    def starting(self, least: int) -> list[AssetRows]:
        """Return all assets with so many rows."""
        (split,) = self.rounds()
        return [one for one in split.values() if one.n_rows >= least]

    def rounds(self) -> Iterator[dict[str, AssetRows]]:
        """Yield the rows of all assets."""
        if self._split is None:
            self._split = split_table(self._rows, self._per)
        yield self._split
