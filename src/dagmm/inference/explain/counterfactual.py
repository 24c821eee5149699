"""The search for a normal row that differs from a strange one in few columns.

Greedy: the column whose replacement by a usual value lowers the energy most is replaced, then the
next, until the row is ordinary or nothing helps. What is replaced, and when to stop, is decided by
the model's own energy.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from dagmm._core.parallel import parallel_map
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.reference_values import N_LEVELS, features_of_columns

#: Candidates whose energies are computed at a time, on one core.
_AT_ONCE = 4096
#: Columns that may be replaced: those whose own replacement helps most.
MOST_COLUMNS = 6
#: Of wider tables, all columns are tried with two values each, and only so many with all.
_FINALISTS = 16
#: The two values: about the 30th and the 70th percentile.
_COARSE = np.array([2, 5])
#: A replacement that lowers the energy by less, in nats, is none.
LEAST_DROP = 0.5
#: Finer values that are tried around the best level of a column of numbers, in units of the
#: distance to the next level, and how much finer each time.
_OFFSETS = np.array([-0.75, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 0.75], np.float32)
_REFINEMENTS, _FINER = 2, np.float32(0.25)


class Counterfactual(NamedTuple):
    """What a search found."""

    features: Float[np.ndarray, "n_rows n_features"]
    """The normal rows, encoded; a row itself where it is ordinary or nothing helps."""
    columns: Int[np.ndarray, "n_rows n_steps"]
    """Which columns were replaced, in this order; -1 where fewer were."""


class _Tried(NamedTuple):
    """For each row some columns, of each the best of its usual values."""

    columns: Int[np.ndarray, "n_rows n_columns"]
    level: Int[np.ndarray, "n_rows n_columns"]
    """Position of the best value."""
    energy: Float[np.ndarray, "n_rows n_columns"]
    """The model's own, of the row with it."""

    def best(self, n: int) -> "_Tried":
        """Return the columns of the lowest energies, the lowest first."""
        order = np.argsort(self.energy, axis=1, kind="stable")[:, :n]
        return _Tried(*(np.take_along_axis(part, order, axis=1) for part in self))


