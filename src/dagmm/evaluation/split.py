"""The table of a comparison, and its honest split: no row is both learnt from and scored."""

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from jaxtyping import Bool, Int

from dagmm._core.errors import InputError
from dagmm.data.arrays import array_of, as_numbers
from dagmm.data.base import Rows
from dagmm.data.convert import as_rows
from dagmm.data.frames import FrameRows, frame_of
from dagmm.data.paths import stored_rows
from dagmm.data.streams import StreamRows

#: Share of the training rows that each run draws.
RUN_SHARE = 0.8
#: A run needs this many rows to learn from, and the test this many.
LEAST_TRAIN, LEAST_TEST = 10, 2


class Table:
    """A table of which rows can be taken by number.

    Parameters
    ----------
    table : DataFrame, array-like of shape (n_rows, n_columns), path or Dataset
        What is stored is read into memory.

    Raises
    ------
    InputError
        If it is no table.
    """

    def __init__(self, table: object) -> None:
        stored = stored_rows(table)
        if isinstance(stored, StreamRows):
            table = stored.read()
        elif isinstance(stored, FrameRows):
            table = stored.frame.to_native()
        self.frame: nw.DataFrame[Any] | None = frame_of(table)
        if self.frame is None:
            values = as_numbers(array_of(table))
            if values.ndim != 2:
                raise InputError(
                    "X must be a table of shape (n_rows, n_columns), "
                    f"got an array of shape {values.shape}."
                )
            self.values = values

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.values if self.frame is None else self.frame)

    def rows(self) -> Rows:
        """Return the whole table as rows to be encoded."""
        return as_rows(self.values if self.frame is None else self.frame.to_native())

    def take(self, index: Int[np.ndarray, " n_taken"]) -> Any:
        """Return some rows, in the type that the table came in."""
        return self.values[index] if self.frame is None else self.frame[index].to_native()

    def pop(self, column: str) -> np.ndarray:
        """Take a column out.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if self.frame is None:
            raise InputError(
                f"labels is {column!r}, but the columns of an array have no names; pass one label "
                "for each row."
            )
        if column not in self.frame.columns:
            listed = ", ".join(repr(name) for name in self.frame.columns[:8])
            raise InputError(
                f"labels is {column!r}, but the table has no such column; it begins with {listed}."
            )
        values = self.frame[column].to_numpy()
        self.frame = self.frame.drop(column)
        return values

    def column_equal_to(self, labels: Bool[np.ndarray, " n_rows"]) -> str | None:
        """Return the first column that holds the labels themselves, if there is one."""
        if self.frame is None:
            same = (self.values == labels[:, None]).all(axis=0)
            return f"x{int(same.argmax())}" if same.any() else None
        for name, dtype in self.frame.schema.items():
            is_number = dtype.is_numeric() or dtype == nw.Boolean
            if not is_number:
                continue
            values = np.asarray(self.frame[name].cast(nw.Float64).to_numpy(), np.float64)
            if (values == labels).all():
                return name
        return None


@dataclass(frozen=True)
class Split:
    """Numbers of the rows that may be learnt from, and of those that are scored.

    Parameters
    ----------
    train, test : ndarray of int
        In the order of the table.
    """

    train: np.ndarray
    test: np.ndarray


def check_labels(labels: object, n_rows: int) -> Bool[np.ndarray, " n_rows"]:
    """Return which rows are anomalies.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
        True or 1 for an anomaly, False or 0 for a normal row.
    n_rows : int

    Raises
    ------
    InputError
        If there are more or fewer than rows, or some are anything else.
    """
    values = np.asarray(labels)
    if values.shape != (n_rows,):
        raise InputError(
            f"labels must be one for each of the {n_rows} rows, got an array of shape "
            f"{values.shape}."
        )
    known = [_label_of(value) for value in values.tolist()]
    if None in known:
        row = known.index(None)
        got = values.tolist()[row]
        is_sklearns = isinstance(got, int | float) and got == -1
        hint = " scikit-learn's labels become that by labels == -1." if is_sklearns else ""
        raise InputError(
            "labels must be 0 or False for a normal row, 1 or True for an anomaly, got "
            f"{got!r} in row {row}.{hint}"
        )
    return np.array(known, bool)


def split_rows(
    n_rows: int,
    anomalous: Bool[np.ndarray, " n_rows"] | None,
    *,
    normal_only: bool,
    max_rows: int,
    rng: np.random.Generator,
) -> Split:
    """Set test rows aside at random.

    Parameters
    ----------
    n_rows : int
    anomalous : ndarray of shape (n_rows,), bool, optional
        Where labels are known, half of each kind goes to the test.
    normal_only : bool
        Whether to learn from normal rows only; all anomalies then go to the test.
    max_rows : int
        Most rows to learn from, and most rows to score; more are drawn from at random.
    rng : numpy.random.Generator

    Raises
    ------
    InputError
        If too few rows are left on either side.
    """
    anomaly = np.zeros(n_rows, bool) if anomalous is None else anomalous
    normal, strange = (rng.permutation(np.flatnonzero(kind)) for kind in (~anomaly, anomaly))
    n_strange = 0 if normal_only else len(strange) // 2
    train = np.concatenate([normal[: len(normal) // 2], strange[:n_strange]])
    test = np.concatenate([normal[len(normal) // 2 :], strange[n_strange:]])
    if len(train) * RUN_SHARE < LEAST_TRAIN or len(test) < LEAST_TEST:
        raise _too_few(n_rows, len(normal), anomalous is not None and normal_only)
    return Split(*(np.sort(_at_most(max_rows, part, rng)) for part in (train, test)))


def draw_run(
    train: Int[np.ndarray, " n_train"], rng: np.random.Generator
) -> Int[np.ndarray, " n_drawn"]:
    """Draw the rows that one run learns from: ``RUN_SHARE`` of the training rows."""
    return np.sort(rng.choice(train, round(RUN_SHARE * len(train)), replace=False))


def _at_most(most: int, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else rng.choice(rows, most, replace=False)


def _label_of(value: object) -> bool | None:
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


def _too_few(n_rows: int, n_normal: int, normal_only: bool) -> InputError:
    least = 2 * -(-LEAST_TRAIN // RUN_SHARE)
    if normal_only:
        return InputError(
            f"compare learns from half of the normal rows and needs {least:.0f} of them, got "
            f"{n_normal} among {n_rows} rows; check which label means normal, or learn from all "
            "rows, with train 'all'."
        )
    return InputError(f"compare needs at least {least:.0f} rows, got {n_rows}.")
