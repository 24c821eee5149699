"""The encoder: statistics as NumPy's, chunks as the whole, categories and constant columns."""

import numpy as np
import pandas as pd
import pytest

from dagmm.data.arrays import MatrixRows
from dagmm.data.convert import as_rows
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT
from dagmm.preprocessing.table_encoder import TableEncoder
from small_fits import normal


def encode(encoder, rows, size=8192):
    return np.concatenate([encoder.encode(chunk) for chunk in rows.chunks(size)])


@pytest.mark.parametrize("power", [-300, -30, 0, 30, 300])
def test_statistics_are_numpys(power):
    x = normal(9000) + np.array([0.0, 5.0, -1000.0])
    encoded = encode(TableEncoder.learn(MatrixRows(x * 10.0**power)), MatrixRows(x * 10.0**power))
    np.testing.assert_allclose(encoded, (x - x.mean(axis=0)) / x.std(axis=0), 1e-5, 1e-6)


def test_minmax_is_the_range_of_the_training_rows():
    x = normal(9000)
    encoded = encode(TableEncoder.learn(MatrixRows(x), "minmax"), MatrixRows(x))
    assert (encoded.min(), encoded.max()) == (0.0, 1.0)


def test_no_scaling_leaves_numbers_as_they_are():
    x = normal().astype(np.float32)
    np.testing.assert_array_equal(
        encode(TableEncoder.learn(MatrixRows(x), "none"), MatrixRows(x)), x
    )


def test_constant_column_is_zero_and_speaks_up_when_it_moves():
    encoder = TableEncoder.learn(MatrixRows(np.full((5, 2), [7.0, 0.0])))
    assert encode(encoder, MatrixRows(np.full((2, 2), [7.0, 0.0]))).tolist() == [[0, 0]] * 2
    assert encode(encoder, MatrixRows(np.array([[14.0, 1.0]]))).tolist() == [[1.0, 1.0]]


def test_encoded_values_are_limited():
    encoder = TableEncoder.learn(MatrixRows(normal()))
    encoded = encode(encoder, MatrixRows(np.array([[1e300, -1e300, 0.0]])))
    assert encoded[0, :2].tolist() == [ENCODED_LIMIT, -ENCODED_LIMIT]


def test_ordinary_rows_have_the_features_that_they_have_beside_far_values_and_holes():
    x = normal(3000).astype(np.float32)
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"])
    encoder = TableEncoder.learn(MatrixRows(x))
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


def test_text_is_one_feature_for_each_category_and_one_for_others():
    frame = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0], "kind": ["u", "t", "u", "v"]})
    encoder = TableEncoder.learn(as_rows(frame[:3]), "minmax")
    assert encoder.texts[0].categories == ("u", "t")
    assert encoder.feature_columns == ("n", "kind", "kind", "kind")
    assert encoder.column_of_feature.tolist() == [0, 1, 1, 1]
    encoded = encode(encoder, as_rows(frame))
    assert encoded[:, 1:].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_encoded_rows_can_be_read_in_the_units_of_the_table(scaling):
    frame = pd.DataFrame(
        {
            "a": normal(40, 1)[:, 0] * 1e-3 + 5.0,
            "kind": ["u", "v"] * 20,
            "b": np.arange(40) % 7 * 1e3,
        }
    )
    encoder = TableEncoder.learn(as_rows(frame), scaling)
    decoded = encoder.decode(encode(encoder, as_rows(frame.assign(kind=["u", "w"] * 20))))
    np.testing.assert_allclose(decoded["a"], frame["a"], 1e-6)
    np.testing.assert_allclose(decoded["b"], frame["b"], 1e-6, 1e-3)
    assert decoded["kind"].tolist() == ["u", None] * 20
    assert encoder.column_of_feature.tolist() == [0, 2, 1, 1, 1]
