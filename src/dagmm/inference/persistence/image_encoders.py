"""The encoder of images, saved and back; every field is checked."""

from dataclasses import replace

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm._core.states import Promise, State
from dagmm.data.images import LEAST_SIZE
from dagmm.preprocessing.image_encoder import ImageEncoder

#: Largest height or width of an image, and most channels, that are read.
_LARGEST, _MOST_CHANNELS = 2**16, 2**12
#: Widest smoothing that is read, in pixels.
_WIDEST = 100.0


def state_of_image_encoder(encoder: ImageEncoder) -> State:
    """Return an encoder as plain data and arrays."""
    plain = {
        "image_shape": list(encoder.shape),
        "scale": encoder.scale,
        "smoothing": encoder.smoothing,
    }
    return State(plain, {"centre": encoder.centre})


def read_image_encoder(field: JsonField) -> tuple[ImageEncoder, Promise[ImageEncoder]]:
    """Check an encoder's plain data.

    Returns
    -------
    frame : ImageEncoder
        The encoder without the values of its arrays.
    promise : Promise

    Raises
    ------
    ValueError
        Naming the first field that is missing, unknown, or not as it must be.
    """
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
    frame = ImageEncoder(sizes, np.empty(0), scale.number(), smoothing.number())
    name = f"{field.path}.centre"
    return frame, Promise(
        {name: ("F64", (frame.n_features,))},
        lambda arrays: replace(frame, centre=arrays[name]),
    )
