"""Fits of tables that lie on an engine."""

import sys
from importlib import import_module
from typing import Any

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError, InputError
from dagmm.cluster.fleets import EngineFleetRows
from dagmm.cluster.jobs import Engine
from dagmm.cluster.rows import CountedTable, EngineRows
from dagmm.estimators.dagmm import DAGMM
from dagmm.estimators.detector import DAGMMDetector
from dagmm.estimators.fleet import DAGMMFleet
from dagmm.estimators.fleet_rows import HeldFleetRows
from dagmm.preprocessing.sampling import is_long

#: Where each engine has the class of its tables, and how that is called there.
_TABLES = {
    "dask": ("dask.dataframe", "DataFrame"),
    "ray": ("ray.data", "Dataset"),
    "spark": ("pyspark.sql", "DataFrame"),
}


def fit(table: Any, detector: Any = None, *, checkpoint: Any = None) -> Any:
    """Fit a model to a table where it lies: on Dask, Ray or Spark.

    The model is that of a file with the same rows in the same order: partition after partition.
    A table that a fit holds whole (up to 2^21 rows and 2^26 values) is brought to this process. A
    larger one stays where it is: workers read it four to seven times, and what comes over is
    statistics of columns, the first thousand rows, and the rows that are drawn for training,
    encoded. Networks are trained in this process. Of a fleet the rows
    of some assets at a time are brought over, and workers fit a model to each.

    Parameters
    ----------
    table : dask.dataframe.DataFrame, ray.data.Dataset or pyspark.sql.DataFrame
    detector : DAGMMDetector, DAGMM or DAGMMFleet, optional
        With the arguments of the fit; by default ``DAGMMDetector()``. It is fitted in place.
    checkpoint : path-like, optional
        A directory in which the training is kept; see :meth:`dagmm.DAGMMDetector.fit`. Of a
        fleet it becomes the saved fleet; see :meth:`dagmm.DAGMMFleet.fit`.

    Returns
    -------
    DAGMMDetector, DAGMM or DAGMMFleet

    Raises
    ------
    ArgumentError
        If the table is of no engine, or windows are asked for of a table that is too large to be
        brought to this process.
    InputError
        If the table cannot be used, or its rows change while it is read.

    Examples
    --------
    >>> import numpy as np, pandas as pd, pytest
    >>> dd = pytest.importorskip("dask.dataframe")
    >>> from dagmm import DAGMMDetector
    >>> from dagmm.cluster import fit
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> frame = dd.from_pandas(pd.DataFrame(x, columns=["a", "b"]), npartitions=3)
    >>> detector = fit(frame, DAGMMDetector(n_members=1, config={"cycles": 1}))
    >>> detector.model_.record.n_rows
    100
    """
    estimator = DAGMMDetector() if detector is None else detector
    if not isinstance(estimator, DAGMM | DAGMMDetector | DAGMMFleet):
        raise ArgumentError(
            "detector must be a DAGMMDetector, a DAGMM or a DAGMMFleet with the arguments of the "
            f"fit, got {type(detector).__name__}."
        )
    engine = engine_of(table)
    twice = [name for name in engine.columns if engine.columns.count(name) > 1]
    if twice:
        raise InputError(f"{engine.name} has two columns {twice[0]!r}; rename one.")
    table = CountedTable.of(engine)
    rows = EngineRows(table)
    if isinstance(estimator, DAGMMFleet):
        return _fit_fleet(estimator, table, checkpoint)
    if not is_long(rows):
        return estimator.fit(rows.read(), checkpoint=checkpoint)
    if getattr(estimator, "window", None) is not None:
        raise _windows_too_large(engine, rows)
    return estimator.fit(rows, checkpoint=checkpoint)


def _fit_fleet(fleet: DAGMMFleet, table: CountedTable, checkpoint: Any) -> DAGMMFleet:
    fleet._check()
    engine, rows = table.engine, EngineRows(table)
    if not is_long(rows):
        held = HeldFleetRows(fleet._held(rows.read()), fleet.per, engine.apart)
        return fleet._fit_rows(held, checkpoint)
    if fleet.window is not None:  # the model of all is fitted to all of them
        raise _windows_too_large(engine, rows)
    if fleet.per not in rows.names:
        raise InputError(
            f"{engine.name} has no column {fleet.per!r}, which names the asset of a row. "
            f"{near(fleet.per, rows.names)}"
        )
    return fleet._fit_rows(EngineFleetRows(table, fleet.per), checkpoint)


def _windows_too_large(engine: Engine, rows: EngineRows) -> ArgumentError:
    return ArgumentError(
        f"windows are fitted in the memory of one process, and {engine.name} has "
        f"{rows.n_rows:,} rows of {len(rows.names)} columns; expected at most 2^21 rows and "
        "2^26 values. Fit to fewer assets or a shorter time, or to a file on a machine with "
        "the memory."
    )


def engine_of(table: Any) -> Engine:
    """Return a table as a fit reads it.

    Raises
    ------
    ArgumentError
        If it is of no engine.
    """
    for name, (module, kind) in _TABLES.items():
        loaded = sys.modules.get(module)  # where nobody has loaded it, there is none
        if loaded is not None and isinstance(table, getattr(loaded, kind)):
            found: Engine = import_module(f"dagmm.cluster.{name}").table_of(table)
            return found
    raise ArgumentError(
        "table must be a Dask DataFrame, a Ray Dataset or a Spark DataFrame, got "
        f"{type(table).__name__}. Other tables and files are fitted by DAGMMDetector().fit(table)."
    )
