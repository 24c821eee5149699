"""A model that is replaced while it is read, by one process or by several at once."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from dagmm import DAGMM, ModelFileError, ModelSaveError
from dagmm._core import file_locks
from dagmm._core.file_locks import alone_in
from dagmm.inference.persistence import directory
from small_fits import normal, tiny_dagmm

#: How often the threads below save and load.
TURNS = 40


@pytest.fixture(scope="module")
def two():
    return [tiny_dagmm(random_seed=seed).fit(normal()) for seed in (0, 1)]


def in_threads(*works):
    """Run all at once; raise what any of them raises."""
    errors = []

    def told(work):
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=told, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_savers_and_readers_at_once(two, tmp_path):
    two[0].save(tmp_path / "m")
    x = normal(5)
    expected = [model.predict(x).tobytes() for model in two]

    def saving(first):
        def save():
            for i in range(TURNS):
                two[(first + i) % 2].save(tmp_path / "m")

        return save

    def load():
        for _ in range(TURNS):
            assert DAGMM.load(tmp_path / "m").predict(x).tobytes() in expected

    in_threads(saving(0), saving(1), load, load)
    left = {file.name for file in (tmp_path / "m").iterdir()}
    assert len(left) == 2, left
    DAGMM.load(tmp_path / "m")


def test_savers_in_two_processes_wait_for_each_other(two, tmp_path):
    for i, model in enumerate(two):
        model.save(tmp_path / str(i))
    code = (
        "import sys; from dagmm import DAGMM; model = DAGMM.load(sys.argv[1])\n"
        f"for _ in range({TURNS}): model.save('m')"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, name], cwd=tmp_path, stderr=subprocess.PIPE)
        for name in "01"
    ]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    DAGMM.load(tmp_path / "m")
    assert len(list((tmp_path / "m").iterdir())) == 2


@pytest.mark.parametrize("same", [False, True], ids=["another", "the same, written anew"])
def test_a_reader_reads_again_when_its_arrays_have_gone(two, tmp_path, monkeypatch, same):
    two[0].save(tmp_path)
    read, left = directory._read_arrays, [2]

    def interrupted(file, promised):
        if not left[0]:
            return read(file, promised)
        left[0] -= 1
        two[1].save(tmp_path)
        if same:
            two[0].save(tmp_path)
        raise ModelFileError("the arrays have gone")

    monkeypatch.setattr(directory, "_read_arrays", interrupted)
    found = DAGMM.load(tmp_path).predict(normal(5))
    np.testing.assert_array_equal(found, two[0 if same else 1].predict(normal(5)))


def test_a_model_that_is_always_replaced_is_given_up(two, tmp_path, monkeypatch):
    two[0].save(tmp_path)

    def replaced(file, promised):
        manifest = tmp_path / "manifest.json"
        status = manifest.stat()
        os.utime(manifest, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        raise ModelFileError("gone")

    monkeypatch.setattr(directory, "_read_arrays", replaced)
    with pytest.raises(ModelFileError) as caught:
        DAGMM.load(tmp_path)
    assert str(caught.value) == (
        f"restore: {str(tmp_path)!r} was replaced 100 times while it was read; try again when "
        "less is saved there."
    )


@pytest.mark.skipif(os.name != "posix", reason="directories are locked by POSIX")
def test_a_saver_that_is_kept_waiting_says_where(two, tmp_path, monkeypatch):
    monkeypatch.setattr(file_locks, "PATIENCE", 0.05)
    with alone_in(tmp_path), pytest.raises(ModelSaveError) as caught:
        two[0].save(tmp_path)
    assert caught.value.strerror == (
        f"save: {str(tmp_path)!r} could not be written: another process has been writing there "
        "for a minute."
    )
    assert list(tmp_path.iterdir()) == []
