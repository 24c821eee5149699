"""What every engine asks for: a function from the record batches of a partition to their scores.

A model travels as the bytes of its folder, and is read once in each worker. Scores do not depend
on how rows are cut into partitions, as a row's energy depends on the row alone. With windows it
depends on the rows of its asset before it, so that an engine has to bring these together, in
order, first.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from dagmm._core.arguments import check_int, near
from dagmm._core.errors import ArgumentError, InputError
from dagmm.inference.alarms import check_no_alarm_logic
from dagmm.inference.batches import names_added, score_batches
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.directory import is_saved_fleet
from dagmm.inference.persistence.directory import load_model
from dagmm.preprocessing.image_encoder import ImageEncoder

#: Models that a worker has read, by their digest; the last few.
_models: dict[str, FittedModel] = {}
_MOST_MODELS = 4
_TYPES = {"energy": pa.float64(), "p_value": pa.float64()}
_FLAGS = ("is_anomaly", "is_alarm", "is_explained")


@dataclass(frozen=True)
class PackedModel:
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
            If it is a fleet, or a model of images.
        """
        if is_saved_fleet(path):
            raise ArgumentError(
                f"{os.fspath(path)!r} is a fleet; engines score with one model. Repartition by "
                "the asset and score each with its own, or use dagmm score."
            )
        model = load_model(path).model
        if isinstance(model.encoder, ImageEncoder):
            raise ArgumentError(f"{os.fspath(path)!r} is a model of images; engines hold tables.")
        folder = Path(path)
        names = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
        files = tuple((name, (folder / name).read_bytes()) for name in names)
        digest = hashlib.sha256()
        for name, data in files:
            digest.update(f"{name}\x1f{len(data)}\x1f".encode() + data)
        return cls(files, digest.hexdigest())

    def model(self) -> FittedModel:
        """Return the model, which a process reads once."""
        if self.digest not in _models:
            with tempfile.TemporaryDirectory(prefix="dagmm-") as folder:
                for name, data in self.files:
                    (Path(folder) / name).write_bytes(data)
                model = load_model(folder).model
            while len(_models) >= _MOST_MODELS:
                _models.pop(next(iter(_models)))
            _models[self.digest] = model
        return _models[self.digest]


@dataclass(frozen=True)
class PartitionScorer:
    """Scores the record batches of a partition; it can be sent to other processes.

    Parameters
    ----------
    packed : PackedModel
    passed : tuple of str
        Columns that come out as they are.
    p_value : bool
    explain : int
    of_model : tuple of str
        Columns that the model reads of such a table.

    Examples
    --------
    >>> import numpy as np, pyarrow as pa, tempfile
    >>> from dagmm import DAGMMDetector
    >>> from dagmm.cluster.partitions import PartitionScorer
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> table = pa.table({"a": x[:, 0], "b": x[:, 1]})
    >>> folder = tempfile.mkdtemp()
    >>> DAGMMDetector(n_members=1, config={"cycles": 1}).fit(table).save(folder)
    >>> named = table.append_column("line", pa.array(["L1"] * 100))
    >>> scorer = PartitionScorer.of(folder, named.column_names)
    >>> [batch.schema.names for batch in scorer(named.to_batches())]
    [['line', 'energy', 'is_anomaly']]
    """

    packed: PackedModel
    passed: tuple[str, ...]
    p_value: bool = False
    explain: int = 0
    of_model: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        path: str | os.PathLike[str],
        columns: Sequence[str],
        passed: Sequence[str] | None = None,
        *,
        p_value: bool = False,
        explain: int = 0,
    ) -> "PartitionScorer":
        """Check what is asked for, before the engine begins.

        Parameters
        ----------
        path : path-like
            Of a saved model.
        columns : sequence of str
            Those of the table.
        passed : sequence of str, optional
            By default all columns that the model does not describe: identifiers, partitions,
            clock and asset.
        p_value : bool, default=False
        explain : int, default=0
            How many columns to name that add most to an anomaly's energy.

        Raises
        ------
        ArgumentError, InputError, ModelFileError
        """
        packed = PackedModel.of(path)
        model = packed.model()
        missing = [name for name in model.columns if name not in columns]
        if missing:
            raise InputError(
                f"the table has no column {missing[0]!r}, which the model was fitted on. "
                f"{near(missing[0], columns)}"
            )
        if passed is None:
            passed = [name for name in columns if name not in model.encoder.columns]
        unknown = [name for name in passed if name not in columns]
        if unknown:
            raise ArgumentError(
                f"passed names column {unknown[0]!r}, which the table does not have. "
                f"{near(unknown[0], columns)}"
            )
        of_model = tuple(name for name in model.read_columns if name in columns)
        found = cls(packed, tuple(passed), p_value, check_int("explain", explain, 0), of_model)
        found([])  # says which columns of the result would have one name
        return found

    def __call__(self, batches: Iterable[pa.RecordBatch | pa.Table]) -> Iterator[pa.RecordBatch]:
        """Score batches, in their order."""
        return score_batches(
            self.packed.model(),
            batches,
            passed=self.passed,
            p_value=self.p_value,
            explain=self.explain,
        )

    def one(self, table: pa.Table) -> pa.Table:
        """Score a partition that is held whole."""
        return pa.Table.from_batches(self([table.combine_chunks()]))

    @property
    def read(self) -> list[str]:
        """Columns that a worker needs: those of the model, and those that pass through."""
        return list(dict.fromkeys([*self.of_model, *self.passed]))

    @property
    def added(self) -> dict[str, pa.DataType]:
        """Names and types of the columns that are added."""
        above = [] if self.packed.model().threshold is None else ["is_anomaly"]
        names = ["energy", *above, *names_added(self.packed.model(), self.p_value, self.explain)]
        flags = dict.fromkeys(_FLAGS, pa.bool_())
        return {name: (_TYPES | flags).get(name, pa.string()) for name in names}

    @property
    def order(self) -> list[str]:
        """Columns by which rows have to be brought together and sorted: asset, then time.

        Empty where each row is scored by itself.

        Raises
        ------
        ArgumentError
            If windows are of one asset, whose rows would all have to lie in one partition.
        """
        windows = self.packed.model().windows
        if windows is None:
            check_no_alarm_logic(self.packed.model(), "rows of a partition come in no order")
            return []
        if windows.group is None:
            raise ArgumentError(
                "the model scores windows of a table of one asset, which cannot be cut into "
                "partitions. Fit it with group (--group), the column that names the asset of a "
                "row, or score with dagmm score, whose memory is bounded."
            )
        model = self.packed.model()
        axes = [name for name in model.columns if name not in model.encoder.columns]
        return list(dict.fromkeys([windows.group, *axes]))
