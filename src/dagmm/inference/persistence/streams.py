"""Where a stream stands, in one file: arrays in safetensors format, the rest as JSON beside them.

It belongs to one model: what a model makes energies of, and by, has a digest that stands in the
file. The threshold is no part of that, and may have been moved meanwhile.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from dagmm._core.atomic_files import check_arrays, checksum_of, write_atomically
from dagmm._core.errors import ModelFileError, ModelSaveError
from dagmm._core.json_fields import JsonField
from dagmm.inference.alarms import AlarmTracker
from dagmm.inference.drift.monitor import DriftMonitor
from dagmm.inference.drift.state import plain_of, take
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.manifest import state_of_model
from dagmm.preprocessing.pipeline import FeatureReader
from dagmm.preprocessing.windows.buffer import KeptRows

_FORMAT, _VERSION = "dagmm stream", 1
#: Parts of a saved model that say what a row's energy is.
_OF_ENERGIES = ("encoder", "windows", "views", "networks", "components")
#: Assets that are read.
_MOST_ASSETS = 2**20


def save_stream(
    path: str | os.PathLike[str],
    model: FittedModel,
    reader: FeatureReader,
    alarms: AlarmTracker,
    drift: DriftMonitor | None,
) -> None:
    """Write where a stream stands to a file, whole or not at all.

    Raises
    ------
    ModelSaveError
        If it cannot be written.
    """
    file, kept = Path(path), [] if reader.buffer is None else reader.buffer.kept()
    plain: dict[str, Any] = {
        "format": _FORMAT,
        "format_version": _VERSION,
        "model": digest_of_model(model),
        "assets": [{"asset": one.asset, "rows": len(one.times)} for one in kept],
        "alarms": alarms.plain(),
        "drift": None if drift is None else plain_of(drift),
    }
    arrays = _joined(kept, model)
    plain["arrays"] = _digest_of_arrays(arrays)
    plain["checksum"] = checksum_of(plain)
    data = safetensors.numpy.save(arrays, {"stream": json.dumps(plain, allow_nan=False)})
    try:
        write_atomically(file, data)
    except OSError as error:
        raise ModelSaveError(
            error.errno, f"save: {str(file)!r} could not be written: {error.strerror}."
        ) from error


def load_stream(
    path: str | os.PathLike[str],
    model: FittedModel,
    reader: FeatureReader,
    alarms: AlarmTracker,
    drift: DriftMonitor | None,
) -> None:
    """Read where a stream stood; nothing is taken of a file that is refused.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, foreign, newer, or belongs to another model.
    """
    file = Path(path)
    if not file.is_file():
        raise ModelFileError(f"stream: {str(file)!r} does not exist.")
    with _named(file), safetensors.safe_open(file, framework="numpy") as opened:
        plain = _checked(file, (opened.metadata() or {}).get("stream"))
        if plain.pop("model", None) != digest_of_model(model):
            raise ModelFileError(
                f"stream: {str(file)!r} belongs to another model; begin a new stream."
            )
        assets, of_alarms, of_drift, digest = JsonField(plain, "the stream").fields(
            "assets", "alarms", "drift", "arrays"
        )
        names, sizes = _read_assets(assets, model)
        n_rows = sum(sizes)
        shape = {"rows": ("F32", (n_rows, model.encoder.n_features)), "times": ("F64", (n_rows,))}
        check_arrays(opened, shape)
        arrays = {name: opened.get_tensor(name) for name in shape}
        if digest.text() != _digest_of_arrays(arrays):
            raise ValueError("its arrays are not those that it speaks of")
        cuts = np.cumsum([0, *sizes]).tolist()
        kept = [
            KeptRows(name, *(arrays[part][start:stop] for part in shape))
            for name, start, stop in zip(names, cuts[:-1], cuts[1:], strict=True)
        ]
        alarms.take(of_alarms)
        if drift is not None and of_drift.value is not None:
            take(drift, of_drift)
    if reader.buffer is not None:
        reader.buffer.take(kept)


def digest_of_model(model: FittedModel) -> str:
    """SHA-256 of everything that makes a model's energies."""
    state = state_of_model(model)
    digest = hashlib.sha256(checksum_of({n: state.plain[n] for n in _OF_ENERGIES}).encode())
    for name in sorted(state.arrays):
        if not name.startswith("calibration."):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(state.arrays[name]).tobytes())
    return digest.hexdigest()


def _joined(kept: list[KeptRows], model: FittedModel) -> dict[str, np.ndarray]:
    rows = [np.empty((0, model.encoder.n_features), np.float32), *(one.rows for one in kept)]
    times = [np.empty(0), *(one.times for one in kept)]
    return {"rows": np.concatenate(rows), "times": np.concatenate(times)}


def _digest_of_arrays(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _checked(file: Path, text: str | None) -> dict[str, Any]:
    """Return what a file says that this version can read, less the fields that say what it is."""
    plain = None if text is None else json.loads(text)
    if not isinstance(plain, dict) or plain.get("format") != _FORMAT:
        raise ModelFileError(f"stream: {str(file)!r} was not written by a stream of dagmm.")
    version = plain.get("format_version")
    if not isinstance(version, int) or version > _VERSION:
        raise ModelFileError(
            f"stream: {str(file)!r} has format {version!r}, this dagmm reads up to {_VERSION}; "
            "upgrade dagmm."
        )
    if plain.get("checksum") != checksum_of(plain):
        raise ValueError("its checksum does not belong to its content")
    gone = ("format", "format_version", "checksum")
    return {name: value for name, value in plain.items() if name not in gone}


def _read_assets(field: JsonField, model: FittedModel) -> tuple[list[str], list[int]]:
    names, sizes = [], []
    for one in field.items(_MOST_ASSETS):
        asset, rows = one.fields("asset", "rows")
        names.append(asset.text())
        sizes.append(rows.size(max(1, model.n_steps - 1)))
    if len(set(names)) < len(names):
        field.fail("assets that are all different")
    return names, sizes


@contextlib.contextmanager
def _named(file: Path) -> Iterator[None]:
    """Say which file was wrong when its content is not what was written."""
    try:
        yield
    except ModelFileError:
        raise
    except (ValueError, RecursionError, safetensors.SafetensorError) as error:
        raise ModelFileError(f"stream: {str(file)!r} is damaged: {error}.") from error
    except OSError as error:
        raise ModelFileError(
            f"stream: {str(file)!r} cannot be read: {error.strerror or error}."
        ) from error
