import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.training.trimming import usual_rows
from small_fits import normal


def usual(features, trim=0.2, seed=0):
    return usual_rows(features.astype(np.float32), trim, np.random.default_rng(seed))


def test_rows_that_lie_together_far_from_the_others_are_trimmed():
    together = 6.0 + 0.1 * normal(100, 4, seed=1)
    found = usual(np.concatenate([normal(900, 4), together]))
    assert not found[900:].any()
    assert found[:900].sum() == 800


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 60), st.floats(0.0, 0.5))
def test_so_many_rows_are_trimmed_as_the_share_says(n_rows, trim):
    assert (~usual(normal(n_rows, 2), trim)).sum() == int(trim * n_rows)


def test_where_nothing_is_trimmed_rows_are_not_read():
    class Unread:
        shape = (50, 2)

        def __len__(self):
            return 50

        def __getitem__(self, part):
            raise AssertionError("read")

    assert usual_rows(Unread(), 0.0, np.random.default_rng(0)).all()
    with pytest.raises(AssertionError, match="read"):
        usual_rows(Unread(), 0.2, np.random.default_rng(0))


def test_the_seed_decides():
    x = normal(300, 3)
    np.testing.assert_array_equal(usual(x, seed=1), usual(x, seed=1))
    assert (usual(x, seed=1) != usual(x, seed=2)).any()


def test_of_rows_that_are_all_alike_any_are_trimmed():
    assert usual(np.ones((50, 3))).sum() == 40
