"""What the benchmarks share: reading data, results on disk, many jobs with a progress line."""

import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from scipy.io import loadmat
from threadpoolctl import threadpool_limits

KDDCUP_FILE = "kddcup99/kddcup.data_10_percent.gz"
_KDDCUP_COLUMNS = """
duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot
num_failed_logins logged_in num_compromised root_shell su_attempted num_root
num_file_creations num_shells num_access_files num_outbound_cmds is_host_login
is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate
same_srv_rate diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count
dst_host_same_srv_rate dst_host_diff_srv_rate dst_host_same_src_port_rate
dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate
dst_host_rerror_rate dst_host_srv_rerror_rate
"""
KDDCUP_COLUMNS = tuple(_KDDCUP_COLUMNS.split())
KDDCUP_FLAGS = ("land", "logged_in", "is_host_login", "is_guest_login")


def read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Table and labels (True = anomaly) of an ``.npz`` file with arrays ``X`` and ``y``."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["X"], arrays["y"].ravel().astype(bool)


def read_mat(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Table and labels (True = anomaly) of a MATLAB file with ``X`` and ``y``."""
    arrays = loadmat(path)
    return arrays["X"].astype(np.float64), arrays["y"].ravel().astype(bool)


def read_kddcup(path: Path, *, flags_as_text: bool) -> tuple[pa.Table, np.ndarray]:
    """Table and labels (True = attack) of a raw KDD Cup 1999 file, gzipped CSV without header.

    Parameters
    ----------
    path : Path
    flags_as_text : bool
        Whether the four columns of zeros and ones are read as text, to be one-hot encoded.
    """
    text = {name: pa.string() for name in KDDCUP_FLAGS} if flags_as_text else {}
    table = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(column_names=[*KDDCUP_COLUMNS, "label"]),
        convert_options=pa.csv.ConvertOptions(column_types=text),
    )
    attack = pc.not_equal(table["label"], "normal.").to_numpy()
    return table.drop_columns("label").combine_chunks(), attack


def take(table: Any, index: np.ndarray) -> Any:
    """Rows of an array or an Arrow table."""
    return table.take(index) if isinstance(table, pa.Table) else table[index]


def mean_and_spread(values: Iterable[float]) -> tuple[float, float]:
    """Mean and standard deviation (0 for a single value)."""
    values = list(values)
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def environment() -> dict[str, str]:
    """Versions and date that a table of figures should carry."""
    names = ("dagmm", "jax", "numpy", "scikit-learn")
    return {
        **{name: version(name) for name in names},
        "python": platform.python_version(),
        "cpu": f"{platform.machine()}, {os.cpu_count()} cores",
        "date": time.strftime("%Y-%m-%d"),
    }


def read_json(path: Path | None, empty: dict[str, Any]) -> dict[str, Any]:
    """Earlier results, so that a run goes on where another ended; ``empty`` without any."""
    return json.loads(path.read_text()) if path is not None and path.exists() else empty


def write_json(path: Path | None, results: dict[str, Any]) -> None:
    """Write results in one step: a reader never meets half of them. Without a path, nothing."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(results, indent=1))
    part.replace(path)


class ProgressLine:
    """One line on standard error; on a terminal it is overwritten in place."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.start = total, 0, time.perf_counter()

    def step(self, note: str) -> None:
        """Report that one more job is done."""
        self.done += 1
        left = (time.perf_counter() - self.start) / self.done * (self.total - self.done)
        line = f"{self.done}/{self.total}  {left / 60:.1f} min left  {note}"
        last = self.done == self.total
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="\n" if last else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def run_jobs(
    function: Callable[..., Any], jobs: list[tuple[Any, ...]], n_processes: int
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Call ``function(*job)`` for every job; yield job and result as they finish.

    Parameters
    ----------
    function : callable
        Of a module's top level, as processes need it.
    jobs : list of tuple
    n_processes : int
        With 1, jobs run here and have all cores; with more, each process keeps to one thread.
    """
    if n_processes == 1:
        for job in jobs:
            yield job, function(*job)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, spawn, initializer=_keep_to_one_thread) as pool:
        try:
            futures = {pool.submit(function, *job): job for job in jobs}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _keep_to_one_thread() -> None:
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    threadpool_limits(1)
