"""Exported graphs beside the library: how far energies differ, and rows a second.

Each table of ``DATA`` (``*.npz`` files with arrays ``X`` and ``y``, as ADBench's) is made odd: a
text column and a constant one are added, cells are left empty, and rows to score have values far
beyond the training rows, categories that these lack, and a row without any value. The default
detector is fitted to at most ``--rows`` normal rows and exported. Differences are of ONNX Runtime
to ``energy``, in nats, relative to energies above one nat; labels are compared where energies are
farther than that from the threshold. Beside it stands what float32 makes of energies: how many
networks compute in float64, as float32 would show; how far library and graph, and a graph with all
networks in float64, are from the library's formulas with such networks, and how far these move
when each number of the encoded rows, which are float32, moves by its last bit (the most of eight
times at random). Seconds are those of both in turn on the same rows, fastest of five, with as many
threads as there are cores; only their ratio means something.

    python benchmarks/export.py --data DATA
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pyarrow as pa

from common import environment
from dagmm import DAGMMDetector
from dagmm.data.convert import as_rows
from dagmm.inference.export.metadata import metadata_of, said_of
from dagmm.inference.export.model_graph import energy_of, graph_of
from dagmm.inference.export.onnx_file import model_bytes

#: Tables of more columns have fewer training rows.
WIDE, ROWS_OF_WIDE = 200, 400
#: Rows that are scored, at most, of normal ones and of anomalies; and rows that are timed.
SCORED, TIMED = (1000, 500), 4096
TOOLS = np.array(["低", "mid level", "high", "très haut"], object)


class Found(NamedTuple):
    """What one table showed."""

    worst: float
    n_beyond: int
    worst_anomaly: float
    """Among rows above the threshold."""
    rounding: tuple[float, ...]
    """As :func:`rounding_of` returns it."""
    wrong_labels: int
    n_rows: int
    ratio: float
    n_exact: int
    """Networks that compute in float64."""


def odd(x: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the columns of a table with holes, a text and a constant."""
    n_rows, n_columns = x.shape
    columns: dict[str, np.ndarray] = {f"x{i}": x[:, i].astype(float) for i in range(n_columns)}
    widest = x[:, int(np.argmax(x.std(axis=0)))]
    cuts = np.quantile(widest, [0.25, 0.5, 0.8])
    columns["mode"] = TOOLS[np.searchsorted(cuts, widest)]
    columns["constant"] = np.full(n_rows, 273.15)
    for name in [*list(columns)[: min(3, n_columns)], "mode"]:
        columns[name][rng.random(n_rows) < 0.04] = "" if name == "mode" else np.nan
    return columns


