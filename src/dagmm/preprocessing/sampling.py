"""Rows that are held in memory, encoded: all of a table, or of a large one as many as are enough.

Training looks at some hundred thousand rows of a table, however long it is. Rows drawn at random
from all of it are mixed perfectly, even where the table is sorted, and take bounded memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from dagmm._core.memory import trim_heap
from dagmm._core.numerics import aligned_zeros
from dagmm._core.progress import Progress
from dagmm.data.base import CHUNK_ROWS, Chunk, Rows, TablePass
from dagmm.data.images import ImageRows
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.table_encoder import TableEncoder

#: Most encoded numbers that are held; 256 MB.
MOST_NUMBERS = 2**26
#: Most rows that are held: as many as the detector's members look at, all together.
MOST_ROWS = 2**21
#: Rows that are read at a time where few of them are wanted.
_READ_ROWS = 4 * CHUNK_ROWS


@dataclass(frozen=True)
class FeatureSample:
    """Encoded rows of a table.

    Parameters
    ----------
    features : ndarray of shape (padded_rows, n_features), float32
        Zero beyond ``n_rows``.
    n_rows : int
    numbers : ndarray of shape (n_rows,) or None
        Which rows of the table they are, in ascending order; None where they are all.
    """

    features: np.ndarray
    n_rows: int
    numbers: np.ndarray | None


def most_rows(n_features: int) -> int:
    """How many encoded rows of this width are held."""
    return max(2, min(MOST_ROWS, MOST_NUMBERS // max(1, n_features)))


def is_long(rows: Rows) -> bool:
    """Whether rows are drawn from a table rather than all held, or may be: it is that large.

    Of such a table nothing may depend on how its rows are cut into parts, as they may lie on many
    machines.
    """
    return rows.n_rows > MOST_ROWS or rows.n_rows * len(rows.names) > MOST_NUMBERS


def encode_table(
    rows: Rows, encoder: TableEncoder | ImageEncoder, rng: np.random.Generator, progress: Progress
) -> FeatureSample:
    """Encode a table, or rows drawn from it where it is too large; images whole.

    Parameters
    ----------
    rows : Rows
    encoder : TableEncoder or ImageEncoder
    rng : numpy.random.Generator
        Draws the rows; not asked where all of them are held.
    progress : Progress
        Is told a phase of its own.
    """
    n_rows, rows = most_rows(encoder.n_features), rows.only(encoder.columns)
    if isinstance(rows, ImageRows) or rows.n_rows <= n_rows:
        return FeatureSample(encode_rows(rows, encoder, progress), rows.n_rows, None)
    numbers = draw(rows.n_rows, n_rows, rng)
    features = aligned_zeros(padded_rows(n_rows), encoder.n_features)

    progress.phase("drawing", rows.n_rows)
    done = 0
    for part in rows.map_chunks(_EncodePass(encoder, numbers), _READ_ROWS):
        features[done : done + len(part)] = part
        done += len(part)
        if done:
            progress.advance(int(numbers[done - 1]) + 1, f"{done} rows drawn")
    trim_heap()
    return FeatureSample(features, n_rows, numbers)


@dataclass(frozen=True)
class _EncodePass(TablePass[np.ndarray]):
    """Encodes rows: all, or those of some numbers, in ascending order."""

    encoder: TableEncoder | ImageEncoder
    numbers: np.ndarray | None = None

    def look(self, chunk: Chunk) -> np.ndarray:
        if self.numbers is None:
            return self.encoder.encode(chunk)
        first, last = np.searchsorted(self.numbers, (chunk.start, chunk.start + chunk.n_rows))
        if first == last:
            return np.empty((0, self.encoder.n_features), np.float32)
        return self.encoder.encode(chunk.take(self.numbers[first:last] - chunk.start))

    def merge(self, found: np.ndarray, later: np.ndarray) -> np.ndarray:
        return np.concatenate([found, later]) if len(later) else found

    def within(self, start: int, stop: int) -> "_EncodePass":
        if self.numbers is None:
            return self
        first, last = np.searchsorted(self.numbers, (start, stop))
        return replace(self, numbers=self.numbers[first:last])


def drawn_chunks(rows: Rows, numbers: np.ndarray) -> Iterator[Chunk]:
    """Read a table and keep some rows.

    Parameters
    ----------
    rows : Rows
    numbers : ndarray of shape (n_drawn,)
        Row numbers in ascending order.
    """
    for chunk in rows.chunks(_READ_ROWS):
        first, last = np.searchsorted(numbers, (chunk.start, chunk.start + chunk.n_rows))
        if last > first:
            yield chunk.take(numbers[first:last] - chunk.start)


def encode_rows(
    rows: Rows, encoder: TableEncoder | ImageEncoder, progress: Progress | None = None
) -> np.ndarray:
    """Encode a whole table into one array, padded so that few shapes are ever compiled.

    Returns
    -------
    ndarray of shape (padded_rows, n_features), float32
        Zero beyond ``rows.n_rows``.
    """
    progress = progress or Progress()
    progress.phase("encoding", rows.n_rows)
    features = aligned_zeros(padded_rows(rows.n_rows), encoder.n_features)
    start = 0
    for part in rows.map_chunks(_EncodePass(encoder)):
        features[start : start + len(part)] = part
        start += len(part)
        progress.advance(start)
    return features


def draw(n_rows: int, n_drawn: int, rng: np.random.Generator) -> Int64[np.ndarray, " n_drawn"]:
    """Draw row numbers without repeats, in ascending order.

    Takes memory in proportion to what is drawn, not to the rows that are drawn from.
    """
    drawn = np.empty(0, np.int64)
    if n_rows <= 4 * n_drawn:
        return np.sort(rng.choice(n_rows, n_drawn, replace=False))
    while len(drawn) < n_drawn:
        drawn = np.union1d(drawn, rng.integers(n_rows, size=n_drawn))
    # Which are left out of too many does not depend on the numbers: all rows are as likely.
    return np.sort(rng.choice(drawn, n_drawn, replace=False))


def padded_rows(n_rows: int) -> int:
    """Return the next of 64, 80, 96, 112, 128, 160, ...: four sizes to each doubling."""
    step = max(16, 1 << max(0, (n_rows - 1).bit_length() - 3))
    return max(64, -(-n_rows // step) * step)
