"""Ways to run the command, and a small table to run it on."""

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
from typer.testing import CliRunner, Result

from dagmm.cli import app

ROWS = 160
#: The command as a program of its own, in batches that a test can afford.
COMMAND = (
    *(sys.executable, "-c"),
    "from dagmm.data.files import csv as csv_table; csv_table.BLOCK_BYTES = 4096; "
    "from dagmm.cli import main; main()",
)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def shell(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([*COMMAND, *arguments], **pipes)


def failure(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    return result.stderr


def sensors() -> pa.Table:
    rng = np.random.default_rng(0)
    strange = np.arange(ROWS) % 20 == 19
    load = rng.normal(size=ROWS)
    return pa.table(
        {
            "part": [f"p{i:03d}" for i in range(ROWS)],
            "temp": load + 0.1 * rng.normal(size=ROWS) + 4.0 * strange,
            "torque": -load + 0.1 * rng.normal(size=ROWS),
            "tool": np.where(rng.random(ROWS) < 0.5, "drill", "mill"),
            "fault": strange.astype(int),
        }
    )
