"""Scoring rows as they come."""

import os
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from dagmm._core.arguments import check_int
from dagmm.data.base import Rows
from dagmm.data.convert import as_rows
from dagmm.inference.alarms import AlarmTracker
from dagmm.inference.calibration.threshold import is_anomaly, p_value_of
from dagmm.inference.drift.monitor import DriftMonitor, check_watchable, is_watchable
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel


@dataclass(frozen=True)
class StreamScores:
    """What a stream says of the rows that came.

    Attributes
    ----------
    energy : ndarray of shape (n_rows,)
        In nats.
    p_value : ndarray of shape (n_rows,)
        Share of normal rows that are expected to be at least as strange.
    is_anomaly : ndarray of shape (n_rows,), bool
        Whether the energy is above the threshold; false where the model has none.
    is_alarm : ndarray of shape (n_rows,), bool
        Whether the row is in alarm, by the model's alarm logic; the same where it has none.
    top_features : ndarray of shape (n_rows, n_named), object
        Columns that add most to the energy of rows that are one or the other; None elsewhere, and
        where fewer columns add anything.
    is_explained : ndarray of shape (n_rows,), bool
        Whether a few columns explain such a row; false elsewhere.

    Examples
    --------
    With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> scores = model.stream().score(rows, explain=1)
    >>> scores.is_alarm.tolist(), scores.top_features[1].tolist()
    ([False, True], ['x1'])
    """

    energy: Float[np.ndarray, " n_rows"]
    p_value: Float[np.ndarray, " n_rows"]
    is_anomaly: Bool[np.ndarray, " n_rows"]
    is_alarm: Bool[np.ndarray, " n_rows"]
    top_features: Shaped[np.ndarray, "n_rows n_named"]
    is_explained: Bool[np.ndarray, " n_rows"]


class Stream:
    """Scores rows as they come, a few or one at a time, with the energies of the whole table.

    Keeps the last rows of each asset, at most a window less one, and where its alarm logic
    stands. It is never wound back: start another for other rows. Assets that no column names need
    a stream each.

    Parameters
    ----------
    model : FittedModel
    state : path-like, optional
        A file that :meth:`save` wrote, to go on from.

    Raises
    ------
    ModelFileError
        If that file is missing, damaged, foreign, newer, or belongs to another model.

    Examples
    --------
    >>> import numpy as np
    >>> from dagmm import DAGMMDetector
    >>> rng = np.random.default_rng(0)
    >>> clock = np.arange(300.0)[:, None]
    >>> x = np.hstack([clock, rng.normal(size=(300, 2))])
    >>> detector = DAGMMDetector(n_members=1, time="x0", window=5).fit(x)
    >>> stream = detector.stream()
    >>> energy = np.concatenate([stream.update(x[i : i + 1]) for i in range(20)])
    >>> bool((energy == detector.energy(x[:20])).all())
    True
    """

    def __init__(self, model: FittedModel, state: str | os.PathLike[str] | None = None) -> None:
        self._model = model
        self._reader = model.reader()
        self._drift = DriftMonitor(model.calibration) if is_watchable(model) else None
        self._alarms = AlarmTracker(model)
        self._explainer: Explainer | None = None
        if state is not None:
            from dagmm.inference.persistence.streams import load_stream

            load_stream(state, model, self._reader, self._alarms, self._drift)

    def update(self, X: object) -> Float[np.ndarray, " n_rows"]:
        """Energies of the next rows, in nats.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)

        Returns
        -------
        energy : ndarray of shape (n_rows,)

        Raises
        ------
        InputError
            If the table does not fit the model, a row has no time or no asset, or the clock of an
            asset runs backwards; column and row are named. A table of no more rows than are
            scored at a time, 512 or more, is then not taken at all.
        """
        rows = self._rows(X)
        energy = self._model.next_energies(self._reader, rows)
        self._watch(rows, energy)
        return energy

    def score(self, X: object, explain: int = 0) -> StreamScores:
        """Take the next rows as :meth:`update` does, and say all that is known of them.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
        explain : int, default=0
            How many columns to name of each anomaly and each row in alarm.

        Returns
        -------
        StreamScores

        Raises
        ------
        InputError
            As for :meth:`update`.
        ArgumentError
            If images are to be explained by columns.
        """
        n_named = check_int("explain", explain, 0)
        if n_named and self._explainer is None:
            self._explainer = Explainer(self._model)
        rows, model, seen = self._rows(X), self._model, None
        if n_named and rows.n_rows:
            energy, seen = model.next_seen(self._reader, rows)
        else:
            energy = model.next_energies(self._reader, rows)
        alarm = self._watch(rows, energy)
        above = np.zeros(len(energy), bool)
        if model.threshold is not None:
            above = is_anomaly(energy, model.threshold)
        top = np.full((len(energy), n_named), None, dtype=object)
        is_explained, wanted = np.zeros(len(energy), bool), above | alarm
        if seen is not None and self._explainer is not None and wanted.any():
            found = self._explainer.explain(seen.of(wanted))
            top[wanted], is_explained[wanted] = found.top_features(n_named), found.is_explained
        p_value = p_value_of(model.calibration, energy)
        return StreamScores(energy, p_value, above, alarm, top, is_explained)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write where the stream stands to a file, so that it goes on after a restart.

        ``detector.stream(path)`` goes on as if nothing had been, to the bit.

        Parameters
        ----------
        path : path-like
            A file; one that is there is replaced in one step.

        Raises
        ------
        ModelSaveError
            If it cannot be written.
        """
        from dagmm.inference.persistence.streams import save_stream

        save_stream(path, self._model, self._reader, self._alarms, self._drift)

    def _rows(self, X: object) -> Rows:
        needed = (*self._model.read_columns, *self._model.alarm_columns)
        rows = as_rows(X, columns=needed)
        self._model.check(rows)
        self._alarms.check(rows.names)
        return rows

    def _watch(self, rows: Rows, energy: Float[np.ndarray, " n_rows"]) -> np.ndarray:
        """Show the next rows to what watches alarms and drift; return which are in alarm."""
        if self._drift is not None:
            self._drift.update(energy)
        return self._alarms.update_all(rows, energy)

    @property
    def drift(self) -> DriftMonitor:
        """What watches all rows of the stream for drift, in the order in which they came.

        Raises
        ------
        ArgumentError
            If the model scores windows, or keeps no energies of rows that it was not fitted to.
        """
        check_watchable(self._model)
        assert self._drift is not None, "checked"
        return self._drift
