"""A table of everything that a graph takes, and ways to run a graph."""

import numpy as np
import onnxruntime
import pyarrow as pa

N_ROWS = 240
#: Categories, of which the last is never seen in training.
TOOLS = ["drill", "旋盤", "mill", "laser"]


def odd_table(n_rows=N_ROWS, seed=0, *, strange=False):
    """Numbers far from 1, a constant, holes, texts and dates of six weeks."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n_rows)
    known = len(TOOLS) - (not strange)
    columns = {
        "温度 (℃)": 300.0 + 5.0 * load + rng.normal(size=n_rows),
        "energy": 1e6 - 1e3 * load + 50.0 * rng.normal(size=n_rows),
        "flow": 1e-7 * rng.lognormal(size=n_rows),
        "constant": np.full(n_rows, 273.15),
        "tool": np.array(TOOLS, object)[rng.integers(known, size=n_rows)],
        "when": np.datetime64("2026-01-05", "s") + rng.integers(0, 42 * 86400, n_rows),
    }
    holes = {name: np.zeros(n_rows, bool) for name in columns}
    for name in ("flow", "tool", *(columns if strange else ())):
        holes[name] = rng.random(n_rows) < 0.15
    if strange:
        columns["energy"][::11] *= 1e3
        columns["flow"][5::11] = -1e200
        columns["constant"][3::11] += 1.0
        for name in holes:
            holes[name][7] = True
    return pa.table({n: pa.array(values, mask=holes[n]) for n, values in columns.items()})


def feeds_for(table, names=None):
    """Return the columns of a table as somebody would write them for a graph."""
    feeds = {}
    for name in table.column_names:
        cells = table[name].to_pylist()
        if pa.types.is_string(table[name].type):
            values = np.array([cell or "" for cell in cells], object)
        elif pa.types.is_timestamp(table[name].type):
            epoch = np.datetime64(0, "s")
            values = np.array(
                [
                    np.nan if c is None else (np.datetime64(c, "s") - epoch).astype(float)
                    for c in cells
                ]
            )
        else:
            values = np.array([np.nan if cell is None else cell for cell in cells], float)
        feeds[(names or {}).get(name, name)] = values[:, None]
    return feeds


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_graph(path, feeds):
    """Return the outputs of a graph by name, each of shape (n_rows,)."""
    session = session_of(path)
    names = [one.name for one in session.get_outputs()]
    return {
        name: values[:, 0] for name, values in zip(names, session.run(None, feeds), strict=True)
    }
