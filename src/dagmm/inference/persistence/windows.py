"""Windows, saved and back; every field is checked."""

import math
from collections.abc import Mapping

import numpy as np

from dagmm._core.atomic_files import ArraySpecs
from dagmm._core.json_fields import JsonField
from dagmm._core.states import Promise, State, check_array
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.features import DETAILS, WindowFeatures
from dagmm.preprocessing.windows.spec import WindowSpec

#: Most rows of a window, and most inputs of the networks, that are read.
_MOST_STEPS, _MOST_INPUTS = 2**20, 2**24


def state_of_windows(windows: WindowSpec) -> State:
    """Return windows as plain data and arrays."""
    plain = {
        "time": windows.time,
        "group": windows.group,
        "n_steps": windows.n_steps,
        "step": windows.step,
        "interval": windows.interval,
        # JSON knows no infinity: a clock that stands still shows no gaps.
        "gap": windows.gap if math.isfinite(windows.gap) else None,
        "detail": windows.view.detail,
    }
    arrays = {
        "nonstationary": np.asarray(windows.view.nonstationary, np.uint8),
        "centre": np.asarray(windows.view.centre),
        "scale": np.asarray(windows.view.scale),
        "usual": np.asarray(windows.view.usual),
    }
    return State(plain, arrays)


def read_windows(
    field: JsonField, encoder: TableEncoder | ImageEncoder
) -> tuple[WindowSpec, Promise[WindowSpec]]:
    """Check the plain data of windows.

    Parameters
    ----------
    field : JsonField
    encoder : TableEncoder or ImageEncoder
        Of the same model; images have no windows.

    Returns
    -------
    frame : WindowSpec
        The windows without the values of their arrays.
    promise : Promise

    Raises
    ------
    ValueError
        Naming the first field that is not as it must be.
    """
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
    frame = WindowSpec(time.text(), name, step.size(), interval.number(), longest, view)
    nonstationary, centre, scale, usual = (
        f"{field.path}.{part}" for part in ("nonstationary", "centre", "scale", "usual")
    )

    def build(arrays: Mapping[str, np.ndarray]) -> WindowSpec:
        check_array(arrays[nonstationary] <= 1, nonstationary, "0 or 1")
        check_array(arrays[scale] > 0.0, scale, "> 0")
        moves = arrays[nonstationary].astype(bool)
        made = view.scaled(moves, arrays[centre], arrays[scale], arrays[usual])
        return frame.with_view(made)

    promised: ArraySpecs = {
        nonstationary: ("U8", (encoder.n_features,)),
        centre: ("F32", (view.n_inputs,)),
        scale: ("F32", (view.n_inputs,)),
        usual: ("F32", (view.n_inputs,)),
    }
    return frame, Promise(promised, build)
