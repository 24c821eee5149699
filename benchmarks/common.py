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
from threadpoolctl import threadpool_limits

KDDCUP_FILE = "kddcup99/kddcup.data_10_percent.gz"


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