class CounterfactualSearch:
    """The search, prepared for one model.

    Parameters
    ----------
    model : FittedModel

    Attributes
    ----------
    owner : ndarray of shape (n_features,)
        Position of each feature's column.
    target : float
        Energy at which a row is ordinary: the median of normal rows.
    """

    def __init__(self, model: FittedModel) -> None:
        columns = model.encoder.columns
        groups = features_of_columns(model.input_columns)
        self._model = model
        self._values = model.calibration.reference_values
        self.owner = np.empty(self._values.shape[1], np.int32)
        # The feature of each column whose values lie on a line, -1 where there is none, and the
        # distance of each of its levels from the next.
        self._main = np.full(len(columns), -1)
        self._step = np.zeros((N_LEVELS, len(columns)), np.float32)
        # The first of the levels of each column that are alike.
        self._first_alike = np.empty((N_LEVELS, len(columns)), np.int64)
        for i, name in enumerate(columns):
            self.owner[groups[name]] = i
            self._main[i], self._step[:, i] = _line(self._values, groups[name])
            of_column = self._values[:, groups[name]]
            alike = (of_column[:, None] == of_column).all(axis=2)
            self._first_alike[:, i] = alike.argmax(axis=1)
        self.target = model.calibration.reference.energy_at(0.5)

    def run(
        self,
        features: Float[np.ndarray, "n_rows n_features"],
        energy: Float[np.ndarray, " n_rows"],
    ) -> Counterfactual:
        """Search for each row.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features), float32
        energy : ndarray of shape (n_rows,)
            Of these rows, in nats.

        Returns
        -------
        Counterfactual
        """
        n_steps = min(MOST_COLUMNS, len(self._main))
        found, energy = features.copy(), energy.copy()
        replaced = np.full((len(features), n_steps), -1)
        active = np.flatnonzero(energy > self.target)
        tried = self._first(features[active], energy[active], n_steps)
        columns = tried.columns
        for i in range(n_steps):
            if len(active) == 0:
                break
            if i > 0:
                tried = self._tried(
                    found[active], energy[active], columns, replaced[active, i - 1]
                )
            row, column, low = self._improved(found[active], tried)
            helps = energy[active] - low > LEAST_DROP
            found[active[helps]], replaced[active[helps], i] = row[helps], column[helps]
            energy[active[helps]] = low[helps]
            goes_on = helps & (low > self.target)
            active, columns = active[goes_on], columns[goes_on]
        return Counterfactual(found, replaced)

    def _first(
        self,
        features: Float[np.ndarray, "n_rows n_features"],
        energy: Float[np.ndarray, " n_rows"],
        n: int,
    ) -> _Tried:
        """Try all columns; return those whose replacement helps each row most, the most first."""
        n_columns = len(self._main)
        columns = np.broadcast_to(np.arange(n_columns), (len(features), n_columns))
        if n_columns > _FINALISTS + MOST_COLUMNS:
            low = self._with_levels(features, energy, columns, _COARSE).min(axis=2)
            order = np.argsort(low, axis=1, kind="stable")[:, :_FINALISTS]
            columns = np.take_along_axis(columns, order, axis=1)
        return self._tried(features, energy, columns, np.full(len(features), -1)).best(n)

    def _tried(
        self,
        features: Float[np.ndarray, "n_rows n_features"],
        energy: Float[np.ndarray, " n_rows"],
        columns: Int[np.ndarray, "n_rows n_columns"],
        last: Int[np.ndarray, " n_rows"],
    ) -> _Tried:
        """Try the usual values of some columns, but for the last: it holds the best of its own."""
        others = np.where(columns == last[:, None], -1, columns)
        energies = self._with_levels(features, energy, others, np.arange(N_LEVELS))
        energies[others < 0] = np.inf
        return _Tried(columns, energies.argmin(axis=2), energies.min(axis=2))

    def _improved(
        self, features: Float[np.ndarray, "n_rows n_features"], tried: _Tried
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Replace the best column by its best value, and by finer values about that.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_features)
        column : ndarray of shape (n_rows,)
        energy : ndarray of shape (n_rows,)
        """
        column, level, low = (part[:, 0] for part in tried.best(1))
        rows = np.where(self.owner == column[:, None], self._values[level], features)
        lies = np.flatnonzero((self._main[column] >= 0) & (self._step[level, column] > 0.0))
        main, step = self._main[column[lies]], self._step[level[lies], column[lies]]
        for _ in range(_REFINEMENTS):
            finer = rows[lies, main][:, None] + step[:, None] * _OFFSETS
            value, energy = self._best_value(rows[lies], main, finer)
            helps = energy < low[lies]
            rows[lies[helps], main[helps]] = value[helps]
            low[lies[helps]] = energy[helps]
            step = step * _FINER
        return rows, column, low

    def _best_value(
        self, rows: np.ndarray, main: np.ndarray, values: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the best of some values of one feature of each row, and the energy with it."""
        energies = self._with_values(rows, main, values)
        best = energies.argmin(axis=1)[:, None]
        return np.take_along_axis(values, best, axis=1)[:, 0], energies.min(axis=1)

    def _with_levels(
        self, features: np.ndarray, energy: np.ndarray, columns: np.ndarray, levels: np.ndarray
    ) -> Float[np.ndarray, "n_rows n_columns n_levels"]:
        """Energy of rows with each of some levels of each of some columns.

        Of rows that differ alone: a level is often the row's own value, or an earlier level.
        """
        values = self._values[levels]
        first = self._first_alike[levels]
        alike = (first[:, None] == first).argmax(axis=1).T
        is_new = alike == np.arange(len(levels))

        def of_part(part: slice) -> np.ndarray:
            own, some = self.owner == columns[part, :, None], features[part, None, None, :]
            rows = np.where(own[:, :, None, :], values, some)
            other = is_new[columns[part]] & (rows != some).any(axis=3)
            energies = np.empty(other.shape)
            energies[:] = energy[part, None, None]
            energies[other] = self._model.energy_of_features(rows[other])
            return np.take_along_axis(energies, alike[columns[part]], axis=2)

        shape = (len(features), columns.shape[1], len(levels))
        return _gathered(of_part, shape)

    def _with_values(
        self,
        features: np.ndarray,
        main: np.ndarray,
        values: np.ndarray,
    ) -> Float[np.ndarray, "n_rows n_values"]:
        """Energy of rows with each of some values of one feature."""

        def of_part(part: slice) -> np.ndarray:
            rows = np.repeat(features[part, None, :], values.shape[1], axis=1)
            np.put_along_axis(rows, main[part, None, None], values[part, :, None], axis=2)
            return self._energy(rows)

        return _gathered(of_part, values.shape)

    def _energy(self, rows: np.ndarray) -> np.ndarray:
        """Energy of rows that lie along the last axis."""
        return self._model.energy_of_features(rows.reshape(-1, rows.shape[-1])).reshape(
            rows.shape[:-1]
        )


def _gathered(of_part: Callable[[slice], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Apply a function to parts of the rows on all cores, and put what it returns together."""
    size = max(1, _AT_ONCE // max(1, int(np.prod(shape[1:]))))
    whole = np.empty(shape)
    parts = [slice(start, start + size) for start in range(0, shape[0], size)]
    for part, found in zip(parts, parallel_map(of_part, parts), strict=True):
        whole[part] = found
    return whole


def _line(reference_values: np.ndarray, group: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the one feature of a column that varies, and the distance of its levels."""
    varies = group[np.ptp(reference_values[:, group], axis=0) > 0.0]
    if len(varies) != 1:
        return -1, np.zeros(N_LEVELS, np.float32)
    gap = np.diff(reference_values[:, varies[0]])
    # A level that is repeated is a value of its own, such as 0 or 1, and nothing lies beside it.
    between = np.minimum(np.append(gap[:1], gap), np.append(gap, gap[-1:]))
    return int(varies[0]), between
