"""The windows of a saved model, as plain data and arrays and back."""

import math
from typing import Any

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm.inference.persistence.encoders import Arrays, check_array
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.features import DETAILS, WindowFeatures
from dagmm.preprocessing.windows.spec import WindowSpec

#: Most rows of a window, and most inputs of the networks, that are read.
_MOST_STEPS, _MOST_INPUTS = 2**20, 2**24
_PREFIX = "windows."


def plain_of_windows(windows: WindowSpec | None) -> dict[str, Any] | None:
    """Return windows as plain data, but for their arrays."""
    if windows is None:
        return None
    return {
        "time": windows.time,
        "group": windows.group,
        "n_steps": windows.n_steps,
        "step": windows.step,
        "interval": windows.interval,
        # JSON knows no infinity: a clock that stands still shows no gaps.
        "gap": windows.gap if math.isfinite(windows.gap) else None,
        "detail": windows.view.detail,
    }


def arrays_of_windows(windows: WindowSpec | None) -> dict[str, np.ndarray]:
    """Return the arrays of windows by name."""
    if windows is None:
        return {}
    return {
        f"{_PREFIX}nonstationary": np.asarray(windows.view.nonstationary, np.uint8),
        f"{_PREFIX}centre": np.asarray(windows.view.centre),
        f"{_PREFIX}scale": np.asarray(windows.view.scale),
    }


def read_windows(field: JsonField, encoder: TableEncoder | ImageEncoder) -> WindowSpec | None:
    """Check what a manifest says of windows; they come back without their arrays' values.

    Parameters
    ----------
    field : JsonField
    encoder : TableEncoder or ImageEncoder
        Of the same model; images have no windows.

    Raises
    ------
    ValueError
        Naming the first field that is not as it must be.
    """
    if field.value is None:
        return None
    time, group, n_steps, step, interval, gap, detail = field.fields(
        "time", "group", "n_steps", "step", "interval", "gap", "detail"
    )
    aside = {column.name for column in encoder.unused_columns}
    for column in (time, group):
        if (column is time or column.value is not None) and column.text() not in aside:
            column.fail("a column that is not used")
    if group.value == time.value:
        group.fail("another column than time")
    if interval.number() < 0.0:
        interval.fail("a number >= 0")
    longest = math.inf if gap.value is None else gap.number()
    if longest < interval.number():
        gap.fail("a number that is not less than interval")
    if n_steps.size(_MOST_STEPS) < 2:
        n_steps.fail(f"from 2 to {_MOST_STEPS}")
    view = WindowFeatures.unscaled(
        detail.choice(DETAILS),  # type: ignore[arg-type]
        n_steps.size(_MOST_STEPS),
        np.broadcast_to(False, encoder.n_features),
    )
    if view.n_inputs > _MOST_INPUTS:
        n_steps.fail(f"so few that the networks have at most {_MOST_INPUTS} inputs")
    name = None if group.value is None else group.text()
    return WindowSpec(time.text(), name, step.size(), interval.number(), longest, view)


def promised_windows(windows: WindowSpec | None) -> Arrays:
    """Type and shape of every array that a manifest promises of windows."""
    if windows is None:
        return {}
    return {
        f"{_PREFIX}nonstationary": ("U8", (len(windows.view.nonstationary),)),
        f"{_PREFIX}centre": ("F32", (windows.n_inputs,)),
        f"{_PREFIX}scale": ("F32", (windows.n_inputs,)),
    }


def join_windows(windows: WindowSpec | None, arrays: dict[str, np.ndarray]) -> WindowSpec | None:
    """Put windows and their arrays together.

    Raises
    ------
    ValueError
        Naming an array whose values windows cannot have.
    """
    if windows is None:
        return None
    nonstationary, centre, scale = (
        arrays[_PREFIX + name] for name in ("nonstationary", "centre", "scale")
    )
    check_array(nonstationary <= 1, f"{_PREFIX}nonstationary", "0 or 1")
    check_array(scale > 0.0, f"{_PREFIX}scale", "> 0")
    view = WindowFeatures(
        windows.view.detail, windows.n_steps, nonstationary.astype(bool), centre, scale
    )
    return windows.with_view(view)
