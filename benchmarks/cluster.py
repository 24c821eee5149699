"""Fits and scores of one table on Dask with some workers, beside the plain command.

The table is simulated (see `large_table.py`) and read from Parquet. Each run is a program of its
own, with as many worker processes of one thread each. Rows a second, the peak of resident memory
of the driver and of the largest worker, and of a fit the seconds of each pass and the bytes of
what is sent to workers and what comes back are measured. Needs the `dask` extra.

    python benchmarks/cluster.py --rows 500000 --fit-rows 2500000 --workers 1,2
    python benchmarks/cluster.py --rows 50000000 --fit-rows 20000000 --workers 2 --dir DIR
"""

import argparse
import json
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import environment, write_json
from large import run as run_command
from large_table import write

#: What Dask is told of its workers' memory. By default it has them give back each array to the
#: system, of which scoring and encoding take three times the processor time.
KEEP_MEMORY = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**28,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
}
#: The label of the table, which no model is to see.
LABEL = "label"


def peak_mb() -> float:
    """Peak of this process's resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_seconds(who: int = resource.RUSAGE_SELF) -> float:
    """Processor time of this process so far, or of the programs that it has run."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def hold(n_rows: str) -> None:
    """Hold fewer encoded rows than usual, so that rows are drawn from a shorter table already."""
    from dagmm.preprocessing import sampling

    sampling.MOST_ROWS = int(n_rows) or sampling.MOST_ROWS


class Weighed:
    """An engine whose passes are timed, and what crosses the network for them is weighed."""

    def __init__(self, engine: Any) -> None:
        self._engine, self.passes = engine, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run(self, jobs: Any, names: tuple[str, ...]) -> dict[int, Any]:
        """Run jobs on the engine."""
        start = time.perf_counter()
        found = self._engine.run(jobs, names)
        seconds = time.perf_counter() - start
        one = next(iter(jobs.values())) if isinstance(jobs, Mapping) else jobs
        others = [job for i, job in jobs.items() if i >= 0] if isinstance(jobs, Mapping) else []
        kind = type(getattr(others[0] if others else one, "job", one)).__name__.strip("_")
        sent = sum(len(pickle.dumps(job)) for job in others) or len(found) * len(pickle.dumps(one))
        back = sum(len(pickle.dumps(part)) for part in found.values())
        self.passes.append(
            {"pass": kind, "columns": len(names), "seconds": seconds, "sent": sent, "back": back}
        )
        return found


def detector_of(cycles: str) -> Any:
    """Return the detector that is fitted."""
    from dagmm import DAGMMDetector

    config = None if cycles == "0" else {"cycles": int(cycles)}
    return DAGMMDetector(drop=LABEL, config=config)


def in_one_process(table: str, cycles: str, held: str) -> dict[str, Any]:
    """Fit to the file without an engine."""
    hold(held)
    start, used = time.perf_counter(), cpu_seconds()
    model = detector_of(cycles).fit(table).model_
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": cpu_seconds() - used,
        "driver_mb": peak_mb(),
        "drawn": model.record.drawn_rows,
    }


def on_workers(
    kind: str, table: str, folder: str, n_workers: str, cycles: str, held: str, memory: str
) -> dict[str, Any]:
    """Fit or score with some workers."""
    import dask
    import dask.dataframe as dd
    import distributed

    from dagmm.cluster import dask as on_dask
    from dagmm.cluster import fitting

    dask.config.set({} if memory == "default" else KEEP_MEMORY)
    cluster = distributed.LocalCluster(
        n_workers=int(n_workers),
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        host="127.0.0.1",
    )
    with cluster, distributed.Client(cluster) as client:
        frame = dd.read_parquet(table, split_row_groups=True)
        hold(held)
        before = sum(client.run(cpu_seconds).values()) + cpu_seconds()
        start = time.perf_counter()
        more: dict[str, Any] = {"partitions": frame.npartitions}
        if kind == "score":
            scored = on_dask.score(Path(folder, "model"), frame, passed=[])
            scored.to_parquet(str(Path(folder, "scores")), overwrite=True)
            more["sent"] = frame.npartitions * len(pickle.dumps(_scorer_of(folder, frame)))
        else:
            engine_of, weighed = fitting.engine_of, []

            def weighing(frame: Any) -> Any:
                weighed.append(Weighed(engine_of(frame)))
                return weighed[0]

            fitting.engine_of = weighing
            detector = fitting.fit(frame, detector_of(cycles))
            more |= {"passes": weighed[0].passes, "drawn": detector.model_.record.drawn_rows}
            detector.save(Path(folder, f"model-{n_workers}"))
        seconds = time.perf_counter() - start
        return {
            "seconds": seconds,
            "cpu_seconds": sum(client.run(cpu_seconds).values()) + cpu_seconds() - before,
            "driver_mb": peak_mb(),
            "worker_mb": max(client.run(peak_mb).values()),
            **more,
        }


