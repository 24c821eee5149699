"""Who writes to a directory waits for who is writing there."""

import errno
import os
import threading

import pytest

from dagmm._core import file_locks
from dagmm._core.file_locks import alone_in

pytestmark = pytest.mark.skipif(os.name != "posix", reason="directories are locked by POSIX")


def test_threads_take_turns(tmp_path):
    inside, most = [0], [0]

    def work():
        for _ in range(20):
            with alone_in(tmp_path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert list(tmp_path.iterdir()) == []


def test_the_turn_ends_with_an_error(tmp_path):
    with pytest.raises(KeyError), alone_in(tmp_path):
        raise KeyError
    with alone_in(tmp_path):
        pass


def test_nobody_waits_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(file_locks, "PATIENCE", 0.05)
    with alone_in(tmp_path), pytest.raises(TimeoutError) as caught, alone_in(tmp_path):
        pass
    assert caught.value.strerror == "another process has been writing there for a minute"


def test_a_file_system_without_locks_lets_everybody_write(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_locks.fcntl, "flock", refuse)
    with alone_in(tmp_path), alone_in(tmp_path):
        pass
