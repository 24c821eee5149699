from fractions import Fraction

import numpy as np
import pytest

from dagmm._core.arguments import check_choice, check_int, check_number, check_sizes
from dagmm._core.errors import ArgumentError


def message_of(function, *arguments, **options):
    with pytest.raises(ArgumentError) as caught:
        function(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("value", [1, 5, np.int64(7), np.uint8(3)])
def test_whole_numbers_are_taken(value):
    result = check_int("minibatch_size", value, 1)
    assert result == value
    assert type(result) is int


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (-3, "-3"), (1.0, "1.0"), (True, "True"), ("4", "'4'"), (None, "None")],
)
def test_anything_else_is_no_whole_number(value, shown):
    message = message_of(check_int, "minibatch_size", value, 1)
    assert message == f"minibatch_size must be an int >= 1, got {shown}."


@pytest.mark.parametrize("value", [0, 0.25, np.float32(0.5), Fraction(1, 3)])
def test_numbers_are_taken(value):
    result = check_number("est_dropout_ratio", value, 0.0, 1.0)
    assert result == float(value)
    assert type(result) is float


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5, "1.5"),
        (1.0, "1.0"),
        (-0.1, "-0.1"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (True, "True"),
        ("0.5", "'0.5'"),
        (None, "None"),
        (1j, "1j"),
    ],
)
def test_a_number_must_lie_in_its_range(value, shown):
    message = message_of(check_number, "est_dropout_ratio", value, 0.0, 1.0)
    assert message == f"est_dropout_ratio must be in [0, 1), got {shown}."


def test_a_range_may_leave_out_its_lower_end():
    message = message_of(check_number, "learning_rate", 0.0, 0.0, above=True)
    assert message == "learning_rate must be a finite number > 0, got 0.0."
    message = message_of(check_number, "warm_up", 0.0, 0.0, 1.0, above=True)
    assert message == "warm_up must be in (0, 1), got 0.0."
    assert check_number("learning_rate", 1e-9, 0.0, above=True) == 1e-9


@pytest.mark.parametrize("value", [-1, float("inf"), float("-inf"), float("nan")])
def test_a_range_without_an_upper_end_still_wants_a_finite_number(value):
    message = message_of(check_number, "lambda1", value, 0.0)
    assert message == f"lambda1 must be a finite number >= 0, got {value!r}."


def test_a_whole_number_too_large_for_a_float_is_refused():
    message = message_of(check_number, "lambda1", 10**400, 0.0)
    assert message == f"lambda1 must be a finite number >= 0, got {10**400}."


@pytest.mark.parametrize(
    ("value", "sizes"),
    [([16, 8], (16, 8)), ((4,), (4,)), (np.array([3, 2]), (3, 2)), (range(1, 3), (1, 2))],
)
def test_sizes_are_taken_from_any_sequence(value, sizes):
    result = check_sizes("est_hiddens", value)
    assert result == sizes
    assert {type(size) for size in result} == {int}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ([16.8], "[16, 8]"),
        ((16.8,), "[16, 8]"),
        ([32.16, 8], "[32, 16, 8]"),
        ([60, 30.1], "[60, 30, 1]"),
    ],
)
def test_a_decimal_point_for_a_comma_is_answered_with_what_was_meant(value, meant):
    message = message_of(check_sizes, "est_hiddens", value)
    assert message == (
        f"est_hiddens must be a list of ints >= 1, got {value!r}. "
        f"Did you mean {meant}, with a comma?"
    )


def test_the_typo_of_the_reference_readme_in_full():
    assert message_of(check_sizes, "est_hiddens", [16.8]) == (
        "est_hiddens must be a list of ints >= 1, got [16.8]. Did you mean [16, 8], with a comma?"
    )


@pytest.mark.parametrize(
    "value",
    [[], 16, "16", [0], [-1, 2], [True], [16.0], [float("nan")], [1e-5], [None], ["16"], None],
)
def test_what_cannot_be_sizes_is_refused_without_a_guess(value):
    message = message_of(check_sizes, "comp_hiddens", value)
    assert message == f"comp_hiddens must be a list of ints >= 1, got {value!r}."


def test_a_choice_is_taken_as_it_is():
    assert check_choice("normalize", True, (True, False, "minmax")) is True
    assert check_choice("normalize", "minmax", (True, False, "minmax")) == "minmax"


@pytest.mark.parametrize("value", [1, 0, None, 3.5])
def test_another_choice_is_refused(value):
    message = message_of(check_choice, "normalize", value, (True, False, "standard", "minmax"))
    assert message == (
        f"normalize must be one of True, False, 'standard', 'minmax', got {value!r}."
    )


def test_a_near_miss_is_answered_with_what_was_meant():
    message = message_of(check_choice, "normalize", "min-max", (True, False, "standard", "minmax"))
    assert message == (
        "normalize must be one of True, False, 'standard', 'minmax', got 'min-max'. "
        "Did you mean 'minmax'?"
    )
