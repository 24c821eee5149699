"""Speed and memory: this library, PyTorch, and matrix products alone, in one run.

The KDDCUP network of the paper (118-60-30-10-1, estimation 10-4), batch 1,024, float32. The
contenders take turns, so that a busy machine slows all of them; compare ratios of one run, not
milliseconds of two. ``--torch`` needs PyTorch beside dagmm. ``--scoring`` measures scoring with
the default detector instead, beside scikit-learn's.

    python benchmarks/speed.py --torch --data DATA --out speed.json
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from common import ProgressLine, environment, write_json

FEATURES, CODE, COMPONENTS, BATCH = 118, (60, 30, 10, 1), (10, 4), 1024
MEMBERS = 4
STEPS = 200
TRAINING_ROWS = 50_000
ROWS_ONE_BY_ONE = 200

_IMPORT = "import dagmm"
_FIRST_FIT = """
import sys, numpy as np
from dagmm import DAGMMDetector
x = np.load(sys.argv[1])["X"]
DAGMMDetector(random_state=0).fit(x)
"""
#: Ends a process where it stands, without what Python does at its end.
_AT_ONCE = "\nimport os; os._exit(0)"
_PEAK = """
import sys
import numpy as np
from dagmm import DAGMM
rng = np.random.default_rng(0)
x = np.empty((int(sys.argv[1]), int(sys.argv[2])), np.float32)
rng.standard_normal(dtype=np.float32, out=x)
model = DAGMM(comp_hiddens=[60, 30, 10, 1], est_hiddens=[10, 4], epoch_size=1).fit(x[:20_000])
energy = model.predict(x)
# Not ru_maxrss, which on Linux begins at the peak of the process that started this one.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) * 1024
print((peak - x.nbytes - energy.nbytes) / 1e6)
"""
_WIDTHS = """
import json, sys, time
import jax
import numpy as np
from dagmm import DAGMMDetector
compiling = []
def listen(event, seconds, **_):
    if event.endswith("backend_compile_duration"):
        compiling.append(seconds)
jax.monitoring.register_event_duration_secs_listener(listen)
rng = np.random.default_rng(1)
times = []
for _ in range(int(sys.argv[1])):
    width, n_rows = int(rng.integers(2, 130)), int(rng.integers(300, 3000))
    x = rng.normal(size=(n_rows, width)) @ rng.normal(size=(width, width))
    start = time.perf_counter()
    DAGMMDetector(random_state=0).fit(x).energy(x)
    times.append(time.perf_counter() - start)
