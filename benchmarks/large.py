"""Tables larger than memory: `dagmm fit` and `dagmm score` on simulated tables of any length.

Both commands run as programs of their own; rows a second, the peak of their resident memory and
the AUROC of the labels are measured, in the table and in 200,000 other rows of the same world.
With ``--sorted`` each table has a twin whose rows come kind by kind and service by service.

    python benchmarks/large.py --rows 1000000,5000000,20000000 --dir /tmp/large --out large.json
    python benchmarks/large.py --rows 1000000 --sorted --dir /tmp/large
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import environment, write_json
from large_table import write

#: Seconds between two looks at a program's memory.
_INTERVAL = 0.05


def run(*arguments: str) -> dict[str, Any]:
    """Run a command; return what it says, its seconds, and its peak in MB."""
    command = [sys.executable, "-m", "dagmm", *arguments, "--json", "--quiet", "--force"]
    start, peak = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, _peak_of(process.pid))
            time.sleep(_INTERVAL)
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"dagmm {' '.join(arguments)} ended with {process.returncode}")
    return {
        "seconds": time.perf_counter() - start,
        "peak_mb": peak / 1e6,
        "said": json.loads(said),
    }


def _peak_of(pid: int) -> int:
    """Peak of a program's resident memory so far, in bytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peaks[0]) * 1024 if peaks else 0


def measured(
    n_rows: int, folder: Path, seed: str, *, is_sorted: bool, test: Path
) -> dict[str, Any]:
    """Fit a table, score it, and score other rows of the same world."""
    order = "sorted" if is_sorted else "shuffled"
    table = folder / f"{order}-{n_rows}.parquet"
    if not table.exists():
        write(table, n_rows, is_sorted=is_sorted)
    model, scores = str(folder / f"model-{order}-{n_rows}"), str(folder / "scores.parquet")
    labels = ("--label", "label", "--normal", "normal")
    fit = run("fit", str(table), "-o", model, "--seed", seed, *labels)
    score = run("score", model, str(table), "-o", scores)
    other = run("score", model, str(test), "-o", scores)
    return {
        "rows": n_rows,
        "order": order,
        "file_mb": table.stat().st_size / 1e6,
        "fit": fit,
        "score": score,
        "auroc_of_other_rows": other["said"]["auroc"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="1000000", help="numbers of rows, by commas")
    parser.add_argument("--sorted", action="store_true", help="also fit sorted tables")
    parser.add_argument("--seed", default="0", help="of the fit")
    parser.add_argument("--dir", type=Path, help="where tables and models are kept")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.dir or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        test = folder / "test-200000.parquet"
        if not test.exists():
            write(test, 200_000, seed=1)
        results: dict[str, Any] = {"environment": environment(), "runs": []}
        print(
            "     rows  order     fit s  rows/s  peak MB  score s  rows/s  peak MB   AUROC  other"
        )
        for n_rows in map(int, args.rows.split(",")):
            for is_sorted in (False, True) if args.sorted else (False,):
                one = measured(n_rows, folder, args.seed, is_sorted=is_sorted, test=test)
                results["runs"].append(one)
                write_json(args.out, results)
                parts = [
                    f"{one[name]['seconds']:7.0f} {n_rows / one[name]['seconds']:7.0f} "
                    f"{one[name]['peak_mb']:8.0f}"
                    for name in ("fit", "score")
                ]
                auroc = one["score"]["said"]["auroc"], one["auroc_of_other_rows"]
                figures = "  ".join(f"{value:.4f}" for value in auroc)
                print(f"{n_rows:9}  {one['order']:8} {'  '.join(parts)}  {figures}", flush=True)


if __name__ == "__main__":
    main()
