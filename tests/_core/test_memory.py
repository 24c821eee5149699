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


def test_arrow_is_asked_where_it_is_in_use(monkeypatch):
    asked = []
    pool = SimpleNamespace(release_unused=lambda: asked.append("pool"))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "pyarrow", SimpleNamespace(default_memory_pool=lambda: pool))
    trim_heap()
    monkeypatch.delitem(sys.modules, "pyarrow")
    trim_heap()
    assert asked == ["pool"]
