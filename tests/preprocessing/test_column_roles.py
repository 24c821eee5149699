import pytest

from dagmm._core.errors import ArgumentError
from dagmm.preprocessing.column_roles import ColumnRoles


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (3.5, None, None, None, None),
            "drop must be the name of a column, a list of names, or None, got 3.5.",
        ),
        (
            (None, [1.5], None, None, None),
            "categorical must be the name of a column, a list of names, or None, got [1.5].",
        ),
        (
            (None, None, None, ["t"], None),
            "time must be the name of a column, the two names of date and time of day, or None, "
            "got ['t'].",
        ),
    ],
)
def test_arguments_that_name_no_column_are_refused(arguments, message):
    with pytest.raises(ArgumentError) as caught:
        ColumnRoles.of(*arguments)
    assert str(caught.value) == message
    assert ColumnRoles.of("a", ["b"], None, "t", None) == ColumnRoles(("a",), ("b",), (), "t")
