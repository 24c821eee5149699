"""What travels to workers: the bytes of a saved model or of a fleet, which are read there once."""

import hashlib
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from dagmm._core.errors import ArgumentError
from dagmm.inference.alarms import check_no_alarm_logic
from dagmm.inference.batches import names_added, score_batches
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.batches import FleetScorer, together
from dagmm.inference.fleet.directory import OF_ALL, SavedFleet, is_saved_fleet, model_path
from dagmm.inference.fleet.fitted_fleet import Asset, FittedFleet
from dagmm.inference.persistence.directory import load_model
from dagmm.preprocessing.image_encoder import ImageEncoder

#: What a worker has read, by its digest; the last few.
_read: dict[str, Any] = {}
_MOST_READ = 4


class Packed(ABC):
    """What scores rows of a partition; it can be pickled."""

    @property
    @abstractmethod
    def first(self) -> FittedModel:
        """The model, or the one of all assets."""

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Columns without which nothing can be scored."""

    @abstractmethod
    def reads(self, columns: Sequence[str]) -> list[str]:
        """Return which columns of a table are read."""

    @abstractmethod
    def names(self, p_value: bool, explain: int) -> list[str]:
        """Return the columns that are added."""

    @abstractmethod
    def check_order(self) -> None:
        """Check that rows may be scored in any order, where there are no windows.

        Raises
        ------
        ArgumentError
        """

    @abstractmethod
    def score(
        self, batches: Iterable[Any], passed: Sequence[str], p_value: bool, explain: int
    ) -> Iterator[pa.RecordBatch]:
        """Score record batches or tables, in their order."""


@dataclass(frozen=True)
class PackedModel(Packed):
    """A saved model that travels to workers.

    Parameters
    ----------
    files : tuple of (str, bytes)
        Of its folder, by name.
    digest : str
        SHA-256 of them.
    """

    files: tuple[tuple[str, bytes], ...]
    digest: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "PackedModel":
        """Read the folder of a saved model.

        Raises
        ------
        ModelFileError
            If it cannot be read.
        ArgumentError
            If it is a model of images.
        """
        model = load_model(path).model
        if isinstance(model.encoder, ImageEncoder):
            raise ArgumentError(f"{os.fspath(path)!r} is a model of images; engines hold tables.")
        return cls._of_folder(Path(path))

    @classmethod
    def _of_folder(cls, folder: Path) -> "PackedModel":
        names = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
        files = tuple((name, (folder / name).read_bytes()) for name in names)
        digest = hashlib.sha256()
        for name, data in files:
            digest.update(f"{name}\x1f{len(data)}\x1f".encode() + data)
        return cls(files, digest.hexdigest())

    def read(self) -> FittedModel:
        """Return the model, read anew."""
        with tempfile.TemporaryDirectory(prefix="dagmm-") as folder:
            for name, data in self.files:
                (Path(folder) / name).write_bytes(data)
            return load_model(folder).model

    @property
    def first(self) -> FittedModel:
        """The model, which a process reads once."""
        if self.digest not in _read:
            _keep(self.digest, self.read())
        model: FittedModel = _read[self.digest]
        return model

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns without which nothing can be scored."""
        return self.first.columns

    def reads(self, columns: Sequence[str]) -> list[str]:
        """Return which columns of a table are read."""
        return [name for name in self.first.read_columns if name in columns]

    def names(self, p_value: bool, explain: int) -> list[str]:
        """Return the columns that are added."""
        above = [] if self.first.threshold is None else ["is_anomaly"]
        return ["energy", *above, *names_added(self.first, p_value, explain)]

    def check_order(self) -> None:
        """Check that there is no alarm logic."""
        check_no_alarm_logic(self.first, "rows of a partition come in no order")

    def score(
        self, batches: Iterable[Any], passed: Sequence[str], p_value: bool, explain: int
    ) -> Iterator[pa.RecordBatch]:
        """Score record batches or tables, in their order."""
        return score_batches(self.first, batches, passed=passed, p_value=p_value, explain=explain)


