"""The command on folders of image files and on stacks of images."""

import json

import numpy as np
import pytest

import command
from dagmm import load_model
from dagmm.data.images import ImageRows
from images import as_bytes, blobs, tiny_image_config

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)


def fill(folder, images):
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:03}.png")
    return str(folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of images and a model fitted to it."""
    place = tmp_path_factory.mktemp("images")
    fill(place / "train", as_bytes(blobs()))
    strange = as_bytes(blobs(n=10, seed=1))
    strange[3] = 255 - strange[3]
    fill(place / "test", strange)
    np.save(place / "test.npy", strange)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)
        result = command.run(
            "fit", str(place / "train"), "-o", str(place / "m"), "--members", "1", "--json"
        )
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["images"] == 24
    assert summary["size"] == "9 x 8 pixels"
    return place


def ran(*arguments):
    result = command.run(*map(str, arguments))
    assert result.exit_code == 0, result.output
    return result


def failed(*arguments):
    result = command.run(*map(str, arguments))
    assert result.exit_code == 1, result.output
    return result.stderr


def test_scores_carry_file_energy_and_decision(place):
    out = place / "scores.csv"
    ran("score", place / "m", place / "test", "-o", out, "--force", "--p-value", "--quiet")
    lines = out.read_text("utf-8").splitlines()
    assert lines[0] == "file,energy,is_anomaly,p_value"
    assert [line.split(",")[0] for line in lines[1:]] == [f"{i:03}.png" for i in range(10)]
    energy = load_model(place / "m").model.energy(ImageRows(np.load(place / "test.npy")))
    found = [float(line.split(",")[1]) for line in lines[1:]]
    np.testing.assert_allclose(found, energy, rtol=1e-9)
    assert lines[4].split(",")[2] == "true"


def test_a_stack_of_images_is_scored_like_a_folder(place):
    out = place / "stack.csv"
    ran("score", place / "m", place / "test.npy", "-o", out, "--force", "--quiet")
    lines = out.read_text("utf-8").splitlines()
    assert lines[0] == "image,energy,is_anomaly"
    assert lines[4].startswith("3,")


def test_info_says_what_images_are_expected(place):
    text = ran("info", place / "m").stdout
    assert "9 x 8 pixels, smoothed over 1 pixels" in text
    assert "convolutional compression 72-2-3" in text
    plain = json.loads(ran("info", place / "m", "--json").stdout)
    assert {name: plain["images"][name] for name in ("height", "width", "channels")} == {
        "height": 9,
        "width": 8,
        "channels": 1,
    }
    assert "columns" not in plain


def test_heat_maps_are_written_as_arrays(place):
    out = place / "heat.npz"
    ran("explain", place / "m", place / "test", "-o", out, "--force", "--all", "--quiet")
    with np.load(out) as arrays:
        assert list(arrays["files"]) == [f"{i:03}.png" for i in range(10)]
        assert arrays["heat"].shape == (10, 9, 8)
        gap = arrays["energy"] - arrays["reference_energy"]
        np.testing.assert_allclose(arrays["heat"].sum(axis=(1, 2)), gap, atol=1e-9)


def test_a_threshold_is_calibrated_with_images(place):
    ran("threshold", place / "m", "--calibrate", place / "test", "--quantile", "0.8")
    known = load_model(place / "m").model.calibration
    assert known.held_out.n_rows == 10


# What is refused ---------------------------------------------------------------------------


def test_a_damaged_file_is_named(place, tmp_path):
    folder = fill(tmp_path / "x", as_bytes(blobs(n=3)))
    (tmp_path / "x" / "001.png").write_bytes(b"no image")
    error = failed("score", place / "m", folder, "-o", tmp_path / "s.csv", "--quiet")
    assert f"{str(tmp_path / 'x' / '001.png')!r} cannot be read as an image" in " ".join(
        error.split("\n")
    )
    assert not (tmp_path / "s.csv").exists()


def test_a_damaged_file_of_a_fit_is_named_first(tmp_path):
    folder = fill(tmp_path / "x", as_bytes(blobs(n=3)))
    (tmp_path / "x" / "001.png").write_bytes(b"no image")
    error = failed("fit", folder, "-o", tmp_path / "m", "--quiet")
    assert error.startswith(f"dagmm: {str(tmp_path / 'x' / '001.png')!r} cannot be read as an ")


def test_pixels_that_cannot_be_read_are_named_by_file_and_number(place, tmp_path):
    images = blobs(n=300)
    images[280, 2, 3] = np.nan
    np.save(tmp_path / "x.npy", images)
    error = failed("score", place / "m", tmp_path / "x.npy", "-o", tmp_path / "s.csv", "--quiet")
    assert error == (
        f"dagmm: {str(tmp_path / 'x.npy')!r}: image 280 holds nan in row 2, column 3; expected "
        "finite pixels within +-1e6.\n"
    )
    assert not (tmp_path / "s.csv").exists()


def test_other_sizes_are_named(place, tmp_path):
    np.save(tmp_path / "x.npy", as_bytes(blobs(height=12)))
    error = failed("score", place / "m", tmp_path / "x.npy", "-o", tmp_path / "s.csv", "--quiet")
    assert "X has images of 12 x 8 pixels; this model was fitted on images of 9 x 8 pixels" in (
        error
    )


@pytest.mark.parametrize("array", [None, np.zeros((3, 8)), np.array(["a"]), np.zeros((0, 9, 8))])
def test_files_that_are_no_stack_are_refused(array, tmp_path):
    file = tmp_path / "x.npy"
    if array is None:
        file.write_bytes(b"no array")
    else:
        np.save(file, array)
    error = failed("fit", file, "-o", tmp_path / "m", "--quiet")
    assert str(file) in error


def test_a_table_is_refused_by_a_model_of_images(place, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    error = failed("score", place / "m", tmp_path / "t.csv", "-o", tmp_path / "s.csv", "--quiet")
    assert "the model was fitted on images of 9 x 8 pixels; expected a folder of images" in error


def test_options_of_tables_do_not_go_with_images(place, tmp_path):
    folder, out = place / "train", tmp_path / "m"
    assert "options about columns" in failed("fit", folder, "-o", out, "--drop", "a", "--quiet")
    assert "compare takes tables" in failed("compare", folder, "--quiet")
    scoring = ("score", place / "m", folder, "-o", tmp_path / "s.csv", "--explain", "1")
    assert "--explain names columns" in failed(*scoring)
    heat = ("explain", place / "m", folder, "-o", tmp_path / "s.csv")
    assert "go to a .npz file of arrays" in failed(*heat)
