import subprocess
import sys
from dataclasses import replace
from itertools import islice

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from dagmm._core.progress import Progress
from dagmm.inference.ensemble import TrainedNetwork
from dagmm.inference.forward import outputs_of
from dagmm.mixture.latent import LatentMixture
from dagmm.networks.network import Architecture
from dagmm.training import trainer
from dagmm.training.checkpoint.identity import digest_of
from dagmm.training.network_moments import sample_of
from dagmm.training.schedule import LEAST_GAIN, _order
from dagmm.training.trainer import TrainingConfig, TrainingRows, train
from small_tables import ARCHITECTURE, N_ROWS, PLAN, broken_rows, correlated_rows

SHORT = replace(PLAN, epochs=2)


def train_one(rows, plan=SHORT, seed=0, architecture=ARCHITECTURE):
    return train(rows, len(rows), [architecture], plan, seed)[0]


@pytest.fixture(scope="module")
def trained():
    return train_one(correlated_rows(), PLAN)


def energy_of(parameters, rows):
    network = TrainedNetwork(ARCHITECTURE, parameters)
    sample = sample_of(network, correlated_rows())
    return LatentMixture.fit(sample, np.random.default_rng(0)).energy(network.latent(rows))


def squared_error(parameters, rows):
    return outputs_of(ARCHITECTURE, parameters, rows).squared_error


# It trains


def test_training_moves_every_array(trained):
    before = ARCHITECTURE.named(trained.initial)
    after = ARCHITECTURE.named(trained.parameters)
    for name in before:
        assert (before[name] != after[name]).all(), name


def test_a_single_step_moves_every_array():
    plan = replace(PLAN, epochs=1, steps_per_epoch=1)
    result = train_one(correlated_rows(), plan)
    before = ARCHITECTURE.named(result.initial)
    after = ARCHITECTURE.named(result.parameters)
    for name in before:
        assert (before[name] != after[name]).any(), name
    # The first step of Adam is the learning rate, in the direction of the gradient's sign.
    moved = np.abs(result.parameters - result.initial)
    assert np.median(moved) == pytest.approx(PLAN.learning_rate, rel=1e-2)
    assert moved.max() <= PLAN.learning_rate * 1.001


def test_the_loss_falls(trained):
    for name in ("loss", "reconstruction"):
        assert trained.history[name][-1] < trained.history[name][0], name
    assert trained.history["reconstruction"][-1] < 0.5 * trained.history["reconstruction"][0]


def test_the_trained_network_rebuilds_new_rows_better_than_the_untrained(trained):
    new = correlated_rows(seed=5)
    before, after = squared_error(trained.initial, new), squared_error(trained.parameters, new)
    assert after.mean() < 0.3 * before.mean()


def test_the_trained_network_finds_planted_anomalies_better_than_the_untrained(trained):
    rows = np.concatenate([correlated_rows(seed=5), broken_rows()])
    planted = np.arange(len(rows)) >= N_ROWS
    before = roc_auc_score(planted, energy_of(trained.initial, rows))
    after = roc_auc_score(planted, energy_of(trained.parameters, rows))
    assert after > 0.8
    assert after > before + 0.1


def test_history_has_one_entry_for_each_epoch(trained):
    assert {len(values) for values in trained.history.values()} == {PLAN.epochs}
    assert trained.history["dropped_steps"] == [0] * PLAN.epochs
    assert min(trained.history["gradient_norm"]) > 0.0
    assert min(trained.history["smallest_eigenvalue"]) > 0.0
    np.testing.assert_allclose(np.sum(trained.history["phi"], axis=1), 1.0, rtol=1e-5)


def test_the_recorded_loss_is_the_sum_of_its_terms(trained):
    h = {name: np.array(values) for name, values in trained.history.items()}
    total = h["reconstruction"] + PLAN.lambda1 * h["energy"] + PLAN.lambda2 * h["penalty"]
    np.testing.assert_allclose(h["loss"], total, rtol=1e-4)


# One seed decides


def test_the_same_seed_gives_the_same_network_and_history_to_the_bit():
    one, two = (train_one(correlated_rows()) for _ in range(2))
    np.testing.assert_array_equal(one.initial, two.initial)
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert one.history == two.history


def test_another_seed_gives_another_network():
    one, two = (train_one(correlated_rows(), seed=seed) for seed in (0, 1))
    assert (one.initial != two.initial).any()
    assert (one.parameters != two.parameters).any()