@dataclass(frozen=True)
class PackedFleet(Packed):
    """A saved fleet that travels to workers, which read the models of assets that they meet.

    Parameters
    ----------
    per : str
        The column that names the asset of a row.
    assets : dict of str to Asset
    models : dict of str to PackedModel
        Of those that have one of their own.
    of_all : PackedModel
    columns : tuple of str
        Those of the table that the fleet was fitted to.
    unseen : {"error", "all"}
        What becomes of rows of assets that it was not fitted to.
    digest : str
        SHA-256 of the models.
    """

    per: str
    assets: dict[str, Asset]
    models: dict[str, PackedModel]
    of_all: PackedModel
    columns: tuple[str, ...]
    unseen: str
    digest: str

    @classmethod
    def of(cls, path: str | os.PathLike[str], unseen: str | None = None) -> "PackedFleet":
        """Read the folder of a saved fleet.

        Raises
        ------
        ModelFileError
            If it cannot be read.
        """
        saved = SavedFleet(path)
        own = [name for name, asset in saved.fleet.assets.items() if not asset.why_not]
        models = {name: PackedModel._of_folder(model_path(path, name)) for name in own}
        of_all = PackedModel.of(Path(path) / OF_ALL)
        digest = hashlib.sha256()
        for name, one in [*models.items(), ("", of_all)]:
            digest.update(f"{name}\x1f{one.digest}\x1f".encode("utf-8", "surrogatepass"))
        return cls(
            saved.fleet.per,
            saved.fleet.assets,
            models,
            of_all,
            tuple(saved.of_all.arguments["feature_names_in_"]),
            unseen or saved.manifest.arguments["unseen"],
            digest.hexdigest(),
        )

    def fleet(self) -> FittedFleet:
        """Return the fleet, of which a process reads each model once."""
        if self.digest not in _read:
            models = _Models(self.models)
            _keep(self.digest, FittedFleet(self.per, self.assets, models, self.first))
        fleet: FittedFleet = _read[self.digest]
        return fleet

    @property
    def first(self) -> FittedModel:
        """The model of all."""
        return self.of_all.first

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns without which nothing can be scored."""
        return tuple(dict.fromkeys([*self.first.columns, self.per]))

    def reads(self, columns: Sequence[str]) -> list[str]:
        """Return which columns of a table are read."""
        wanted = {*self.columns, self.per}
        return [name for name in columns if name in wanted]

    def names(self, p_value: bool, explain: int) -> list[str]:
        """Return the columns that are added."""
        return list(self._scorer((), p_value, explain).names_written)

    def check_order(self) -> None:
        """Nothing: each model is asked where it scores."""

    def score(
        self, batches: Iterable[Any], passed: Sequence[str], p_value: bool, explain: int
    ) -> Iterator[pa.RecordBatch]:
        """Score record batches or tables, in their order."""
        return _scored(self._scorer(passed, p_value, explain), batches)

    def _scorer(self, passed: Sequence[str], p_value: bool, explain: int) -> FleetScorer:
        return FleetScorer(
            self.fleet(), self.unseen, passed=passed, p_value=p_value, explain=explain
        )


def _scored(scorer: FleetScorer, batches: Iterable[Any]) -> Iterator[pa.RecordBatch]:
    start = 0
    for table in together(batches):
        found = scorer.score(table, start).combine_chunks()
        # An empty partition has columns as well.
        yield from found.to_batches() or [pa.RecordBatch.from_pylist([], schema=found.schema)]
        start += table.num_rows


class _Models(Mapping[str, FittedModel]):
    """Models of a packed fleet, each read when it is first asked for."""

    def __init__(self, packed: Mapping[str, PackedModel]) -> None:
        self._packed = packed
        self._models: dict[str, FittedModel] = {}

    def __getitem__(self, asset: str) -> FittedModel:
        if asset not in self._models:
            self._models[asset] = self._packed[asset].read()
        return self._models[asset]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def packed(path: str | os.PathLike[str], unseen: str | None = None) -> Packed:
    """Read the folder of a saved model, or of a fleet.

    Parameters
    ----------
    path : path-like
    unseen : {"error", "all"}, optional
        What becomes of rows of assets that a fleet was not fitted to; by default what it was
        fitted with.

    Raises
    ------
    ModelFileError
        If it cannot be read.
    ArgumentError
        If it is a model of images, or one model is told about assets.
    """
    if is_saved_fleet(path):
        return PackedFleet.of(path, unseen)
    if unseen is not None:
        raise ArgumentError(
            f"unseen={unseen!r} belongs to a fleet, and {os.fspath(path)!r} is none."
        )
    return PackedModel.of(path)


def _keep(digest: str, what: object) -> None:
    while len(_read) >= _MOST_READ:
        _read.pop(next(iter(_read)))
    _read[digest] = what
