"""DAGMM: its arguments, each with an error that says what was meant."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

from dagmm import DAGMM, ArgumentError
from small_fits import normal, tiny_dagmm


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"comp_hiddens": []}, "comp_hiddens must be a list of ints >= 1, got []."),
        ({"comp_hiddens": 3}, "comp_hiddens must be a list of ints >= 1, got 3."),
        ({"comp_hiddens": "32"}, "comp_hiddens must be a list of ints >= 1, got '32'."),
        ({"est_hiddens": [4, 0]}, "est_hiddens must be a list of ints >= 1, got [4, 0]."),
        ({"est_hiddens": [True]}, "est_hiddens must be a list of ints >= 1, got [True]."),
        (
            {"est_hiddens": [16.8]},
            "est_hiddens must be a list of ints >= 1, got [16.8]. "
            "Did you mean [16, 8], with a comma?",
        ),
        ({"est_dropout_ratio": 1.5}, "est_dropout_ratio must be in [0, 1), got 1.5."),
        ({"est_dropout_ratio": "x"}, "est_dropout_ratio must be in [0, 1), got 'x'."),
        ({"minibatch_size": 0}, "minibatch_size must be an int >= 1, got 0."),
        ({"minibatch_size": 2.5}, "minibatch_size must be an int >= 1, got 2.5."),
        ({"epoch_size": -1}, "epoch_size must be an int >= 1, got -1."),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number > 0, got 0.0."),
        ({"learning_rate": np.nan}, "learning_rate must be a finite number > 0, got nan."),
        ({"lambda1": -0.1}, "lambda1 must be a finite number >= 0, got -0.1."),
        ({"lambda2": np.inf}, "lambda2 must be a finite number >= 0, got inf."),
        (
            {"normalize": "minmx"},
            "normalize must be one of True, False, 'standard', 'minmax', got 'minmx'. "
            "Did you mean 'minmax'?",
        ),
        (
            {"comp_activation": "tahn"},
            "comp_activation must be one of celu, elu, gelu, leaky_relu, linear, relu, selu, "
            "sigmoid, silu, sin, softplus, softsign, swish, tanh, or a function, got 'tahn'.",
        ),
    ],
)
def test_argument_that_cannot_be_used_is_named(arguments, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}"):
        tiny_dagmm(**arguments).fit(normal())


def test_numpy_numbers_are_numbers():
    arguments = {"comp_hiddens": np.array([4, 2]), "epoch_size": np.int64(2)}
    energy = tiny_dagmm(**arguments).fit(normal()).predict(normal())
    np.testing.assert_array_equal(energy, tiny_dagmm().fit(normal()).predict(normal()))


def test_an_activation_that_overflows_before_training_is_refused():
    def explode(x):
        return jnp.exp(1e3 * x * x)

    with pytest.raises(
        ArgumentError,
        match="^comp_activation and est_activation must keep the network finite, but it "
        "overflows on the training rows even before training; use a function that grows "
        r"more slowly\.$",
    ):
        tiny_dagmm(comp_activation=explode).fit(normal(50))


def test_all_rows_of_a_large_table_are_fitted_to():
    model = tiny_dagmm(epoch_size=1, minibatch_size=1024).fit(normal(5000)).model_
    assert model.record.held_out_rows == 0
    assert (model.calibration.training.n_rows, model.calibration.held_out) == (5000, None)


@pytest.mark.parametrize(
    ("shape", "n_rows", "epoch_size", "steps"),
    [
        ((6,), 800, None, 3000),  # one step an epoch would be a hundred
        ((6,), 102_400, None, 10_000),  # a hundred epochs of a hundred steps
        ((6,), 800, 100, 100),  # as said
        ((16, 16, 1), 800, None, 100),
    ],
)
def test_a_small_table_is_trained_for_as_many_steps_as_the_papers_are(
    shape, n_rows, epoch_size, steps
):
    training = DAGMM(epoch_size=epoch_size)._config(n_rows, shape).training
    assert training.epochs == 100
    assert training.epochs * training.steps_per_epoch == steps
