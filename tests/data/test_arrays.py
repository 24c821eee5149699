import numpy as np
import pytest

from dagmm._core.errors import InputError
from dagmm.data.arrays import MatrixRows, as_numbers


@pytest.mark.parametrize("read", ["dates", "instants"])
def test_an_array_holds_no_dates(read):
    chunk = MatrixRows(np.zeros((3, 2))).chunk(0, 3)
    with pytest.raises(InputError) as caught:
        getattr(chunk, read)("x1")
    assert str(caught.value) == (
        "column 'x1' holds numbers, this model was fitted on dates there."
    )


@pytest.mark.parametrize("big", [10**400, -(10**400)], ids=["plus", "minus"])
def test_a_number_beyond_all_floats_is_named(big):
    with pytest.raises(InputError) as caught:
        as_numbers(np.array([[1, 2], [3, big]], object))
    assert str(caught.value) == (
        "X holds a number in column 'x1', row 1, that is beyond all floats; replace it by one "
        "that is not, or by NaN where there is no value."
    )
