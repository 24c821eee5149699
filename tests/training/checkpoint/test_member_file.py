"""A member's file holds its training to the bit, and is refused when it does not."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from dagmm._core.errors import ModelFileError, ModelSaveError
from dagmm.training.checkpoint import member_file
from dagmm.training.checkpoint.member_file import MemberFile, Standing
from dagmm.training.history import AVERAGED, History
from small_tables import PLAN

#: Of two epochs to a call.
TWO = replace(PLAN, epochs=30, steps_per_epoch=50)


class State(NamedTuple):
    parameters: np.ndarray
    count: np.ndarray
    phi: np.ndarray


def state(seed):
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=5).astype(np.float32)
    return State(drawn, np.int32(seed) * np.ones((), np.int32), np.full(2, 0.5, np.float32))


def history(epochs):
    rng = np.random.default_rng(epochs)
    steps = {name: rng.normal(size=(epochs, 3)).astype(np.float32) for name in AVERAGED}
    dropped = np.arange(3) < np.arange(epochs)[:, None] % 4
    kept = History()
    phi = rng.random((epochs, 2)).astype(np.float32)
    kept.extend({**steps, "dropped": dropped}, phi, np.tile(np.eye(3), (epochs, 2, 1, 1)))
    return kept


def standing(epochs, seed=3):
    initial = np.arange(5, dtype=np.float32)
    return Standing(initial, initial + seed, state(seed), history(epochs))


def same(one, two):
    assert [np.asarray(a).tobytes() for a in (one.initial, one.best, *one.state)] == [
        np.asarray(a).tobytes() for a in (two.initial, two.best, *two.state)
    ]
    assert [a.shape for a in one.state] == [a.shape for a in two.state]
    assert one.history == two.history
    assert str(one.history) == str(two.history)  # whole numbers stay whole


def names_in(path):
    return sorted(entry.name for entry in path.iterdir())


def opened(path, plan=TWO, training="t"):
    return MemberFile(path / "member-0.safetensors", training, plan)


def test_what_is_kept_is_read_to_the_bit(tmp_path):
    kept = standing(8)
    assert None in kept.history["loss"]
    opened(tmp_path).keep(kept, at_once=True)
    found = opened(tmp_path).read(standing(0, seed=0))
    same(found, kept)
    assert isinstance(found.state, State)
    assert names_in(tmp_path) == ["member-0.safetensors"]


def test_nothing_is_read_where_nothing_was_kept(tmp_path):
    assert opened(tmp_path).read(standing(0)) is None


# When it is written


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still, but for the seconds that each write takes."""
    now = {"s": 100.0, "a write": 0.0, "writes": 0}

    def slow(file, data):
        now["s"] += now["a write"]
        now["writes"] += 1

    monkeypatch.setattr(member_file.time, "monotonic", lambda: now["s"])
    monkeypatch.setattr(member_file, "write_atomically", slow)
    return now


def test_it_is_written_every_few_seconds_and_at_the_end(tmp_path, clock):
    file = opened(tmp_path)
    written = []
    for epochs in range(2, 32, 2):
        clock["s"] += 2.0
        before = clock["writes"]
        file.keep(standing(epochs))
        if clock["writes"] > before:
            written.append(epochs)
    assert written == [6, 12, 18, 24, 30]
    file.keep(standing(30), at_once=True)
    assert clock["writes"] == 5  # nothing was new
    file.keep(standing(32), at_once=True)
    assert clock["writes"] == 6


@pytest.mark.parametrize("seconds", [0.01, 0.5, 20.0])
def test_however_long_a_write_takes_it_is_a_hundredth_of_the_time(tmp_path, clock, seconds):
    clock["a write"] = seconds
    file, began = opened(tmp_path), clock["s"]
    for epochs in range(2, 400, 2):
        clock["s"] += 1000.0
        file.keep(standing(epochs))
    share = clock["writes"] * seconds / (clock["s"] - began)
    assert share < 0.0101
    assert clock["writes"] > 0


