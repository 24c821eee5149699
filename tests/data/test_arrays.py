import numpy as np
import pytest

from dagmm._core.errors import InputError
from dagmm.data.arrays import MatrixRows


@pytest.mark.parametrize("read", ["dates", "instants"])
def test_an_array_holds_no_dates(read):
    chunk = MatrixRows(np.zeros((3, 2))).chunk(0, 3)
    with pytest.raises(InputError) as caught:
        getattr(chunk, read)("x1")
    assert str(caught.value) == (
        "column 'x1' holds numbers, this model was fitted on dates there."
    )
