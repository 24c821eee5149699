"""KDD Cup 1999: connections of a network, most of them attacks."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from dagmm._core.errors import InputError
from dagmm.data.file_bytes import named, read_bytes
from dagmm.datasets.labelled import Labelled

_NAMES = """
duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot
num_failed_logins logged_in num_compromised root_shell su_attempted num_root
num_file_creations num_shells num_access_files num_outbound_cmds is_host_login
is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate
same_srv_rate diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count
dst_host_same_srv_rate dst_host_diff_srv_rate dst_host_same_src_port_rate
dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate
dst_host_rerror_rate dst_host_srv_rerror_rate
"""
COLUMNS = tuple(_NAMES.split())
TEXTS = ("protocol_type", "service", "flag")
FLAGS = ("land", "logged_in", "is_host_login", "is_guest_login")
_EXPECTED = "the raw CSV of KDD Cup 1999, 41 columns and the label, gzipped or not"


def kddcup99(
    path: str | os.PathLike[str] | None = None, *, flags_as_text: bool = False
) -> Labelled:
    """Read KDD Cup 1999.

    Parameters
    ----------
    path : path-like, optional
        A raw file, such as ``kddcup.data_10_percent.gz``. By default scikit-learn downloads the
        10 % sample, once.
    flags_as_text : bool, default=False
        Whether the four columns of zeros and ones come as text, to be encoded by category.

    Returns
    -------
    Labelled
        ``table`` is a pyarrow.Table of 41 named columns; every attack is an anomaly.

    Raises
    ------
    InputError
        If the file is missing or something else, or the sample cannot be downloaded.

    Examples
    --------
    >>> from dagmm.datasets import kddcup99
    >>> table, is_attack = kddcup99("kddcup.data_10_percent.gz")  # doctest: +SKIP
    """
    text = (*TEXTS, *FLAGS) if flags_as_text else TEXTS
    table = _downloaded(text) if path is None else _read(path, text)
    attack = pc.not_equal(table["label"], "normal.").to_numpy()
    return Labelled(table.drop_columns("label").combine_chunks(), attack)


def _read(path: str | os.PathLike[str], text: tuple[str, ...]) -> pa.Table:
    content = read_bytes(path, _EXPECTED)
    types = dict.fromkeys((*text, "label"), pa.string())
    numbers = {name: pa.float64() for name in COLUMNS if name.endswith("_rate")}
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(column_names=[*COLUMNS, "label"]),
            convert_options=arrow_csv.ConvertOptions(column_types=types | numbers),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(
            f"{named(path)} cannot be read ({reason}); expected {_EXPECTED}."
        ) from error


def _downloaded(text: tuple[str, ...]) -> pa.Table:
    from sklearn.datasets import fetch_kddcup99

    try:
        data = fetch_kddcup99(percent10=True)
    except OSError as error:
        raise InputError(
            f"kddcup99: no file was given, and the sample could not be downloaded ({error}); pass "
            "the path of kddcup.data_10_percent.gz."
        ) from error
    return table_of(data.data, data.target, text)


def table_of(data: np.ndarray, target: np.ndarray, text: tuple[str, ...]) -> pa.Table:
    """Return scikit-learn's arrays, which hold bytes and numbers, as a table.

    Parameters
    ----------
    data : ndarray of shape (n_rows, 41), object
    target : ndarray of shape (n_rows,), object
    text : tuple of str
        Columns that come as text.
    """
    columns = {}
    for name, values in zip((*COLUMNS, "label"), (*data.T, target), strict=True):
        if name in (*TEXTS, "label"):
            columns[name] = pa.array([value.decode() for value in values])
        elif name in text:
            columns[name] = pa.array([str(int(value)) for value in values])
        else:
            dtype = np.float64 if name.endswith("_rate") else np.int64
            columns[name] = pa.array(values.astype(dtype))
    return pa.table(columns)
