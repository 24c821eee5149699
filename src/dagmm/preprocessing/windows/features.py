"""What the networks see of a window."""

from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int64

from dagmm._core.numerics import Array
from dagmm._core.trees import static, tree
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT
from dagmm.preprocessing.input_part import InputPart
from dagmm.preprocessing.row_views import View

#: ``summary``: level, spread and movement of each feature within the window, and its last rows;
#: ``sequence``: every step.
Detail: TypeAlias = Literal["summary", "sequence"]
DETAILS: tuple[Detail, ...] = get_args(Detail)

#: Training deviations that a non-stationary feature may move away without being strange: three
#: deviations of a random walk that goes on for as long again as the training rows.
FREE = 10.0

#: Last rows that a summary holds, or all of a shorter window: what follows from one row to the
#: next is a relation of these, as between columns, and a fault breaks it first.
LAST_ROWS = 3

#: What a summary says of each feature besides: level, spread and movement.
_PARTS = 3

#: Mean square of the steps from row to row below which a feature stands still: steps of a
#: thousandth of the training deviation.
STILL = 1e-6

#: Numbers of the windows that are gathered at a time.
_BLOCK = 2**21


@tree
class WindowFeatures:
    """Turns windows of encoded rows into inputs of the networks, each with deviation one.

    With ``summary`` a window is, for each feature, its mean, the cube root of its variance, which
    is close to normal (Wilson and Hilferty, 1931), the logarithm of the mean square of its steps
    from row to row (von Neumann, 1941), which is far from all others where a sensor stands still,
    and its last values, the newest first: ``(3 + LAST_ROWS) * n_features`` inputs however long a
    window is. With ``sequence`` it is every step of every feature.

    The level of a non-stationary feature counts from ``FREE`` training deviations on only. A
    window that has fewer rows, because its segment has only begun, is scored by those it has, and
    by less the fewer they are.

    Parameters
    ----------
    detail : {"summary", "sequence"}
    n_steps : int
        Rows of a window.
    nonstationary : ndarray of shape (n_features,), bool
    centre, scale : ndarray of shape (n_inputs,), float32
        Mean and deviation of the training windows; 0 and 1 for an input that does not vary.
    usual : ndarray of shape (n_inputs,), float32
        The training window that lies nearest to their mean, scaled: the mean itself may be like no
        window at all.
    """

    nonstationary: Bool[Array, " n_features"]
    centre: Float[Array, " n_inputs"]
    scale: Float[Array, " n_inputs"]
    usual: Float[Array, " n_inputs"]
    detail: Detail = static()
    n_steps: int = static()

    @classmethod
    def unscaled(cls, detail: Detail, n_steps: int, nonstationary: np.ndarray) -> "WindowFeatures":
        """Return a view whose inputs are not scaled yet."""
        n_inputs = len(nonstationary) * inputs_of_feature(detail, n_steps)
        nothing, one = (np.broadcast_to(np.float32(value), n_inputs) for value in (0, 1))
        return cls(nonstationary, nothing, one, nothing, detail, n_steps)

    def scaled(
        self, nonstationary: np.ndarray, centre: np.ndarray, scale: np.ndarray, usual: np.ndarray
    ) -> "WindowFeatures":
        """Return the same view with other arrays."""
        return WindowFeatures(nonstationary, centre, scale, usual, self.detail, self.n_steps)

    @property
    def n_inputs(self) -> int:
        """Width of what the networks see."""
        return len(self.centre)

    @property
    def parts(self) -> dict[View, InputPart]:
        """Views of a summary that are parts of its inputs."""
        return parts_of_summary(len(self.nonstationary), self.n_steps)

    @property
    def newest_row(self) -> InputPart:
        """The part of the inputs that is the row a window ends at."""
        n = len(self.nonstationary)
        start = _PARTS * n if self.detail == "summary" else (self.n_steps - 1) * n
        return InputPart(start, start + n)

    def level(
        self,
        windows: Float[Array, "n_windows n_steps n_features"],
        known: Int[Array, " n_windows"],
    ) -> Float[Array, "n_windows n_features"]:
        """Mean of each feature over the rows that a window has."""
        return over_steps(windows * self._weight(known)[:, :, None])

    def levels_of(
        self, inputs: Float32[np.ndarray, "n_windows n_inputs"]
    ) -> Float32[np.ndarray, "n_windows n_features"]:
        """Levels that the inputs tell."""
        parts = inputs * self.scale + self.centre
        if self.detail == "summary":
            return np.asarray(parts[:, : len(self.nonstationary)])
        return np.asarray(parts.reshape(len(inputs), self.n_steps, -1).mean(axis=1))

    def __call__(
        self,
        windows: Float[Array, "n_windows n_steps n_features"],
        known: Int[Array, " n_windows"],
    ) -> Float[Array, "n_inputs n_windows"]:
        """Make the inputs of windows; they lie along the last axis, as the networks have them.

        Parameters
        ----------
        windows : array of shape (n_windows, n_steps, n_features)
            Encoded rows.
        known : array of shape (n_windows,)
            How many rows each window has: its last ones. What lies before is not looked at, and
            the inputs are drawn to the usual window by the share of rows that are missing.
        """
        xp = windows.__array_namespace__()
        level, weight = self.level(windows, known), self._weight(known)[:, :, None]
        within = xp.where(weight > 0.0, windows - level[:, None, :], np.float32(0.0))
        beyond = xp.sign(level) * xp.maximum(xp.abs(level) - np.float32(FREE), np.float32(0.0))
        settled = xp.where(self.nonstationary[None, :], beyond, level)
        if self.detail == "summary":
            variance = over_steps(within * within * weight)
            n_last = min(LAST_ROWS, self.n_steps)
            last = [settled + within[:, -1 - i] for i in range(n_last)]
            movement = self._movement(windows, weight[:, :-1] > 0.0, known)
            parts = xp.concatenate([settled, xp.cbrt(variance), movement, *last], axis=1)
        else:
            parts = (settled[:, None, :] + within).reshape(len(windows), -1)
        share = (known / np.float32(self.n_steps)).astype(np.float32)
        inputs = share[:, None] * (parts - self.centre[None, :]) / self.scale[None, :]
        inputs = inputs + (1 - share[:, None]) * self.usual[None, :]
        return xp.clip(inputs, -ENCODED_LIMIT, ENCODED_LIMIT).T

    def _movement(
        self,
        windows: Float[Array, "n_windows n_steps n_features"],
        has_earlier: Bool[Array, "n_windows n_pairs 1"],
        known: Int[Array, " n_windows"],
    ) -> Float[Array, "n_windows n_features"]:
        """Logarithm of each feature's mean square step; that of the training where none is known.

        0 stands for no movement at all.
        """
        xp, n = windows.__array_namespace__(), len(self.nonstationary)
        step = xp.where(has_earlier, windows[:, 1:] - windows[:, :-1], np.float32(0.0))
        n_known = (known - 1)[:, None]
        square = over_steps(step * step) / xp.maximum(n_known, 1).astype(np.float32)
        movement = xp.log1p(square / np.float32(STILL))
        return xp.where(n_known > 0, movement, self.centre[None, 2 * n : 3 * n])

    def _weight(self, known: Int[Array, " n_windows"]) -> Float[Array, "n_windows n_steps"]:
        """Weight of each step in a mean."""
        xp = known.__array_namespace__()
        step = np.arange(self.n_steps, dtype=np.int32)[None, :]
        has = step >= self.n_steps - known[:, None]
        return (has / xp.maximum(known, 1)[:, None]).astype(np.float32)


