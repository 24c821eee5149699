"""Why a row is strange: which columns, and what the model expected there.

Each row is compared with the nearest normal row, found by
:mod:`dagmm.inference.explain.counterfactual`: the same row with the few values replaced that make
it strange. What each replaced column contributes to the energy between the two is its mean
contribution over the order of replacement and its reverse, which is the Shapley value where
columns act alone or in pairs. Contributions add up to the gap exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from dagmm._core.arguments import check_int
from dagmm._core.errors import ArgumentError
from dagmm._core.html import html_table
from dagmm._core.parallel import parallel_map
from dagmm.data.base import Rows
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.threshold_rules import AUTO_CONTAMINATION
from dagmm.inference.explain.counterfactual import Counterfactual, CounterfactualSearch
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.pipeline import FeatureReader, Features

#: Rows whose energies one core computes at a time.
_PART_ROWS = 1024
#: Rows that a notebook shows.
_SHOWN_ROWS = 20


@dataclass(frozen=True)
class Explanation:
    """Why rows are strange.

    Attributes
    ----------
    columns : tuple of str
        The model's columns.
    energy : ndarray of shape (n_rows,)
        Of each row, in nats.
    reference_energy : ndarray of shape (n_rows,)
        Of the normal row that each is compared with, in nats: the row itself, with the values of
        ``expected``. A row whose energy is not above the median of normal rows is its own.
    contribution : ndarray of shape (n_rows, n_columns)
        What each column adds, in nats. Each row's sum is ``energy - reference_energy``; columns
        whose values are not to blame add 0.
    expected : dict of str to ndarray of shape (n_rows,)
        By column, in the table's units: the value at which the row would be normal; the row's
        own, to float32 rounding, where the column is not to blame. NaN, of texts ``""``, where the
        row would be normal without a value; None for a text that the model does not know. With
        windows, the mean over the window at which it would be normal.
    is_explained : ndarray of shape (n_rows,), bool
        Whether that normal row is no anomaly: its energy is at most the threshold, or where the
        model has none, what one normal row in a hundred exceeds. Where it is not, a few columns do
        not explain the row, whatever is named.

    Examples
    --------
    With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> explanation = model.explain(rows)
    >>> explanation.is_explained.tolist()
    [True, True]
    >>> gap = explanation.energy - explanation.reference_energy
    >>> bool(np.allclose(explanation.contribution.sum(axis=1), gap))
    True
    """

    columns: tuple[str, ...]
    energy: Float[np.ndarray, " n_rows"]
    reference_energy: Float[np.ndarray, " n_rows"]
    contribution: Float[np.ndarray, "n_rows n_columns"]
    expected: dict[str, np.ndarray]
    is_explained: Bool[np.ndarray, " n_rows"]

    def strongest(self, n: int) -> Int[np.ndarray, "n_rows n"]:
        """Return the columns that add most to each row's energy, the most first.

        Parameters
        ----------
        n : int
            How many of them.

        Returns
        -------
        ndarray of shape (n_rows, n)
            Positions in ``columns``; -1 where fewer columns add anything.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.explain(rows).strongest(1)[1].tolist()
        [1]
        """
        order = np.argsort(-self.contribution, axis=1, kind="stable")[:, :n]
        adds = np.take_along_axis(self.contribution, order, axis=1) > 0.0
        places = np.full((len(order), n), -1)
        places[:, : order.shape[1]] = np.where(adds, order, -1)
        return places

    def top_features(self, n: int = 3) -> np.ndarray:
        """Names of the columns that add most to each row's energy, the most first.

        Parameters
        ----------
        n : int, default=3
            How many of them.

        Returns
        -------
        ndarray of shape (n_rows, n), object
            None where fewer columns add anything.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.explain(rows).top_features(1)[1].tolist()
        ['x1']
        """
        names = np.array([*self.columns, None], dtype=object)
        return names[self.strongest(n)]

    def to_table(self, n: int = 3) -> pa.Table:
        """One row for each row: its energies, and the columns that add most.

        ``.to_pandas()`` makes it a pandas DataFrame, ``polars.from_arrow`` a polars one.

        Parameters
        ----------
        n : int, default=3
            How many columns to name.

        Returns
        -------
        pyarrow.Table
            ``row`` (counted from 0), ``energy``, ``reference_energy``, ``is_explained`` (false
            where a few columns do not explain the row), and of each of the columns
            ``top_feature_1``, ``contribution_1`` (nats), ``expected_1`` (a text, as columns hold
            numbers or texts) and so on; null where fewer columns add anything.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.explain(rows).to_table(1).column_names[-3:]
        ['top_feature_1', 'contribution_1', 'expected_1']
        """
        check_int("n", n, 1)
        columns = {
            "row": pa.array(np.arange(len(self.energy))),
            "energy": pa.array(self.energy),
            "reference_energy": pa.array(self.reference_energy),
            "is_explained": pa.array(self.is_explained),
        }
        places, names = self.strongest(n), self.top_features(n)
        expected = [self.expected[name] for name in self.columns]
        for i in range(n):
            place = places[:, i]
            added = self.contribution[np.arange(len(place)), place]
            columns[f"top_feature_{i + 1}"] = pa.array(names[:, i], pa.string())
            columns[f"contribution_{i + 1}"] = pa.array(added, mask=place < 0)
            columns[f"expected_{i + 1}"] = texts_at(expected, place)
        return pa.table(columns)

    def _repr_html_(self) -> str:
        table = self.to_table()
        shown = table.slice(0, _SHOWN_ROWS)
        more = table.num_rows - shown.num_rows
        rows = [list(row.values()) for row in shown.to_pylist()]
        return html_table(
            table.column_names, rows, [f"{more:,} more rows; to_table() has all."] if more else []
        )


def texts_at(columns: Sequence[Any], place: Int[np.ndarray, " n_rows"]) -> pa.Array:
    """Write the value that each row has in a column of its own.

    Parameters
    ----------
    columns : sequence of array of shape (n_rows,)
        NumPy's or Arrow's, of numbers or texts.
    place : ndarray of shape (n_rows,)
        The column of each row; -1 for none.

    Returns
    -------
    pyarrow.Array of shape (n_rows,)
        Texts, numbers to six digits, ``""`` for NaN; null where there is no column or no value.
    """
    return pa.array(
        [_text(columns[j][row]) if j >= 0 else None for row, j in enumerate(place.tolist())],
        pa.string(),
    )


def _text(value: Any) -> str | None:
    if isinstance(value, pa.Scalar):
        value = value.as_py()
    if value is None or isinstance(value, str):
        return value
    return "" if np.isnan(value) else f"{float(value):.6g}"


def explain(model: FittedModel, table: object) -> Explanation:
    """Say for each row of a table which columns make it strange.

    A row's explanation depends on the row alone, not on the rows it comes with; with windows, on
    the row and on earlier rows of its asset.

    Parameters
    ----------
    model : FittedModel
    table : DataFrame, array-like of shape (n_rows, n_columns) or Rows
        As :meth:`FittedModel.energy` takes it.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If columns are missing, or values cannot be encoded.
    ArgumentError
        If the model was fitted on images.
    """
    rows = as_rows(table)
    model.check(rows)
    return explain_rows(Explainer(model), rows)


def explain_rows(explainer: "Explainer", rows: Rows) -> Explanation:
    """Explain all rows of a table that fits the model."""
    chunks = list(rows.chunks(explainer.chunk_rows)) or [rows.chunk(0, 0)]
    reader = explainer.reader()
    parts = [explainer.explain(reader.read(chunk, to_explain=True)) for chunk in chunks]
    columns = parts[0].columns
    return Explanation(
        columns,
        np.concatenate([part.energy for part in parts]),
        np.concatenate([part.reference_energy for part in parts]),
        np.concatenate([part.contribution for part in parts]),
        {name: np.concatenate([part.expected[name] for part in parts]) for name in columns},
        np.concatenate([part.is_explained for part in parts]),
    )


class Explainer:
    """Explains the rows of one model, chunk by chunk, in bounded memory.

    Parameters
    ----------
    model : FittedModel

    Attributes
    ----------
    limit : float
        Energy up to which a row is explained: the threshold, or where the model has none, what
        one normal row in a hundred exceeds.

    Raises
    ------
    ArgumentError
        If the model was fitted on images.
    """

    def __init__(self, model: FittedModel) -> None:
        if isinstance(model.encoder, ImageEncoder):
            raise ArgumentError("this model was fitted on images; explain_images explains them.")
        self._model = model
        self._encoder = model.encoder
        self._search = CounterfactualSearch(model)
        self.limit = (
            model.calibration.reference.energy_at(AUTO_CONTAMINATION)
            if model.threshold is None
            else model.threshold
        )

    @property
    def chunk_rows(self) -> int:
        """Rows that are explained at a time."""
        return self._model.chunk_rows

    def reader(self) -> FeatureReader:
        """Return what turns chunks of a table, in their order, into what is explained."""
        return self._model.reader()

    def explain(self, seen: Features) -> Explanation:
        """Explain what the networks see of some rows."""
        energy = self._energy(seen.inputs)
        # Rows that repeat others, as logs and idle sensors have them, are explained once.
        _, first, again = np.unique(seen.inputs, axis=0, return_index=True, return_inverse=True)
        features = seen.inputs[first]
        nearest = self._search.run(features, energy[first])
        reference = self._energy(nearest.features)
        order = _without_repeats(nearest.columns)
        there, back = (
            self._along(features, nearest, reference, columns)
            for columns in (order, order[:, ::-1])
        )
        return Explanation(
            self._encoder.columns,
            energy,
            reference[again],
            0.5 * (there + back)[again],
            self._expected(seen._replace(inputs=nearest.features[again])),
            reference[again] <= self.limit,
        )

    def _expected(self, normal: Features) -> dict[str, np.ndarray]:
        values = self._model.decode(normal)
        if self._model.windows is not None:  # a mean is of the values that a window has
            return values
        for name, are_holes in self._encoder.holes(normal.inputs).items():
            nothing = "" if values[name].dtype == object else np.nan
            values[name] = np.where(are_holes, nothing, values[name])
        return values

    def _energy(
        self, features: Float[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, " n_rows"]:
        """Energy of encoded rows, on all cores."""
        parts = (features[i : i + _PART_ROWS] for i in range(0, len(features), _PART_ROWS))
        energies = list(parallel_map(self._model.energy_of_features, parts))
        return np.concatenate(energies) if energies else np.empty(0)

    def _along(
        self,
        features: Float[np.ndarray, "n_rows n_features"],
        nearest: Counterfactual,
        reference: Float[np.ndarray, " n_rows"],
        columns: Int[np.ndarray, "n_rows n_steps"],
    ) -> Float[np.ndarray, "n_rows n_columns"]:
        """Energy that each column adds when the row's own values come back in this order."""
        contribution = np.zeros((len(features), len(self._encoder.columns)))
        now, energy = nearest.features.copy(), reference.copy()
        for rows, column in _steps(columns):
            own = self._search.owner[None, :] == column[:, None]
            now[rows] = np.where(own, features[rows], now[rows])
            new = self._energy(now[rows])
            contribution[rows, column] += new - energy[rows]
            energy[rows] = new
        return contribution


def _without_repeats(
    columns: Int[np.ndarray, "n_rows n_steps"],
) -> Int[np.ndarray, "n_rows n_steps"]:
    """Leave out (as -1) where the search replaced a column again: it comes back but once.

    A column that is first in the order and in its reverse as well would have no mean of both.
    """
    order = columns.copy()
    for step in range(1, columns.shape[1]):
        again = (columns[:, :step] == columns[:, [step]]).any(axis=1)
        order[again, step] = -1
    return order


def _steps(columns: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows that take each step, and the column each of them takes it with."""
    for column in columns.T:
        rows = np.flatnonzero(column >= 0)
        if len(rows):
            yield rows, column[rows]
