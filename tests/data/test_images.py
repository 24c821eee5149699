import numpy as np
import pytest

from dagmm._core.errors import InputError
from dagmm.data.images import ImageRows


@pytest.mark.parametrize(
    ("read", "columns"),
    [
        ("kind", "a"),
        ("numbers", ("a",)),
        ("floats", ("a",)),
        ("integers", "a"),
        ("text", "a"),
        ("dates", "a"),
        ("instants", "a"),
    ],
)
def test_images_have_no_columns(read, columns):
    chunk = ImageRows(np.zeros((3, 8, 8), np.uint8)).chunk(0, 3)
    with pytest.raises(InputError) as caught:
        getattr(chunk, read)(columns)
    assert str(caught.value) == "X holds images, which have no columns; expected a table."
