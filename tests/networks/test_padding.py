"""Padding changes the shapes of programs and nothing else."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from dagmm.evaluation.baselines.estimation_only import CodeArchitecture
from dagmm.networks.network import Architecture, flatten
from dagmm.networks.padding import padded_width, padding_of, unpadded
from dagmm.preprocessing.windows.features import WindowFeatures, WindowGather
from dagmm.training import trainer
from dagmm.training.minibatch import LatentPadding
from dagmm.training.objective import objective
from dagmm.training.schedule import TrainingConfig
from dagmm.training.trainer import train

PAPER = Architecture(5, (6, 5), "tanh", (6, 3), "tanh", 0.25)
DETECTOR = replace(PAPER, residuals=("log_error",))
CHOSEN_CODE = replace(PAPER, n_features=9, comp_hiddens=(6, 2))
ONE_LAYER = replace(PAPER, n_features=3, comp_hiddens=(3,), residuals=("cosine_similarity",))
ARCHITECTURES = pytest.mark.parametrize(
    "architecture", [PAPER, DETECTOR, CHOSEN_CODE, ONE_LAYER], ids=lambda one: one.n_features
)
PLAN = TrainingConfig(32, 4, 5, 5e-3, 0.1, 0.005)


def drawn(architecture, seed=0):
    parameters = np.asarray(flatten(architecture.build(np.random.default_rng(seed))))
    # Biases begin at zero; here they count.
    noise = np.random.default_rng(seed + 1).normal(0.0, 0.1, parameters.shape)
    return parameters + noise.astype(np.float32)


def rows_for(architecture, n_rows=64, seed=2):
    size = (n_rows, architecture.n_features)
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


# Widths


def test_widths_are_few_and_close_to_those_of_the_tables():
    widths = [padded_width(width) for width in range(1, 257)]
    few = [2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256]
    assert sorted(set(widths)) == few
    for width, padded in enumerate(widths, 1):
        assert width <= padded <= max(2, (1.5 if width <= 64 else 1.25) * width)
        assert padded_width(padded) == padded


def test_a_code_as_wide_as_the_row_is_padded_with_it_and_any_other_is_kept():
    assert padding_of(PAPER).wide == replace(PAPER, n_features=6, comp_hiddens=(6, 6))
    assert padding_of(CHOSEN_CODE).wide == replace(CHOSEN_CODE, n_features=12)
    assert padding_of(PAPER).wide == padding_of(padding_of(PAPER).wide).wide


def test_convolutions_and_an_estimation_network_by_itself_are_not_padded():
    convolutional = replace(PAPER, n_features=21, comp_hiddens=(4, 2), shape=(7, 3))
    for architecture in (convolutional, CodeArchitecture.after(PAPER)):
        assert padding_of(architecture).wide == architecture


# Arrays


@ARCHITECTURES
def test_the_network_lies_in_the_last_part_of_every_axis_among_zeros(architecture):
    padding, parameters = padding_of(architecture), drawn(architecture)
    padded = padding.wide.named(padding.pad(parameters))
    for name, part in architecture.named(parameters).items():
        expected = np.zeros_like(padded[name])
        expected[tuple(slice(-size, None) for size in part.shape)] = part
        np.testing.assert_array_equal(padded[name], expected, name)


@ARCHITECTURES
def test_what_was_padded_is_cut_to_what_it_was(architecture):
    padding, parameters = padding_of(architecture), drawn(architecture)
    np.testing.assert_array_equal(padding.cut(padding.pad(parameters)), parameters)
    d = architecture.n_latent
    cov = np.random.default_rng(0).normal(size=(3, d, d)).astype(np.float32)
    padded = padding.pad_cov(cov)
    assert padded.shape == (3, padding.wide.n_latent, padding.wide.n_latent)
    np.testing.assert_array_equal(padding.cut_cov(padded), cov)
    np.testing.assert_array_equal(padding.cut_cov(padded[None]), cov[None])
    assert padding.cut_cov(padded).flags.c_contiguous, "or files of it hold something else"


def test_where_nothing_is_padded_nothing_is_copied():
    padding, parameters, rows = unpadded(PAPER), drawn(PAPER), rows_for(PAPER)
    assert padding.pad(parameters) is parameters
    assert padding.cut(parameters) is parameters
    assert padding.pad_rows(rows, len(rows)) is rows
    np.testing.assert_array_equal(padding.blank, np.zeros(7))


# Values and gradients


def loss_of(vector, x, blank, architecture):
    return objective(architecture.unflatten(vector), x, 0.1, 0.005, padding=LatentPadding(blank))


value_and_gradient = jax.jit(
    jax.value_and_grad(loss_of, has_aux=True), static_argnames="architecture"
)


def padded_and_not(architecture, dtype):
    """Value, terms and gradient, of the padded network and of the one that it pads."""
    padding = padding_of(architecture)
    parameters, rows = drawn(architecture), rows_for(architecture)
    wide = padding.pad_rows(rows, len(rows)).astype(dtype)
    blank = padding.blank.astype(dtype)
    parameters, rows = parameters.astype(dtype), rows.astype(dtype)
    padded = value_and_gradient(padding.pad(parameters), wide.T, blank, architecture=padding.wide)
    return padded, value_and_gradient(parameters, rows.T, None, architecture=architecture)


@ARCHITECTURES
def test_in_double_precision_padding_changes_no_digit_of_ten(architecture):
    with jax.enable_x64(True):
        padded, plain = padded_and_not(architecture, np.float64)
    padding = padding_of(architecture)
    assert float(padded[0][0]) == pytest.approx(float(plain[0][0]), rel=1e-10)
    for name in ("reconstruction", "energy", "penalty"):
        expected = float(getattr(plain[0][1], name))
        assert float(getattr(padded[0][1], name)) == pytest.approx(expected, rel=1e-10), name
    cov = padding.cut_cov(padded[0][1].cov)
    np.testing.assert_allclose(cov, plain[0][1].cov, rtol=1e-9, atol=1e-12)
    gradient = np.asarray(plain[1])
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(padding.cut(padded[1]), gradient, rtol=1e-9, atol=1e-10 * scale)


@ARCHITECTURES
def test_in_single_precision_it_changes_rounding_and_no_gradient_reaches_it(architecture):
    padded, plain = padded_and_not(architecture, np.float32)
    padding = padding_of(architecture)
    assert float(padded[0][0]) == pytest.approx(float(plain[0][0]), rel=1e-5)
    gradient = np.asarray(plain[1])
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(padding.cut(padded[1]), gradient, rtol=1e-3, atol=1e-5 * scale)
    among_zeros = padding.pad(padding.cut(padded[1]))
    np.testing.assert_array_equal(among_zeros, padded[1])


# Training


@pytest.fixture
def states(monkeypatch):
    """States of the members when their training ends, as the programs have them."""
    found, result = [], trainer.TrainingRun.result

    def spied(member):
        found.append((member.padding, member.state))
        return result(member)

    monkeypatch.setattr(trainer.TrainingRun, "result", spied)
    return found


@pytest.mark.parametrize("architecture", [DETECTOR, CHOSEN_CODE], ids=lambda one: one.n_features)
def test_padding_is_exactly_zero_after_training(architecture, states):
    masking = replace(architecture, mask_ratio=0.2)
    rows = rows_for(architecture, 200)
    (trained,) = train(rows, 200, [masking], PLAN, 0)
    assert trained.history["dropped_steps"] == [0] * 4
    assert (trained.parameters != trained.initial).mean() > 0.9
    ((padding, state),) = states
    assert padding.wide.n_features > architecture.n_features
    for vector in (state.parameters, state.adam.mu, state.adam.nu):
        np.testing.assert_array_equal(padding.pad(padding.cut(vector)), vector)


def test_a_padded_training_is_the_one_without_padding(monkeypatch, states):
    rows = rows_for(DETECTOR, 200)
    (padded,) = train(rows, 200, [DETECTOR], PLAN, 0)
    monkeypatch.setattr(trainer, "MOST_PADDED", 0)
    (plain,) = train(rows, 200, [DETECTOR], PLAN, 0)
    assert [padding.wide == DETECTOR for padding, _ in states] == [False, True]
    np.testing.assert_array_equal(padded.initial, plain.initial)
    # Twenty steps of at most 5e-3 each: rounding is all that differs.
    np.testing.assert_allclose(padded.parameters, plain.parameters, atol=5e-5)
    for name, values in plain.history.items():
        if name == "held_out_reconstruction":
            assert padded.history[name] == values == [None] * len(values)
            continue
        np.testing.assert_allclose(padded.history[name], values, rtol=1e-3, err_msg=name)


def test_large_tables_and_rows_that_become_windows_are_left_as_they_are(monkeypatch):
    most = trainer.MOST_PADDED // 6
    assert trainer._paddings(64, [PAPER], None)[1] == most
    view = WindowFeatures.unscaled("sequence", 3, np.zeros(5, bool))
    made = trainer.TrainingRows(None, [])
    making = made._replace(windowed=WindowGather(view, np.zeros(64, np.int32)))
    assert trainer._paddings(64, [PAPER], made)[1] == most
    assert trainer._paddings(64, [PAPER], making) == ([unpadded(PAPER)], None)
    monkeypatch.setattr(trainer, "MOST_PADDED", 6 * 64)
    assert trainer._paddings(64, [PAPER], None)[1] == 64
    monkeypatch.setattr(trainer, "MOST_PADDED", 6 * 63)
    assert trainer._paddings(64, [PAPER, PAPER], None) == ([unpadded(PAPER)] * 2, None)
