import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.encoder.numbers import NumberColumns

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


@pytest.mark.parametrize("value", [1e-300, 3e-5, 1.0, 2e7, 1e300])
def test_columns_of_any_magnitude_are_scaled(value):
    exponent = np.array([np.frexp(value)[1], 1])
    columns = NumberColumns(("x", "y"), exponent, np.array([0.5, 0.5]), np.array([0.25, 0.25]))
    features = columns.encode(np.array([[value, 1.0], [np.nan, 1.0]]))
    np.testing.assert_array_equal(features[:, 1], 0.0)
    assert features[0, 0] == (np.frexp(value)[0] - 0.5) / 0.25
    assert np.isnan(features[1, 0])
