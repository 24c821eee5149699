"""Into how many rows long tables are cut, so that what is made of some takes a bounded memory."""

from collections.abc import Iterator

from dagmm.data.base import CHUNK_ROWS
from dagmm.preprocessing.row_views import FeatureMatrix

#: Rows of a block of compiled networks. One shape means one compilation, and a row that goes
#: through the same arithmetic whether it comes alone or among a million.
BLOCK_ROWS = 64
#: Blocks of a buffer: calling a program takes longer than a block does, so that it is called once
#: for many, and goes through those that hold rows.
BUFFER_BLOCKS = 32
#: Buffers, and blocks as well, of rows as wide as large images hold no more numbers than this.
BUFFER_FEATURES = 2**23


def chunks_of(features: FeatureMatrix) -> Iterator[slice]:
    """Rows in chunks, of which what is made of one takes a bounded memory."""
    n_rows, n_features = features.shape
    at_once = buffer_rows(n_features)
    size = max(at_once, min(CHUNK_ROWS, BUFFER_FEATURES // n_features) // at_once * at_once)
    return (slice(first, first + size) for first in range(0, n_rows, size))


def block_rows(n_features: int) -> int:
    """Rows of a block, a power of two."""
    return min(BLOCK_ROWS, 1 << (max(1, BUFFER_FEATURES // n_features).bit_length() - 1))


def buffer_rows(n_features: int) -> int:
    """Rows of a buffer, a power of two of blocks."""
    size = block_rows(n_features)
    blocks = max(1, BUFFER_FEATURES // (size * n_features))
    return size * min(BUFFER_BLOCKS, 1 << (blocks.bit_length() - 1))
