"""Kills: a fit or a score that is killed at any moment succeeds when it is given again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv

from campaigns.campaign import Campaign
from command import sensors

#: The command with fits that take no time. Where STEP is set, it kills itself when it comes to the
#: step of this number among those that change files.
PROGRAM = """
import os, signal, sys
from pathlib import Path
import dagmm.estimators.detector as detector
from dagmm.cli import main
from small_fits import tiny_config
detector.table_config = tiny_config
left = [int(os.environ.get("STEP", -1))]
def dying(owner, name):
    step = getattr(owner, name)
    def killed(*arguments, **options):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return step(*arguments, **options)
    setattr(owner, name, killed)
if left[0] >= 0:
    for owner, name in ((os, "fsync"), (os, "open"), (os, "close"), (Path, "replace"),
                        (Path, "unlink"), (Path, "mkdir"), (Path, "rmdir"), (Path, "open")):
        dying(owner, name)
main()
"""
FIT = ("fit", "t.csv", "-o", "model", "--checkpoint", "ck", "--members", "2")
FIT = (*FIT, "--id", "part", "--label", "fault", "--quiet")
SCORE = ("score", "model", "t.csv", "-o", "s.csv", "--quiet")
#: More than the steps that a fit or a score has, so that some of them come to their end.
MOST_STEPS = 90


def _start(where, arguments, step=None):
    folder = Path(__file__).parent.parent
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(folder), *filter(None, [environment.get("PYTHONPATH")])]
    )
    if step is not None:
        environment["STEP"] = str(step)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=where,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(where, arguments):
    process = _start(where, arguments)
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def _content(where):
    return {
        str(file.relative_to(where)): file.read_bytes()
        for file in sorted(where.rglob("*"))
        if file.is_file()
    }


@cache
def reference():
    """Return what fit and score leave behind that nobody stops."""
    where = Path(tempfile.mkdtemp())
    try:
        arrow_csv.write_csv(sensors(), where / "t.csv")
        _run(where, FIT)
        fitted = _content(where)
        _run(where, SCORE)
        return fitted, _content(where)
    finally:
        shutil.rmtree(where)


def _killed(where, arguments, rng):
    """Run a command and kill it; return what it had shown, and None if it was not killed."""
    if rng.random() < 0.7:
        process = _start(where, arguments, int(rng.integers(MOST_STEPS)))
    else:
        process = _start(where, arguments)
        try:
            process.wait(float(rng.uniform(0.5, 8.0)))
        except subprocess.TimeoutExpired:
            process.kill()
    out, err = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), err
    return out, process.returncode != 0


def check(seed):
    """Kill a fit or a score, perhaps twice, and give it again."""
    rng = np.random.default_rng([seed, 5])
    fitted, scored = reference()
    is_fit = bool(rng.random() < 0.5)
    arguments, before, after = (FIT, {}, fitted) if is_fit else (SCORE, fitted, scored)
    where = Path(tempfile.mkdtemp())
    try:
        for name, data in (before or {"t.csv": fitted["t.csv"]}).items():
            (where / name).parent.mkdir(exist_ok=True)
            (where / name).write_bytes(data)
        out, was_killed = "", True
        for _ in range(1 + int(rng.random() < 0.3)):
            if was_killed and "threshold" not in out and not (where / "s.csv").exists():
                out, was_killed = _killed(where, arguments, rng)
        # What has shown its result, or has put the output in place, is done: giving it again is
        # to do it anew.
        is_done = "threshold" in out or (where / "s.csv").exists()
        _run(where, (*arguments, "--force") if is_done else arguments)
        found = _content(where)
        assert found.keys() == after.keys(), found.keys() ^ after.keys()
        assert found == after, [name for name in after if found[name] != after[name]]
    finally:
        shutil.rmtree(where)
    kind = "fit" if is_fit else "score"
    return f"{kind} {'killed' if was_killed else 'finished'}{', done' if is_done else ''}"


CAMPAIGN = Campaign("kills", check, 50)
