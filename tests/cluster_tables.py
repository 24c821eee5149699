"""A model and a table that every engine is given: cut unevenly, shuffled, one part empty."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from dagmm import DAGMMDetector

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
