"""A model and a table that every engine is given: cut unevenly, shuffled, one part empty."""

import tempfile
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dagmm import DAGMMDetector, DAGMMFleet
from dagmm.cluster import fit
from fleets import fleet_table, tiny_fleet
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


@cache
def of_one_file(n_drawn: int | None) -> DAGMMDetector:
    """Fit to the rows of all partitions in one file; of as many drawn rows as the test has set."""
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.concat_tables(cut(mixed())), f"{folder}/whole.parquet")
        one = DAGMMDetector(n_members=2, config=TINY).fit(f"{folder}/whole.parquet")
    assert one.model_.record.drawn_rows == n_drawn
    return one


def check_fit(table, n_drawn=None) -> None:
    """Check a fit on an engine against one of a file with the same rows."""
    whole, one = pa.concat_tables(cut(mixed())), of_one_file(n_drawn)
    ours = fit(table, DAGMMDetector(n_members=2, config=TINY))
    encoder = ours.model_.encoder
    assert {*encoder.columns} == {*["line", "load", "flow", "count", "mode", "at", "warm", "when"]}
    assert encoder.columns == one.model_.encoder.columns
    assert {column.name for column in encoder.unused_columns} == {"id"}
    assert ours.feature_names_in_.tolist() == whole.column_names
    assert ours.model_.record.drawn_rows == n_drawn
    np.testing.assert_allclose(ours.energy(whole), one.energy(whole), rtol=1e-5, atol=1e-5)
    assert abs(ours.threshold_["energy"] - one.threshold_["energy"]) < 1e-5


@cache
def fleet_of_one_process() -> tuple[pa.Table, DAGMMFleet]:
    """Rows of three assets, and a fleet that is fitted to them."""
    rows = fleet_table(("p1", "p2", "p3"), 40)
    return rows, tiny_fleet(least_rows=30).fit(rows)


def check_fleet_fit(table, folder) -> None:
    """Check a fit of a fleet on an engine against one process."""
    rows, same = fleet_of_one_process()
    fleet = fit(table, tiny_fleet(least_rows=30), checkpoint=folder / "fleet")
    assert fleet.assets_ == same.assets_
    np.testing.assert_allclose(fleet.energy(rows), same.energy(rows), rtol=1e-5, atol=1e-5)
