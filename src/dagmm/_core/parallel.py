"""Work side by side in threads: members of an ensemble, chunks of rows.

JAX and NumPy let go of the interpreter while they compute, so threads use all cores. Each
thread keeps to one core: matrices this small gain nothing from being split, and thread pools
inside thread pools wait for each other.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, islice
from threading import Event, Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

#: Threads that work side by side; all cores by default.
_n_threads: int | None = None

_A = TypeVar("_A")
_B = TypeVar("_B")


def parallel_map(
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
    source = iter(items)
    first = list(islice(source, 2))
    # Threads would cost more than a few rows do, and so would counting cores.
    n_threads = 1 if len(first) < 2 else n_cores()
    source = chain(first, source)
    if n_threads == 1:
        with single_threaded_blas():
            yield from map(function, source)
        return
    with single_threaded_blas(), ThreadPoolExecutor(n_threads, initializer=_join) as pool:
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


def n_cores() -> int:
    """Return how many cores there are to work on."""
    if _n_threads is not None:
        return _n_threads
    import joblib  # knows of the limits of containers; few rows are scored without it

    return int(joblib.cpu_count())


def keep_to_one_core() -> None:
    """Work without threads in this process from here on, as others work beside it."""
    global _n_threads
    _n_threads = 1


#: Held by whoever limits BLAS, whose limit is one for all threads.
_BLAS = Lock()


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Do without the thread pools of NumPy's and scikit-learn's libraries.

    Callers may overlap: only the first sets the limit of BLAS, and lifts it. If all did, the last
    to go would put back the limit that it found; and threadpoolctl lets no other thread lift it.
    Who is still at work then may use more cores than it should.
    """
    holds = _BLAS.acquire(blocking=False)
    try:
        with _pools("blas" if holds else "", "openmp").limit(limits=1):
            yield
    finally:
        if holds:
            _BLAS.release()


def _join() -> None:
    """Begin a thread that ends soon: OpenMP has a limit for each."""
    _pools("openmp").limit(limits=1)


def _pools(*kinds: str) -> ThreadpoolController:
    return _some_pools(len(sys.modules), kinds)


@lru_cache(maxsize=4)
def _some_pools(n_modules: int, kinds: tuple[str, ...]) -> ThreadpoolController:
    return _all_pools(n_modules).select(user_api=list(kinds))


@lru_cache(maxsize=1)
def _all_pools(n_modules: int) -> ThreadpoolController:
    """Look for thread pools, which takes milliseconds; again after an import only."""
    return ThreadpoolController()
