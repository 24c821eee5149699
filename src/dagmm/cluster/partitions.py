"""What every engine asks for: a function from the record batches of a partition to their scores.

A model, or a fleet, travels as the bytes of its folder (:mod:`dagmm.cluster.packed`). Scores do
not depend on how rows are cut into partitions, as a row's energy depends on the row alone. With
windows it depends on the rows of its asset before it, so that an engine has to bring these
together, in order, first.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from dagmm._core.arguments import check_int, near
from dagmm._core.errors import ArgumentError, InputError
from dagmm.cluster.packed import Packed, packed

_TYPES = {"energy": pa.float64(), "p_value": pa.float64()}
_FLAGS = ("is_anomaly", "is_alarm", "is_explained")


@dataclass(frozen=True)
class PartitionScorer:
    """Scores the record batches of a partition; it can be sent to other processes.

    Parameters
    ----------
    packed : Packed
    passed : tuple of str
        Columns that come out as they are.
    p_value : bool
    explain : int
    read : tuple of str
        Columns that a worker needs: those of the model, and those that pass through.

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

    packed: Packed
    passed: tuple[str, ...]
    p_value: bool = False
    explain: int = 0
    read: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        path: str | os.PathLike[str],
        columns: Sequence[str],
        passed: Sequence[str] | None = None,
        *,
        p_value: bool = False,
        explain: int = 0,
        unseen: str | None = None,
    ) -> "PartitionScorer":
        """Check what is asked for, before the engine begins.

        Parameters
        ----------
        path : path-like
            Of a saved model, or of a fleet.
        columns : sequence of str
            Those of the table.
        passed : sequence of str, optional
            By default all columns that the model does not describe: identifiers, partitions,
            clock and asset.
        p_value : bool, default=False
        explain : int, default=0
            How many columns to name that add most to an anomaly's energy.
        unseen : {"error", "all"}, optional
            Of a fleet: rows of assets that it was not fitted to are an error, or are scored by
            the model of all; by default what it was fitted with.

        Raises
        ------
        ArgumentError, InputError, ModelFileError
        """
        travels = packed(path, unseen)
        missing = [name for name in travels.needs if name not in columns]
        if missing:
            raise InputError(
                f"the table has no column {missing[0]!r}, which the model was fitted on. "
                f"{near(missing[0], columns)}"
            )
        if passed is None:
            described = travels.first.encoder.columns
            passed = [name for name in columns if name not in described]
        unknown = [name for name in passed if name not in columns]
        if unknown:
            raise ArgumentError(
                f"passed names column {unknown[0]!r}, which the table does not have. "
                f"{near(unknown[0], columns)}"
            )
        read = tuple(dict.fromkeys([*travels.reads(columns), *passed]))
        found = cls(travels, tuple(passed), p_value, check_int("explain", explain, 0), read)
        found([])  # says which columns of the result would have one name
        return found

    def __call__(self, batches: Iterable[pa.RecordBatch | pa.Table]) -> Iterator[pa.RecordBatch]:
        """Score batches, in their order."""
        return self.packed.score(batches, self.passed, self.p_value, self.explain)

    def one(self, table: pa.Table) -> pa.Table:
        """Score a partition that is held whole."""
        return pa.Table.from_batches(self([table.combine_chunks()]))

    @property
    def added(self) -> dict[str, pa.DataType]:
        """Names and types of the columns that are added."""
        names = self.packed.names(self.p_value, self.explain)
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
        model = self.packed.first
        windows = model.windows
        if windows is None:
            self.packed.check_order()
            return []
        if windows.group is None:
            raise ArgumentError(
                "the model scores windows of a table of one asset, which cannot be cut into "
                "partitions. Fit it with group (--group), the column that names the asset of a "
                "row, or score with dagmm score, whose memory is bounded."
            )
        axes = [name for name in model.columns if name not in model.encoder.columns]
        return list(dict.fromkeys([windows.group, *axes]))