def test_a_seed_may_be_a_seed_sequence():
    plain = train_one(correlated_rows(), seed=7)
    sequence = train_one(correlated_rows(), seed=np.random.SeedSequence(7))
    np.testing.assert_array_equal(plain.parameters, sequence.parameters)


def test_members_do_not_depend_on_how_many_train_beside_them():
    # The i-th member takes the i-th seed that the one seed brings forth, however many there are.
    other = replace(ARCHITECTURE, comp_hiddens=(4, 2))
    rows = correlated_rows()
    alone = train_one(rows)
    first, second, third = train(rows, len(rows), [ARCHITECTURE, other, ARCHITECTURE], SHORT, 0)
    np.testing.assert_array_equal(first.parameters, alone.parameters)
    assert first.history == alone.history
    assert (third.initial != first.initial).any()
    assert len(second.parameters) != len(first.parameters)
    _, _, third_again = train(rows, len(rows), [ARCHITECTURE] * 3, SHORT, 0)
    np.testing.assert_array_equal(third.parameters, third_again.parameters)


def test_dropout_takes_part_in_training():
    without = replace(ARCHITECTURE, est_dropout_ratio=0.0)
    one = train_one(correlated_rows())
    two = train_one(correlated_rows(), architecture=without)
    np.testing.assert_array_equal(one.initial, two.initial)
    assert (one.parameters != two.parameters).any()


def test_padding_is_never_read():
    rows = correlated_rows()
    results = []
    for filler in (0.0, np.nan):
        padded = np.concatenate([rows, np.full((48, 6), filler, np.float32)])
        results.append(train(padded, len(rows), [ARCHITECTURE], SHORT, 0)[0])
    np.testing.assert_array_equal(results[0].parameters, results[1].parameters)
    assert results[1].history["dropped_steps"] == [0, 0]


# Order of the rows


@settings(deadline=None, derandomize=True, max_examples=50)
@given(n_rows=st.integers(1, 40), batch_size=st.integers(1, 40), seed=st.integers(0, 100))
def test_every_row_comes_once_before_any_row_comes_twice(n_rows, batch_size, seed):
    batches = list(islice(_order(n_rows, batch_size, np.random.default_rng(seed)), 3 * n_rows))
    assert {len(batch) for batch in batches} == {batch_size}
    stream = np.concatenate(batches)
    for start in range(0, len(stream) - n_rows + 1, n_rows):
        assert sorted(stream[start : start + n_rows]) == list(range(n_rows))


def test_rows_are_reshuffled_for_every_pass():
    stream = np.concatenate(list(islice(_order(50, 10, np.random.default_rng(0)), 25)))
    passes = {tuple(part.tolist()) for part in stream.reshape(5, 50)}
    assert len(passes) == 5


# What changes from step to step


def test_without_decay_and_warm_up_nothing_changes():
    schedule = PLAN.schedule()
    for values, value in zip(schedule, (5e-3, 0.1, 0.005, 1.0), strict=True):
        np.testing.assert_array_equal(values, np.full(210, value, np.float32))


def test_the_learning_rate_falls_along_a_cosine():
    schedule = replace(PLAN, cosine_decay=True).schedule()
    expected = [5e-3 * np.cos(0.5 * np.pi * t / 210) ** 2 for t in range(210)]
    np.testing.assert_allclose(schedule.learning_rate, expected, rtol=1e-5)
    assert schedule.learning_rate[0] == np.float32(5e-3)
    assert schedule.learning_rate[105] == pytest.approx(2.5e-3, rel=1e-5)


def test_the_weights_of_the_terms_rise_from_zero_over_the_warm_up():
    schedule = replace(PLAN, warm_up=0.2).schedule()
    expected = [min(1.0, (t + 1) / 42) for t in range(210)]
    np.testing.assert_allclose(schedule.lambda1, 0.1 * np.array(expected), rtol=1e-6)
    np.testing.assert_allclose(schedule.lambda2, 0.005 * np.array(expected), rtol=1e-6)
    np.testing.assert_array_equal(schedule.learning_rate, np.full(210, 5e-3, np.float32))


