"""A fit that was stopped, however it was, goes on to the model it would have been, to the bit."""

import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors

import dagmm
from dagmm._core.errors import ArgumentError, ModelFileError, ModelSaveError
from dagmm._core.progress import Progress
from dagmm.training.checkpoint import member_file
from dagmm.training.checkpoint.directory import Checkpoint
from dagmm.training.trainer import TrainingRows, train
from small_fits import tiny_window_config
from small_tables import ARCHITECTURE, N_ROWS, PLAN, correlated_rows

OTHER = replace(ARCHITECTURE, comp_hiddens=(4, 2))
#: Calls of some epochs each.
CALLED = replace(PLAN, epochs=28, steps_per_epoch=50)


class Listener(Progress):
    """Hears what is said, and interrupts the training after so many epochs."""

    def __init__(self, stop_at=10**9):
        self.stop_at, self.said, self.done = stop_at, [], []

    def advance(self, done, note=""):
        self.done.append(done)
        if done >= self.stop_at:
            raise KeyboardInterrupt

    def say(self, text):
        self.said.append(text)


def trained(rows, networks, plan, place=None, progress=None):
    checkpoint = None if place is None else Checkpoint(place)
    return train(rows, N_ROWS, networks, plan, 0, progress, checkpoint=checkpoint)


def epochs_of(file):
    with safetensors.safe_open(file, framework="numpy") as opened:
        return int(opened.metadata()["epochs"])


def same(one, two):
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first.initial, second.initial)
        np.testing.assert_array_equal(first.parameters, second.parameters)
        assert str(first.history) == str(second.history)


# Training


def test_a_training_that_ran_out_of_time_goes_on_with_as_much_again(tmp_path):
    rows = correlated_rows()
    plan = replace(PLAN, epochs=2, cycles=3, max_seconds=1e-9)
    inputs = TrainingRows(None, [np.arange(N_ROWS)], [rows])
    for epochs in (2, 6):
        (result,) = train(
            *(rows, N_ROWS, [ARCHITECTURE], plan, 0),
            inputs=inputs,
            checkpoint=Checkpoint(tmp_path / "ck"),
        )
        assert result.history.epochs == epochs
        assert result.history["out_of_time"] == [0] * (epochs - 1) + [1]


@pytest.mark.parametrize("row", [0.0, 1e30], ids=["all steps", "some steps dropped"])
def test_a_training_interrupted_twice_is_the_one_that_never_was(tmp_path, row):
    rows = correlated_rows()
    rows[17] += row
    networks = [ARCHITECTURE, OTHER, ARCHITECTURE]
    expected = trained(rows, networks, CALLED)
    assert bool(sum(expected[0].history["dropped_steps"])) == bool(row)
    place = tmp_path / "ck"
    for stop_at in (22, 50):
        with pytest.raises(KeyboardInterrupt):
            trained(rows, networks, CALLED, place, Listener(stop_at))
    kept = [epochs_of(file) for file in sorted(place.glob("member-*"))]
    listener = Listener()
    same(trained(rows, networks, CALLED, place, listener), expected)
    assert listener.said == [
        f"resuming from {str(place)!r}: 3 members at epoch {', '.join(map(str, kept))} of 28"
    ]
    # Members that stop when another is interrupted keep what they have done.
    assert 50 <= sum(kept) < 84
    assert listener.done[0] > sum(kept) - 28
    assert listener.done[-1] == 84