def _scorer_of(folder: str, frame: Any) -> Any:
    from dagmm.cluster.partitions import PartitionScorer

    return PartitionScorer.of(Path(folder, "model"), list(frame.columns), [])


def in_a_program(*arguments: str) -> dict[str, Any]:
    """Run this file for one measurement."""
    command = [sys.executable, "-W", "ignore", __file__, "--one", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table_of(folder: Path, n_rows: int) -> str:
    """Write the table unless it is there."""
    path = folder / f"table-{n_rows}.parquet"
    if not path.exists():
        write(path, n_rows)
    return str(path)


def said(what: str, n_rows: int, one: dict[str, Any]) -> None:
    """Print a line."""
    rate = n_rows / one["seconds"]
    driver = one.get("driver_mb", one.get("peak_mb", 0.0))
    worker = f"{one['worker_mb']:8.0f}" if "worker_mb" in one else " " * 8
    print(
        f"{what:22} {n_rows:9} {one['seconds']:8.1f} {rate:9.0f} {one['cpu_seconds']:8.1f} "
        f"{driver:8.0f} {worker}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000, help="that are scored; 0 for none")
    parser.add_argument("--fit-rows", type=int, default=2_500_000, help="0 for no fit")
    parser.add_argument("--workers", default="1,2", help="numbers of worker processes, by commas")
    parser.add_argument("--no-plain", action="store_true", help="leave out the plain command")
    parser.add_argument("--dir", type=Path, help="where tables and models are kept")
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--cycles", default="0", help="most cycles of training; 0 for as long as it helps"
    )
    parser.add_argument(
        "--held", default="0", help="most rows that a fit draws; 0 for as many as usual (2^21)"
    )
    parser.add_argument(
        "--memory",
        choices=("kept", "default"),
        default="kept",
        help="whether Dask's workers keep memory that they will need again",
    )
    parser.add_argument("--one", nargs=7, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        kind, table, *_, cycles, held, _ = args.one
        is_plain = kind == "plain"
        one = in_one_process(table, cycles, held) if is_plain else on_workers(*args.one)
        print(json.dumps(one))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.dir or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        results: dict[str, Any] = {"environment": environment(), "runs": []}
        model, how = folder / "model", (args.cycles, args.held, args.memory)
        print("what                        rows        s    rows/s    CPU s  peak MB   worker")

        def keep(what: str, n_rows: int, one: dict[str, Any]) -> None:
            results["runs"].append({"what": what, "rows": n_rows, **one})
            write_json(args.out, results)
            said(what, n_rows, one)

        if args.fit_rows:
            table = table_of(folder, args.fit_rows)
            if not args.no_plain:
                plain = in_a_program("plain", table, str(folder), "0", *how)
                keep("fit, one process", args.fit_rows, plain)
            for n in args.workers.split(","):
                one = in_a_program("fit", table, str(folder), n, *how)
                keep(f"fit, Dask, {n} worker(s)", args.fit_rows, one)
                for part in one["passes"]:
                    sent, back = (part[way] / args.fit_rows for way in ("sent", "back"))
                    print(
                        f"    {part['pass']:18} {part['columns']:3} columns "
                        f"{part['seconds']:8.1f} s; bytes a row: {sent:.3f} sent, {back:.3f} back"
                    )
                if not model.exists():
                    shutil.copytree(folder / f"model-{n}", model)
        if args.rows:
            table = table_of(folder, args.rows)
            if not model.exists():
                run_command("fit", table_of(folder, 100_000), "-o", str(model), "--drop", LABEL)
            if not args.no_plain:
                scores = str(folder / "scores.parquet")
                used = cpu_seconds(resource.RUSAGE_CHILDREN)
                plain = run_command("score", str(model), table, "-o", scores)
                plain["cpu_seconds"] = cpu_seconds(resource.RUSAGE_CHILDREN) - used
                keep("dagmm score", args.rows, plain)
            for n in args.workers.split(","):
                one = in_a_program("score", table, str(folder), n, *how)
                keep(f"score, Dask, {n} worker(s)", args.rows, one)
                print(f"    model sent: {one['sent'] / args.rows:.2f} bytes a row")


if __name__ == "__main__":
    main()
