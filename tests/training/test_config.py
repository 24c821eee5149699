"""What a user may change of a preset: each option reaches the fit, what cannot be is refused."""

from dataclasses import replace

import numpy as np
import pytest

from dagmm import ArgumentError, DAGMMDetector
from dagmm.training.config import OPTIONS, ConfigOptions
from dagmm.training.presets.tables import table_config
from small_fits import normal

VALUES = {
    "comp_hiddens": [8, 3],
    "comp_activation": "relu",
    "est_hiddens": [5, 2],
    "est_activation": "relu",
    "est_dropout_ratio": 0.1,
    "residuals": ["cosine_similarity"],
    "mask_ratio": 0.3,
    "batch_size": 7,
    "epochs": 3,
    "steps_per_epoch": 9,
    "learning_rate": 0.5,
    "lambda1": 0.25,
    "lambda2": 0.125,
    "cosine_decay": False,
    "warm_up": 0.5,
    "reconstruction_weight": 2.0,
    "cycles": 4,
    "max_seconds": 60.0,
}


def test_every_option_has_a_value_here():
    assert {*VALUES, "densities", "trim"} == set(OPTIONS)


@pytest.mark.parametrize(("name", "value"), VALUES.items(), ids=VALUES)
def test_an_option_changes_what_it_names_and_nothing_else(name, value):
    default = table_config(400, (6,), 2)
    config = ConfigOptions.of({name: value}).apply(default, 400)
    wanted = tuple(value) if isinstance(value, list) else value
    for one, before in zip(config.architectures, default.architectures, strict=True):
        for field in vars(one):
            expected = wanted if field == name else getattr(before, field)
            assert getattr(one, field) == expected
    for field in vars(config.training):
        expected = wanted if field == name else getattr(default.training, field)
        assert getattr(config.training, field) == expected
    assert config.latent_densities == default.latent_densities
    assert config.input_densities == default.input_densities
    assert config.trim == default.trim


def test_so_many_rows_are_trimmed_as_is_said():
    default = table_config(400, (6,), 2)
    for trim in (0.0, 0.35):
        config = ConfigOptions.of({"trim": trim}).apply(default, 400)
        assert config == replace(default, trim=trim)


def test_nothing_said_changes_nothing():
    default = table_config(400, (6,), 2)
    for nothing in (None, {}):
        assert ConfigOptions.of(nothing).apply(default, 400) == default


def test_a_minibatch_has_no_more_rows_than_there_are():
    config = ConfigOptions.of({"batch_size": 512}).apply(table_config(300, (6,), 1), 300)
    assert config.training.batch_size == 300


def test_densities_are_kept_by_name_with_options():
    default = table_config(400, (6,), 2)
    options = ConfigOptions.of({"densities": {"row_mixture": {"candidates": [3]}}})
    config = options.apply(default, 400)
    assert config.input_densities == ()
    for (mixture,), before in zip(config.latent_densities, default.latent_densities, strict=True):
        assert mixture.options == before[0].options | {"candidates": [3]}
    listed = ConfigOptions.of({"densities": ["row_mixture", "marginal_mixtures"]})
    config = listed.apply(default, 400)
    assert [one.density.kind for one in config.input_densities] == ["marginal_mixtures"]
    assert config.latent_densities == default.latent_densities


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ([("epochs", 3)], "config must be a dict of options, got [('epochs', 3)]."),
        (
            {"epoch": 3},
            "an option of config must be one of 'comp_hiddens', 'comp_activation', "
            "'est_hiddens', 'est_activation', 'est_dropout_ratio', 'residuals', 'mask_ratio', "
            "'batch_size', 'epochs', 'steps_per_epoch', 'learning_rate', 'lambda1', 'lambda2', "
            "'cosine_decay', 'warm_up', 'reconstruction_weight', 'cycles', 'max_seconds', "
            "'densities', 'trim', got 'epoch'. Did you mean 'epochs'?",
        ),
        ({"epochs": 0}, "config['epochs'] must be an int >= 1, got 0."),
        (
            {"max_seconds": 0},
            "config['max_seconds'] must be a finite number > 0, got 0.",
        ),
        (
            {"max_seconds": "1 h"},
            "config['max_seconds'] must be a finite number > 0, got '1 h'.",
        ),
        ({"mask_ratio": 1.0}, "config['mask_ratio'] must be in [0, 1), got 1.0."),
        ({"trim": 0.5}, "config['trim'] must be in [0, 0.5), got 0.5."),
        (
            {"residuals": "log_error"},
            "config['residuals'] must be a list of relative_distance, cosine_similarity, "
            "log_error, got 'log_error'.",
        ),
        (
            {"densities": "latent_mixture"},
            "config['densities'] must be a list of names, or a dict of names and options, got "
            "'latent_mixture'.",
        ),
        (
            {"densities": {"latent_mixture": 3}},
            "config['densities']['latent_mixture'] must be a dict of options, got 3.",
        ),
        (
            {"densities": ["input_mixture"]},
            "config['densities'] must keep a density of the networks' z, of which there is "
            "'row_mixture'.",
        ),
        (
            {"densities": {"row_mixture": {"candidate": [1]}}},
            "config['densities']['row_mixture'] has no option 'candidate'; it has "
            "'candidates', 'relative_floor', 'least_phi', 'least_floor'.",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(config, message):
    with pytest.raises(ArgumentError) as caught:
        DAGMMDetector(config=config).fit(normal())
    assert str(caught.value) == message


def test_a_detector_with_options_is_fitted_and_saved_with_them(tmp_path):
    config = {"comp_hiddens": (6, 2), "epochs": 1, "cycles": 1, "densities": ["row_mixture"]}
    detector = DAGMMDetector(n_members=1, config=config).fit(normal(60))
    (network,) = detector.model_.networks
    assert network.architecture.comp_hiddens == (6, 2)
    assert [one.density.kind for one in detector.model_.components] == ["row_mixture"]
    assert len(detector.history_[0]["loss"]) == 1
    detector.save(tmp_path / "m")
    again = DAGMMDetector.load(tmp_path / "m")
    assert again.config == {
        "comp_hiddens": [6, 2],
        "epochs": 1,
        "cycles": 1,
        "densities": ["row_mixture"],
    }
    np.testing.assert_array_equal(again.energy(normal(5)), detector.energy(normal(5)))


def test_a_bound_on_the_seconds_leaves_the_first_cycle_and_is_told_by_the_saved_model(tmp_path):
    config = {"comp_hiddens": (6, 2), "epochs": 2, "cycles": 3, "max_seconds": 1e-9}
    detector = DAGMMDetector(n_members=2, config=config).fit(normal(60))
    detector.save(tmp_path / "m")
    for history in DAGMMDetector.load(tmp_path / "m").history_:
        assert history["out_of_time"] == [0, 1]
        assert len(history["loss"]) == 2
