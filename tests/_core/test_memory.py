import ctypes
import sys
from types import SimpleNamespace

from dagmm._core.memory import give_back


def test_the_c_library_is_asked_where_it_can_do_so(monkeypatch):
    asked = []
    library = SimpleNamespace(malloc_trim=asked.append)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(sys, "platform", "linux")
    give_back()
    assert asked == [0]
    del library.malloc_trim
    give_back()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", None)
    give_back()
    assert asked == [0]


def test_the_real_one_does_no_harm():
    kept = bytes(1000)
    give_back()
    assert kept == bytes(1000)
