"""A model brought up to date: mixtures, scaling of energies and threshold from new normal rows."""

import math
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dagmm._core.arguments import check_number
from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.calibration import OF_AN_UPDATE, Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.calibration.threshold_rules import choose_again
from dagmm.inference.drift.columns import ColumnDrift
from dagmm.inference.drift.drift import look_at
from dagmm.inference.drift.monitor import ALPHA
from dagmm.inference.ensemble import combine
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.refresh.moments import energies_of, moments_of
from dagmm.inference.refresh.new_rows import new_rows
from dagmm.inference.surprisal import Surprisal
from dagmm.inference.unfitted import Unfitted, cross_fitted
from dagmm.preprocessing.reference_values import reference_values_of

#: Of fewer new rows the scale of energies and the threshold would be chance.
LEAST_ROWS = 100
#: Such a share of new rows above the threshold before is more than a refresh mends.
_TOO_MANY = 0.5


@dataclass(frozen=True)
class Update:
    """What an update changed.

    Parameters
    ----------
    version : int
        Of the model that came out.
    n_rows : int
        New rows; of windows those that are whole.
    old_rows : float
        What the old rows, or windows, count beside them in the mixtures.
    threshold_before, threshold_after : float
        In nats; energies of both are on different scales.
    share_above_before, share_above_after : float
        Of the new rows above the threshold: of the model before, and of mixtures that the rows
        are no part of.
    columns : tuple of ColumnDrift
        How far each column has moved since the rows known before; none of images and windows.
    warnings : tuple of str
    """

    version: int
    n_rows: int
    old_rows: float
    threshold_before: float
    threshold_after: float
    share_above_before: float
    share_above_after: float
    columns: tuple[ColumnDrift, ...]
    warnings: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {
            "columns": [column.plain() for column in self.columns],
            "warnings": list(self.warnings),
        }


def updated(model: FittedModel, table: object, keep: object = 1.0) -> tuple[FittedModel, Update]:
    """Bring a model up to date with new normal rows; networks and encoder stay as they are.

    Mixtures get the moments of the new rows beside those of the old ones. What a component's
    energies are measured by (surprisals), the energies that thresholds and p-values are counted
    in, and the usual values of columns are those of the new rows alone, as nothing can score the
    old rows anew. A block of new rows is scored by mixtures that it is no part of.

    Parameters
    ----------
    model : FittedModel
        With a threshold.
    table : DataFrame, array-like of shape (n_rows, n_columns), Rows or images
        New normal rows, 100 or more, or as many whole windows, that show all ways to be normal.
    keep : float, default=1
        What an old row counts beside a new one, in (0, 1].

    Returns
    -------
    model : FittedModel
    update : Update

    Raises
    ------
    ArgumentError
        If the model cannot be brought up to date, or its threshold not be found anew.
    InputError
        If there are too few rows, columns are missing, or values cannot be encoded.
    """
    before = model.decision
    if before is None:
        raise ArgumentError("update: this model has no threshold; a DAGMMDetector has one.")
    share = _share_kept(keep)
    table = as_rows(table, columns=model.read_columns)
    _check_enough(table.n_rows, "rows")
    seen = look_at(model, table)
    rows = new_rows(model, table)
    if model.windows is not None:
        _check_enough(rows.n_rows, f"whole windows of {model.n_steps} rows")
    weight = share * _weight_of(model)
    new = moments_of(model, rows)
    components, energies = energies_of(model, rows, weight, new)
    if len(components) > 1:
        components = tuple(
            replace(one, surprisal=Surprisal.of(energy))
            for one, energy in zip(components, energies.of_others, strict=True)
        )
    places = np.arange(energies.of_others.shape[1])
    everything = Unfitted(places, list(range(len(components))), energies.of_others)
    held_out = cross_fitted(components, [everything])
    windows = model.windows
    n_shared = 1 if windows is None else windows.n_shared
    calibration = Calibration(
        reference_values_of(
            new.sample,
            model.input_columns,
            n_numbers=model.encoder.n_numbers,
            of_windows=windows is not None,
        ),
        EmpiricalDistribution.of(combine(components, energies.of_all), n_shared),
    ).with_held_out(
        held_out, OF_AN_UPDATE, n_shared, is_series=windows is None or windows.step == 1
    )
    decision = choose_again(calibration, before)
    revision = replace(
        model.revision,
        version=model.revision.version + 1,
        updated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        updated_rows=table.n_rows,
        reference_rows=len(new.sample),
        weight=weight + rows.n_rows,
    )
    energy_before = seen.energy[rows.in_table()]
    share_above = float(is_anomaly(energy_before, before.energy).mean())
    result = Update(
        revision.version,
        rows.n_rows,
        weight,
        before.energy,
        decision.energy,
        share_above,
        float(is_anomaly(held_out, decision.energy).mean()),
        seen.moves(ALPHA),
        _doubts(share_above, before.share is None, decision.warnings),
    )
    made = replace(
        model,
        components=components,
        calibration=calibration,
        decision=decision,
        revision=revision,
    )
    return made, result


def _share_kept(keep: object) -> float:
    if keep == 1:
        return 1.0
    share = check_number("keep", keep, 0.0, math.inf, above=True)
    if share > 1.0:
        raise ArgumentError(f"keep must be in (0, 1], got {keep!r}.")
    return share


def _check_enough(n_rows: int, what: str) -> None:
    if n_rows < LEAST_ROWS:
        raise InputError(
            f"update: expected at least {LEAST_ROWS} {what}, got {n_rows}; of fewer neither the "
            "scale of energies nor a threshold can be told."
        )


def _weight_of(model: FittedModel) -> float:
    """Count the rows, or windows, that the mixtures of a model stand for."""
    if model.revision.weight is not None:
        return model.revision.weight
    if model.record.n_windows is not None:
        return float(model.record.n_windows)
    return float(model.record.n_rows - model.record.held_out_rows)


def _doubts(share_above: float, is_stated: bool, found: tuple[Any, ...]) -> tuple[str, ...]:
    doubts = [f"the threshold: {warning.text}" for warning in found]
    if is_stated:
        doubts.append(
            "the threshold is a stated energy and stays, but energies are measured by the new "
            "rows now; look at the share of rows above it, and set it anew"
        )
    if share_above > _TOO_MANY:
        doubts.append(
            f"{100.0 * share_above:.0f} % of the rows lay above the threshold before: so new rows "
            "are beyond what the networks learnt; compare with a model that is fitted to them"
        )
    return tuple(doubts)
