import numpy as np
import pytest

from dagmm.inference.chunks import BUFFER_FEATURES, buffer_rows, chunks_of


@pytest.mark.parametrize(("n_rows", "n_features"), [(20_000, 6), (5000, 784), (500, 150_528)])
def test_chunks_hold_all_rows_and_a_bounded_number_of_values(n_rows, n_features):
    features = np.broadcast_to(np.float32(0.0), (n_rows, n_features))
    sizes = [len(features[part]) for part in chunks_of(features)]
    assert sum(sizes) == n_rows
    assert max(sizes) * n_features <= max(BUFFER_FEATURES, buffer_rows(n_features) * n_features)
    assert all(size % buffer_rows(n_features) == 0 for size in sizes[:-1])
