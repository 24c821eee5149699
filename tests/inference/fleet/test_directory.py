"""A fleet's manifest says what is there, and is read only as it was written."""

import json
import re
from dataclasses import replace

import pytest

from dagmm import ModelFileError, ModelSaveError
from dagmm._core.atomic_files import checksum_of
from dagmm.inference.fleet.directory import (
    FLEET,
    FleetManifest,
    SavedFleet,
    check_target,
    folder_of,
    model_path,
    read_manifest,
    write_manifest,
)
from dagmm.inference.fleet.fitted_fleet import Asset

MANIFEST = FleetManifest(
    "pump",
    {"least_rows": 100},
    {"P 1/ä": Asset(120, "", "0f"), "P2": Asset(3, "3 rows are fewer than 100")},
    of_all="ab",
    is_whole=True,
)


def changed(place, **fields):
    """Write a manifest with other fields, and the checksum that belongs to it."""
    write_manifest(place, MANIFEST)
    plain = json.loads((place / FLEET).read_text("utf-8")) | fields
    plain["checksum"] = checksum_of(plain)
    (place / FLEET).write_text(json.dumps(plain))


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    write_manifest(tmp_path / "fleet", MANIFEST)
    assert read_manifest(tmp_path / "fleet") == MANIFEST


def test_models_that_a_whole_fleet_does_not_name_are_deleted(tmp_path):
    for name in ("P 1/ä", "P2", "gone"):
        place = model_path(tmp_path, name)
        place.mkdir(parents=True)
        (place / "manifest.json").write_text("{}")
        (place / f"arrays-{'0' * 64}.safetensors").write_text("")
    (model_path(tmp_path, "P2") / "notes.txt").write_text("kept")
    (tmp_path / "models" / "own work").mkdir()
    write_manifest(tmp_path, replace(MANIFEST, is_whole=False))
    assert len(list((tmp_path / "models").iterdir())) == 4
    write_manifest(tmp_path, MANIFEST)
    left = {entry.name for entry in (tmp_path / "models").iterdir()}
    assert left == {folder_of("P 1/ä"), folder_of("P2"), "own work"}
    assert [entry.name for entry in model_path(tmp_path, "P2").iterdir()] == ["notes.txt"]


def test_folders_are_readable_and_never_the_same():
    names = ["P 1/ä", "P 1_ä", "../..", "", "a" * 300, "ポンプ1", "ポンプ2"]
    folders = [folder_of(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,60}", folder) for folder in folders)
    assert folders[0].startswith("P_1-")
    assert not any(folder.startswith(".") for folder in folders)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": "other"}, "was not written by dagmm."),
        ({"format_version": 2}, "has format 2, this dagmm reads up to 1; upgrade dagmm."),
        ({"assets": [["a", -1, "", ""]]}, "assets.0.1 must be a number of rows or steps, got -1"),
        ({"assets": [["a", 1, "", "../x"]]}, "assets.0.3 must be a digest, got '../x'"),
        ({"arguments": []}, "arguments must be an object, got []"),
        ({"more": 1}, "the manifest has an unknown field 'more'"),
    ],
)
def test_what_is_wrong_in_a_manifest_is_named(tmp_path, fields, message):
    changed(tmp_path, **fields)
    with pytest.raises(ModelFileError, match=re.escape(message)):
        read_manifest(tmp_path)


def test_a_manifest_that_was_changed_by_hand_is_refused(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    text = (tmp_path / FLEET).read_text("utf-8")
    (tmp_path / FLEET).write_text(text.replace("120", "121"), "utf-8")
    with pytest.raises(ModelFileError, match=r"its checksum does not belong to its content\.$"):
        read_manifest(tmp_path)


def test_a_fleet_without_the_model_of_an_asset_is_incomplete(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    with pytest.raises(ModelFileError, match=r"the model of pump 'P 1/ä' is missing in .* incomp"):
        SavedFleet(tmp_path)


def test_a_folder_of_something_else_is_not_written_to(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ModelSaveError, match=r"holds files that are not a saved fleet; choose an"):
        check_target(tmp_path)
