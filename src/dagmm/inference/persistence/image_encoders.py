"""The encoder of a saved model, of a table or of images, as plain data and arrays and back."""

from dataclasses import replace
from typing import Any

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm.data.images import LEAST_SIZE
from dagmm.inference.persistence.encoders import (
    Arrays,
    arrays_of_encoder,
    join_encoder,
    plain_encoder,
    promised_arrays_of_encoder,
    read_encoder,
)
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.table_encoder import TableEncoder

#: Largest height or width of an image, and most channels, that are read.
_LARGEST, _MOST_CHANNELS = 2**16, 2**12
#: Widest smoothing that is read, in pixels.
_WIDEST = 100.0


def plain_any_encoder(encoder: TableEncoder | ImageEncoder) -> dict[str, Any]:
    """Return all of an encoder but its arrays as plain data."""
    if isinstance(encoder, ImageEncoder):
        return {
            "image_shape": list(encoder.shape),
            "scale": encoder.scale,
            "smoothing": encoder.smoothing,
        }
    return plain_encoder(encoder)


def arrays_of_any_encoder(encoder: TableEncoder | ImageEncoder) -> dict[str, np.ndarray]:
    """Return an encoder's arrays by name."""
    if isinstance(encoder, ImageEncoder):
        return {"encoder.centre": encoder.centre}
    return arrays_of_encoder(encoder)


def read_any_encoder(field: JsonField) -> TableEncoder | ImageEncoder:
    """Check an encoder's plain data; it comes back without its arrays.

    Raises
    ------
    ValueError
        Naming the first field that is missing, unknown, or not as it must be.
    """
    if not isinstance(field.value, dict) or "image_shape" not in field.value:
        return read_encoder(field)
    shape, scale, smoothing = field.fields("image_shape", "scale", "smoothing")
    height, width, channels = shape.items(3, least=3)
    for size in (height, width):
        if size.size(_LARGEST) < LEAST_SIZE:
            size.fail(f"at least {LEAST_SIZE}")
    if scale.number() <= 0.0:
        scale.fail("a number > 0")
    if not 0.0 <= smoothing.number() <= _WIDEST:
        smoothing.fail(f"from 0 to {_WIDEST}")
    sizes = (height.size(), width.size(), channels.size(_MOST_CHANNELS))
    return ImageEncoder(sizes, np.empty(0), scale.number(), smoothing.number())


def promised_arrays_of_any_encoder(encoder: TableEncoder | ImageEncoder) -> Arrays:
    """Type and shape of every array that an encoder's plain data promises."""
    if isinstance(encoder, ImageEncoder):
        return {"encoder.centre": ("F64", (encoder.n_features,))}
    return promised_arrays_of_encoder(encoder)


def join_any_encoder(
    encoder: TableEncoder | ImageEncoder, arrays: dict[str, np.ndarray]
) -> TableEncoder | ImageEncoder:
    """Put an encoder's plain data and the arrays it promises together.

    Raises
    ------
    ValueError
        Naming an array whose values an encoder cannot have.
    """
    if isinstance(encoder, ImageEncoder):
        return replace(encoder, centre=arrays["encoder.centre"])
    return join_encoder(encoder, arrays)
