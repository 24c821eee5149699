import pytest

from dagmm.training.presets.paper import default_hiddens


@pytest.mark.parametrize("n_features", [1, 2, 8, 9, 500])
def test_the_code_of_a_narrow_table_is_not_squeezed(n_features):
    assert default_hiddens(n_features)[-1] == min(8, n_features)
