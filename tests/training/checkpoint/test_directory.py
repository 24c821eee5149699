"""The directory of a checkpoint: whose it is, and what is refused."""

import json
from pathlib import Path

import pytest

from dagmm._core.atomic_files import checksum_of
from dagmm._core.errors import ArgumentError, ModelFileError, ModelSaveError
from dagmm.training.checkpoint import directory
from dagmm.training.checkpoint.directory import Checkpoint
from small_tables import PLAN

TRAINING = {"seed": "1f", "members": 2, "epochs": 30}
LEFTOVER = f".member-0.safetensors.{'0' * 16}.part"


def names_in(path):
    return sorted(entry.name for entry in path.iterdir())


@pytest.fixture
def place(tmp_path):
    """A directory that a training has taken."""
    Checkpoint(tmp_path / "ck").begin(TRAINING, PLAN)
    return tmp_path / "ck"


def test_a_directory_is_made_and_found_again(place):
    assert names_in(place) == ["checkpoint.json"]
    files = Checkpoint(str(place)).begin(TRAINING, PLAN)
    assert [one.file.name for one in files] == ["member-0.safetensors", "member-1.safetensors"]
    assert names_in(place) == ["checkpoint.json"]


def test_an_empty_directory_is_taken(tmp_path):
    Checkpoint(tmp_path).begin(TRAINING, PLAN)
    assert names_in(tmp_path) == ["checkpoint.json"]


def test_nothing_is_made_before_a_training_begins(tmp_path):
    Checkpoint(tmp_path / "ck")
    assert names_in(tmp_path) == []


def test_leftovers_of_a_killed_write_are_cleared_away(place):
    (place / LEFTOVER).write_text("half")
    Checkpoint(place).begin(TRAINING, PLAN)
    assert names_in(place) == ["checkpoint.json"]


def test_another_training_is_refused_and_the_difference_named(place):
    with pytest.raises(ArgumentError) as caught:
        Checkpoint(place).begin({**TRAINING, "seed": "2", "epochs": 9}, PLAN)
    assert str(caught.value) == (
        f"checkpoint: {str(place)!r} belongs to another fit, which differs in the seed, "
        "epochs (30 there, 9 here); choose another directory, or delete that one."
    )


@pytest.mark.parametrize("path", [True, 3, b"ck", ["ck"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ArgumentError) as caught:
        Checkpoint(path)
    assert str(caught.value) == (
        f"checkpoint must be the path of a directory, or None, got {path!r}."
    )


def test_a_directory_within_a_missing_one_is_not_made(tmp_path):
    with pytest.raises(ArgumentError) as caught:
        Checkpoint(tmp_path / "a" / "b")
    assert str(caught.value) == (
        f"checkpoint: {str(tmp_path / 'a' / 'b')!r} cannot be made, because "
        f"{str(tmp_path / 'a')!r} is not a directory; make that first."
    )


def test_a_file_is_not_a_directory(tmp_path):
    (tmp_path / "ck").write_text("mine")
    with pytest.raises(ArgumentError) as caught:
        Checkpoint(tmp_path / "ck")
    assert str(caught.value) == (
        f"checkpoint: {str(tmp_path / 'ck')!r} is a file; a checkpoint is a directory."
    )


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json", "member-x.safetensors"])
def test_a_directory_of_something_else_is_left_alone(place, name):
    (place / name).write_text("mine")
    with pytest.raises(ArgumentError) as caught:
        Checkpoint(place)
    assert str(caught.value) == (
        f"checkpoint: {str(place)!r} holds files that are not a checkpoint; "
        "choose another directory."
    )


def test_members_of_nobody_are_refused(place):
    (place / "checkpoint.json").unlink()
    (place / "member-0.safetensors").write_text("")
    with pytest.raises(ModelFileError) as caught:
        Checkpoint(place).begin(TRAINING, PLAN)
    assert str(caught.value) == (
        f"checkpoint: {str(place / 'checkpoint.json')!r} is missing, and nothing else says which "
        f"fit the files in that directory belong to; delete {str(place)!r} to start anew."
    )


def damage(place):
    with pytest.raises(ModelFileError) as caught:
        Checkpoint(place).begin(TRAINING, PLAN)
    before = f"checkpoint: {str(place / 'checkpoint.json')!r} is damaged: "
    after = f"; delete {str(place)!r} to start anew."
    text = str(caught.value)
    assert text.startswith(before)
    assert text.endswith(after)
    return text[len(before) : -len(after)]


@pytest.mark.parametrize("length", [0, 1, 40, -1])
def test_a_description_cut_short_is_damaged(place, length):
    file = place / "checkpoint.json"
    file.write_bytes(file.read_bytes()[:length])
    damage(place)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": "dagmm"}, "it was not written as a checkpoint"),
        ({"format_version": True}, "format_version must be a whole number, got True"),
        ({"training": [1]}, "training must be an object, got [1]"),
        ({"training": float("nan")}, "it holds NaN, which is not a number"),
    ],
)
def test_wrong_fields_are_named(place, change, why):
    file = place / "checkpoint.json"
    plain = json.loads(file.read_text()) | change
    plain["checksum"] = checksum_of(plain)
    file.write_text(json.dumps(plain))
    assert damage(place) == why


