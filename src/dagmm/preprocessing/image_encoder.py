"""The encoder of images: frozen, made in one pass over the training images."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy
from jaxtyping import Float32, Float64

from dagmm._core.errors import InputError
from dagmm.data.base import Chunk, Rows
from dagmm.data.images import ImageChunk, ImageRows
from dagmm.preprocessing.column_roles import UnusedColumn
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT

#: Largest pixel that is read, as for the numbers of a table without scaling.
PIXEL_LIMIT = 1e6
#: Standard deviation of the Gaussian that images are smoothed with, in pixels.
SMOOTHING = 1.0
#: Pixels that vary less than this part of their mean square do not vary at all.
_FLAT = 1e-12


@dataclass(frozen=True)
class ImageEncoder:
    """Frozen description of images of one size; turns them into features and back.

    Integers are divided by their largest value, so that 255 of uint8 is 1.0; floats are taken as
    they are. Images are smoothed a little, so that an edge that lies a pixel further makes no
    other image. The mean image is subtracted, and all pixels are divided by one number, their
    root mean variance: unlike the columns of a table, pixels have a unit in common, and one that
    hardly ever varies is not to count as much as one that does.

    Parameters
    ----------
    shape : tuple of int
        (height, width, channels).
    centre : ndarray of shape (n_features,), float64
        The mean image, smoothed and flattened.
    scale : float
    smoothing : float
        Standard deviation of the Gaussian, in pixels; 0 for none.
    """

    shape: tuple[int, int, int]
    centre: np.ndarray
    scale: float
    smoothing: float = SMOOTHING

    #: What a table's encoder says of its columns; pixels have no names.
    columns: ClassVar[tuple[str, ...]] = ()
    feature_columns: ClassVar[tuple[str, ...]] = ()
    n_numbers: ClassVar[int] = 0
    unused_columns: ClassVar[tuple[UnusedColumn, ...]] = ()

    @classmethod
    def learn(cls, rows: ImageRows) -> "ImageEncoder":
        """Read all images once and learn how to encode them.

        Raises
        ------
        InputError
            If a pixel is not finite or beyond 1e6, or all images are the same.
        """
        total = np.zeros(rows.shape)
        squares = np.zeros(rows.shape)
        first: np.ndarray | None = None
        for chunk in rows.chunks():
            pixels = smoothed(pixels_of(_images(chunk)), SMOOTHING)
            first = pixels[0] if first is None else first
            # From the first image on: sums of squares of what is far from zero cancel.
            total += (pixels - first).sum(axis=0)
            squares += ((pixels - first) ** 2).sum(axis=0)
        assert first is not None, "there is at least one image"
        shift = total / rows.n_rows
        variance = float((squares / rows.n_rows - shift**2).mean())
        if variance <= _FLAT * float((squares / rows.n_rows + first**2).mean()):
            raise InputError(f"all {rows.n_rows} images are the same; expected images that vary.")
        return cls(rows.shape, (first + shift).ravel(), float(np.sqrt(variance)))

    @property
    def n_features(self) -> int:
        """Width of an encoded image."""
        return int(np.prod(self.shape))

    def check(self, rows: Rows) -> None:
        """Check that rows are images of the size that the model was fitted on.

        Raises
        ------
        InputError
        """
        expected = size_in_words(self.shape)
        if not isinstance(rows, ImageRows):
            raise InputError(
                f"X has rows of {len(rows.names)} columns; this model was fitted on images of "
                f"{expected}."
            )
        if rows.shape != self.shape:
            raise InputError(
                f"X has images of {size_in_words(rows.shape)}; this model was fitted on images "
                f"of {expected}."
            )

    def encode(self, chunk: Chunk) -> Float32[np.ndarray, "n_rows n_features"]:
        """Features of some images, each within +-1e6.

        Raises
        ------
        InputError
            If a pixel is not finite or beyond 1e6; image and pixel are named.
        """
        pixels = smoothed(pixels_of(_images(chunk)), self.smoothing)
        features = (pixels.reshape(chunk.n_rows, -1) - self.centre) / self.scale
        return np.clip(features, -ENCODED_LIMIT, ENCODED_LIMIT).astype(np.float32)

    def decode(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float64[np.ndarray, "n_rows height width channels"]:
        """Return encoded images, or what a network makes of them, as smoothed pixels."""
        pixels = features.astype(np.float64) * self.scale + self.centre
        return pixels.reshape(-1, *self.shape)


def size_in_words(shape: tuple[int, int, int]) -> str:
    """Write a size for a message."""
    height, width, channels = shape
    more = f" in {channels} channels" if channels > 1 else ""
    return f"{height} x {width} pixels{more}"


def pixels_of(chunk: ImageChunk) -> Float64[np.ndarray, "n_rows height width channels"]:
    """Pixels as float64: integers over their largest value, floats as they are.

    Raises
    ------
    InputError
        If a pixel is not finite or beyond 1e6; image and pixel are named.
    """
    pixels = chunk.pixels
    if pixels.dtype.kind == "u":
        return pixels / np.float64(np.iinfo(pixels.dtype).max)
    values = pixels.astype(np.float64)
    bad = ~(np.abs(values) <= PIXEL_LIMIT)
    if bad.any():
        image, row, column, channel = (int(i) for i in np.argwhere(bad)[0])
        where = f", channel {channel}" if values.shape[-1] > 1 else ""
        raise InputError(
            f"image {chunk.start + image} holds {float(values[image, row, column, channel])!r} "
            f"in row {row}, column {column}{where}; expected finite pixels within +-1e6."
        )
    return values


def smoothed(
    pixels: Float64[np.ndarray, "n_rows height width channels"], width: float
) -> Float64[np.ndarray, "n_rows height width channels"]:
    """Smooth each image by a Gaussian of this standard deviation, in pixels."""
    if width == 0.0:
        return pixels
    return np.asarray(
        scipy.ndimage.gaussian_filter(pixels, (0.0, width, width, 0.0), mode="nearest")
    )


def _images(chunk: Chunk) -> ImageChunk:
    assert isinstance(chunk, ImageChunk), "checked at the door"
    return chunk
