"""A process that was forked after JAX was used scores; asked to fit, it says that it cannot."""

import multiprocessing
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from dagmm import DAGMM
from dagmm._core.errors import ForkedProcessError
from small_fits import normal, tiny_dagmm, tiny_detector

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")

#: Seconds after which a child is said to hang; it answers at once.
PATIENCE = 60
MESSAGE = (
    "this process was forked from one that had used JAX already; its threads, which fits and "
    "convolutional networks compute with, are not here, and it would wait for them forever. Start "
    "processes with multiprocessing.get_context('spawn') or joblib, or use threads, which models "
    "can share."
)


@pytest.fixture(scope="module")
def fitted():
    return tiny_dagmm().fit(normal())


@pytest.fixture
def saved(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    return tmp_path / "m"


def _told(queue, work):
    try:
        queue.put(work())
    except Exception as error:
        queue.put(error)


def in_child(work):
    """Run in a forked child; return what came of it."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_told, args=(queue, work))
    with warnings.catch_warnings():
        # JAX warns of what is tested here.
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
        child.start()
    try:
        return queue.get(timeout=PATIENCE)
    finally:
        child.kill()
        child.join()


@pytest.mark.parametrize(
    "work",
    [
        lambda: tiny_dagmm().fit(normal()),
        lambda: tiny_detector().fit(normal()),
    ],
    ids=["fit", "fit of a detector"],
)
def test_a_child_forked_after_a_fit_cannot_fit_and_says_so(fitted, work):
    error = in_child(work)
    assert type(error) is ForkedProcessError, error
    assert str(error) == MESSAGE


@pytest.mark.parametrize(
    "work",
    [
        lambda model, path: model.predict(normal(5)),
        lambda model, path: DAGMM.load(path).predict(normal(5)),
    ],
    ids=["energy", "load and energy"],
)
def test_a_child_forked_after_a_fit_scores(fitted, saved, work):
    found = in_child(lambda: work(fitted, saved))
    np.testing.assert_array_equal(found, fitted.predict(normal(5)))


def test_the_parent_goes_on(fitted):
    before = fitted.predict(normal(5))
    in_child(lambda: fitted.predict(normal(5)))
    np.testing.assert_array_equal(fitted.predict(normal(5)), before)


def test_a_child_forked_before_use_computes(fitted, saved, tmp_path):
    np.save(tmp_path / "x.npy", normal(5))
    code = (
        "import os, numpy as np, dagmm, dagmm.inference\n"
        "child = os.fork()\n"
        "if child: raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "np.save('e.npy', dagmm.DAGMM.load('m').predict(np.load('x.npy')))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=PATIENCE)
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), fitted.predict(normal(5)))
