"""The search for a normal row that differs from a strange one in few columns.

Greedy: the column whose replacement by a usual value lowers the energy most is replaced, then the
next, until the row is ordinary or nothing helps. The search runs in JAX, in float32, and only
decides which row is compared with; energies that are reported come from the model itself.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dagmm._core.compilation import MOST_KEPT, compiled
from dagmm._core.numerics import Array
from dagmm._core.parallel import parallel_map
from dagmm.inference.explain.traced import TracedModel
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.marginal import marginal_energies
from dagmm.networks.network import Architecture
from dagmm.preprocessing.reference_values import N_LEVELS, features_of_columns

#: Rows of a block. One shape means one compilation, and a row that goes through the same
#: arithmetic whether it comes alone or among a million; times the levels it fills a block of
#: the networks.
BLOCK_ROWS = 64
#: Columns that may be replaced: those whose own replacement helps most.
MOST_COLUMNS = 6
#: Of wider tables, all columns are tried with two values each, and only so many with all.
_FINALISTS = 16
#: The two values: about the 30th and the 70th percentile.
_COARSE = (2, 5)
#: A replacement that lowers the energy by less, in nats, is none.
LEAST_DROP = 0.5
#: Finer values that are tried around the best level of a column of numbers, in units of the
#: distance to the next level, and how much finer each time.
_OFFSETS = (-0.75, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 0.75)
_REFINEMENTS, _FINER = 2, 0.25


class Counterfactual(NamedTuple):
    """What a search found."""

    features: Float[np.ndarray, "n_rows n_features"]
    """The normal rows, encoded; a row itself where it is ordinary or nothing helps."""
    columns: Int[np.ndarray, "n_rows n_steps"]
    """Which columns were replaced, in this order; -1 where fewer were."""


class _Tables(NamedTuple):
    """What the compiled search reads, all on the device."""

    model: TracedModel
    owner: Array
    """Column of each feature."""
    main: Array
    """The feature of each column whose values lie on a line; -1 where there is none."""
    step: Array
    """Distance of each level from the next, of each column; 0 where there is no line."""
    reference_values: Array


class CounterfactualSearch:
    """The search, prepared for one model.

    Parameters
    ----------
    model : FittedModel

    Attributes
    ----------
    owner : ndarray of shape (n_features,)
        Position of each feature's column.
    """

    def __init__(self, model: FittedModel) -> None:
        columns = model.encoder.columns
        groups = features_of_columns(model.input_columns)
        reference_values = model.calibration.reference_values
        owner = np.empty(reference_values.shape[1], np.int32)
        main = np.full(len(columns), -1, np.int32)
        step = np.zeros((N_LEVELS, len(columns)), np.float32)
        for i, name in enumerate(columns):
            owner[groups[name]] = i
            main[i], step[:, i] = _line(reference_values, groups[name])
        self._architectures = tuple(member.architecture for member in model.members)
        self.owner = owner
        self._target = model.calibration.reference.energy_at(0.5)
        self._tables = jax.device_put(
            _Tables(TracedModel.of(model), owner, main, step, reference_values)
        )

    @property
    def target(self) -> float:
        """Energy at which a row is ordinary: the median of normal rows."""
        return self._target

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
        n_steps = min(MOST_COLUMNS, self._tables.step.shape[1])
        found, energy = features.copy(), energy.copy()
        replaced = np.full((len(features), n_steps), -1)
        active = np.flatnonzero(energy > self._target)
        candidates = np.zeros((n_steps, len(features)), np.int32)
        candidates[:, active] = self._candidates(features[active], n_steps)
        for i in range(n_steps):
            if len(active) == 0:
                break
            row, column, low = self._blocks(_improve, found[active], candidates[:, active])
            helps = energy[active] - low > LEAST_DROP
            active = active[helps]
            found[active], replaced[active, i] = row[helps], column[helps]
            energy[active] = low[helps]
            active = active[energy[active] > self._target]
        return Counterfactual(found, replaced)

    def _candidates(self, features: np.ndarray, n: int) -> np.ndarray:
        """Return the columns whose replacement helps each row most, shape (n, n_rows)."""
        n_columns = self._tables.step.shape[1]
        columns = np.repeat(np.arange(n_columns, dtype=np.int32)[:, None], len(features), axis=1)
        if n_columns > _FINALISTS + MOST_COLUMNS:
            columns = self._best(_screen_coarsely, features, columns, _FINALISTS)
        return self._best(_screen, features, columns, n)

    def _best(
        self, screen: Callable[..., Any], features: np.ndarray, columns: np.ndarray, n: int
    ) -> np.ndarray:
        if len(features) == 0:
            return columns[:n]
        (low,) = self._blocks(screen, features, columns)
        order = np.argsort(low, axis=1, kind="stable")[:, :n].T
        return np.take_along_axis(columns, order, axis=0)

    def _blocks(
        self, function: Callable[..., Any], features: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Apply a compiled function to blocks of rows on all cores."""
        program = _program(function, self._architectures)

        def of_block(start: int) -> tuple[np.ndarray, ...]:
            block, column = _block(features, columns, start)
            parts = program(self._tables, block, column)
            return tuple(np.asarray(part)[: len(features) - start] for part in parts)

        blocks = list(parallel_map(of_block, range(0, len(features), BLOCK_ROWS)))
        return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def _block(features: np.ndarray, columns: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    block = features[start : start + BLOCK_ROWS]
    column = columns[:, start : start + BLOCK_ROWS]
    padding = BLOCK_ROWS - len(block)
    if padding:
        block = np.concatenate([block, np.zeros((padding, block.shape[1]), np.float32)])
        column = np.concatenate([column, np.zeros((len(column), padding), np.int32)], axis=1)
    return block, column


def _line(reference_values: np.ndarray, group: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the one feature of a column that varies, and the distance of its levels."""
    varies = group[np.ptp(reference_values[:, group], axis=0) > 0.0]
    if len(varies) != 1:
        return -1, np.zeros(N_LEVELS, np.float32)
    gap = np.diff(reference_values[:, varies[0]])
    # A level that is repeated is a value of its own, such as 0 or 1, and nothing lies beside it.
    between = np.minimum(np.append(gap[:1], gap), np.append(gap, gap[-1:]))
    return int(varies[0]), between


# The compiled part -------------------------------------------------------------------------

#: Takes rows, (n_rows, n_values, n_features), and what is known of their energy under the mixtures
#: of columns, (n_rows, n_values); returns their energies.
_EnergyOf: TypeAlias = Callable[[Array, Array | None], Array]


@lru_cache(maxsize=MOST_KEPT)
def _program(
    function: Callable[..., Any], architectures: tuple[Architecture, ...]
) -> Callable[..., Any]:
    def run(tables: _Tables, block: Array, columns: Array) -> Any:
        def energy_of(rows: Array, of_columns: Array | None) -> Array:
            n_rows, n_values, n_features = rows.shape
            x = rows.reshape(n_rows * n_values, n_features).T
            known = None if of_columns is None else of_columns.reshape(-1)
            energy = tables.model.energy(architectures, x, known)
            # A row that overflows is as strange as can be.
            return jnp.where(jnp.isnan(energy), jnp.inf, energy).reshape(n_rows, n_values)

        return function(energy_of, tables, block, columns)

    return compiled(run)


class _OfColumns:
    """Energies of values by themselves: rows that share most values share these.

    Parameters
    ----------
    tables : _Tables
    block : array of shape (n_rows, n_features)
    """

    def __init__(self, tables: _Tables, block: Array) -> None:
        assert tables.model.columns is not None, "asked only of a model with mixtures of columns"
        self._terms = tables.model.columns
        self._block = marginal_energies(block, *self._terms)
        self._reference_values = marginal_energies(tables.reference_values, *self._terms)

    def with_level(self, own: Array) -> Array:
        """Energies of rows with each level of their own features, (n_rows, n_levels)."""
        of_values = jnp.where(
            own[:, None, :], self._reference_values[None], self._block[:, None, :]
        )
        return of_values.sum(axis=2)

    def with_value(self, own: Array, level: Array, main: Array, values: Array) -> Array:
        """Energies of rows with values of one feature, and one level of the others of their own.

        Parameters
        ----------
        own : array of shape (n_rows, n_features)
        level : array of shape (n_rows,)
        main : array of shape (n_rows,)
            The feature; -1 where there is none.
        values : array of shape (n_rows, n_values)
        """
        of_values = jnp.where(own, self._reference_values[level], self._block)
        is_main = jnp.arange(own.shape[1])[None, :] == main[:, None]
        others = jnp.where(is_main, 0.0, of_values).sum(axis=1)
        # Rows take the place of features: each has the mixture of its own one.
        of_main = marginal_energies(values.T, *(part[:, main] for part in self._terms)).T
        return others[:, None] + jnp.where(main[:, None] < 0, 0.0, of_main)


def _with_level(tables: _Tables, block: Array, column: Array) -> tuple[Array, Array]:
    """Rows with each level of one column, (n_rows, n_levels, n_features), and its features."""
    own = tables.owner[None, :] == column[:, None]
    return jnp.where(own[:, None, :], tables.reference_values[None], block[:, None, :]), own


def _of_columns(tables: _Tables, block: Array) -> _OfColumns | None:
    return None if tables.model.columns is None else _OfColumns(tables, block)


def _screen(energy_of: _EnergyOf, tables: _Tables, block: Array, columns: Array) -> tuple[Array]:
    """Lowest energy that each of some columns can bring, (n_rows, n_columns)."""
    known = _of_columns(tables, block)

    def lowest(column: Array) -> Array:
        rows, own = _with_level(tables, block, column)
        return energy_of(rows, None if known is None else known.with_level(own)).min(axis=1)

    return (jax.lax.map(lowest, columns).T,)


def _screen_coarsely(
    energy_of: _EnergyOf, tables: _Tables, block: Array, columns: Array
) -> tuple[Array]:
    """Do the same with few levels."""
    few = tables._replace(reference_values=tables.reference_values[np.array(_COARSE)])
    return _screen(energy_of, few, block, columns)


def _improve(
    energy_of: _EnergyOf, tables: _Tables, block: Array, columns: Array
) -> tuple[Array, Array, Array]:
    """Replace the best of some columns by its best value.

    Returns
    -------
    rows : array of shape (n_rows, n_features)
    column : array of shape (n_rows,)
    energy : array of shape (n_rows,)
    """
    known = _of_columns(tables, block)

    def best_value(column: Array) -> tuple[Array, Array]:
        rows, own = _with_level(tables, block, column)
        energy = energy_of(rows, None if known is None else known.with_level(own))
        level = energy.argmin(axis=1)
        main = jnp.arange(tables.owner.size)[None, :] == tables.main[column][:, None]
        row = jnp.where(own, tables.reference_values[level], block)
        value = jnp.where(main, row, 0.0).sum(axis=1)
        low, step = energy.min(axis=1), tables.step[level, column]
        for _ in range(_REFINEMENTS):
            values = value[:, None] + step[:, None] * jnp.array(_OFFSETS, jnp.float32)[None, :]
            rows = jnp.where(main[:, None, :], values[:, :, None], row[:, None, :])
            of_columns = None
            if known is not None:
                of_columns = known.with_value(own, level, tables.main[column], values)
            energy = energy_of(rows, of_columns)
            found = jnp.take_along_axis(values, energy.argmin(axis=1)[:, None], axis=1)[:, 0]
            value = jnp.where(energy.min(axis=1) < low, found, value)
            low, step = jnp.minimum(low, energy.min(axis=1)), step * _FINER
        return low, jnp.where(main, value[:, None], row)

    low, rows = jax.lax.map(best_value, columns)
    best = low.argmin(axis=0)
    row = jnp.take_along_axis(rows, best[None, :, None], axis=0)[0]
    column = jnp.take_along_axis(columns, best[None, :], axis=0)[0]
    return row, column, low.min(axis=0)
