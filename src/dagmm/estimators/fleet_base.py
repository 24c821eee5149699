"""What speaks for a fitted fleet: rows of many assets in, energies in their order out."""

import os
import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_number, near
from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.parallel import parallel_map
from dagmm._core.wording import named
from dagmm.data.base import Rows
from dagmm.data.convert import as_rows, table_like
from dagmm.data.frames import FrameRows
from dagmm.data.streams import StreamRows
from dagmm.estimators.detector import DAGMMDetector
from dagmm.inference.calibration.threshold import label_of, p_value_of
from dagmm.inference.calibration.threshold_rules import choose_threshold
from dagmm.inference.explain.attribution import Explanation, explain
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.batches import ALL, OWN, SCORED_BY
from dagmm.inference.fleet.fitted_fleet import FittedFleet, listed, parts_of

#: Arguments that the detector of each asset gets.
OF_DETECTOR = (
    *("contamination", "n_members", "random_state", "drop", "categorical", "numeric"),
    *("time", "window", "step", "network", "config", "time_format"),
)

#: What :meth:`DAGMMDetector.set_threshold` takes of alarm logic.
_ALARM_LOGIC = ("k_of_n", "hysteresis", "hold", "smoothing")


class FittedFleetEstimator(BaseEstimator):
    """Base of the estimator of fleets: holds one fitted fleet, ``fleet_``, and speaks for it."""

    fleet_: FittedFleet
    per: str
    time: Any
    unseen: str
    _feature_names: tuple[str, ...]

    def energy(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row by the model of its asset, in nats; higher is stranger.

        Energies of different assets mean alike how rare a row is beside its own training rows.

        Parameters
        ----------
        X : DataFrame, path or Dataset
            With the column that names the asset.

        Returns
        -------
        energy : ndarray of shape (n_rows,)

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If columns are missing, values cannot be encoded, or an asset is unknown.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> fleet.energy(table).shape
        (300,)
        """
        return self._by_asset(X, lambda model, rows: model.energy(rows))

    def score_samples(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Minus the energy of each row: higher is more normal.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> bool((fleet.score_samples(table) == -fleet.energy(table)).all())
        True
        """
        return -self.energy(X)

    def decision_function(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Threshold of the asset minus the energy of the row: negative for anomalies.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> bool(((fleet.decision_function(table) < 0) == (fleet.predict(table) == -1)).all())
        True
        """
        return self._by_asset(X, lambda model, rows: (model.threshold or 0.0) - model.energy(rows))

    def predict(self, X: Any) -> np.ndarray:
        """+1 for normal rows, -1 for anomalies; shape (n_rows,), int.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> fleet.predict(table).shape
        (300,)
        """
        return label_of(self.decision_function(X))

    def p_value(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Share of normal rows of the asset that are expected to be at least as strange.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> bool((fleet.p_value(table) <= 1.0).all())
        True
        """
        return self._by_asset(
            X, lambda model, rows: p_value_of(model.calibration, model.energy(rows))
        )

    def score_table(self, X: Any) -> Any:
        """Energies, decisions and whose model made them, as a table of the library of X.

        Returns
        -------
        table
            ``energy``, ``is_anomaly`` and ``scored_by``: ``"own"`` or ``"all"``.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> fleet.score_table(table).column_names
        ['energy', 'is_anomaly', 'scored_by']
        """
        rows = self._rows(X)
        energy, limit = self.energy(rows), np.empty(rows.n_rows)
        scored_by = np.empty(rows.n_rows, object)
        for part in parts_of(rows.chunk(0, rows.n_rows), self.per):
            limit[part.places] = self._model_of(part.asset).threshold
            scored_by[part.places] = OWN if self.fleet_.is_own(part.asset) else ALL
        columns = {"energy": energy, "is_anomaly": energy > limit, SCORED_BY: scored_by}
        return table_like(X if not isinstance(X, str | os.PathLike) else rows.frame, columns)

    def explain(self, X: Any) -> dict[str, Explanation]:
        """Say for each row which columns make it strange, asset by asset.

        Returns
        -------
        dict of str to Explanation
            Of each asset that X has rows of, its rows in their order.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> fleet.explain(table)["p2"].contribution.shape
        (100, 2)
        """
        rows = self._rows(X)
        return {asset: explain(model, own) for asset, model, _, own in self._parts(rows)}

    def set_threshold(self, **rule: Any) -> Self:
        """Move the thresholds of all assets by one rule; nothing is fitted again.

        Parameters
        ----------
        **rule
            As :meth:`DAGMMDetector.set_threshold` takes it. Shares are those of each asset; an
            alarm budget (``alarms``) is that of the whole fleet, and each asset has an equal part
            of it.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            As :meth:`DAGMMDetector.set_threshold`.

        Warns
        -----
        UserWarning
            What is to be known of the thresholds, each once with the number of assets.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> fleet.set_threshold(quantile=0.95).detector("p1").threshold_["rule"]
        'quantile 0.95'
        """
        check_is_fitted(self)
        self.fleet_, found = moved(self.fleet_, rule)
        for text in found:
            warnings.warn(f"set_threshold: {text}.", UserWarning, stacklevel=2)
        return self

    def detector(self, asset: str) -> DAGMMDetector:
        """Return the detector that scores an asset; the one of all, where it has none of its own.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the asset is unknown.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> one = fleet.detector("p1")
        >>> bool((one.energy(table.slice(0, 200)) == fleet.energy(table)[:200]).all())
        True
        """
        check_is_fitted(self)
        model = self._model_of(asset)
        detector = DAGMMDetector(**self._arguments)
        names = list(self._feature_names)
        if model is self.fleet_.of_all:
            detector.group = self.per
            names.append(self.per)
        detector.feature_names_in_ = np.array(names, dtype=object)
        detector.n_features_in_ = len(names)
        detector._take(model)
        return detector

    @property
    def assets_(self) -> list[str]:
        """The assets of the fleet, in the order in which they came.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> fleet.assets_
        ['p1', 'p2']
        """
        return list(self.fleet_.assets)

    @property
    def fallbacks_(self) -> dict[str, str]:
        """Assets that have no model of their own, and why.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> fleet.fallbacks_
        {}
        """
        return {name: asset.why_not for name, asset in self.fleet_.assets.items() if asset.why_not}

    @property
    def _arguments(self) -> dict[str, Any]:
        """Arguments of the detector of each asset."""
        return {name: getattr(self, name) for name in OF_DETECTOR}

    def _held(self, X: Any) -> FrameRows:
        rows = self._rows(X)
        if rows.n_rows < 2:
            raise InputError(f"expected at least 2 rows, got {rows.n_rows}.")
        return rows

    def _rows(self, X: Any) -> FrameRows:
        """Return a table that is held in memory and has the column of the asset."""
        time = (self.time,) if isinstance(self.time, str) else tuple(self.time or ())
        rows: Rows = as_rows(X, columns=(self.per, *time))
        if isinstance(rows, StreamRows):
            table, style = rows.read(), rows.style
            rows = as_rows(table)
            rows.style = style
        if not isinstance(rows, FrameRows):
            raise InputError(
                f"X is an array, whose columns have no names; a fleet finds the asset of a row in "
                f"column {self.per!r}. Pass a DataFrame."
            )
        if self.per not in rows.names:
            raise InputError(
                f"X has no column {self.per!r}, which names the asset of a row. "
                f"{near(self.per, rows.names)}"
            )
        return rows

    def _model_of(self, asset: str) -> FittedModel:
        return self.fleet_.model_of(asset, unseen_by_all=self.unseen == "all")

    def _parts(self, rows: FrameRows) -> Iterator[tuple[str, FittedModel, np.ndarray, FrameRows]]:
        """Yield the rows of each asset with what scores them and their places."""
        check_is_fitted(self)
        parts = list(parts_of(rows.chunk(0, rows.n_rows), self.per))
        models = [self._model_of(part.asset) for part in parts]
        if not parts:
            return
        order = np.concatenate([part.places for part in parts])
        sorted_rows, first = rows.frame[order], 0
        for part, model in zip(parts, models, strict=True):
            last = first + len(part.places)
            yield part.asset, model, part.places, FrameRows(sorted_rows[first:last], rows.style)
            first = last

    def _by_asset(self, X: Any, function: Any) -> Float[np.ndarray, " n_rows"]:
        """Make one number for each row by the model of its asset."""

        def of_part(part: tuple[str, FittedModel, np.ndarray, FrameRows]) -> Any:
            asset, model, places, own = part
            try:
                return places, function(model, own)
            except InputError as error:
                raise InputError(
                    f"{self.per} {asset!r}, whose rows are counted by themselves: {error}"
                ) from error

        rows = self._rows(X)
        found = np.empty(rows.n_rows)
        for places, values in parallel_map(of_part, self._parts(rows)):
            found[places] = values
        return found


def moved(fleet: FittedFleet, rule: dict[str, Any]) -> tuple[FittedFleet, list[str]]:
    """Move the thresholds of a fleet by one rule.

    Parameters
    ----------
    fleet : FittedFleet
    rule : dict
        As :meth:`DAGMMDetector.set_threshold` takes it. The alarms of the fleet are divided
        evenly among its assets.

    Returns
    -------
    fleet : FittedFleet
    warnings : list of str
        What there is to know, each once.

    Raises
    ------
    ArgumentError
    """
    logic = [name for name in _ALARM_LOGIC if name in rule]
    if logic:
        raise ArgumentError(
            f"{named(logic[0])} is part of an alarm logic, which fleets do not follow; set it for "
            "the model of an asset, and score that by itself."
        )
    if rule.get("alarms") is not None:
        whole = check_number("alarms", rule["alarms"], 0.0, above=True)
        rule = {**rule, "alarms": whole / len(fleet.assets)}
    found, chosen = fleet.with_thresholds(
        lambda model: choose_threshold(model.calibration, **rule, n_steps=model.n_steps)
    )
    said: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for asset, threshold in chosen.items():
        for warning in threshold.warnings:
            said.setdefault(warning.kind, []).append(asset)
            texts.setdefault(warning.kind, warning.text)
    return found, [
        f"{in_words(fleet.per, names)} to be judged with care: {texts[kind]}"
        for kind, names in said.items()
    ]


def in_words(per: str, names: list[str]) -> str:
    """Say which assets something is about, up to the verb."""
    return f"{per} {listed(names)} {'are' if len(names) > 1 else 'is'}"
