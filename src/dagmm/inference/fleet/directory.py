"""Saved fleets: a folder of saved models, one for each asset, and a manifest that names them.

``fleet.json`` says which column names the assets, and which assets there are. Each model is a
folder of its own under ``models``, as any saved model; the model of all is ``all``, and networks
that assets begin with are arrays in ``start.safetensors``. The manifest is replaced in one step,
and is written while a fit runs as well, so that what was fitted is kept.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagmm._core.atomic_files import checksum_of, write_atomically
from dagmm._core.errors import ModelFileError, ModelSaveError
from dagmm._core.file_locks import alone_in
from dagmm._core.json_fields import JsonField
from dagmm._version import __version__
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.fitted_fleet import Asset, FittedFleet
from dagmm.inference.persistence.directory import (
    FLEET,
    SavedModel,
    is_free,
    is_saved_model,
    load_model,
    remove_model,
)

MODELS, OF_ALL, START = "models", "all", "start.safetensors"
#: Version of the folder's format; raised when an older library could not read it.
FORMAT_VERSION = 1
#: A manifest larger than this is not one of ours: each asset has a line of it.
_MOST_BYTES, _MOST_ASSETS = 2**27, 10**6
#: Folders of models, as :func:`folder_of` names them.
_FOLDER = re.compile(r"[A-Za-z0-9._-]{1,40}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{0,64}")


@dataclass(frozen=True)
class FleetManifest:
    """What ``fleet.json`` says.

    Parameters
    ----------
    per : str
    arguments : dict
        Constructor arguments of the estimator, as plain data.
    assets : dict of str to Asset
        Those that are fitted.
    of_all : str
        Digest of the rows that the model of all is fitted to; empty where there is none yet.
    start : str
        SHA-256 of ``start.safetensors``, the networks that assets begin at; empty without any.
    start_digest : str
        Of the rows that they were trained on.
    is_whole : bool
        Whether the fit has come to its end.
    """

    per: str
    arguments: dict[str, Any]
    assets: dict[str, Asset] = field(default_factory=dict)
    of_all: str = ""
    start: str = ""
    start_digest: str = ""
    is_whole: bool = False


def folder_of(asset: str) -> str:
    """Return the name of the folder of an asset's model: readable, and no two the same."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", asset).strip("._")[:40] or "asset"
    return f"{readable}-{hashlib.sha256(asset.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def is_saved_fleet(path: str | os.PathLike[str]) -> bool:
    """Whether a directory holds a fleet, whole or not."""
    return (Path(path) / FLEET).is_file()


def check_target(directory: Path) -> None:
    """Check that a fleet can be written to a directory.

    Raises
    ------
    ModelSaveError
        If it holds something else.
    """
    if directory.exists() and not directory.is_dir():
        raise ModelSaveError(f"save: {str(directory)!r} is a file; a fleet is a directory.")
    if directory.exists() and not is_saved_fleet(directory) and not is_free(directory):
        raise ModelSaveError(
            f"save: {str(directory)!r} holds files that are not a saved fleet; choose another "
            "directory."
        )


def write_manifest(directory: Path, manifest: FleetManifest) -> None:
    """Write the manifest in one step; of a whole fleet, models that it does not name are deleted.

    Raises
    ------
    ModelSaveError
        If the directory cannot be written.
    """
    plain = {
        "format": "dagmm fleet",
        "format_version": FORMAT_VERSION,
        "library_version": __version__,
        "per": manifest.per,
        "arguments": manifest.arguments,
        "of_all": manifest.of_all,
        "start": manifest.start,
        "start_digest": manifest.start_digest,
        "is_whole": manifest.is_whole,
        "assets": [
            [name, asset.n_rows, asset.why_not, asset.digest]
            for name, asset in manifest.assets.items()
        ],
    }
    plain["checksum"] = checksum_of(plain)
    text = json.dumps(plain, indent=None, ensure_ascii=False, allow_nan=False)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with alone_in(directory):
            write_atomically(directory / FLEET, text.encode("utf-8", "surrogatepass"))
            if manifest.is_whole:
                _remove_others(directory, manifest)
    except OSError as error:
        raise ModelSaveError(
            error.errno, f"save: {str(directory)!r} could not be written: {error.strerror}."
        ) from error


def _remove_others(directory: Path, manifest: FleetManifest) -> None:
    """Delete models of assets that are gone, or that are scored by the model of all now."""
    named = {folder_of(name) for name, asset in manifest.assets.items() if not asset.why_not}
    folder = directory / MODELS
    for entry in folder.iterdir() if folder.is_dir() else ():
        is_ours = _FOLDER.fullmatch(entry.name) and is_saved_model(entry)
        if is_ours and entry.name not in named and not entry.is_symlink():
            remove_model(entry)


