"""Work side by side in threads: members of an ensemble, chunks of rows.

JAX and NumPy let go of the interpreter while they compute, so threads use all cores. Each
thread keeps to one core: matrices this small gain nothing from being split, and thread pools
inside thread pools wait for each other.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

import joblib
from threadpoolctl import threadpool_limits

_A = TypeVar("_A")
_B = TypeVar("_B")


def side_by_side(
    function: Callable[[_A], _B], items: Iterable[_A], stopped: Event | None = None
) -> Iterator[_B]:
    """Apply a function to each item on all cores, and give the results in order.

    Items are taken from their source only a few ahead of the results, so that a source of any
    length passes through a bounded memory.

    Parameters
    ----------
    function : callable
    items : iterable
    stopped : Event, optional
        Set when an error or an interrupt ends the work early, so that a function that takes
        long can look at it and return.

    Yields
    ------
    The function's results, in the order of the items.
    """
    n_threads = joblib.cpu_count()
    source = iter(items)
    with threadpool_limits(1), ThreadPoolExecutor(n_threads) as pool:
        waiting: list[Future[_B]] = []
        try:
            for item in source:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * n_threads:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        except BaseException:
            if stopped is not None:
                stopped.set()
            for future in waiting:
                future.cancel()
            raise
