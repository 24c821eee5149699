import numpy as np
import pandas as pd
import pytest

from dagmm import TableWarning
from dagmm.data.convert import as_rows
from dagmm.preprocessing.table_fit import fit_table_encoder

N = 200


def frame(**columns):
    return pd.DataFrame({"a": np.random.default_rng(1).normal(size=N)} | columns)


def learned(table):
    return fit_table_encoder(as_rows(table))


@pytest.mark.parametrize("far", [1e29, -1e15])
def test_a_value_that_leaves_no_difference_between_the_others_is_warned_of(far):
    table = frame(b=np.random.default_rng(2).normal(20.0, 3.0, size=N))
    table.loc[7, "b"] = far
    with pytest.warns(TableWarning) as caught:
        encoder = learned(table)
    (warning,) = caught
    assert str(warning.message) == (
        "column 'b' has values so far from the others that these look the same to the model: the "
        "200 different values of the first 200 rows become 2 different features. Replace what is "
        "no reading by NaN."
    )
    assert encoder.columns == ("a", "b")


def test_values_that_a_feature_holds_are_not_warned_of():
    rng = np.random.default_rng(2)
    rare = np.zeros(N)
    rare[7] = 1e12
    far = rng.normal(20.0, 3.0, size=N)
    far[7] = 1e5
    learned(frame(rare=rare, far=far, late=1.7e9 + rng.uniform(0.0, 1.0, N)))


@pytest.mark.parametrize(
    ("mark", "said"), [(-9999.0, "-9999"), (999.9, "999.9"), (65535.0, "65535"), (1e308, "1e+308")]
)
def test_a_number_that_seems_to_stand_for_a_hole_is_warned_of(mark, said):
    table = frame(b=np.random.default_rng(2).normal(20.0, 3.0, size=N))
    table.loc[[7, 90], "b"] = mark
    with pytest.warns(TableWarning) as caught:
        learned(table)
    (warning,) = caught
    assert str(warning.message) == (
        f"column 'b' holds {said} in 2 of the first 200 rows, far from all that it holds besides. "
        "If that stands for a missing value, replace it by NaN."
    )


@pytest.mark.parametrize("value", [9998.0, 99.0, 33.3, 999.0])
def test_other_numbers_stand_for_themselves(value):
    table = frame(b=np.random.default_rng(2).normal(20.0, 3.0, size=N))
    table.loc[7, "b"] = value
    if value == 999.0:  # one of nines, but not so far from the others
        table["b"] *= np.where(np.arange(N) == 7, 1.0, 20.0)
    learned(table)
