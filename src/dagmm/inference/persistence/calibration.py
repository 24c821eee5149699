"""The calibration of a saved model, as plain data and arrays and back."""

from typing import Any, NamedTuple

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import MAX_KEPT, EmpiricalDistribution
from dagmm.preprocessing.reference_values import N_LEVELS

#: The two samples of energies that a calibration may have.
_SAMPLES = ("training", "held_out")
#: No table is longer.
_MOST_ROWS = 2**62


class CalibrationManifest(NamedTuple):
    """What a manifest says of a calibration, checked: all but its arrays."""

    sizes: dict[str, tuple[int, int]]
    """Rows, and energies kept, of each sample there is."""
    held_out_are: str


def plain_of_calibration(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as plain data, but for its arrays."""
    plain: dict[str, Any] = {"held_out_are": calibration.held_out_are}
    for name in _SAMPLES:
        sample = getattr(calibration, name)
        plain[name] = sample and {"n_rows": sample.n_rows, "n_kept": len(sample.energy)}
    return plain


def arrays_of_calibration(calibration: Calibration) -> dict[str, np.ndarray]:
    """Return a calibration's arrays by name."""
    arrays = {"calibration.reference_values": calibration.reference_values}
    for name in _SAMPLES:
        sample = getattr(calibration, name)
        if sample is not None:
            arrays[f"calibration.{name}.energy"] = sample.energy
            arrays[f"calibration.{name}.rank"] = sample.rank
    return arrays


def read_calibration(field: JsonField) -> CalibrationManifest:
    """Check what a manifest says of a calibration.

    Raises
    ------
    ValueError
        Naming the first field that is not as it must be.
    """
    *samples, held_out_are = field.fields(*_SAMPLES, "held_out_are")
    sizes = {}
    for name, sample in zip(_SAMPLES, samples, strict=True):
        if sample.value is not None or name == "training":
            n_rows, n_kept = sample.fields("n_rows", "n_kept")
            kept = n_kept.size()
            if kept != min(MAX_KEPT, n_rows.size(_MOST_ROWS)):
                n_kept.fail(f"n_rows, at most {MAX_KEPT}")
            sizes[name] = (n_rows.value, kept)
    return CalibrationManifest(sizes, held_out_are.text())


def promised_calibration(
    manifest: CalibrationManifest, n_features: int
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of every array that a manifest promises of a calibration."""
    arrays: dict[str, tuple[str, tuple[int, ...]]] = {
        "calibration.reference_values": ("F32", (N_LEVELS, n_features))
    }
    for name, (_, n_kept) in manifest.sizes.items():
        arrays[f"calibration.{name}.energy"] = ("F64", (n_kept,))
        arrays[f"calibration.{name}.rank"] = ("I64", (n_kept,))
    return arrays


def join_calibration(manifest: CalibrationManifest, arrays: dict[str, np.ndarray]) -> Calibration:
    """Put a calibration and its arrays together.

    Raises
    ------
    ValueError
        Naming an array whose values a calibration cannot have.
    """
    samples = {
        name: _sample(f"calibration.{name}.", n_rows, arrays)
        for name, (n_rows, _) in manifest.sizes.items()
    }
    return Calibration(
        arrays["calibration.reference_values"],
        samples["training"],
        samples.get("held_out"),
        manifest.held_out_are,
    )


def _sample(prefix: str, n_rows: int, arrays: dict[str, np.ndarray]) -> EmpiricalDistribution:
    energy, rank = arrays[f"{prefix}energy"], arrays[f"{prefix}rank"]
    if (np.diff(energy) < 0.0).any():
        raise ValueError(f"array '{prefix}energy' must be in ascending order")
    # Not by np.diff, which overflows for ranks that are far apart.
    if rank[0] < 0 or rank[-1] != n_rows - 1 or (rank[1:] <= rank[:-1]).any():
        raise ValueError(f"array '{prefix}rank' must ascend from at least 0 to {n_rows - 1}")
    return EmpiricalDistribution(energy, rank, n_rows)
