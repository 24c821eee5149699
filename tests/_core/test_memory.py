import ctypes
import sys
from types import SimpleNamespace

from dagmm._core.memory import trim_heap


def test_the_c_library_is_asked_where_it_can_do_so(monkeypatch):
    asked = []
    library = SimpleNamespace(malloc_trim=asked.append)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(sys, "platform", "linux")
    trim_heap()
    assert asked == [0]
    del library.malloc_trim
    trim_heap()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", None)
    trim_heap()
    assert asked == [0]
