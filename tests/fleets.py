"""A small fleet, each asset with a level and a relation of its own, and fits that take no time."""

import numpy as np
import pyarrow as pa

from dagmm import DAGMMFleet
from small_fits import TINY

ASSETS, ROWS = ("p1", "p2", "p3", "p4", "p5"), 120


def fleet_table(assets=ASSETS, n_rows=ROWS, seed=0) -> pa.Table:
    """Rows of all assets, shuffled, with numbers, text and holes."""
    rng = np.random.default_rng(seed)
    parts = []
    for asset in assets:
        i = int(asset[1:])
        load = rng.normal(size=n_rows)
        flow = 10.0 * i + load + 0.1 * rng.normal(size=n_rows)
        flow[:3] = np.nan
        parts.append(
            pa.table(
                {
                    "pump": [asset] * n_rows,
                    "load": load,
                    "flow": pa.array(flow, from_pandas=True),
                    "heat": -i * load + 0.1 * rng.normal(size=n_rows),
                    "mode": np.where(rng.random(n_rows) < 0.5, "on", "off"),
                }
            )
        )
    table = pa.concat_tables(parts)
    return table.take(pa.array(rng.permutation(table.num_rows)))


def tiny_fleet(**arguments) -> DAGMMFleet:
    return DAGMMFleet("pump", config=TINY, n_jobs=1, **arguments)


def of_asset(table: pa.Table, asset: str) -> pa.Table:
    """The rows of one asset."""
    return table.filter(pa.compute.equal(table["pump"], asset))


def rows_of(table: pa.Table, asset: str) -> pa.Table:
    """The rows of one asset, without the column that names it."""
    return of_asset(table, asset).drop_columns(["pump"])
