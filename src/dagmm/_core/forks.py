"""Forked processes: a child has the memory of its parent, but not the threads that JAX works with.

What a child would ask of them never comes. JAX cannot begin anew there, so that an error is all
that is left; a child that is forked before JAX is first used has threads of its own.
"""

import os

from dagmm._core.errors import ForkedProcessError


class _Process:
    """What this process is."""

    uses_jax = False
    is_cut_off = False


def check_process() -> None:
    """Check that JAX's threads are in this process; from here on it counts as one that uses JAX.

    Raises
    ------
    ForkedProcessError
        If the process was forked from one that used JAX.
    """
    if _Process.is_cut_off:
        raise ForkedProcessError(
            "this process was forked from one that had used JAX already; its threads, which "
            "fits and convolutional networks compute with, are not here, and it would wait for "
            "them forever. Start processes with multiprocessing.get_context('spawn') or joblib, "
            "or use threads, which models can share."
        )
    _Process.uses_jax = True


def _mark_child() -> None:
    _Process.is_cut_off = _Process.uses_jax


if hasattr(os, "register_at_fork"):  # where there is no fork, nothing has to be told
    os.register_at_fork(after_in_child=_mark_child)
