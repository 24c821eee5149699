"""From features back to the table's own values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.data.arrays import MatrixRows
from dagmm.data.convert import as_rows
from dagmm.preprocessing.table_encoder import TableEncoder

quick = settings(deadline=None, derandomize=True, max_examples=50)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_values_come_back_to_float32_rounding(scaling):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": rng.normal(5.0, 2.0, 100),
            "t": rng.choice(["x", "y", "z"], 100),
            "b": 1e-3 * rng.normal(size=100),
            "u": rng.choice(["on", "off"], 100),
            "constant": 7.0,
        }
    )
    rows = as_rows(frame)
    encoder = TableEncoder.learn(rows, scaling)
    decoded = encoder.decode(encoder.encode(rows.chunk(0, 100)))
    assert list(decoded) == list(frame.columns)
    for name in ("a", "b", "constant"):
        scale = max(1e-3, float(frame[name].std()))
        np.testing.assert_allclose(decoded[name], frame[name], rtol=1e-6, atol=4e-6 * scale)
    for name in ("t", "u"):
        assert decoded[name].tolist() == frame[name].tolist()


def test_a_text_that_is_not_known_has_no_name():
    frame = pd.DataFrame({"t": ["x", "y"] * 10})
    encoder = TableEncoder.learn(as_rows(frame))
    new = as_rows(pd.DataFrame({"t": ["z", "x", None]})).chunk(0, 3)
    assert encoder.decode(encoder.encode(new))["t"].tolist() == [None, "x", None]


def test_zeros_and_whole_numbers_come_back_as_they_were():
    values = np.random.default_rng(0).integers(0, 200, size=(500, 1)).astype(np.float64)
    rows = MatrixRows(values)
    encoder = TableEncoder.learn(rows)
    decoded = encoder.decode(encoder.encode(rows.chunk(0, 500)))["x0"]
    np.testing.assert_allclose(decoded, values[:, 0], atol=2e-5)
    assert (decoded[values[:, 0] == 0.0] == 0.0).all()


@quick
@given(st.integers(-300, 300), st.floats(-1.0, 1.0))
def test_any_magnitude_comes_back(power, value):
    values = np.array([[-1.0], [1.0], [value]]) * 10.0**power
    rows = MatrixRows(values)
    encoder = TableEncoder.learn(rows)
    decoded = encoder.decode(encoder.encode(rows.chunk(0, 3)))["x0"]
    np.testing.assert_allclose(decoded, values[:, 0], atol=1e-5 * 10.0**power)