def test_a_schedule_of_one_step():
    plan = TrainingConfig(1, 1, 1, 1e-3, 0.1, 0.005, cosine_decay=True, warm_up=0.2)
    np.testing.assert_allclose(
        plan.schedule(), np.array([[1e-3], [0.1], [0.005], [1.0]]), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("epochs", "steps_per_epoch"), [(1, 1), (100, 1), (97, 7), (30, 7), (3, 500), (20, 100)]
)
def test_whole_epochs_run_in_each_call_and_all_of_them_run(epochs, steps_per_epoch):
    plan = replace(PLAN, epochs=epochs, steps_per_epoch=steps_per_epoch)
    assert 1 <= plan.epochs_per_call <= epochs
    assert epochs % plan.epochs_per_call == 0
    assert plan.n_steps == epochs * steps_per_epoch


# Steps that are not finite


def test_steps_that_are_not_finite_leave_the_network_as_it_was():
    rows = np.full((N_ROWS, 6), 1e30, np.float32)
    result = train_one(rows)
    np.testing.assert_array_equal(result.parameters, result.initial)
    assert result.history["dropped_steps"] == [7, 7]
    assert result.history["loss"] == [None, None]
    assert result.history["gradient_norm"] == [None, None]
    assert result.history.summary() == "loss not finite"


def test_only_the_steps_with_the_row_that_overflows_are_dropped():
    rows = correlated_rows()
    rows[17] = 1e30
    result = train_one(rows, PLAN)
    # Each pass over the rows meets it once: 210 steps of 64 rows are 33.6 passes.
    assert sum(result.history["dropped_steps"]) in (33, 34)
    assert np.isfinite(result.history["loss"]).all()
    usable = np.arange(N_ROWS) != 17
    before = squared_error(result.initial, rows[usable]).mean()
    assert squared_error(result.parameters, rows[usable]).mean() < 0.5 * before


# What it says on the way


class Listener(Progress):
    def __init__(self):
        self.phases, self.done = [], []

    def phase(self, text, total):
        self.phases.append((text, total))

    def advance(self, done, note=""):
        self.done.append(done)
        assert note.startswith("loss ")


def test_progress_hears_of_every_epoch_of_every_member():
    rows, listener = correlated_rows(), Listener()
    train(rows, len(rows), [ARCHITECTURE] * 2, SHORT, 0, listener)
    assert listener.phases == [("compiling", 4), ("training", 4)]
    assert listener.done[-1] == 4
    assert listener.done == sorted(listener.done)


def test_an_error_in_the_listener_ends_the_training():
    class Refusing(Progress):
        def advance(self, done, note=""):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(correlated_rows(), N_ROWS, [ARCHITECTURE] * 2, SHORT, 0, Refusing())


def test_a_batch_of_one_and_a_table_of_one_column_train():
    architecture = Architecture(1, (2,), jnp.tanh, (1,), "tanh", 0.5)
    rows = np.linspace(-1, 1, 3, dtype=np.float32)[:, None]
    plan = TrainingConfig(1, 2, 3, 1e-3, 0.1, 0.005)
    (result,) = train(rows, 3, [architecture], plan, 0)
    assert result.history["dropped_steps"] == [0, 0]
    assert np.isfinite(result.parameters).all()
    np.testing.assert_array_equal(result.history["phi"], 1.0)


# Where it starts, and what for


def test_training_starts_where_it_is_told_to(trained):
    plan = replace(PLAN, epochs=1, steps_per_epoch=1)
    rows = correlated_rows()
    result = train(rows, len(rows), [ARCHITECTURE], plan, 0, initial=[trained.parameters])[0]
    np.testing.assert_array_equal(result.initial, trained.parameters)
    # One step of Adam moves no parameter by more than the learning rate.
    moved = np.abs(result.parameters - trained.parameters)
    assert 0.0 < moved.max() <= 1.01 * PLAN.learning_rate


def test_the_weight_of_the_reconstruction_error_reaches_every_step():
    plan = replace(SHORT, reconstruction_weight=0.25)
    np.testing.assert_array_equal(plan.schedule().reconstruction_weight, np.full(14, 0.25))
    history = train_one(correlated_rows(), plan).history
    parts = [history[name] for name in ("loss", "reconstruction", "energy", "penalty")]
    for loss, reconstruction, energy, penalty in zip(*parts, strict=True):
        expected = 0.25 * reconstruction + PLAN.lambda1 * energy + PLAN.lambda2 * penalty
        assert loss == pytest.approx(expected, rel=1e-4)


