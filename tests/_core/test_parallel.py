"""Work in threads: in order, with bounded memory, and without a trace afterwards."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_info

from dagmm._core.parallel import parallel_map


def threads_of_pools():
    return [pool["num_threads"] for pool in threadpool_info()]


def test_results_come_in_the_order_of_the_items():
    assert list(parallel_map(lambda item: item * item, range(50))) == [i * i for i in range(50)]
    assert list(parallel_map(abs, [])) == []


def test_a_single_item_needs_no_thread():
    here = threading.current_thread()
    assert list(parallel_map(lambda _: threading.current_thread(), [0])) == [here]
    assert here not in list(parallel_map(lambda _: threading.current_thread(), [0, 1]))


def test_inside_pools_have_one_thread_each():
    before = threads_of_pools()
    for n_items in (1, 3):
        for inside in parallel_map(lambda _: threads_of_pools(), range(n_items)):
            assert set(inside) == {1}
    assert threads_of_pools() == before


def test_callers_that_overlap_leave_pools_as_they_were():
    before = threads_of_pools()
    both_inside, go_on = threading.Barrier(3), [threading.Event(), threading.Event()]

    def wait(i):
        both_inside.wait(30)
        assert go_on[i].wait(30)

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        callers = [
            pool.submit(lambda i=i: list(parallel_map(wait, [i])))
            for i, pool in enumerate((one, other))
        ]
        both_inside.wait(30)
        # Whoever came first, and held the limit, goes first or last.
        for event, caller in zip(go_on, callers, strict=True):
            event.set()
            caller.result(30)
    assert threads_of_pools() == before


def test_an_error_ends_the_work_and_restores_pools():
    def fail(item):
        raise ValueError(item)

    before = threads_of_pools()
    for items in ([1], [1, 2, 3]):
        with pytest.raises(ValueError, match=r"^1$"):
            list(parallel_map(fail, items))
    assert threads_of_pools() == before
