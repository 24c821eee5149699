"""One model, saved and loaded by several processes at once: every load and every save succeeds."""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from campaigns.campaign import Campaign
from dagmm import DAGMM
from small_fits import normal, tiny_dagmm

#: Saves of each process in one case.
SAVES = 100
SAVER = """
import sys
from dagmm import DAGMM
models = [DAGMM.load(name) for name in sys.argv[1:3]]
print("ready", flush=True)
sys.stdin.readline()
for i in range(int(sys.argv[4])):
    models[i % 2].save(sys.argv[3])
"""


@cache
def models():
    """Return two models."""
    return [tiny_dagmm(random_seed=seed).fit(normal()) for seed in (0, 1)]


def check(seed, n_saves=SAVES):
    """Save two models by turns from one or two processes, and load them all the while."""
    one, other = models()
    x = normal(5)
    expected = [model.predict(x).tobytes() for model in (one, other)]
    where = Path(tempfile.mkdtemp())
    savers = []
    try:
        one.save(where / "0")
        other.save(where / "1")
        one.save(where / "m")
        for i in range(1 + seed % 2):
            order = [str(where / name) for name in ("01" if i else "10")]
            arguments = [*order, str(where / "m"), str(n_saves)]
            savers.append(
                subprocess.Popen(
                    [sys.executable, "-c", SAVER, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        for saver in savers:
            assert saver.stdout.readline() == "ready\n"
        for saver in savers:
            saver.stdin.write("\n")
            saver.stdin.flush()
        loads = 0
        while any(saver.poll() is None for saver in savers):
            assert DAGMM.load(where / "m").predict(x).tobytes() in expected
            loads += 1
        errors = [saver.communicate()[1] for saver in savers]
        assert [saver.returncode for saver in savers] == [0] * len(savers), errors
        assert loads
        DAGMM.load(where / "m")
        assert len(list((where / "m").iterdir())) == 2
    finally:
        for saver in savers:
            saver.kill()
            saver.communicate()
        shutil.rmtree(where)
    return f"{len(savers)} savers of {n_saves}"


CAMPAIGN = Campaign("readers_and_writers", check, 20)