@tree
class WindowGather:
    """Gathers windows from the rows they end at, inside a compiled program.

    Parameters
    ----------
    view : WindowFeatures
    first : ndarray of shape (padded_rows,), int32
        First row of each row's segment.
    """

    view: WindowFeatures
    first: Int[Array, " padded_rows"]

    def __call__(
        self, rows: Float[Array, "padded_rows n_features"], ends: Int[Array, " n_windows"]
    ) -> Float[Array, "n_inputs n_windows"]:
        """Make the inputs of the windows that end at some rows."""
        first = self.first[ends]
        at, known = rows_of_windows(ends, first, self.view.n_steps)
        return self.view(rows[at], known)


def rows_of_windows(
    ends: Int[Array, " n_windows"], first: Int[Array, " n_windows"], n_steps: int
) -> tuple[Int[Array, "n_windows n_steps"], Int[Array, " n_windows"]]:
    """Return the rows of windows, and how many each has.

    Where a segment begins within a window, its first row stands for those before it.
    """
    xp = ends.__array_namespace__()
    offsets = np.arange(1 - n_steps, 1, dtype=ends.dtype)
    at = xp.maximum(ends[:, None] + offsets[None, :], first[:, None])
    return at, xp.minimum(ends - first + 1, n_steps)


def inputs_of_feature(detail: Detail, n_steps: int) -> int:
    """Return how many inputs each feature of a window makes."""
    return _PARTS + min(LAST_ROWS, n_steps) if detail == "summary" else n_steps


def parts_of_summary(n_features: int, n_steps: int) -> dict[View, InputPart]:
    """Return the views of windows of so many rows that are parts of their summary."""
    n_all = n_features * inputs_of_feature("summary", n_steps)
    return {
        "level": InputPart(0, n_features),
        "summary": InputPart(0, _PARTS * n_features),
        "last_rows": InputPart(_PARTS * n_features, n_all),
    }