def test_a_full_disk_is_said_and_what_was_there_stays(tmp_path, monkeypatch):
    file, kept = opened(tmp_path), standing(2)
    file.keep(kept, at_once=True)

    def full(part, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(ModelSaveError) as caught:
            file.keep(standing(4), at_once=True)
    assert caught.value.strerror == (
        f"checkpoint: {str(file.file)!r} could not be written after epoch 4: No space left on "
        "device; the fit can go on from what was written before, once there is room for more."
    )
    same(opened(tmp_path).read(standing(0)), kept)
    assert names_in(tmp_path) == ["member-0.safetensors"]


# What is refused


def refusal(path, **changed):
    with pytest.raises(ModelFileError) as caught:
        opened(path, **changed).read(standing(0))
    named = repr(str(path / "member-0.safetensors"))
    before, after = (
        f"checkpoint: {named} is damaged: ",
        "; delete this file to train its member anew, the others go on.",
    )
    text = str(caught.value)
    assert text.startswith(before)
    assert text.endswith(after)
    return text[len(before) : -len(after)]


@pytest.fixture
def kept(tmp_path):
    opened(tmp_path).keep(standing(4), at_once=True)
    return tmp_path / "member-0.safetensors"


def rewritten(file, facts=None, **arrays):
    """Write the file again with something changed."""
    with safetensors.safe_open(file, framework="numpy") as before:
        facts = before.metadata() | (facts or {})
    arrays = safetensors.numpy.load_file(file) | arrays
    safetensors.numpy.save_file(arrays, file, facts)


def test_any_bit_that_changed_is_found(tmp_path, kept):
    whole = kept.read_bytes()
    for at in np.linspace(8, len(whole) - 1, 60).astype(int):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        kept.write_bytes(damaged)
        refusal(tmp_path)


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_file_cut_short_is_refused(tmp_path, kept, length):
    kept.write_bytes(kept.read_bytes()[:length])
    refusal(tmp_path)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"format": "pt"}, "it was not written as a checkpoint"),
        ({"training": "u"}, "it belongs to another training than checkpoint.json says"),
        ({"epochs": "3"}, "epochs must be a multiple of 2 from 1 to 30, got '3'"),
        ({"epochs": "0"}, "epochs must be a multiple of 2 from 1 to 30, got '0'"),
        ({"epochs": "32"}, "epochs must be a multiple of 2 from 1 to 30, got '32'"),
        ({"epochs": "-2"}, "epochs must be a multiple of 2 from 1 to 30, got '-2'"),
        ({"epochs": "2"}, "array 'loss' must be F64 of (2,), got F64 of (4,)"),
        ({"checksum": "0"}, "its checksum does not belong to its content"),
    ],
)
def test_wrong_facts_are_named(tmp_path, kept, facts, why):
    rewritten(kept, facts)
    assert refusal(tmp_path) == why


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        (
            {"state.parameters": np.zeros(5)},
            "array 'state.parameters' must be F32 of (5,), got F64 of (5,)",
        ),
        (
            {"state.parameters": np.zeros(4, np.float32)},
            "array 'state.parameters' must be F32 of (5,), got F32 of (4,)",
        ),
        ({"more": np.zeros(4)}, "array 'more' is not part of such a model"),
        ({"initial": np.ones(5, np.float32)}, "its checksum does not belong to its content"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, kept, arrays, why):
    rewritten(kept, **arrays)
    assert refusal(tmp_path) == why


def test_a_file_of_another_training_is_refused(tmp_path, kept):
    assert refusal(tmp_path, training="u") == (
        "it belongs to another training than checkpoint.json says"
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "member-0.safetensors").mkdir()
    with pytest.raises(ModelFileError, match=r"member-0\.safetensors' cannot be read: .*\.$"):
        opened(tmp_path).read(standing(0))
