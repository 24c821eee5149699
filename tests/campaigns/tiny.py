"""Detectors that are fitted in no time, for cases by the thousand."""

import contextlib
import warnings
from collections.abc import Iterator
from unittest import mock

import numpy as np

from small_fits import tiny_config, tiny_detector


@contextlib.contextmanager
def tiny_fits() -> Iterator[None]:
    """Have detectors fitted in no time, and say nothing."""
    with (
        mock.patch("dagmm.estimators.detector.table_config", tiny_config),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def detector(**arguments):
    return tiny_detector(n_members=1, **arguments)


def check_energies(energies, n_rows):
    """Check that there is a finite energy for each row."""
    assert energies.shape == (n_rows,), energies.shape
    assert np.isfinite(energies).all(), energies
