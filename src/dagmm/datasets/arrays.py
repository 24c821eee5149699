"""Sets of numeric arrays ``X`` and ``y``: ADBench's ``.npz`` files, ODDS' ``.mat`` files."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from dagmm._core.errors import InputError
from dagmm.data.file_bytes import check_file, named
from dagmm.datasets.labelled import Labelled

_NPZ = "an .npz file of ADBench, with arrays X and y"
_MAT = "a .mat file of ODDS, with arrays X and y"


def adbench(path: str | os.PathLike[str]) -> Labelled:
    """Read a set of ADBench (Han et al., NeurIPS 2022).

    Parameters
    ----------
    path : path-like
        An ``.npz`` file.

    Returns
    -------
    Labelled
        ``table`` of shape (n_rows, n_columns), in the type of the file.

    Raises
    ------
    InputError
        If the file is missing, damaged, or has no such arrays.

    Examples
    --------
    >>> from dagmm.datasets import adbench
    >>> x, is_anomaly = adbench("6_cardio.npz")  # doctest: +SKIP
    """
    file = check_file(path, _NPZ)
    try:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is no .npz archive")
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files if name in ("X", "y")}
    except (ValueError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise InputError(f"{named(path)} cannot be read ({error}); expected {_NPZ}.") from error
    return _labelled(path, found, _NPZ)


def odds(path: str | os.PathLike[str]) -> Labelled:
    """Read a set of ODDS (Outlier Detection DataSets, Stony Brook).

    Parameters
    ----------
    path : path-like
        A MATLAB file; those of version 7.3 need h5py.

    Returns
    -------
    Labelled
        ``table`` of shape (n_rows, n_columns), float64.

    Raises
    ------
    InputError
        If the file is missing, damaged, or has no such arrays, or needs h5py.

    Examples
    --------
    >>> from dagmm.datasets import odds
    >>> x, is_anomaly = odds("arrhythmia.mat")  # doctest: +SKIP
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    file = check_file(path, _MAT)
    try:
        found: dict[str, Any] = loadmat(file, variable_names=("X", "y"))
    except NotImplementedError:  # scipy's answer to version 7.3
        found = _read_hdf(file)
    except (MatReadError, ValueError, TypeError, OSError) as error:
        raise InputError(f"{named(path)} cannot be read ({error}); expected {_MAT}.") from error
    labelled = _labelled(path, found, _MAT)
    return Labelled(labelled.table.astype(np.float64), labelled.is_anomaly)


def _read_hdf(file: Path) -> dict[str, Any]:
    try:
        import h5py
    except ImportError as error:
        raise InputError(
            f"{named(file)} is a MATLAB 7.3 file, which needs h5py: pip install h5py. Or save it "
            "from MATLAB with -v7."
        ) from error
    with h5py.File(file) as content:
        # HDF lists the axes the other way round.
        return {name: np.asarray(content[name]).T for name in ("X", "y") if name in content}


def _labelled(path: str | os.PathLike[str], found: dict[str, Any], expected: str) -> Labelled:
    for name in ("X", "y"):
        if name not in found:
            raise InputError(f"{named(path)} has no array {name!r}; expected {expected}.")
    x, y = np.asarray(found["X"]), np.asarray(found["y"]).ravel()
    if x.ndim != 2 or x.dtype.kind not in "biuf" or len(y) != len(x):
        raise InputError(
            f"{named(path)} has X of shape {x.shape} ({x.dtype}) and {len(y)} labels in y; "
            "expected a table of numbers with a label for each row."
        )
    if not np.isin(y, (0, 1)).all():
        raise InputError(f"{named(path)}: labels in y must be 0 (normal) or 1 (anomaly).")
    return Labelled(x, y.astype(bool))
