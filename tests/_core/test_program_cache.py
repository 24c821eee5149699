"""Compiled programs outlive the process that compiled them, where the user wants it."""

import json
import os
import subprocess
import sys

import platformdirs
import pytest

from dagmm._core.program_cache import VARIABLE, folder, prune

_FIT = """
import collections, json, jax, numpy as np
count = collections.Counter()
jax.monitoring.register_event_listener(lambda name, **_: count.update([name.rsplit("/")[-1]]))
from dagmm import DAGMM
x = np.random.default_rng(0).normal(size=(70, 3))
model = DAGMM(comp_hiddens=[4, 2], est_hiddens=[4, 2], epoch_size=1).fit(x)
keys = ("cache_hits", "cache_misses")
print(json.dumps([*(count[key] for key in keys), model.predict(x).tolist()]))
"""
_COMPILE = """
import json, jax, numpy as np
from dagmm._core.compilation import compiled
print(float(compiled(lambda x: x + 1)(np.float32(1.0))))
print(json.dumps([jax.config.jax_compilation_cache_dir,
                  jax.config.jax_persistent_cache_min_compile_time_secs]))
"""


def run(code, **variables):
    """Output of code in a process in which every warning is an error and none is printed."""
    environ = {k: v for k, v in os.environ.items() if k != VARIABLE} | variables
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_second_process_compiles_nothing_and_says_the_same(tmp_path):
    hits, misses, energy = json.loads(run(_FIT, **{VARIABLE: str(tmp_path)}))
    assert hits == 0
    assert misses >= 1
    again = json.loads(run(_FIT, **{VARIABLE: str(tmp_path)}))
    assert again == [misses, 0, energy]


def settings_after(code=_COMPILE, **variables):
    value, settings = run(code, **variables).splitlines()
    assert value == "2.0"
    return json.loads(settings)


def test_the_folder_that_jax_was_given_stays(tmp_path):
    given = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "mine")}
    assert settings_after(**given, **{VARIABLE: str(tmp_path)}) == [str(tmp_path / "mine"), 1.0]
    assert not (tmp_path / "programs").exists()


def test_nothing_is_kept_where_the_variable_is_empty():
    assert settings_after(**{VARIABLE: ""}) == [None, 1.0]


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    assert settings_after(**{VARIABLE: str(tmp_path / "file")}) == [None, 1.0]


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path):
    # A folder stands where the program's file would: even root cannot write there.
    kept = {VARIABLE: str(tmp_path)}
    settings_after(**kept)
    (program,) = (tmp_path / "programs").iterdir()
    program.unlink()
    program.mkdir()
    assert settings_after(**kept) == [str(tmp_path / "programs"), 0.0]


def test_a_damaged_program_is_compiled_again(tmp_path):
    kept = {VARIABLE: str(tmp_path)}
    settings_after(**kept)
    (program,) = (tmp_path / "programs").iterdir()
    program.write_bytes(program.read_bytes()[:100])
    settings_after(**kept)


def test_the_folder_is_the_users_own_by_default(monkeypatch):
    monkeypatch.delenv(VARIABLE)
    assert folder() == platformdirs.user_cache_path("dagmm", appauthor=False) / "programs"
    monkeypatch.setenv(VARIABLE, "~/elsewhere")
    assert folder() == (folder().home() / "elsewhere/programs")


def test_tests_keep_their_programs_to_themselves():
    assert "dagmm-tests-" in str(folder())


@pytest.mark.parametrize(("most", "left"), [(30, "abc"), (29, "ac"), (15, "c"), (0, "")])
def test_what_was_used_longest_ago_is_deleted(tmp_path, most, left):
    for name, used in (("a", 200), ("b", 100), ("c", 300)):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (used, 50))
    prune(tmp_path, most)
    assert sorted(path.name for path in tmp_path.iterdir()) == list(left)
