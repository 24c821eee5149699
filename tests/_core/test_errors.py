"""Each error is also the standard type that a caller would catch."""

import pytest

from dagmm._core import errors


@pytest.mark.parametrize(
    ("error", "standard"),
    [
        (errors.ArgumentError, ValueError),
        (errors.InputError, ValueError),
        (errors.ModelFileError, ValueError),
        (errors.ModelSaveError, OSError),
        (errors.ForkedProcessError, RuntimeError),
    ],
)
def test_error_is_of_the_family_and_of_the_standard_type(error, standard):
    assert issubclass(error, errors.DAGMMError)
    assert issubclass(error, standard)


def test_save_error_keeps_number_and_text_of_the_operating_system():
    error = errors.ModelSaveError(28, "save: 'm' could not be written: No space left on device.")
    assert error.errno == 28
    assert error.strerror == "save: 'm' could not be written: No space left on device."
