"""Where rows come from: arrays, DataFrames and files behind one small interface, in chunks."""

from dagmm.rows.files import rows_in as rows_in
from dagmm.rows.files import stored_rows as stored_rows
from dagmm.rows.frame import FrameRows as FrameRows
from dagmm.rows.frame import frame_of as frame_of
from dagmm.rows.images import ImageChunk as ImageChunk
from dagmm.rows.images import ImageRows as ImageRows
from dagmm.rows.images import image_rows as image_rows
from dagmm.rows.images import images_at_a_time as images_at_a_time
from dagmm.rows.matrix import MatrixRows as MatrixRows
from dagmm.rows.matrix import array_of as array_of
from dagmm.rows.matrix import as_numbers as as_numbers
from dagmm.rows.stream import StreamRows as StreamRows
from dagmm.rows.table import CHUNK_ROWS as CHUNK_ROWS
from dagmm.rows.table import Chunk as Chunk
from dagmm.rows.table import Kind as Kind
from dagmm.rows.table import Rows as Rows
from dagmm.rows.taking import rows_of as rows_of
from dagmm.rows.taking import table_like as table_like

__all__ = [
    "CHUNK_ROWS",
    "Chunk",
    "FrameRows",
    "ImageChunk",
    "ImageRows",
    "Kind",
    "MatrixRows",
    "Rows",
    "StreamRows",
    "array_of",
    "as_numbers",
    "frame_of",
    "image_rows",
    "images_at_a_time",
    "rows_in",
    "rows_of",
    "stored_rows",
    "table_like",
]
