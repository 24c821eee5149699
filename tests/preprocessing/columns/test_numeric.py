from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.preprocessing.columns.numeric import NumberColumns

quick = settings(deadline=None, derandomize=True, max_examples=100)


def middling():
    return st.floats(-4.0, 4.0).filter(lambda value: abs(value) > 1e-3)


@quick
@given(
    exponent=st.integers(-300, 300),
    centre=middling(),
    scale=middling().map(abs),
    values=st.lists(middling(), min_size=1, max_size=20),
)
def test_values_are_scaled_as_the_formula_says_to_the_bit(exponent, centre, scale, values):
    columns = NumberColumns(("x",), *(np.array([part]) for part in (exponent, centre, scale)))
    values = np.array(values)
    features = columns.encode(np.ldexp(values, exponent)[:, None])
    np.testing.assert_array_equal(features[:, 0], (values - centre) / scale)


@quick
@given(
    n_rows=st.integers(0, 40),
    n_columns=st.integers(1, 5),
    most=st.sampled_from([1, 7, 32, 10**6]),
    narrow=st.booleans(),
    large=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_are_narrowed_alike_in_blocks_of_any_size(
    n_rows, n_columns, most, narrow, large, seed
):
    rng = np.random.default_rng(seed)
    exponent = np.full(n_columns, 500 if large else 3)
    centre, scale = rng.normal(size=n_columns), rng.uniform(0.5, 2.0, n_columns)
    columns = NumberColumns(tuple("abcde"[:n_columns]), exponent, centre, scale)
    values = np.ldexp(rng.normal(size=(n_rows, n_columns)), exponent)
    values[rng.random(values.shape) < 0.1] = np.nan
    if narrow and not large:
        values = values.astype(np.float32)
    narrowed = np.empty(values.shape, np.float32)
    with mock.patch("dagmm.preprocessing.columns.numeric._CACHED_VALUES", most):
        columns.encode_to(values, narrowed)
    expected = columns.encode(values.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(narrowed, expected)


@pytest.mark.parametrize("value", [1e-300, 3e-5, 1.0, 2e7, 1e300])
def test_columns_of_any_magnitude_are_scaled(value):
    exponent = np.array([np.frexp(value)[1], 1])
    columns = NumberColumns(("x", "y"), exponent, np.array([0.5, 0.5]), np.array([0.25, 0.25]))
    features = columns.encode(np.array([[value, 1.0], [np.nan, 1.0]]))
    np.testing.assert_array_equal(features[:, 1], 0.0)
    assert features[0, 0] == (np.frexp(value)[0] - 0.5) / 0.25
    assert np.isnan(features[1, 0])