def read_manifest(path: str | os.PathLike[str]) -> FleetManifest:
    """Read ``fleet.json``, checked.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, foreign or newer.
    """
    file = Path(path) / FLEET
    try:
        if not file.is_file():
            raise ModelFileError(f"restore: {str(Path(path))!r} is not a saved fleet.")
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES} bytes")
        plain = json.loads(file.read_bytes())
        if not isinstance(plain, dict) or plain.get("format") != "dagmm fleet":
            raise ModelFileError(f"restore: {str(file)!r} was not written by dagmm.")
        version = plain.get("format_version")
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise ModelFileError(
                f"restore: {str(file)!r} has format {version!r}, this dagmm reads up to "
                f"{FORMAT_VERSION}; upgrade dagmm."
            )
        if plain.get("checksum") != checksum_of(plain):
            raise ValueError("its checksum does not belong to its content")
        return _manifest_of(plain)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"restore: {str(file)!r} is damaged: {error}.") from error
    except OSError as error:
        raise ModelFileError(
            f"restore: {str(file)!r} cannot be read: {error.strerror or error}."
        ) from error


def _manifest_of(plain: dict[str, Any]) -> FleetManifest:
    names = (
        *("format", "format_version", "library_version", "per", "arguments", "of_all"),
        *("start", "start_digest", "is_whole", "assets", "checksum"),
    )
    found = dict(zip(names, JsonField(plain, "the manifest").fields(*names), strict=True))
    if not isinstance(found["arguments"].value, dict):
        found["arguments"].fail("an object")
    assets = {}
    for one in found["assets"].items(_MOST_ASSETS):
        name, n_rows, why_not, digest = one.items(4, least=4)
        if not _DIGEST.fullmatch(digest.text()):
            digest.fail("a digest")
        assets[name.text()] = Asset(n_rows.whole(), why_not.text(), digest.text())
    return FleetManifest(
        found["per"].text(),
        found["arguments"].value,
        assets,
        found["of_all"].text(),
        found["start"].text(),
        found["start_digest"].text(),
        found["is_whole"].flag(),
    )


class SavedModels(Mapping[str, FittedModel]):
    """The models of a saved fleet, each read when it is first asked for.

    Parameters
    ----------
    directory : Path
    names : list of str
        Assets whose models lie there.
    changed : mapping of str to FittedModel
        Those that are others than lie there, or that do not lie there yet.
    """

    def __init__(
        self, directory: Path, names: list[str], changed: Mapping[str, FittedModel] | None = None
    ) -> None:
        self._directory = directory
        self._read: dict[str, FittedModel | None] = dict.fromkeys(names)
        self.changed = dict(changed or {})
        self._read |= self.changed

    def with_changed(self, models: Mapping[str, FittedModel]) -> "SavedModels":
        """Return the same with other models, or more of them."""
        found = SavedModels(self._directory, list(self._read), {**self.changed, **models})
        found._read = {**self._read, **models}
        return found

    def written(self) -> "SavedModels":
        """Return the same after what has changed was written."""
        found = SavedModels(self._directory, list(self._read))
        found._read = dict(self._read)
        return found

    def __getitem__(self, asset: str) -> FittedModel:
        model = self._read[asset]
        if model is None:
            model = self._read[asset] = load_model(model_path(self._directory, asset)).model
        return model

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def model_path(directory: str | os.PathLike[str], asset: str) -> Path:
    """Return where the model of an asset lies in a saved fleet."""
    return Path(directory) / MODELS / folder_of(asset)


class SavedFleet:
    """A fleet that was read.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    fleet : FittedFleet
    manifest : FleetManifest
    of_all : SavedModel

    Raises
    ------
    ModelFileError
        If it is missing, damaged, foreign, newer, or its fit has not come to an end.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        directory = Path(path)
        self.manifest = read_manifest(path)
        if not self.manifest.is_whole:
            raise ModelFileError(
                f"restore: the fit of the fleet in {str(directory)!r} has not come to its end: "
                f"{len(self.manifest.assets)} assets are fitted. Give the same fit again, and it "
                "goes on."
            )
        assets = self.manifest.assets
        own = [name for name, asset in assets.items() if not asset.why_not]
        missing = [name for name in own if not model_path(directory, name).is_dir()]
        if missing:
            raise ModelFileError(
                f"restore: the model of {self.manifest.per} {missing[0]!r} is missing in "
                f"{str(directory)!r}; the fleet is incomplete."
            )
        self.of_all: SavedModel = load_model(directory / OF_ALL)
        models = SavedModels(directory, own)
        self.fleet = FittedFleet(self.manifest.per, assets, models, self.of_all.model)
