"""Loading leaves the garbage collector as it was."""

import gc
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagmm._core.lazy_imports import load


@pytest.fixture
def noting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module that notes whether the collector was on while it was imported."""
    name = "module_that_notes"
    (tmp_path / f"{name}.py").write_text(
        "import gc\nwas_on = gc.isenabled()\n"
        "class Circle: ...\n"
        "circle = Circle()\ncircle.circle = circle\n"
    )
    (tmp_path / "module_that_fails.py").write_text("raise RuntimeError('no')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_no_garbage_is_looked_for_while_a_module_is_imported(noting: str) -> None:
    assert not load(noting).was_on
    assert gc.isenabled()


def test_a_module_that_fails_leaves_the_collector_on(noting: str) -> None:
    with pytest.raises(RuntimeError, match="no"):
        load("module_that_fails")
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off(noting: str) -> None:
    gc.disable()
    try:
        load(noting)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_objects_that_somebody_froze_stay_frozen(noting: str) -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        load(noting)
        assert gc.get_freeze_count() == pytest.approx(frozen, rel=0.01)
    finally:
        gc.unfreeze()


def test_what_was_loaded_is_still_collected(noting: str) -> None:
    module = load(noting)
    circle = weakref.ref(module.circle)
    del module.circle
    gc.collect()
    assert circle() is None
