"""Windows of a fitted model: frozen, and part of what is saved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dagmm._core.errors import InputError
from dagmm.preprocessing.columns.date_text import ISO, DateReading
from dagmm.preprocessing.windows.buffer import WindowBuffer
from dagmm.preprocessing.windows.features import WindowFeatures


@dataclass(frozen=True)
class WindowSpec:
    """How a model makes windows of rows.

    A row is scored by the window that ends at it, so by itself and earlier rows of its asset. No
    window reaches across a gap or from one asset to another: the first rows of a segment have
    shorter ones.

    Parameters
    ----------
    time : str
        The column that says when a row was measured.
    group : str or None
        The column that names the asset.
    step : int
        Every so many rows a window was trained on.
    interval : float
        Median time from one training row of an asset to its next, in seconds.
    gap : float
        Longest time from one row to the next within a segment, in seconds.
    view : WindowFeatures
        What the networks see of a window.
    """

    time: str
    group: str | None
    step: int
    interval: float
    gap: float
    view: WindowFeatures

    @property
    def n_steps(self) -> int:
        """Rows of a window."""
        return self.view.n_steps

    @property
    def n_shared(self) -> int:
        """How many of the windows that were trained on one row is part of."""
        return -(-self.n_steps // self.step)

    @property
    def n_inputs(self) -> int:
        """Width of what the networks see."""
        return self.view.n_inputs

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that say which rows make a window."""
        return (self.time,) if self.group is None else (self.time, self.group)

    def with_view(self, view: WindowFeatures) -> "WindowSpec":
        """Return the same windows, of which the networks see something else."""
        return replace(self, view=view)

    def input_columns(self, feature_columns: Sequence[str]) -> tuple[str, ...]:
        """Return the column that each input comes from, given that of each feature."""
        return tuple(feature_columns) * (self.n_inputs // len(feature_columns))

    def check(self, names: Sequence[str], clock: Sequence[str] = ()) -> None:
        """Check that a table has the columns it needs, that of the time of day among them.

        Raises
        ------
        InputError
        """
        times = [("time", name) for name in (self.time, *clock)]
        for what, name in (*times, ("group", self.group)):
            if name is not None and name not in names:
                raise InputError(
                    f"X has no column {name!r}, the {what} of this model, which was fitted to "
                    "windows."
                )

    def buffer(self, reading: DateReading = ISO) -> WindowBuffer:
        """Return what keeps the last rows of each asset, whose clock writes dates in some way."""
        return WindowBuffer(self.time, self.group, self.n_steps, self.gap, reading)
