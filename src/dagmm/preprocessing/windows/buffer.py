"""What is kept of each asset's last rows, so that windows reach across chunks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from dagmm.data.base import Chunk
from dagmm.preprocessing.columns.date_text import ISO, DateReading
from dagmm.preprocessing.windows.clock import assets_of, check_forward, times_of
from dagmm.preprocessing.windows.segments import first_rows


class GatheredRows(NamedTuple):
    """The rows of a chunk behind those that windows reach back to."""

    rows: Float32[np.ndarray, "n_all n_features"]
    """Encoded; rows of one asset lie together, in their order."""
    ends: Int64[np.ndarray, " n_rows"]
    """Where each row of the chunk lies among them, in the chunk's order."""
    first: Int64[np.ndarray, " n_rows"]
    """Where the segment of each row of the chunk begins among them."""


class _Tail(NamedTuple):
    """The last rows of an asset."""

    rows: Float32[np.ndarray, "n_kept n_features"]
    times: Float64[np.ndarray, " n_kept"]


class KeptRows(NamedTuple):
    """What is kept of one asset."""

    asset: str
    rows: Float32[np.ndarray, "n_kept n_features"]
    times: Float64[np.ndarray, " n_kept"]


class WindowBuffer:
    """The last rows of each asset: at most a window less one of them.

    Parameters
    ----------
    time, group : str
        Names of the columns; ``group`` may be None.
    n_steps : int
        Rows of a window.
    gap : float
        Longest time from one row to the next within a segment, in seconds.
    reading : DateReading
        How the clock writes dates.
    """

    def __init__(
        self,
        time: str,
        group: str | None,
        n_steps: int,
        gap: float,
        reading: DateReading = ISO,
    ) -> None:
        self._reading = reading
        self._time, self._group, self._n_steps, self._gap = time, group, n_steps, gap
        self._tails: dict[str, _Tail] = {}

    def extend(
        self, chunk: Chunk, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> GatheredRows:
        """Take the next rows; where they are refused nothing is changed.

        Raises
        ------
        InputError
            If a row has no time or no asset, or the clock of an asset runs backwards.
        """
        if chunk.n_rows == 0:
            nothing = np.empty(0, np.int64)
            return GatheredRows(features, nothing, nothing)
        times = times_of(chunk, self._time, self._reading)
        names, asset = assets_of(chunk, self._group)
        rows, all_times, assets = [], [], []
        ends = np.empty(chunk.n_rows, np.int64)
        n_before = 0
        for i, places in enumerate(places_of(asset, len(names))):
            tail = self._tails.get(names[i])
            own = times[places]
            before = -np.inf if tail is None else float(tail.times[-1])
            check_forward(
                *(chunk, self._time, self._group, names[i], before, own, places), self._reading
            )
            if tail is not None:
                rows.append(tail.rows)
                all_times.append(tail.times)
            rows.append(features[places])
            all_times.append(own)
            n_kept = 0 if tail is None else len(tail.times)
            ends[places] = n_before + n_kept + np.arange(len(places))
            assets.append(np.full(n_kept + len(places), i))
            n_before += n_kept + len(places)
        gathered, gathered_times = np.concatenate(rows), np.concatenate(all_times)
        owner = np.concatenate(assets)
        first = first_rows(owner, gathered_times, self._gap)
        self._keep(names, owner, first, gathered, gathered_times)
        return GatheredRows(gathered, ends, first[ends])

    def kept(self) -> list[KeptRows]:
        """Return what is kept of each asset."""
        return [KeptRows(name, *tail) for name, tail in self._tails.items()]

    def take(self, kept: Sequence[KeptRows]) -> None:
        """Go on from what another buffer of these windows kept."""
        self._tails = {one.asset: _Tail(one.rows, one.times) for one in kept}

    def _keep(
        self,
        names: list[str],
        owner: np.ndarray,
        first: np.ndarray,
        rows: np.ndarray,
        times: np.ndarray,
    ) -> None:
        lasts = np.append(np.flatnonzero(np.diff(owner)), len(owner) - 1)
        for last in lasts:
            start = max(first[last], last + 1 - max(1, self._n_steps - 1))
            kept = slice(start, last + 1)
            # Copies: a view would keep the whole chunk.
            self._tails[names[owner[last]]] = _Tail(rows[kept].copy(), times[kept].copy())


def places_of(asset: Int64[np.ndarray, " n_rows"], n_assets: int) -> list[np.ndarray]:
    """Return where the rows of each asset lie, in their order."""
    order = np.argsort(asset, kind="stable")
    return np.split(order, np.cumsum(np.bincount(asset, minlength=n_assets))[:-1])
