"""Days as spreadsheets count them are not read as seconds in silence."""

import re
import warnings

import numpy as np
import pyarrow as pa
import pytest

from dagmm import TableWarning
from dagmm.data.convert import as_rows
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.table_fit import fit_table_encoder

MINUTES = 45292.5 + np.arange(300) / 1440
VALUES = np.random.default_rng(0).normal(size=300)


def fitted(times):
    table = pa.table({"t": times, "x": VALUES})
    return fit_table_encoder(as_rows(table), roles=ColumnRoles(time="t"))


@pytest.mark.parametrize("as_text", [False, True])
def test_days_of_a_spreadsheet_are_warned_of(as_text):
    times = [f"{time:.5f}" for time in MINUTES] if as_text else MINUTES
    message = (
        "column 't', the time axis, holds numbers such as 45292.50000, which are taken for "
        "seconds. They look like days as spreadsheets count them: write them as dates, such as "
        "2024-01-01 12:00:00."
    )
    with pytest.warns(TableWarning, match=f"^{re.escape(message)}$"):
        fitted(times)


@pytest.mark.parametrize(
    "times",
    [
        45292.0 + np.arange(300) / 10,  # seconds since midnight, ten rows a second
        45292.0 + np.arange(300.0),
        1.7e9 + np.arange(300) / 3,
        np.arange(300) / 1440,
    ],
)
def test_other_clocks_are_not(times):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(times)