def over_steps(
    parts: Float[Array, "n_windows n_steps n_features"],
) -> Float[Array, "n_windows n_features"]:
    """Sum over the steps of each window.

    One step after the other in NumPy, so that a window's sum does not depend on how many come with
    it, to the last bit.
    """
    if not isinstance(parts, np.ndarray):
        return parts.sum(axis=1)
    total = parts[:, 0].copy()
    for i in range(1, parts.shape[1]):
        total += parts[:, i]
    return total


def inputs_of(
    view: WindowFeatures,
    rows: Float32[np.ndarray, "n_rows n_features"],
    ends: Int64[np.ndarray, " n_windows"],
    first: Int64[np.ndarray, " n_windows"],
) -> Float32[np.ndarray, "n_windows n_inputs"]:
    """Make the inputs of the windows that end at some rows, some at a time.

    Parameters
    ----------
    view : WindowFeatures
    rows : ndarray of shape (n_rows, n_features)
        Encoded.
    ends, first : ndarray of shape (n_windows,)
        Last row of each window, and first row of its segment.
    """
    inputs = np.empty((len(ends), view.n_inputs), np.float32)
    n_block = max(1, _BLOCK // (view.n_steps * rows.shape[1]))
    for start in range(0, len(ends), n_block):
        part = slice(start, start + n_block)
        at, known = rows_of_windows(ends[part], first[part], view.n_steps)
        inputs[part] = view(rows[at], known.astype(np.int32)).T
    return inputs


def levels_apart(
    view: WindowFeatures,
    rows: Float32[np.ndarray, "n_rows n_features"],
    ends: Int64[np.ndarray, " n_windows"],
    first: Int64[np.ndarray, " n_windows"],
    inputs: Float32[np.ndarray, "n_windows n_inputs"],
) -> Float32[np.ndarray, "n_windows n_features"]:
    """Return the part of each window's level that its inputs do not tell.

    Parameters
    ----------
    view, rows, ends, first
        As in :func:`inputs_of`.
    inputs : ndarray of shape (n_windows, n_inputs)
        Of the windows.
    """
    level = np.empty((len(ends), rows.shape[1]), np.float32)
    n_block = max(1, _BLOCK // (view.n_steps * rows.shape[1]))
    for start in range(0, len(ends), n_block):
        part = slice(start, start + n_block)
        at, known = rows_of_windows(ends[part], first[part], view.n_steps)
        level[part] = view.level(rows[at], known.astype(np.int32))
    return level - view.levels_of(inputs)


class WindowInputs:
    """Inputs of many windows, of which only those that are asked for are ever made.

    Parameters
    ----------
    view : WindowFeatures
    rows : ndarray of shape (padded_rows, n_features), float32
    ends, first : ndarray of shape (n_windows,)
        As in :func:`inputs_of`.
    """

    def __init__(
        self, view: WindowFeatures, rows: np.ndarray, ends: np.ndarray, first: np.ndarray
    ) -> None:
        self._view, self._rows, self._ends, self._first = view, rows, ends, first

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of windows and of inputs."""
        return len(self), self._view.n_inputs

    def __getitem__(self, part: slice | np.ndarray) -> Float32[np.ndarray, "n_windows n_inputs"]:
        return inputs_of(self._view, self._rows, self._ends[part], self._first[part])


def scaled_view(view: WindowFeatures, inputs: WindowInputs, chunk: int) -> WindowFeatures:
    """Return the view with the mean and deviation of its windows, and the most usual of them.

    Parameters
    ----------
    view : WindowFeatures
        Unscaled.
    inputs : WindowInputs
        Of this view.
    chunk : int
        Windows that are looked at at a time.
    """
    n, mean, scatter = 0, np.zeros(view.n_inputs), np.zeros(view.n_inputs)
    for start in range(0, len(inputs), chunk):
        part = inputs[start : start + chunk].astype(np.float64)
        shift = part.mean(axis=0) - mean
        share = len(part) / (n + len(part))
        scatter += part.var(axis=0) * len(part) + shift**2 * n * share
        n, mean = n + len(part), mean + shift * share
    deviation = np.sqrt(scatter / n)
    # Rounding alone makes next to nothing of what does not vary.
    varies = deviation > 1e-6 * (1.0 + np.abs(mean))
    centre, scale = np.where(varies, mean, 0.0), np.where(varies, deviation, 1.0)
    usual, nearest = np.zeros(view.n_inputs), np.inf
    for start in range(0, len(inputs), chunk):
        scaled = (inputs[start : start + chunk] - centre) / scale
        distance = (scaled**2).sum(axis=1)
        if distance.min() < nearest:
            usual, nearest = scaled[distance.argmin()], float(distance.min())
    inputs_scale = [part.astype(np.float32) for part in (centre, scale, usual)]
    return view.scaled(np.asarray(view.nonstationary), *inputs_scale)
