"""A model and a table that every engine is given: cut unevenly, shuffled, one part empty."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dagmm import DAGMMDetector, DAGMMFleet
from dagmm.cluster import fit
from small_fits import TINY

#: Rows of each of the seven partitions.
SIZES = (50, 3, 0, 120, 1, 80, 146)


def plant(n_rows=400, seed=0) -> pa.Table:
    """Numbers, text, dates, holes, an identifier and a column that partitions go by."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n_rows)
    flow = load + 0.1 * rng.normal(size=n_rows)
    flow[rng.random(n_rows) < 0.05] = np.nan
    hours = rng.integers(0, 24 * 60, n_rows)
    return pa.table(
        {
            "id": [f"r{i:04d}" for i in range(n_rows)],
            "line": np.where(rng.random(n_rows) < 0.3, "L1", "L2"),
            "load": load,
            "flow": pa.array(flow, from_pandas=True),
            "count": rng.integers(0, 50, n_rows),
            "mode": pa.array([None if i % 17 == 0 else "ab"[i % 2] for i in range(n_rows)]),
            "at": pa.array(
                [datetime(2026, 1, 1) + timedelta(hours=int(h)) for h in hours],
                pa.timestamp("us"),
            ),
        }
    )


def cut(table: pa.Table, seed=1) -> list[pa.Table]:
    """Shuffle rows, and cut them into seven uneven parts, one of them empty."""
    shuffled = table.take(pa.array(np.random.default_rng(seed).permutation(table.num_rows)))
    starts = np.cumsum((0, *SIZES))
    return [shuffled.slice(start, size) for start, size in zip(starts, SIZES, strict=False)]


def energies_of(folder, table, key) -> dict:
    """Energies in one process, by what names a row."""
    detector = DAGMMDetector.load(folder)
    names = zip(*(table[name].to_pylist() for name in key), strict=True)
    return dict(zip(names, detector.energy(table).tolist(), strict=True))


def check_scores(scored: pa.Table, folder, table, key, passed) -> None:
    """Check scores of an engine, in whatever order, against one process."""
    expected = energies_of(folder, table, key)
    names = list(zip(*(scored[name].to_pylist() for name in key), strict=True))
    assert len(names) == len(set(names)) == table.num_rows
    assert dict(zip(names, scored["energy"].to_pylist(), strict=True)) == expected
    threshold = DAGMMDetector.load(folder).threshold_["energy"]
    above = [energy > threshold for energy in scored["energy"].to_pylist()]
    assert scored["is_anomaly"].to_pylist() == above
    assert scored.column_names[: len(passed)] == passed


def cut_evenly(table: pa.Table, n_parts=4) -> list[pa.Table]:
    """Cut a table into parts that each have rows of many assets, and one that is empty."""
    size = -(-table.num_rows // n_parts)
    parts = [table.slice(i * size, size) for i in range(n_parts)]
    return [*parts[:1], table.slice(0, 0), *parts[1:]]


def check_fleet_scores(scored: pa.Table, folder, table) -> None:
    """Check scores of a fleet on an engine, in whatever order, against one process."""
    fleet = DAGMMFleet.load(folder)
    expected = fleet.score_table(table)
    names = expected.column_names
    rows = zip(*(expected[name].to_pylist() for name in names), strict=True)
    found = zip(*(scored[name].to_pylist() for name in names), strict=True)
    by_id = dict(zip(table["id"].to_pylist(), rows, strict=True))
    assert scored.num_rows == table.num_rows
    assert dict(zip(scored["id"].to_pylist(), found, strict=True)) == by_id


def mixed(n_rows=400) -> pa.Table:
    """Columns as before, and two of text that hold numbers with a unit, and dates."""
    rng = np.random.default_rng(3)
    warm = [
        None if rng.random() < 0.03 else f"{value:.1f} ℃" for value in rng.normal(40, 5, n_rows)
    ]
    days = rng.integers(0, 90, n_rows)
    when = [(datetime(2026, 1, 1) + timedelta(days=int(d))).strftime("%d/%m/%Y") for d in days]
    return (
        plant(n_rows).append_column("warm", pa.array(warm)).append_column("when", pa.array(when))
    )


def check_fit(table, folder, n_drawn=None) -> None:
    """Check a fit on an engine against one of a file with the same rows."""
    whole = pa.concat_tables(cut(mixed()))
    pq.write_table(whole, folder / "whole.parquet")
    one = DAGMMDetector(n_members=2, config=TINY).fit(folder / "whole.parquet")
    ours = fit(table, DAGMMDetector(n_members=2, config=TINY))
    encoder = ours.model_.encoder
    assert {*encoder.columns} == {*["line", "load", "flow", "count", "mode", "at", "warm", "when"]}
    assert encoder.columns == one.model_.encoder.columns
    assert {column.name for column in encoder.unused_columns} == {"id"}
    assert ours.feature_names_in_.tolist() == whole.column_names
    assert one.model_.record.drawn_rows == ours.model_.record.drawn_rows == n_drawn
    np.testing.assert_allclose(ours.energy(whole), one.energy(whole), rtol=1e-5, atol=1e-5)
    assert abs(ours.threshold_["energy"] - one.threshold_["energy"]) < 1e-5