def test_a_changed_description_is_damaged(place):
    file = place / "checkpoint.json"
    file.write_text(file.read_text().replace("1f", "2f"))
    assert damage(place) == "its checksum does not belong to its content"


def test_a_description_that_is_too_large_is_not_ours(place, monkeypatch):
    monkeypatch.setattr(directory, "MAX_BYTES", 10)
    assert damage(place) == "it is larger than 10 bytes"


def test_a_newer_format_is_said(place):
    file = place / "checkpoint.json"
    plain = json.loads(file.read_text()) | {"format_version": 2}
    plain["checksum"] = checksum_of(plain)
    file.write_text(json.dumps(plain))
    with pytest.raises(ModelFileError) as caught:
        Checkpoint(place).begin(TRAINING, PLAN)
    assert str(caught.value) == (
        f"checkpoint: {str(file)!r} has format 2, this dagmm reads 1; use the dagmm that wrote "
        "it, or choose another directory."
    )


def test_a_disk_that_is_full_from_the_start_is_said(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(ModelSaveError) as caught:
        Checkpoint(tmp_path / "ck").begin(TRAINING, PLAN)
    assert caught.value.strerror == (
        f"checkpoint: {str(tmp_path / 'ck' / 'checkpoint.json')!r} could not be written: "
        "No space left on device."
    )


# Deleting it


def test_it_is_deleted_whole(place):
    for name in ("member-0.safetensors", "member-1.safetensors", LEFTOVER):
        (place / name).write_text("")
    Checkpoint(place).delete()
    assert not place.exists()
    Checkpoint(place).delete()


@pytest.mark.parametrize("steps", range(4))
def test_a_deletion_that_stops_half_way_leaves_a_checkpoint(place, monkeypatch, steps):
    for name in ("member-0.safetensors", "member-1.safetensors", LEFTOVER):
        (place / name).write_text("")
    left, unlink = [steps], Path.unlink

    def dying(path, missing_ok=False):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", dying)
        with pytest.raises(KeyboardInterrupt):
            Checkpoint(place).delete()
    assert len(Checkpoint(place).begin(TRAINING, PLAN)) == 2


def test_what_somebody_put_there_since_is_not_deleted(place):
    checkpoint = Checkpoint(place)
    (place / "notes.txt").write_text("mine")
    checkpoint.delete()
    assert names_in(place) == ["notes.txt"]


# What is said


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        ([7], "1 member at epoch 7 of 20"),
        ([7, 7, 6, 20], "4 members at epoch 7, 7, 6, 20 of 20"),
        ([*range(3, 13)], "10 members at epoch 3 to 12 of 20"),
    ],
)
def test_it_says_where_it_goes_on(tmp_path, epochs, told):
    place = tmp_path / "ck"
    assert Checkpoint(place).resuming(epochs, 20) == f"resuming from {str(place)!r}: {told}"