def test_a_padded_network_goes_on_as_well_and_is_kept_in_its_own_shapes(tmp_path):
    rows = correlated_rows()[:, :5]
    narrow = replace(ARCHITECTURE, n_features=5, comp_hiddens=(4, 5))
    expected = trained(rows, [narrow], CALLED)
    with pytest.raises(KeyboardInterrupt):
        trained(rows, [narrow], CALLED, tmp_path, Listener(10))
    with safetensors.safe_open(tmp_path / "member-0.safetensors", framework="numpy") as opened:
        shapes = {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118
    n_parameters = sum(map(math.prod, narrow.shapes().values()))
    for name in ("initial", "state.parameters", "state.adam.mu", "state.adam.nu"):
        assert shapes[name] == [n_parameters], name
    assert shapes["state.cov"] == [2, 7, 7]
    listener = Listener()
    same(trained(rows, [narrow], CALLED, tmp_path, listener), expected)
    assert listener.said
    assert listener.done[0] > 10


def test_a_finished_training_is_there_at_once(tmp_path, monkeypatch):
    rows = correlated_rows()
    first = trained(rows, [ARCHITECTURE], CALLED, tmp_path)
    monkeypatch.setattr("dagmm.training.training_run.program", None)
    same(trained(rows, [ARCHITECTURE], CALLED, tmp_path), first)


def test_a_member_whose_file_is_gone_is_trained_beside_finished_ones(tmp_path):
    rows = correlated_rows()
    first = trained(rows, [ARCHITECTURE] * 2, CALLED, tmp_path)
    (tmp_path / "member-0.safetensors").unlink()
    listener = Listener()
    same(trained(rows, [ARCHITECTURE] * 2, CALLED, tmp_path, listener), first)
    assert listener.said == [f"resuming from {str(tmp_path)!r}: 2 members at epoch 0, 28 of 28"]


def test_a_damaged_file_is_named_and_never_trained_over(tmp_path):
    rows = correlated_rows()
    trained(rows, [ARCHITECTURE], CALLED, tmp_path)
    file = tmp_path / "member-0.safetensors"
    damaged = file.read_bytes()[:-8]
    file.write_bytes(damaged)
    with pytest.raises(ModelFileError, match=r"member-0\.safetensors' is damaged: .*delete this"):
        trained(rows, [ARCHITECTURE], CALLED, tmp_path)
    assert file.read_bytes() == damaged


def test_a_disk_that_fills_up_ends_the_training_which_can_go_on(tmp_path, monkeypatch):
    rows = correlated_rows()
    expected = trained(rows, [ARCHITECTURE], CALLED)
    monkeypatch.setattr(member_file, "INTERVAL", 0.0)
    monkeypatch.setattr(member_file, "PATIENCE", 0.0)
    left, replaced = [4], Path.replace

    def full(part, target):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return replaced(part, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(ModelSaveError, match=r"could not be written after epoch 8: No space"):
            trained(rows, [ARCHITECTURE], CALLED, tmp_path)
    assert epochs_of(tmp_path / "member-0.safetensors") == 6
    same(trained(rows, [ARCHITECTURE], CALLED, tmp_path), expected)


# The estimators


def small(**arguments):
    return dagmm.DAGMM([4, 2], est_hiddens=[4, 2], epoch_size=4, minibatch_size=64, **arguments)


def test_the_estimators_keep_and_go_on(tmp_path, capsys):
    rows, place = correlated_rows()[:64], str(tmp_path / "ck")
    first = small().fit(rows, checkpoint=place)
    again = small(verbose=1).fit(rows, checkpoint=place)
    assert capsys.readouterr().err == f"resuming from {place!r}: 1 member at epoch 4 of 4\n"
    np.testing.assert_array_equal(first.predict(rows), again.predict(rows))
    assert first.model_.record == again.model_.record
    assert "checkpoint" not in first.get_params()
    with pytest.raises(ArgumentError, match=r"belongs to another fit, which differs in the seed;"):
        small(random_seed=1).fit(rows, checkpoint=place)
    rows[3, 3] += 1.0
    with pytest.raises(ArgumentError, match=r"which differs in the training rows; choose"):
        small().fit(rows, checkpoint=place)


@pytest.mark.parametrize(
    ("estimator", "seed"), [(dagmm.DAGMM, "random_seed"), (dagmm.DAGMMDetector, "random_state")]
)
def test_no_fit_can_go_on_from_a_seed_that_nobody_knows(tmp_path, estimator, seed):
    with pytest.raises(ArgumentError) as caught:
        estimator(**{seed: None}).fit(correlated_rows(), checkpoint=tmp_path)
    assert str(caught.value) == (
        f"checkpoint needs {seed} to be a number: with None every fit draws another seed, and "
        "none can go on with the training of the one before."
    )
    with pytest.raises(ArgumentError, match=r"^checkpoint must be the path of a directory"):
        estimator().fit(correlated_rows(), checkpoint=7)


def test_windows_are_kept_and_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
    rows = {"t": np.arange(120), "x": correlated_rows(n_rows=120)[:, 0]}

    def fitted(window, place):
        arguments = {"time": "t", "window": window, "network": "convolutional", "n_members": 1}
        return dagmm.DAGMMDetector(**arguments).fit(pd.DataFrame(rows), checkpoint=place)

    first, again = (fitted(4, tmp_path / "ck") for _ in range(2))
    assert first.model_.record == again.model_.record
    with pytest.raises(ArgumentError, match=r"belongs to another fit, which differs in "):
        fitted(5, tmp_path / "ck")


# Killed

CHILD = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from dagmm import DAGMMDetector
from dagmm.training.presets import networks
from dagmm.training.checkpoint import member_file

networks.STEPS, networks.CYCLES_OF_FEW = 2000, 1
member_file.INTERVAL = member_file.PATIENCE = 0.0
left, replaced = [int(sys.argv[3])], Path.replace

def replace(part, target):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if left[0] < -20:
        time.sleep(600)  # the one that kills may be slow; it is not to come too late
    return replaced(part, target)

Path.replace = replace
DAGMMDetector(n_members=2).fit(np.load(sys.argv[1]), checkpoint=sys.argv[2])
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a signal of POSIX")
def test_a_fit_killed_in_a_write_and_at_a_random_moment_is_the_same_model(
    tmp_path, capsys, monkeypatch
):
    # Long enough to be stopped in.
    monkeypatch.setattr("dagmm.training.presets.networks.STEPS", 2000)
    monkeypatch.setattr("dagmm.training.presets.networks.CYCLES_OF_FEW", 1)
    rows, place, table = correlated_rows(), tmp_path / "ck", tmp_path / "rows.npy"
    np.save(table, rows)
    arguments = [sys.executable, "-c", CHILD, str(table), str(place)]
    # Between the write of a member's seventh state or so and its taking the place of the sixth.
    assert subprocess.run([*arguments, "14"], timeout=240).returncode == -signal.SIGKILL
    assert [file for file in place.iterdir() if file.suffix == ".part"]
    before = {file: epochs_of(file) for file in sorted(place.glob("member-*"))}
    child = subprocess.Popen([*arguments, "0"])
    deadline = time.monotonic() + 240
    while {file: epochs_of(file) for file in before} == before:
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(np.random.default_rng().uniform(0.0, 0.2))
    child.kill()
    assert child.wait() == -signal.SIGKILL
    kept = [epochs_of(file) for file in before]
    assert sum(before.values()) < sum(kept) < 40

    resumed = dagmm.DAGMMDetector(n_members=2, verbose=1).fit(rows, checkpoint=place)
    assert capsys.readouterr().err == (
        f"resuming from {str(place)!r}: 2 members at epoch {kept[0]}, {kept[1]} of 20\n"
    )
    resumed.verbose = 0
    resumed.save(tmp_path / "resumed")
    dagmm.DAGMMDetector(n_members=2).fit(rows).save(tmp_path / "whole")
    one, two = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
        for name in ("resumed", "whole")
    )
    assert one == two
    assert len(one) == 2