def test_wide_codes_train_side_by_side():
    # A stack of large matrices in LAPACK once made members wait for each other for ever.
    script = (
        "import numpy as np\n"
        "from dagmm.networks.network import Architecture\n"
        "from dagmm.training.trainer import TrainingConfig, train\n"
        "x = np.random.default_rng(0).normal(size=(256, 96)).astype(np.float32)\n"
        "one = Architecture(96, (80,), 'tanh', (4,), 'tanh', 0.0)\n"
        "train(x, 256, [one] * 4, TrainingConfig(64, 4, 25, 1e-3, 0.1, 0.005), 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=240)


# Cycles


def in_cycles(held_out, plan, rows=None):
    """Train one network that is judged by some rows."""
    rows = correlated_rows() if rows is None else rows
    inputs = TrainingRows(None, [np.arange(len(rows))], [held_out])
    return train(rows, len(rows), [ARCHITECTURE], plan, 0, inputs=inputs)[0]


def test_each_cycle_is_twice_as_long_and_ends_at_a_rate_of_nearly_zero():
    plan = replace(PLAN, epochs=4, steps_per_epoch=5, cycles=3, cosine_decay=True)
    assert (plan.most_epochs, plan.n_steps) == (28, 140)
    rate = plan.schedule().learning_rate
    for start, stop in ((0, 20), (20, 60), (60, 140)):
        assert rate[start] == np.float32(plan.learning_rate)
        assert rate[stop - 1] < 0.01 * plan.learning_rate
        assert (np.diff(rate[start:stop]) <= 0.0).all()
    assert [plan.cycle_at(n) for n in (0, 4, 5, 12, 20, 28)] == [None, 0, None, 1, None, 2]
    assert [plan.cycle_after(n) for n in (0, 3, 4, 11, 12, 27)] == [0, 0, 1, 1, 2, 2]


def test_the_weights_of_the_terms_rise_in_the_first_cycle_alone():
    plan = replace(PLAN, epochs=4, steps_per_epoch=5, cycles=2, warm_up=0.5)
    weight = plan.schedule().lambda1
    np.testing.assert_allclose(weight[:10], PLAN.lambda1 * np.arange(1, 11) / 10, rtol=1e-6)
    np.testing.assert_array_equal(weight[10:], np.float32(PLAN.lambda1))


def test_training_goes_on_while_new_rows_are_rebuilt_better_and_the_best_is_kept():
    plan, new = replace(PLAN, epochs=20, cycles=6, cosine_decay=True), correlated_rows(seed=5)
    result = in_cycles(new, plan)
    errors, epochs = result.history.held_out_errors, result.history.epochs
    assert len(errors) >= 3
    assert epochs == 20 * (2 ** len(errors) - 1) < plan.most_epochs
    for i in range(1, len(errors) - 1):
        assert errors[i] < (1.0 - LEAST_GAIN) * min(errors[:i])
    # The last cycle made it worse: what it learnt is left out.
    assert errors[-1] > min(errors)
    mean = squared_error(result.parameters, new).mean(dtype=np.float64)
    assert mean == pytest.approx(min(errors), rel=1e-5)


def test_without_rows_to_be_judged_by_there_is_one_cycle():
    plan = replace(PLAN, epochs=2, cycles=5)
    for result in (train_one(correlated_rows(), plan), in_cycles(np.empty((0, 6), "f4"), plan)):
        assert result.history.epochs == 2
        assert result.history.held_out_errors == []
    alone = train_one(correlated_rows(), replace(plan, cycles=1))
    np.testing.assert_array_equal(alone.parameters, result.parameters)


def test_who_is_done_early_counts_as_done():
    told = []

    class Listener(Progress):
        def advance(self, done, note=""):
            told.append(done)

    plan = replace(PLAN, epochs=10, cycles=6, cosine_decay=True)
    rows = correlated_rows()
    inputs = TrainingRows(None, [np.arange(len(rows))], [correlated_rows(seed=5)])
    train(rows, len(rows), [ARCHITECTURE], plan, 0, Listener(), inputs=inputs)
    assert told[-1] == plan.most_epochs


# A bound on the time


class Clock(Progress):
    """Time that passes in epochs alone: so many seconds for each call."""

    def __init__(self, monkeypatch, seconds, of_compiling=0.0):
        self.now, self.phases = 0.0, []
        self._seconds, self._of_compiling = seconds, of_compiling
        monkeypatch.setattr(trainer, "monotonic", lambda: self.now)

    def phase(self, text, total):
        self.phases.append(text)

    def advance(self, done, note=""):
        self.now += self._seconds
        if self.phases[-1] == "compiling":
            self.now += self._of_compiling


#: Cycles of 2, 4, 8 and 16 calls, if all of them help.
IN_CALLS = replace(PLAN, epochs=2, steps_per_epoch=50, cycles=4)


def in_time(clock, seconds, n_members=1, plan=IN_CALLS):
    """Train some networks that are judged by rows that they rebuild better and better."""
    rows = correlated_rows()
    places, judges = [np.arange(len(rows))] * n_members, [rows] * n_members
    inputs = TrainingRows(None, places, judges)
    plan, networks = replace(plan, max_seconds=seconds), [ARCHITECTURE] * n_members
    return train(rows, len(rows), networks, plan, 0, clock, inputs=inputs)


@pytest.fixture
def helpful(monkeypatch):
    """Have each cycle help, and each call run one epoch."""
    monkeypatch.setattr("dagmm.training.training_run._GOOD", np.inf)
    monkeypatch.setattr("dagmm.training.schedule.STEPS_PER_CALL", 50)


@pytest.mark.usefixtures("helpful")
@pytest.mark.parametrize(
    ("seconds", "epochs"),
    # Cycles take 2, 4, 8 and 16 seconds.
    [(0.1, 2), (5.9, 2), (6.0, 6), (13.9, 6), (14.0, 14), (29.9, 14), (30.0, 30), (None, 30)],
)
def test_no_cycle_begins_that_would_end_too_late(monkeypatch, seconds, epochs):
    (result,) = in_time(Clock(monkeypatch, 1.0), seconds)
    assert result.history.epochs == epochs
    ended = int(epochs < 30)
    assert result.history["out_of_time"] == [0] * (epochs - 1) + [ended]
    (plain,) = in_time(Clock(monkeypatch, 1.0), None)
    np.testing.assert_array_equal(
        result.history["loss"], plain.history["loss"][:epochs], strict=True
    )


@pytest.mark.usefixtures("helpful")
def test_compiling_takes_time_but_is_no_part_of_a_cycle(monkeypatch):
    for seconds, epochs in ((105.9, 2), (106.0, 6)):
        (result,) = in_time(Clock(monkeypatch, 1.0, of_compiling=100.0), seconds)
        assert result.history.epochs == epochs
    # Where the call that compiles is all of the first cycle, nothing else tells.
    monkeypatch.setattr("dagmm.training.schedule.STEPS_PER_CALL", 100)
    for seconds, epochs in ((305.9, 2), (306.0, 30)):
        (result,) = in_time(Clock(monkeypatch, 2.0, of_compiling=100.0), seconds)
        assert result.history.epochs == epochs


@pytest.mark.usefixtures("helpful")
def test_networks_have_the_same_share_of_the_time(monkeypatch):
    results = in_time(Clock(monkeypatch, 1.0), 20.0, n_members=3)
    assert [result.history.epochs for result in results] == [6, 6, 6]
    assert [result.history["out_of_time"][-1] for result in results] == [1, 1, 1]


def test_who_is_settled_did_not_run_out_of_time(monkeypatch):
    monkeypatch.setattr("dagmm.training.training_run._GOOD", 0.0)
    (result,) = in_time(Clock(monkeypatch, 1.0), 1000.0)
    assert sum(result.history["out_of_time"]) == 0
    assert result.history.epochs == 6


# Networks that see rows in several ways


def test_each_network_is_trained_on_its_own_table():
    rows, other = correlated_rows(), correlated_rows(seed=3)
    places = np.arange(len(rows))
    inputs = TrainingRows(None, [places] * 3, None, [rows, other, rows])
    results = train(rows, len(rows), [ARCHITECTURE] * 3, SHORT, 0, inputs=inputs)
    for i, table in enumerate((rows, other, rows)):
        alone = inputs._replace(tables=[table] * 3)
        expected = train(table, len(rows), [ARCHITECTURE] * 3, SHORT, 0, inputs=alone)
        np.testing.assert_array_equal(results[i].parameters, expected[i].parameters)
    assert (results[0].parameters != expected[1].parameters).any()


def test_what_tells_trainings_apart_knows_who_sees_which_table():
    rows, other = correlated_rows(), correlated_rows(seed=3)
    places = [np.arange(len(rows))] * 2
    digests = set()
    for tables in (None, [rows, other], [other, rows], [rows, other, other]):
        seen, parts = trainer._what_is_seen(rows, TrainingRows(None, places, None, tables))
        assert len(seen) == (1 if tables is None else 2)
        digests.add((digest_of(seen), digest_of(parts)))
    assert len(digests) == 4
    assert trainer._what_is_seen(rows, None) == ([rows], [])
