"""What a fitted detector decides: energies, the threshold, alarms and their events."""

import os
import warnings
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float
from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_int
from dagmm.estimators.base import FittedModelEstimator
from dagmm.inference.alarms import alarms_of
from dagmm.inference.calibration.alarm_rule import AlarmRule
from dagmm.inference.calibration.dependence import EVENT_GAP
from dagmm.inference.calibration.threshold import label_of, score_of
from dagmm.inference.calibration.threshold_rules import choose_threshold
from dagmm.inference.events import MOST_KEPT
from dagmm.inference.explain.alarm_events import AlarmEvents, events_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.streaming import Stream


class DecidingEstimator(FittedModelEstimator):
    """A fitted model with a threshold, and what follows from it."""

    _has_threshold = True
    offset_: float
    threshold_: dict[str, Any]

    def set_threshold(
        self,
        *,
        contamination: Any = None,
        quantile: float | None = None,
        alarms: float | None = None,
        per: str = "week",
        every: Any = None,
        per_event: bool = False,
        energy: float | None = None,
        k_of_n: tuple[int, int] | None = None,
        hysteresis: float = 0.0,
        hold: int = 1,
        smoothing: float | None = None,
    ) -> Self:
        """Move the threshold by one of four rules; nothing is fitted again.

        A share of normal rows is measured on rows that were not fitted to: held out, left out by
        some networks, or those of :meth:`calibrate`; on the training rows where there are none.
        Rarer shares than ten of these rows are found from a generalised Pareto distribution
        fitted to their tail.
        ``threshold_`` says what was found, with a confidence interval.

        Parameters
        ----------
        contamination : "auto" or float, optional
            Share of the training rows to be called anomalies, in (0, 0.5]; ``"auto"`` as for the
            class.
        quantile : float, optional
            Share of normal rows below the threshold, in (0, 1).
        alarms : float, optional
            Alarm budget: false alarms, at most. Each row above the threshold counts, unless
            ``per_event`` says otherwise.
        per : {"hour", "day", "week", "month", "year"}, default="week"
            The time that alarms are counted in; a month has 30 days.
        every : float or str, optional
            With ``alarms``: the time from one row to the next, in seconds or as a text such as
            ``"1s"``, ``"10 min"`` or ``"1h"``.
        per_event : bool, default=False
            With ``alarms``: whether alarms that follow each other, with at most 10 normal rows
            between them, count as one. The events of normal rows are counted at each threshold;
            rarer ones than were seen come from the tail of their highest energies. Where too few
            are known for that, rows are counted, as long as runs of their highest fiftieth are.
        energy : float, optional
            The threshold itself, in nats.
        k_of_n : pair of int, optional
            So many of the last rows of an asset must be above the threshold for an alarm: (3, 5).
            ``(5, 5)`` is a least duration of five rows.
        hysteresis : float, default=0.0
            An alarm ends where energies are no longer above the threshold less this, in nats.
        hold : int, default=1
            Rows that an alarm lasts at least.
        smoothing : float, optional
            Weight of the newest energy in an exponentially weighted moving average (EWMA), in
            (0, 1), which is compared with the threshold instead of single energies: 0.2 follows
            a change within some ten rows.

        The last four are the alarm logic, which :meth:`alarm`, :meth:`events`, streams and
        reports follow; what is not given here is none. Shares and budgets then count what the
        logic looks at. ``predict`` compares each energy with the threshold all the same, as
        scikit-learn's contract asks.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            If there is not exactly one rule, an argument cannot be used, or too few energies are
            known for so rare an alarm, or it is not known how normal rows follow each other.

        Warns
        -----
        UserWarning
            If the energies are those of training rows, or of rows that depend on each other too
            much to say so much, or their tail is not what was fitted.

        Examples
        --------
        >>> import numpy as np
        >>> from dagmm import DAGMMDetector
        >>> rng = np.random.default_rng(0)
        >>> detector = DAGMMDetector(n_members=1).fit(rng.normal(size=(1000, 2)))
        >>> detector.calibrate(rng.normal(size=(3000, 2)))
        DAGMMDetector(n_members=1)
        >>> detector.set_threshold(alarms=3, per="day", every="1 min").threshold_["method"]
        'tail'
        """
        check_is_fitted(self)
        chosen = choose_threshold(
            self.model_.calibration,
            contamination=contamination,
            quantile=quantile,
            alarms=alarms,
            per=per,
            every=every,
            per_event=per_event,
            energy=energy,
            n_steps=self.model_.n_steps,
            alarm_rule=AlarmRule.of(k_of_n, hysteresis, hold, smoothing),
        )
        for warning in chosen.warnings:
            warnings.warn(f"set_threshold: {warning.text}.", UserWarning, stacklevel=2)
        self._take(self.model_.with_threshold(chosen))
        return self

    def energy(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row, in nats.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset

        Returns
        -------
        energy : ndarray of shape (n_rows,)
            Mean surprisal of the row beside the training rows: 0 for the most normal, higher is
            stranger. Of a model of one density, its ``-log p``, which may be negative.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> energy = model.energy(rows)
        >>> bool(energy[0] < model.threshold_["energy"] < energy[1])
        True
        """
        check_is_fitted(self)
        return self.model_.energy(self._rows(X, fitting=False))

    def alarm(self, X: Any) -> Bool[np.ndarray, " n_rows"]:
        """Whether each row is in alarm, by the alarm logic of :meth:`set_threshold`.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset
            In the order of time, asset by asset or mixed.

        Returns
        -------
        alarm : ndarray of shape (n_rows,), bool
            Without such logic the rows above the threshold.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.set_threshold(quantile=0.99, k_of_n=(2, 3)).alarm(rows[[0, 1, 1]]).tolist()
        [False, False, True]
        """
        check_is_fitted(self)
        return alarms_of(self.model_, self._rows(X, fitting=False))

    def events(
        self, X: Any, *, gap: int = EVENT_GAP, explain: int = 5, most: int = MOST_KEPT
    ) -> AlarmEvents:
        """Alarms that follow each other as events: start, end, peak, and what moved first.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset
            In the order of time, asset by asset or mixed.
        gap : int, default=10
            Most normal rows between two alarms of one event.
        explain : int, default=5
            How many columns to name of each event: those that add most to the energies of its
            first 32 rows, in the order in which they rose, from 8 rows before on.
        most : int, default=200
            Events to return, those of the highest energies; all are counted.

        Returns
        -------
        AlarmEvents
            With ``events``, ``n_events``, ``to_table()`` and more; see
            :class:`dagmm.inference.explain.alarm_events.AlarmEvents`.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.
        ArgumentError
            If an argument cannot be used, or columns are to be named of images.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> event = model.events(rows[[0, 1, 1]]).events[0]
        >>> event.first_row, event.last_row, event.movers[0].column
        (1, 2, 'x1')
        """
        check_is_fitted(self)
        check_int("gap", gap, 0)
        n_named = check_int("explain", explain, 0)
        rows = self._rows(X, fitting=False)
        return events_of(self.model_, rows, gap, n_named, check_int("most", most, 1))

    def energy_deviation(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """How much the networks disagree about the energy of each row, in nats.

        A row whose energy is well above the threshold compared with this is an anomaly to all of
        them. It is zero for a single network.

        Parameters and errors as in :meth:`energy`.

        Returns
        -------
        ndarray of shape (n_rows,)

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.energy_deviation(rows).shape
        (2,)
        """
        check_is_fitted(self)
        return self.model_.deviation(self._rows(X, fitting=False))

    def stream(self, state: str | os.PathLike[str] | None = None) -> Stream:
        """Return what scores rows as they come, one by one or a few at a time.

        Energies are those of :meth:`energy` for all these rows at once, to the bit where there
        are windows; each row's depends on it and on earlier rows of its asset.

        Parameters
        ----------
        state : path-like, optional
            A file that a stream's ``save`` wrote, to go on from.

        Returns
        -------
        Stream
            ``update(rows)`` returns their energies, ``score(rows)`` also alarms, p-values and
            reasons, ``drift`` says whether the rows so far have left what the model knows, and
            ``save(path)`` keeps where the stream stands.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ModelFileError
            If the file is missing, damaged, foreign, newer, or belongs to another model.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> stream = model.stream()
        >>> [bool(stream.score(rows[i : i + 1]).is_alarm[0]) for i in range(2)]
        [False, True]
        """
        check_is_fitted(self)
        return Stream(self.model_, state)

    def score_samples(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Minus the energy of each row: higher is more normal.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.score_samples(rows) == -model.energy(rows)
        array([ True,  True])
        """
        return score_of(self.energy(X))

    def decision_function(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """``score_samples(X) - offset_``: negative for anomalies.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.decision_function(rows) < 0
        array([False,  True])
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """+1 for normal rows, -1 for anomalies; shape (n_rows,), int.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.predict(rows).tolist()
        [1, -1]
        """
        return label_of(self.decision_function(X))

    def _take(self, model: FittedModel) -> None:
        super()._take(model)
        assert model.decision is not None, "a detector's model has a threshold"
        self.offset_ = -model.decision.energy
        self.threshold_ = model.decision.plain()
