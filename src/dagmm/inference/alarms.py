"""Which rows are in alarm, as they come: alarm logic, asset by asset."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.json_fields import JsonField
from dagmm.data.base import Chunk, Rows
from dagmm.inference.calibration.alarm_rule import AlarmState
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.windows.buffer import places_of
from dagmm.preprocessing.windows.clock import known_assets_of, times_of

#: Assets whose state is read.
_MOST_ASSETS = 2**20


def check_no_alarm_logic(model: FittedModel, why: str) -> None:
    """Check that each row above the threshold is an alarm, where nothing else can be followed.

    Raises
    ------
    ArgumentError
    """
    if model.decision is not None and model.has_alarm_logic:
        raise ArgumentError(
            f"the model has alarm logic ({model.decision.alarm_rule}), which "
            f"counts the rows of an asset in their order, and {why}. Score with dagmm score or "
            "score_batches, or take the alarm logic away with set_threshold (dagmm threshold)."
        )


class AlarmTracker:
    """Says of rows, in their order, whether they are in alarm.

    Rows of each asset are counted by themselves, and with windows anew after a gap. However rows
    are cut into parts, it says the same of each.

    Parameters
    ----------
    model : FittedModel
        One without a threshold has no alarms.
    """

    def __init__(self, model: FittedModel) -> None:
        self._model = model
        self._states: dict[str | None, tuple[AlarmState, float]] = {}

    def check(self, names: Sequence[str]) -> None:
        """Check that a table has the column that names the asset, where the logic needs it.

        Raises
        ------
        InputError
        """
        for name in self._model.alarm_columns:
            if name not in names:
                raise InputError(
                    f"X has no column {name!r}, which names the asset; the alarm logic of this "
                    "model counts the rows of each in their order."
                )

    def update_all(
        self, rows: Rows, energy: Float[np.ndarray, " n_rows"]
    ) -> Bool[np.ndarray, " n_rows"]:
        """Take the next rows, all of a table that was checked."""
        wanted = rows.only((*self._model.read_columns, *self._model.alarm_columns))
        parts = [
            self.update(chunk, energy[chunk.start : chunk.start + chunk.n_rows])
            for chunk in wanted.chunks()
        ]
        return np.concatenate([np.empty(0, bool), *parts])

    def update(
        self, chunk: Chunk, energy: Float[np.ndarray, " n_rows"]
    ) -> Bool[np.ndarray, " n_rows"]:
        """Take the next rows.

        Parameters
        ----------
        chunk : Chunk
            With the columns in ``model.alarm_columns``.
        energy : ndarray of shape (n_rows,)
            Of its rows, in nats.
        """
        decision = self._model.decision
        if decision is None:  # energies are all that there is
            return np.zeros(len(energy), bool)
        if decision.alarm_rule.is_plain:
            return is_anomaly(energy, decision.energy)
        alarm = np.empty(len(energy), bool)
        times = self._times(chunk)
        names, asset = known_assets_of(chunk, self._model.group)
        for i, places in enumerate(places_of(asset, len(names))):
            alarm[places] = self._of_asset(names[i], energy[places], times[places])
        return alarm

    def _of_asset(
        self, name: str | None, energy: np.ndarray, times: np.ndarray
    ) -> Bool[np.ndarray, " n_rows"]:
        windows = self._model.windows
        gap = np.inf if windows is None else windows.gap
        state, before = self._states.get(name, (self._new_state(), -np.inf))
        # Before the first row of an asset there is no time, and no gap.
        since = np.diff(times, prepend=before if np.isfinite(before) else times[:1])
        parts = []
        for part in np.split(np.arange(len(energy)), np.flatnonzero(since > gap)):
            if len(part) and since[part[0]] > gap:
                state = self._new_state()
            parts.append(state.update(energy[part]))
        if len(times):
            self._states[name] = state, float(times[-1])
        return np.concatenate(parts)

    def _times(self, chunk: Chunk) -> Float[np.ndarray, " n_rows"]:
        windows = self._model.windows
        if windows is None:
            return np.zeros(chunk.n_rows)
        reading = self._model.table_encoder.reading_of(windows.time)
        return times_of(chunk, windows.time, reading)

    def _new_state(self) -> AlarmState:
        decision = self._model.decision
        assert decision is not None, "asked only where there is a threshold"
        return AlarmState(decision.alarm_rule, decision.energy)

    def plain(self) -> dict[str, Any]:
        """Return the states of all assets, and of which decision they are, as JSON can hold it."""
        decision = self._model.decision
        return {
            "threshold": None if decision is None else decision.energy,
            "alarm_rule": None if decision is None else decision.alarm_rule.plain(),
            "assets": [
                {"asset": name, "time": time, **state.plain()}
                for name, (state, time) in self._states.items()
            ],
        }

    def take(self, field: JsonField) -> None:
        """Go on from states that were kept; anew where the model now decides otherwise.

        Raises
        ------
        ValueError
            Naming the first field that is not as it must be.
        """
        threshold, rule, assets = field.fields("threshold", "alarm_rule", "assets")
        now = self.plain()
        if (threshold.value, rule.value) != (now["threshold"], now["alarm_rule"]):
            return
        decision = self._model.decision
        for one in assets.items(_MOST_ASSETS):
            if not isinstance(one.value, dict):
                one.fail("an object")
            rest = {n: value for n, value in one.value.items() if n not in ("asset", "time")}
            name, time = (
                JsonField(one.value.get(n), f"{one.path}.{n}") for n in ("asset", "time")
            )
            assert decision is not None, "there are assets only where there is a threshold"
            state = AlarmState.read(
                JsonField(rest, one.path), decision.alarm_rule, decision.energy
            )
            self._states[None if name.value is None else name.text()] = state, time.number()


def alarms_of(model: FittedModel, rows: Rows) -> Bool[np.ndarray, " n_rows"]:
    """Say of each row of a table whether it is in alarm.

    Parameters
    ----------
    model : FittedModel
    rows : Rows

    Raises
    ------
    InputError
        If the table does not fit the model.
    """
    tracker = AlarmTracker(model)
    tracker.check(rows.names)
    return tracker.update_all(rows, model.energy(rows))
