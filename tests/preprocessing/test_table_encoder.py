"""The encoder: statistics as NumPy's, chunks as the whole, categories and constant columns."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm import TableWarning
from dagmm.data.arrays import MatrixRows
from dagmm.data.convert import as_rows
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT
from dagmm.preprocessing.table_fit import fit_table_encoder
from small_fits import normal

quick = settings(deadline=None, derandomize=True, max_examples=50)


def encode(encoder, rows, size=8192):
    return np.concatenate([encoder.encode(chunk) for chunk in rows.chunks(size)])


@pytest.mark.parametrize("power", [-300, -30, 0, 30, 300])
def test_statistics_are_numpys(power):
    x = normal(9000) + np.array([0.0, 5.0, -1000.0])
    encoded = encode(fit_table_encoder(MatrixRows(x * 10.0**power)), MatrixRows(x * 10.0**power))
    np.testing.assert_allclose(encoded, (x - x.mean(axis=0)) / x.std(axis=0), 1e-5, 1e-6)


def test_minmax_is_the_range_of_the_training_rows():
    x = normal(9000)
    encoded = encode(fit_table_encoder(MatrixRows(x), "minmax"), MatrixRows(x))
    assert (encoded.min(), encoded.max()) == (0.0, 1.0)


def test_no_scaling_leaves_numbers_as_they_are():
    x = normal().astype(np.float32)
    np.testing.assert_array_equal(
        encode(fit_table_encoder(MatrixRows(x), "none"), MatrixRows(x)), x
    )


def test_constant_column_is_zero_and_speaks_up_when_it_moves():
    encoder = fit_table_encoder(MatrixRows(np.full((5, 2), [7.0, 0.0])))
    assert encode(encoder, MatrixRows(np.full((2, 2), [7.0, 0.0]))).tolist() == [[0, 0]] * 2
    assert encode(encoder, MatrixRows(np.array([[14.0, 1.0]]))).tolist() == [[1.0, 1.0]]


def test_encoded_values_are_limited():
    encoder = fit_table_encoder(MatrixRows(normal()))
    encoded = encode(encoder, MatrixRows(np.array([[1e300, -1e300, 0.0]])))
    assert encoded[0, :2].tolist() == [ENCODED_LIMIT, -ENCODED_LIMIT]


def test_ordinary_rows_have_the_features_that_they_have_beside_far_values_and_holes():
    x = normal(3000).astype(np.float32)
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"])
    encoder = fit_table_encoder(MatrixRows(x))
    ordinary = encode(encoder, MatrixRows(x))
    for value, expected in ((1e30, ENCODED_LIMIT), (np.nan, None)):
        odd = x.copy()
        odd[17, 1] = value
        encoded = encode(encoder, MatrixRows(odd))
        np.testing.assert_array_equal(np.delete(encoded, 17, 0), np.delete(ordinary, 17, 0))
        assert np.isfinite(encoded[17]).all()
        assert expected is None or encoded[17, 1] == expected
    np.testing.assert_array_equal(encode(encoder, as_rows(frame)), ordinary)
    np.testing.assert_array_equal(encode(encoder, MatrixRows(x.astype(np.float64))), ordinary)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_encoded_rows_can_be_read_in_the_units_of_the_table(scaling):
    frame = pd.DataFrame(
        {
            "a": normal(40, 1)[:, 0] * 1e-3 + 5.0,
            "kind": ["u", "v"] * 20,
            "b": np.arange(40) % 7 * 1e3,
        }
    )
    encoder = fit_table_encoder(as_rows(frame), scaling)
    decoded = encoder.decode(encode(encoder, as_rows(frame.assign(kind=["u", "w"] * 20))))
    np.testing.assert_allclose(decoded["a"], frame["a"], 1e-6)
    np.testing.assert_allclose(decoded["b"], frame["b"], 1e-6, 1e-3)
    assert decoded["kind"].tolist() == ["u", None] * 20
    assert encoder.feature_columns == ("a", "b", "kind", "kind", "kind")


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
    encoder = fit_table_encoder(rows, scaling)
    decoded = encoder.decode(encoder.encode(rows.chunk(0, 100)))
    assert list(decoded) == list(frame.columns)
    for name in ("a", "b", "constant"):
        scale = max(1e-3, float(frame[name].std()))
        np.testing.assert_allclose(decoded[name], frame[name], rtol=1e-6, atol=4e-6 * scale)
    for name in ("t", "u"):
        assert decoded[name].tolist() == frame[name].tolist()


def test_a_text_that_is_not_known_has_no_name():
    frame = pd.DataFrame({"t": ["x", "y"] * 10})
    encoder = fit_table_encoder(as_rows(frame))
    new = as_rows(pd.DataFrame({"t": ["z", "x", None]})).chunk(0, 3)
    assert encoder.decode(encoder.encode(new))["t"].tolist() == [None, "x", None]


def test_a_column_that_lost_all_its_values_is_warned_of():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "t": rng.choice(["x", "y"], 200)})
    frame["seldom"] = frame["a"].where(rng.random(200) < 0.1)
    encoder = fit_table_encoder(as_rows(frame))
    empty = as_rows(frame.assign(a=np.nan, t=None, seldom=np.nan))
    with pytest.warns(TableWarning) as caught:
        encoder.encode(empty.chunk(0, 100))
    assert [str(warning.message) for warning in caught] == [
        f"column {name!r} has no value in 100 rows and more, and the training rows had one "
        "everywhere; energies of such rows are those of the other columns."
        for name in ("a", "t")
    ]
    encoder.encode(empty.chunk(0, 99))  # so few may lack one


def test_zeros_and_whole_numbers_come_back_as_they_were():
    values = np.random.default_rng(0).integers(0, 200, size=(500, 1)).astype(np.float64)
    rows = MatrixRows(values)
    encoder = fit_table_encoder(rows)
    decoded = encoder.decode(encoder.encode(rows.chunk(0, 500)))["x0"]
    np.testing.assert_allclose(decoded, values[:, 0], atol=2e-5)
    assert (decoded[values[:, 0] == 0.0] == 0.0).all()


@quick
@given(st.integers(-300, 300), st.floats(-1.0, 1.0))
def test_any_magnitude_comes_back(power, value):
    values = np.array([[-1.0], [1.0], [value]]) * 10.0**power
    rows = MatrixRows(values)
    encoder = fit_table_encoder(rows)
    decoded = encoder.decode(encoder.encode(rows.chunk(0, 3)))["x0"]
    np.testing.assert_allclose(decoded, values[:, 0], atol=1e-5 * 10.0**power)