print(json.dumps({
    "tables": len(times), "s": sum(times), "compile_s": sum(compiling), "programs": len(compiling)
}))
"""


def seconds(function: Callable[[], Any]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def take_turns(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each contender; every repeat runs all of them."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    progress = ProgressLine(repeats * len(contenders))
    for _ in range(repeats):
        for name, function in contenders.items():
            times[name].append(seconds(function))
            progress.step(f"{name}: {times[name][-1]:.2f} s")
    return {name: statistics.median(values) for name, values in times.items()}


def training(repeats: int, *, with_torch: bool) -> dict[str, Any]:
    """Milliseconds of a training step, and rows x members a second on all cores."""
    import products
    from dagmm.networks.network import Architecture
    from dagmm.training.trainer import TrainingConfig, train

    rows = np.random.default_rng(0).normal(size=(TRAINING_ROWS, FEATURES)).astype(np.float32)
    architecture = Architecture(FEATURES, CODE, "tanh", COMPONENTS, "tanh", 0.5)
    plan = TrainingConfig(BATCH, STEPS // 50, 50, 1e-4, 0.1, 0.005)
    contenders: dict[str, Callable[[], Any]] = {
        "dagmm": lambda: train(rows, len(rows), [architecture], plan, 0),
        "dagmm, 4 members": lambda: train(rows, len(rows), [architecture] * MEMBERS, plan, 0),
        "products": products.training(FEATURES, CODE, COMPONENTS, BATCH, STEPS, 1),
        "products, 4 members": products.training(
            FEATURES, CODE, COMPONENTS, BATCH, STEPS, MEMBERS
        ),
    }
    first = seconds(contenders["dagmm"])
    compile_s = {"dagmm": first - seconds(contenders["dagmm"])}
    if with_torch:
        import eager

        network = (FEATURES, CODE, COMPONENTS, BATCH, STEPS)
        for threads in (1, 2):
            contenders[f"torch eager, {threads} threads"] = eager.training(*network, threads)
        for threads in (1, 2):
            name = f"torch.compile, {threads} threads"
            contenders[name] = eager.training(*network, threads, compiled=True)
            first = seconds(contenders[name])
            compile_s[name] = first - seconds(contenders[name])
    for function in contenders.values():
        function()
    times = take_turns(contenders, repeats)
    return {
        "step_ms": {name: 1e3 * value / STEPS for name, value in times.items()},
        "row_members_per_s": {
            name: BATCH * STEPS * (MEMBERS if "members" in name else 1) / value
            for name, value in times.items()
        },
        "compile_s": compile_s,
    }


def scoring(n_rows: int, repeats: int) -> dict[str, float]:
    """Rows scored in a second, from a float32 array to energies, on all cores."""
    import products
    from dagmm import DAGMM

    rows = np.random.default_rng(0).normal(size=(n_rows, FEATURES)).astype(np.float32)
    model = DAGMM(comp_hiddens=list(CODE), est_hiddens=list(COMPONENTS), epoch_size=1)
    model.fit(rows[:20_000])
    contenders: dict[str, Callable[[], Any]] = {
        "dagmm": lambda: model.predict(rows),
        "products": products.scoring(FEATURES, CODE, COMPONENTS, rows),
    }
    for function in contenders.values():
        function()
    return {name: n_rows / value for name, value in take_turns(contenders, repeats).items()}


def one_row(repeats: int) -> dict[str, float]:
    """Milliseconds from one row to its energy, in a loop."""
    from dagmm import DAGMM, DAGMMDetector

    rows = np.random.default_rng(0).normal(size=(5000, FEATURES)).astype(np.float32)
    model = DAGMM(comp_hiddens=list(CODE), est_hiddens=list(COMPONENTS), epoch_size=1).fit(rows)
    detector = DAGMMDetector().fit(rows)
    stream = detector.stream()
    calls = {
        "DAGMM.predict": model.predict,
        "DAGMMDetector.energy": detector.energy,
        "Stream.update": stream.update,
    }

    def loop(call: Callable[[np.ndarray], Any]) -> None:
        for i in range(ROWS_ONE_BY_ONE):
            call(rows[i : i + 1])

    contenders = {name: partial(loop, call) for name, call in calls.items()}
    for function in contenders.values():
        function()
    times = take_turns(contenders, repeats)
    return {name: 1e3 * value / ROWS_ONE_BY_ONE for name, value in times.items()}


def python(code: str, *arguments: str, cache: str | None = None) -> str:
    """Run code in a new process, with a folder for compiled programs or none; its output."""
    environ = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    environ["DAGMM_CACHE_DIR"] = cache or ""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout


def new_process(data: Path | None, repeats: int) -> dict[str, float]:
    """Seconds until an import and a first fit are done, start of the interpreter not counted.

    Nor is the end of the process, where Python looks for garbage among all that was imported.
    """
    with tempfile.TemporaryDirectory() as folder:
        if data is not None:
            table = data / "adbench/38_thyroid.npz"
        else:
            table = Path(folder) / "table.npz"
            np.savez(table, X=np.random.default_rng(0).normal(size=(3772, 6)))
        cache = str(Path(folder) / "cache")
        python(_FIRST_FIT, str(table), cache=cache)
        contenders: dict[str, Callable[[], Any]] = {
            "interpreter": lambda: python(_AT_ONCE),
            "import": lambda: python(_IMPORT + _AT_ONCE),
            "first fit": lambda: python(_FIRST_FIT + _AT_ONCE, str(table)),
            "first fit, programs cached": lambda: python(
                _FIRST_FIT + _AT_ONCE, str(table), cache=cache
            ),
        }
        times = take_turns(contenders, repeats)
    start = times.pop("interpreter")
    return {name: value - start for name, value in times.items()}


def widths(n_tables: int) -> dict[str, float]:
    """Seconds of a process that fits tables of random widths and lengths, none on disk."""
    results: dict[str, float] = json.loads(python(_WIDTHS, str(n_tables)))
    return results


def memory(n_rows: int) -> dict[str, float]:
    """Peak MB of a process that fits and scores, without input and result (Linux)."""
    return {
        f"{n:,} rows": float(python(_PEAK, str(n), str(FEATURES))) for n in (n_rows, 10 * n_rows)
    }


def print_results(results: dict[str, Any]) -> None:
    """Print the tables; ratios are against this library."""
    step, rate = results["training"]["step_ms"], results["training"]["row_members_per_s"]
    compile_s = results["training"]["compile_s"]
    print(f"{'training':<28}{'ms/step':>9}{'of dagmm':>10}{'row-members/s':>15}{'compile s':>11}")
    for name, value in step.items():
        reference = step["dagmm, 4 members" if "members" in name else "dagmm"]
        compiling = f"{compile_s[name]:>11.1f}" if name in compile_s else ""
        print(f"{name:<28}{value:>9.2f}{value / reference:>10.2f}{rate[name]:>15,.0f}{compiling}")
    score = results["scoring"]
    print(f"\n{'scoring':<28}{'rows/s':>12}")
    for name, value in score.items():
        print(f"{name:<28}{value:>12,.0f}")
    print(f"{'dagmm / products':<28}{score['dagmm'] / score['products']:>12.2f}")
    print(f"\n{'one row, four networks but for DAGMM':<36}{'ms':>4}")
    for name, value in results["one_row_ms"].items():
        print(f"{name:<28}{value:>12.2f}")
    print(f"\n{'new process':<28}{'seconds':>12}")
    for name, value in results["new_process"].items():
        print(f"{name:<28}{value:>12.2f}")
    if results["widths"]:
        print(f"\n{'tables of many widths':<28}")
        for name, value in results["widths"].items():
            print(f"{name:<28}{value:>12,.0f}")
    print(f"\n{'peak memory of scoring':<28}{'MB':>12}")
    for name, value in results["memory_mb"].items():
        print(f"{name:<28}{value:>12.0f}")


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000, help="rows to score; then 10 times")
    parser.add_argument("--torch", action="store_true", help="measure PyTorch as well")
    parser.add_argument("--data", type=Path, help="folder with adbench/38_thyroid.npz")
    parser.add_argument("--widths", type=int, default=0, help="tables of random widths to fit")
    parser.add_argument("--scoring", action="store_true", help="scoring beside scikit-learn's")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, help="JSON file")
    arguments = parser.parse_args()
    os.environ["DAGMM_CACHE_DIR"] = ""  # what compiles is to be seen
    if arguments.scoring:
        import score_speed

        found = score_speed.measure(arguments.rows, arguments.repeats)
        write_json(arguments.out, {"environment": environment(), "scoring": found})
        score_speed.print_scoring(found)
        return
    results = {
        "environment": environment(),
        "training": training(arguments.repeats, with_torch=arguments.torch),
        "scoring": scoring(arguments.rows, arguments.repeats),
        "one_row_ms": one_row(arguments.repeats),
        "new_process": new_process(arguments.data, min(arguments.repeats, 3)),
        "widths": widths(arguments.widths) if arguments.widths else {},
        "memory_mb": memory(arguments.rows),
    }
    write_json(arguments.out, results)
    print_results(results)


if __name__ == "__main__":
    main()