def stranger(columns: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the same rows, of which some are far out, unknown or empty."""
    numbers = [name for name in columns if name != "mode"]
    n_rows = len(columns["mode"])
    for i in range(0, n_rows, 10):
        value = 1e4 * rng.normal() if rng.random() < 0.7 else 10.0 ** rng.integers(6, 200)
        columns[str(rng.choice(numbers))][i] = value
    columns["mode"][5::25] = "never seen"
    columns[numbers[-2]][7::50] = np.nan
    for name in columns:
        columns[name][3] = "" if name == "mode" else np.nan
    return columns


def table_of(columns: dict[str, np.ndarray]) -> pa.Table:
    """Return columns as a table; an empty text is a hole."""
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def session_of(path: Path | bytes) -> onnxruntime.InferenceSession:
    """Open a graph."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def seconds_of(*functions: Callable[[], Any]) -> list[float]:
    """Return the shortest time of each, run in turn."""
    fastest = [float("inf")] * len(functions)
    for _ in range(5):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            fastest[i] = min(fastest[i], time.perf_counter() - start)
    return fastest


def rounding_of(
    detector: DAGMMDetector,
    table: pa.Table,
    feeds: dict[str, np.ndarray],
    energy: np.ndarray,
    of_graph: np.ndarray,
) -> tuple[float, ...]:
    """Return how far all are from float64: library, graph, and a graph with such networks.

    The last is what the last bit of encoded rows does.
    """
    model, rng = detector.model_, np.random.default_rng(0)
    graph = graph_of(model, np.float64)
    session = session_of(model_bytes(graph, metadata_of(model, graph), said_of(graph.columns)))
    of_float64 = session.run(["energy"], feeds)[0][:, 0]
    chunks = as_rows(table, columns=model.columns).chunks()
    features = np.concatenate([model.encoder.encode(chunk) for chunk in chunks])
    with np.errstate(all="ignore"):  # what is far away overflows
        exact, moved = energy_of(model, features, np.float64), 0.0
        for _ in range(8):
            ends = np.where(rng.random(features.shape) < 0.5, -np.inf, np.inf)
            near = np.nextafter(features, ends.astype(np.float32))
            found = energy_of(model, near, np.float64)
            moved = max(moved, relative(found, exact).max())
    far = [float(relative(one, exact).max()) for one in (energy, of_graph, of_float64)]
    return *far, moved


def relative(found: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Return how far energies differ, relative to those above one nat."""
    return np.abs(found - energy) / np.maximum(1.0, np.abs(energy))


def compared(path: Path, n_rows: int, folder: Path) -> Found:
    """Fit, export and compare one table."""
    with np.load(path) as data:
        x, is_anomaly = data["X"], data["y"] != 0
    rng = np.random.default_rng(0)
    n_rows = n_rows if x.shape[1] < WIDE else min(n_rows, ROWS_OF_WIDE)
    normal = rng.permutation(np.flatnonzero(~is_anomaly))
    strange = rng.permutation(np.flatnonzero(is_anomaly))[: SCORED[1]]
    rest = np.concatenate([normal[n_rows : n_rows + SCORED[0]], strange])
    detector = DAGMMDetector(random_state=0).fit(table_of(odd(x[normal[:n_rows]], rng)))
    columns = stranger(odd(x[rest], rng), rng)
    table = table_of(columns)
    detector.export_onnx(folder / "model.onnx", force=True)
    session = session_of(folder / "model.onnx")
    feeds = {name: values[:, None] for name, values in columns.items()}
    label, energy = (one[:, 0] for one in session.run(["label", "energy"], feeds))
    expected = detector.energy(table)
    difference, threshold = relative(energy, expected), detector.threshold_["energy"]
    sure = np.abs(expected - threshold) > 1e-5 * np.maximum(1.0, np.abs(expected))
    wrong = int((label != detector.predict(table))[sure].sum())
    several = rng.integers(len(rest), size=TIMED)
    timed, many = table.take(several), {name: values[several] for name, values in feeds.items()}
    library, graph = seconds_of(
        lambda: detector.energy(timed), lambda: session.run(["energy"], many)
    )
    n_beyond = int((difference > 1e-5).sum())
    return Found(
        float(difference.max()),
        n_beyond,
        float(difference[expected > threshold].max(initial=0.0)),
        rounding_of(detector, table, feeds, expected, energy),
        wrong,
        len(rest),
        library / graph,
        sum(one.parameters.dtype == np.float64 for one in detector.model_.networks),
    )


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of *.npz files")
    parser.add_argument("--rows", type=int, default=1000, help="training rows, at most")
    options = parser.parse_args()
    print(environment() | {"onnxruntime": onnxruntime.__version__})
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(options.data.glob("*.npz")):
            one = compared(path, options.rows, Path(folder))
            found.append(one)
            library, graph, float64, last_bit = one.rounding
            print(
                f"{path.stem:20s} {one.n_rows:5d} rows, worst {one.worst:.1e}, of anomalies "
                f"{one.worst_anomaly:.1e}, {one.n_beyond} beyond 1e-5, {one.wrong_labels} labels "
                f"wrong; {one.n_exact} networks in float64; to it: library {library:.1e}, graph "
                f"{graph:.1e}, graph in float64 {float64:.1e}, last bit of rows "
                f"{last_bit:.1e}; {one.ratio:.2f} times as many rows a second as the library",
                flush=True,
            )
    worst, ratios = max(one.worst for one in found), [one.ratio for one in found]
    n_rows, beyond, wrong = (
        sum(getattr(one, name) for one in found) for name in ("n_rows", "n_beyond", "wrong_labels")
    )
    print(
        f"{len(found)} tables, {n_rows} rows: worst {worst:.1e}, of anomalies "
        f"{max(one.worst_anomaly for one in found):.1e}, {beyond} beyond 1e-5, {wrong} "
        f"labels wrong; ratio {min(ratios):.2f} to {max(ratios):.2f}, median "
        f"{np.median(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
