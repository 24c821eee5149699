"""The example of the reference implementation runs, with activations of any library."""

import numpy as np
import pytest

from dagmm import DAGMM
from small_fits import normal, tiny_dagmm


def test_example_of_the_reference_implementation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x_train, x_test = normal(40), normal(5, seed=1)
    model = DAGMM(comp_hiddens=[32, 16, 2], comp_activation="tanh", est_hiddens=[16, 8], est_activation="tanh", est_dropout_ratio=0.25)  # fmt: skip  # noqa: E501
    model.fit(x_train)
    energy = model.predict(x_test)  # higher = more anomalous
    model.save("./fitted_model")
    model.restore("./fitted_model")
    np.testing.assert_array_equal(model.predict(x_test), energy)


def function_called(name):
    """What TensorFlow and PyTorch have: a function of that name which JAX cannot trace."""

    def function(x):
        raise AssertionError("a function with a known name is never called")

    function.__name__ = name
    return function


@pytest.mark.parametrize("function", [np.tanh, function_called("tanh"), "Tanh"])
def test_activation_is_known_by_its_name(function):
    model = tiny_dagmm(comp_activation=function, est_activation=function).fit(normal())
    same = tiny_dagmm(comp_activation="tanh", est_activation="tanh").fit(normal())
    np.testing.assert_array_equal(model.predict(normal()), same.predict(normal()))


def test_activation_function_is_saved_by_its_name(tmp_path):
    tiny_dagmm(comp_activation=function_called("relu")).fit(normal()).save(tmp_path / "m")
    assert DAGMM.load(tmp_path / "m").comp_activation == "relu"
