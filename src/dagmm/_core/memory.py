"""Memory that was freed, given back to the system."""

import ctypes
import sys


def trim_heap() -> None:
    """Give freed memory back to the system where a library would keep it for itself.

    The GNU C library keeps what compilers and threads have freed in a heap of each thread's own;
    after the training of a large table that is about 200 MB, which nothing else can use. Arrow
    keeps as much once it has read one.
    """
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    if sys.platform == "linux":
        # Other C libraries have no such function, and keep less.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
