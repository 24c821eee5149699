"""How a graph fills holes among numbers with what the rest of the row makes most likely.

The conditional mean of the missing values of a row solves a linear system of as many unknowns.
:class:`dagmm.preprocessing.columns.missing.Imputer` solves it once for each set of columns that
lack a value; which sets there will be, a graph cannot know, and ONNX has no operator that solves.
So the systems of all rows are solved side by side by conjugate gradients (Hestenes and Stiefel,
1952), with the diagonal as preconditioner.
"""

import numpy as np

from dagmm.inference.export.recording import namespace as xp
from dagmm.inference.export.recording.loops import repeat_while
from dagmm.inference.export.recording.nodes import BOOL, FLOAT, INT, node
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.preprocessing.columns.missing import TRUSTED, Imputer
from dagmm.preprocessing.table_encoder import Fill

#: The residual that is left, relative to the first, squared.
_TOLERANCE = 1e-28
#: Smallest divisor of a step, for rows that are solved already.
_LEAST = 1e-300
#: Rows that have a hole: how many, nobody knows.
_SOME = "rows_with_holes"


def filled(imputer: Imputer) -> Fill:
    """Return what fills holes of scaled numbers, both of shape (rows, n_numbers)."""

    def fill(features: Recorded, holes: Recorded) -> Recorded:
        z = xp.zeros_like(features)
        if len(imputer.correlation):
            z = _guessed(imputer, features, holes)
        return xp.where(holes, imputer.mean + imputer.spread * z, features)

    return fill


def _guessed(imputer: Imputer, features: Recorded, holes: Recorded) -> Recorded:
    """Most likely values where there are holes, in deviations; of rows without holes nothing."""
    # Only rows with holes are solved for.
    found = node("NonZero", [holes.any(axis=1)], INT, (1, _SOME))
    place = xp.transpose(found)
    rows = Recorded(features.recorder, found.value)[0]
    gone = xp.take(holes.astype(FLOAT), rows, axis=0)
    known = (xp.take(features, rows, axis=0) - imputer.mean) / imputer.spread
    known = xp.where(gone.astype(BOOL), 0.0, xp.clip(known, -TRUSTED, TRUSTED))
    z = _solved(imputer.precision, gone, -gone * (known @ imputer.precision))
    blank = xp.zeros_like(features)
    return node("ScatterND", [blank, place, z], FLOAT, features.shape)


def _solved(matrix: np.ndarray, gone: Recorded, wanted: Recorded) -> Recorded:
    """Solve, for each row by itself, the equations of its missing values.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Positive definite.
    gone : Recorded of shape (n_rows, n)
        1 for each unknown of a row, else 0.
    wanted : Recorded of shape (n_rows, n)
        Right-hand side; 0 where nothing is unknown.

    Returns
    -------
    Recorded of shape (n_rows, n)
    """
    inverse_diagonal = 1.0 / matrix.diagonal()

    def product(one: Recorded, other: Recorded) -> Recorded:
        return (one * other).sum(axis=1, keepdims=True)

    def step(
        z: Recorded, rest: Recorded, direction: Recorded, size: Recorded
    ) -> tuple[Recorded, Recorded, Recorded, Recorded]:
        along = gone * (direction @ matrix)
        length = size / xp.maximum(product(direction, along), _LEAST)
        z, rest = z + length * direction, rest - length * along
        preconditioned = rest * inverse_diagonal
        new = product(rest, preconditioned)
        direction = preconditioned + new / xp.maximum(size, _LEAST) * direction
        return z, rest, direction, new

    first = wanted * inverse_diagonal
    least = _TOLERANCE * product(wanted, first)

    def goes_on(z: Recorded, rest: Recorded, direction: Recorded, size: Recorded) -> Recorded:
        return (size > least).any()

    state = (xp.zeros_like(wanted), wanted, first, product(wanted, first))
    return repeat_while(goes_on, step, state, most=10 * len(matrix) + 100)[0]
