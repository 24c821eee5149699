"""Images for the command: a folder of image files, or a file of a NumPy array."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa

from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.progress import progress_for
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.terminal import errors_named, log
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths, parquet_files, table_files
from dagmm.data.image_folder import SUFFIXES, ImageFolder
from dagmm.data.images import ImageRows
from dagmm.inference.batches import ImageBatch
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.explain.images import explain_images
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.image_encoder import ImageEncoder, size_in_words
from dagmm.preprocessing.table_encoder import TableEncoder

#: Images that are scored at a time, between two looks at the progress.
_AT_A_TIME = 256


def is_images(path: Paths) -> TypeGuard[str]:
    """Whether a path is one of images: a file ``*.npy``, or a folder without tables.

    Images may have a table beside them, but no Parquet files.
    """
    if not isinstance(path, str):
        return False
    if not Path(path).is_dir():
        return path.endswith(".npy")
    return not parquet_files(path) and (not table_files(path) or _has_images(path))


def open_images(path: str, quiet: bool) -> ImageRows:
    """Open a folder of image files, or a stack of images in a file ``*.npy``.

    Raises
    ------
    InputError
        If there are no images, or they cannot be read.
    """
    log(f"reading {path}", quiet)
    rows = _opened(path)
    if rows.n_rows == 0:
        raise InputError(f"{path!r} has no images.")
    log(f"{rows.n_rows} images of {size_in_words(rows.shape)}", quiet)
    return rows


def image_batches(rows: ImageRows, quiet: bool) -> Iterator[ImageBatch]:
    """Read some images at a time, beside the column that says which is which."""
    column, names = names_of(rows)
    with progress_for(not quiet) as progress:
        progress.phase("scoring", rows.n_rows)
        for start in range(0, rows.n_rows, _AT_A_TIME):
            stop = min(start + _AT_A_TIME, rows.n_rows)
            images = ImageRows(rows.chunk(start, stop).pixels)
            yield ImageBatch(images, start, pa.table({column: names[start:stop]}))
            progress.advance(stop)


def write_heat_maps(
    model: FittedModel, path: str, output: str, all_rows: bool, quiet: bool
) -> dict[str, Any]:
    """Write heat maps of the anomalies, or of all images, to a file of arrays.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    if not output.endswith(".npz"):
        raise ArgumentError(
            f"the heat maps of images go to a .npz file of arrays, got --output {output!r}."
        )
    rows = open_images(path, quiet)
    wanted = np.arange(rows.n_rows)
    with errors_named(repr(path)):
        model.check(rows)
        if model.threshold is not None and not all_rows:
            wanted = np.flatnonzero(is_anomaly(model.energy(rows), model.threshold))
        pixels = [rows.chunk(i, i + 1).pixels for i in wanted.tolist()]
        stack = np.concatenate(pixels) if pixels else np.empty((0, *rows.shape))
        explanation = explain_images(model, ImageRows(stack))
    column, names = names_of(rows)
    arrays = {name: getattr(explanation, name) for name in explanation.__dataclass_fields__}
    with Path(output).open("wb") as file:
        np.savez_compressed(file, **{f"{column}s": np.array(names)[wanted], **arrays})
    return {"output": output, "images": rows.n_rows, "explained": len(wanted)}


def _opened(path: str) -> ImageRows:
    if not path.endswith(".npy"):
        if Path(path).is_dir() and not _has_images(path):
            raise InputError(
                f"{path!r} is a folder without tables, such as *.parquet and *.csv, or images; "
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
    with errors_named(repr(path)):
        return ImageRows(stack)


def _has_images(path: str) -> bool:
    return any(file.suffix.lower() in SUFFIXES for file in Path(path).rglob("*"))


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


def table_encoder(model: FittedModel, path: Paths) -> TableEncoder:
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
