"""A calibration, saved and back; every field is checked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm._core.states import Promise, State
from dagmm.inference.calibration.calibration import MOST_SERIES, Calibration
from dagmm.inference.calibration.dependence import Dependence
from dagmm.inference.calibration.energies import MAX_KEPT, EmpiricalDistribution
from dagmm.preprocessing.reference_values import N_LEVELS

#: The two samples of energies that a calibration may have.
_SAMPLES = ("training", "held_out")
#: No table is longer.
_MOST_ROWS = 2**62


def state_of_calibration(calibration: Calibration) -> State:
    """Return a calibration as plain data and arrays."""
    plain: dict[str, Any] = {"held_out_are": calibration.held_out_are}
    arrays = {"reference_values": calibration.reference_values}
    series = calibration.series
    plain["series_rows"] = None if series is None else len(series)
    if series is not None:
        arrays["series"] = series
    for name in _SAMPLES:
        sample = getattr(calibration, name)
        plain[name] = None
        if sample is not None:
            plain[name] = {"n_rows": sample.n_rows, "n_kept": len(sample.energy)}
            plain[name] |= sample.dependence._asdict()
            arrays |= {f"{name}.energy": sample.energy, f"{name}.rank": sample.rank}
    return State(plain, arrays)


def read_calibration(field: JsonField, n_features: int) -> Promise[Calibration]:
    """Check the plain data of a calibration.

    Parameters
    ----------
    field : JsonField
    n_features : int
        Of its reference values.

    Raises
    ------
    ValueError
        Naming the first field that is not as it must be.
    """
    training, held_out, held_out_are, in_order = field.fields(
        *_SAMPLES, "held_out_are", "series_rows"
    )
    series = f"{field.path}.series"
    of_series = {} if in_order.value is None else {series: ("F32", (in_order.size(MOST_SERIES),))}
    values = f"{field.path}.reference_values"
    of_training = _read_sample(training)
    of_held_out = None if held_out.value is None else _read_sample(held_out)
    are = held_out_are.text()

    def build(arrays: Mapping[str, np.ndarray]) -> Calibration:
        known = None if of_held_out is None else of_held_out.build(arrays)
        training = of_training.build(arrays)
        return Calibration(arrays[values], training, known, are, arrays.get(series))

    promised = {values: ("F32", (N_LEVELS, n_features))} | of_training.arrays | of_series
    return Promise(promised | ({} if of_held_out is None else of_held_out.arrays), build)


def _read_sample(field: JsonField) -> Promise[EmpiricalDistribution]:
    rows, kept, effective, event = field.fields("n_rows", "n_kept", "n_effective", "event_rows")
    n_rows, n_kept = rows.size(_MOST_ROWS), kept.size()
    if n_kept != min(MAX_KEPT, n_rows):
        kept.fail(f"n_rows, at most {MAX_KEPT}")
    dependence = Dependence(effective.number(), event.number())
    if not 1.0 <= dependence.n_effective <= n_rows:
        effective.fail("a number from 1 to n_rows")
    if not 1.0 <= dependence.event_rows <= n_rows:
        event.fail("a number from 1 to n_rows")
    energy, rank = f"{field.path}.energy", f"{field.path}.rank"

    def build(arrays: Mapping[str, np.ndarray]) -> EmpiricalDistribution:
        if (np.diff(arrays[energy]) < 0.0).any():
            raise ValueError(f"array {energy!r} must be in ascending order")
        ranks = arrays[rank]
        # Not by np.diff, which overflows for ranks that are far apart.
        if ranks[0] < 0 or ranks[-1] != n_rows - 1 or (ranks[1:] <= ranks[:-1]).any():
            raise ValueError(f"array {rank!r} must ascend from at least 0 to {n_rows - 1}")
        return EmpiricalDistribution(arrays[energy], ranks, n_rows, dependence)

    return Promise({energy: ("F64", (n_kept,)), rank: ("I64", (n_kept,))}, build)
