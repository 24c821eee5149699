"""Folders of image files, read some at a time."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dagmm._core.errors import InputError, MissingExtraError
from dagmm.data.file_bytes import named
from dagmm.data.images import ImageChunk, ImageRows, check_stack

#: Files that are taken for images, by their suffix in small letters; others are passed over.
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_LISTED = ", ".join(SUFFIXES)

#: What the modes of Pillow are read as: a kind in words, and the mode to convert to.
_KINDS = {
    **dict.fromkeys(("1", "L", "LA", "La"), ("8-bit grey", "L")),
    **dict.fromkeys(("I;16", "I;16L", "I;16B"), ("16-bit grey", "I;16")),
    "F": ("floating point", "F"),
    **dict.fromkeys(
        ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB"),
        ("colour", "RGB"),
    ),
}


class ImageFolder(ImageRows):
    """Images in files, read when they are needed: rows like a stack of them in memory.

    Parameters
    ----------
    path : path-like
        A folder. Files in it and below it are taken in the order of their names.

    Attributes
    ----------
    files : tuple of str
        Names, from the folder on, with ``/`` between the parts.

    Raises
    ------
    InputError
        If there is no such folder, it has no images, or the first cannot be read.
    MissingExtraError
        Without Pillow.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._folder = Path(path)
        if not self._folder.is_dir():
            raise InputError(f"{named(path)} is not a folder; expected a folder of images.")
        found = (file for file in self._folder.rglob("*") if file.suffix.lower() in SUFFIXES)
        names = (file.relative_to(self._folder) for file in found if file.is_file())
        self.files: tuple[str, ...] = tuple(
            sorted(
                name.as_posix()
                for name in names
                if not any(part.startswith(".") for part in name.parts)
            )
        )
        if not self.files:
            raise InputError(f"{named(path)} has no images; expected files that end in {_LISTED}.")
        first, self._kind = _read(self._folder / self.files[0])
        self._dtype = first.dtype
        self.n_rows = len(self.files)
        height, width, channels = first.shape
        self.shape = (height, width, channels)
        try:
            check_stack((self.n_rows, *self.shape), first.dtype)
        except InputError as error:
            raise InputError(f"{self._named(0)}: {error}") from error

    def chunk(self, start: int, stop: int) -> ImageChunk:
        """Read the images from ``start`` up to ``stop``.

        Raises
        ------
        InputError
            If a file cannot be read, or differs from the first in size or kind; it is named.
        """
        stop = min(stop, self.n_rows)
        pixels = np.empty((max(0, stop - start), *self.shape), self._dtype)
        for i in range(start, stop):
            pixels[i - start] = self._one(i)
        return ImageChunk((), start, pixels)

    def _one(self, i: int) -> np.ndarray:
        image, kind = _read(self._folder / self.files[i])
        if kind != self._kind:
            raise InputError(
                f"{self._named(0)} is {self._kind} and {self._named(i)} is {kind}; expected "
                "images of one kind. Convert them, or sort them into folders."
            )
        if image.shape != self.shape:
            sizes = [f"{width} x {height}" for height, width, _ in (self.shape, image.shape)]
            raise InputError(
                f"{self._named(0)} has {sizes[0]} pixels (width x height) and {self._named(i)} "
                f"has {sizes[1]}; expected images of one size. Resize or crop them first."
            )
        return image

    def _named(self, i: int) -> str:
        return named(self._folder / self.files[i])


def image_folder(path: str | os.PathLike[str]) -> tuple[np.ndarray, Sequence[str]]:
    """Read a folder of image files into one array.

    Parameters
    ----------
    path : path-like
        Files in it and below it that end in .png, .jpg, .tif, .bmp, ... are taken in the order of
        their names. Transparency is left out; palettes become colours.

    Returns
    -------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        Grey or colour; uint8, or as the files have it: uint16 or float32.
    files : sequence of str
        The name of each image's file, from the folder on.

    Raises
    ------
    InputError
        If there are no images, a file cannot be read, or images differ in size or kind; files are
        named.
    MissingExtraError
        Without Pillow.

    Examples
    --------
    >>> from dagmm import DAGMMDetector
    >>> from dagmm.datasets import image_folder
    >>> images, files = image_folder("parts/good")  # doctest: +SKIP
    >>> detector = DAGMMDetector().fit(images)  # doctest: +SKIP
    """
    rows = ImageFolder(path)
    pixels = rows.chunk(0, rows.n_rows).pixels
    return pixels[..., 0] if rows.shape[-1] == 1 else pixels, rows.files


def _read(file: Path) -> tuple[np.ndarray, str]:
    """Return an image as (height, width, channels), and its kind in words."""
    pillow: Any = _pillow()
    try:
        with warnings.catch_warnings():
            # What a decoder has to say is no reason to stop: what it cannot read, it raises.
            warnings.simplefilter("ignore")
            with pillow.open(file) as image:
                mode = image.mode
                kind, wanted = _KINDS.get(mode, ("", ""))
                if kind:
                    pixels = np.asarray(image if mode == wanted else image.convert(wanted))
    except (OSError, SyntaxError, ValueError, EOFError, pillow.DecompressionBombError) as error:
        raise InputError(
            f"{named(file)} cannot be read as an image ({type(error).__name__}: {error}); "
            "copy it again, or remove it."
        ) from error
    if not kind:
        raise InputError(
            f"{named(file)} has pixels of mode {mode!r}; expected grey or colour. Convert it."
        )
    return pixels.reshape(*pixels.shape[:2], -1), kind


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError(
            "reading image files needs the 'images' extra: pip install \"dagmm[images]\"."
        ) from error
    return Image
