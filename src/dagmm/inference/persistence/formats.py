"""Manifests of earlier formats, brought to the present one before they are checked.

Format 2 says which version of a model it is (``revision``); of each Gaussian mixture what its
covariances have of their floor, without which new rows cannot be merged into it; of a threshold
its alarm logic, of calibration the order of energies. Format 3 says in which type a network
computes, of networks whether they found relations, and of the encoder of a table of which asset
alone the rows were (``asset``); where nothing is said, that is not known. Its summaries of windows
hold the movement of each column, which those of earlier formats lack.
"""

from dataclasses import asdict
from typing import Any

from dagmm.inference.calibration.alarm_rule import PLAIN
from dagmm.inference.revision import Revision

#: Version of the directory's format; raised when an older library could not read it.
FORMAT_VERSION = 3
#: Densities that are a Gaussian mixture.
_MIXTURES = ("row_mixture", "input_mixture", "latent_mixture")


def can_be_read(plain: dict[str, Any], version: int) -> bool:
    """Say whether a manifest has what the present format needs, or what stands for it."""
    windows = plain.get("windows")
    return version >= 3 or not isinstance(windows, dict) or windows.get("detail") != "summary"


def as_present(plain: dict[str, Any], version: int) -> dict[str, Any]:
    """Return a manifest as the present format has it; what is wrong in it stays so."""
    if version < 2:
        plain = _as_format_2(plain)
    if version < 3:
        for one in _objects(plain.get("networks")):
            one.setdefault("precision", "float32")
        record = plain.get("record")
        for one in _objects(record.get("diagnostics") if isinstance(record, dict) else None):
            one.setdefault("relations", None)
        encoder = plain.get("encoder")
        if isinstance(encoder, dict) and "columns" in encoder:
            encoder.setdefault("asset", None)
    return plain


def _objects(part: object) -> list[dict[str, Any]]:
    return [one for one in part if isinstance(one, dict)] if isinstance(part, list) else []


def _as_format_2(plain: dict[str, Any]) -> dict[str, Any]:
    for one in _objects(plain.get("components")):
        density = one.get("density")
        if isinstance(density, dict) and one.get("kind") in _MIXTURES:
            density.setdefault("has_floor", False)
    parts = {
        "calibration": {"series_rows": None},
        "threshold": {"alarm_rule": asdict(PLAIN)},
        "record": {"advised_window": None},
    }
    for name, added in parts.items():
        if isinstance(plain.get(name), dict):
            plain[name] = added | plain[name]
    return {"revision": Revision().plain(), **plain}
