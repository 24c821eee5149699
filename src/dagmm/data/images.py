"""Stacks of images as rows: one image is one row, of one size for all."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm._core.progress import Progress
from dagmm.data.base import CHUNK_ROWS, Chunk, Kind, Rows

#: Smallest height and width of an image.
LEAST_SIZE = 8
#: Numbers that are encoded at a time: a chunk of large images has fewer of them.
CHUNK_PIXELS = 2**23


@dataclass(frozen=True)
class ImageChunk(Chunk):
    """Some consecutive images.

    Parameters
    ----------
    names : tuple of str
        None: pixels have no names.
    start : int
        Number of the first image.
    pixels : ndarray of shape (n_rows, height, width, channels)
        As the user has them.
    """

    names: tuple[str, ...]
    start: int
    pixels: np.ndarray

    @property
    def n_rows(self) -> int:  # type: ignore[override]
        """Number of images."""
        return len(self.pixels)

    def kind(self, name: str) -> Kind:
        """Refuse: images have no columns."""
        self._refuse()

    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        """Refuse: images have no columns."""
        self._refuse()

    def integers(self, name: str) -> np.ndarray:
        """Refuse: images have no columns."""
        self._refuse()

    def text(self, name: str) -> pa.Array:
        """Refuse: images have no columns."""
        self._refuse()

    def dates(self, name: str) -> pa.Array:
        """Refuse: images have no columns."""
        self._refuse()

    def instants(self, name: str) -> np.ndarray:
        """Refuse: images have no columns."""
        self._refuse()

    def take(self, index: np.ndarray) -> "ImageChunk":
        """Return some of the images."""
        return replace(self, pixels=self.pixels[index])

    def _refuse(self) -> NoReturn:
        raise InputError("X holds images, which have no columns; expected a table.")


class ImageRows(Rows):
    """A stack of images in memory, or mapped from a file.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, channels)

    Attributes
    ----------
    shape : tuple of int
        (height, width, channels); channels is 1 where the stack has none.

    Raises
    ------
    InputError
        If it has another number of axes or other numbers than pixels can be, or images are
        smaller than 8 x 8.
    """

    names: tuple[str, ...] = ()

    def __init__(self, images: np.ndarray) -> None:
        check_stack(images.shape, images.dtype)
        self.images = images if images.ndim == 4 else images[..., None]
        self.n_rows = len(images)
        height, width, channels = self.images.shape[1:]
        self.shape = (height, width, channels)

    def chunk(self, start: int, stop: int) -> ImageChunk:
        """Return the images from ``start`` up to ``stop``."""
        return ImageChunk((), start, self.images[start:stop])

    def chunks(self, size: int | None = None, progress: Progress | None = None) -> Iterator[Chunk]:
        """Read all images, some at a time: fewer of them where they are large."""
        return super().chunks(size or images_at_a_time(self.shape), progress)


def image_rows(table: object) -> ImageRows | None:
    """Return what a user passes as rows of images, or None where it is no such thing.

    Parameters
    ----------
    table : object
        Images are an array of 3 or 4 axes, a list of arrays of one image each, or rows of images
        already.

    Raises
    ------
    InputError
        If images differ in size, or cannot be used.
    """
    if isinstance(table, ImageRows):
        return table
    if isinstance(table, list | tuple) and table and all(_is_image(one) for one in table):
        for i, one in enumerate(table):
            if one.shape != table[0].shape:
                raise InputError(
                    f"image 0 has shape {table[0].shape} and image {i} has shape {one.shape}; "
                    "expected images of one size. Resize or crop them first."
                )
        table = np.stack(table)
    if isinstance(table, np.ndarray) and table.ndim > 2:
        return ImageRows(table)
    return None


def _is_image(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim in (2, 3)


def images_at_a_time(shape: tuple[int, int, int]) -> int:
    """How many images of this shape are encoded at a time."""
    height, width, channels = shape
    return max(1, min(CHUNK_ROWS, CHUNK_PIXELS // (height * width * channels)))


def check_stack(shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Check that an array can be a stack of images.

    Raises
    ------
    InputError
    """
    if len(shape) not in (3, 4):
        raise InputError(
            "X must be images of shape (n, height, width) or (n, height, width, channels), "
            f"got an array of shape {shape}."
        )
    if min(shape[1:3]) < LEAST_SIZE or shape[-1] < 1:
        hint = " A table has 2 axes, X has 3." if len(shape) == 3 else ""
        raise InputError(
            f"X has images of {shape[1]} x {shape[2]} pixels; expected at least "
            f"{LEAST_SIZE} x {LEAST_SIZE}.{hint}"
        )
    if dtype.kind not in "fb" and dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise InputError(
            f"X has pixels of dtype {dtype}; expected uint8, uint16 or floats. "
            "Convert them, such as with X.astype('uint8')."
        )
