"""Images for the command: a folder of image files, or a file of a NumPy array."""

from pathlib import Path
from typing import Any

import numpy as np

from dagmm._core.errors import ArgumentError, InputError
from dagmm.cli.jobs.roles import Roles
from dagmm.data.files.base import TableOptions
from dagmm.data.files.parquet import parquet_files
from dagmm.data.image_folder import SUFFIXES, ImageFolder
from dagmm.data.images import ImageRows
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.image_encoder import ImageEncoder, size_in_words
from dagmm.preprocessing.table_encoder import TableEncoder


def is_images(path: str) -> bool:
    """Whether a path is one of images: a file ``*.npy``, or a folder without Parquet files."""
    return path.endswith(".npy") or (Path(path).is_dir() and not parquet_files(path))


def open_images(path: str) -> ImageRows:
    """Open a folder of image files, or a stack of images in a file ``*.npy``.

    Raises
    ------
    InputError
        If there are no images, or they cannot be read.
    """
    if not path.endswith(".npy"):
        if Path(path).is_dir() and not any(
            file.suffix.lower() in SUFFIXES for file in Path(path).rglob("*")
        ):
            raise InputError(
                f"{path!r} is a folder without Parquet files (*.parquet, *.pq) or images; "
                "expected the one or the other."
            )
        return ImageFolder(path)
    try:
        stack = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path!r} does not exist; expected images.") from error
    except (ValueError, OSError, EOFError) as error:
        raise InputError(
            f"{path!r} cannot be read as a NumPy array ({error}); copy it again."
        ) from error
    try:
        return ImageRows(stack)
    except InputError as error:
        raise InputError(f"{path!r}: {error}") from error


def names_of(rows: ImageRows) -> tuple[str, list[Any]]:
    """Name of the column that says which image is which, and its values."""
    if isinstance(rows, ImageFolder):
        return "file", list(rows.files)
    return "image", list(range(rows.n_rows))


def check_no_roles(roles: Roles, options: TableOptions, path: str) -> None:
    """Check that nothing is said about columns, which images do not have.

    Raises
    ------
    ArgumentError
    """
    if roles != Roles() or options != TableOptions():
        raise ArgumentError(
            f"{path!r} holds images; options about columns or about how a table is written do "
            "not go with them."
        )


def table_encoder(model: FittedModel, path: str) -> TableEncoder:
    """Return the encoder of a model that was fitted on a table.

    Raises
    ------
    ArgumentError
        If it was fitted on images.
    """
    if isinstance(model.encoder, ImageEncoder):
        raise ArgumentError(
            f"the model was fitted on images of {size_in_words(model.encoder.shape)}; expected a "
            f"folder of images or a .npy file of them, got {path!r}."
        )
    return model.encoder
