"""Saved models of images: every field of the encoder is checked."""

import json

import numpy as np
import pytest

from dagmm import DAGMM, ModelFileError
from dagmm._core.atomic_files import checksum_of
from images import blobs
from small_fits import tiny_dagmm


@pytest.fixture(scope="module")
def fitted():
    return tiny_dagmm(comp_hiddens=[2, 3]).fit(blobs())


@pytest.fixture
def saved(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    return tmp_path / "m"


def change(directory, name, value):
    file = directory / "manifest.json"
    plain = json.loads(file.read_text("utf-8"))
    plain["encoder"][name] = value
    plain["checksum"] = checksum_of(plain)
    file.write_text(json.dumps(plain), "utf-8")


def test_energies_are_the_same_to_the_bit(fitted, saved):
    again = DAGMM.load(saved)
    images = blobs(seed=1)
    np.testing.assert_array_equal(again.predict(images), fitted.predict(images))
    np.testing.assert_array_equal(again.model_.encoder.centre, fitted.model_.encoder.centre)
    assert again.model_.encoder.smoothing == fitted.model_.encoder.smoothing


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "image_shape",
            [9, 8],
            "encoder.image_shape must be a list of 3 to 3 entries, got [9, 8]",
        ),
        ("image_shape", [9, 7, 1], "encoder.image_shape.1 must be at least 8, got 7"),
        ("image_shape", [9, 8, 0], "encoder.image_shape.2 must be from 1 to 4096, got 0"),
        (
            "image_shape",
            [9, 8, 2],
            "networks.0.n_features must be 144, the width of an encoded row, got 72",
        ),
        ("scale", 0.0, "encoder.scale must be a number > 0, got 0.0"),
        ("scale", None, "encoder.scale must be a finite number, got None"),
        ("smoothing", -1.0, "encoder.smoothing must be from 0 to 100.0, got -1.0"),
        ("columns", [], "encoder has an unknown field 'columns'"),
    ],
)
def test_a_field_that_is_wrong_is_named(saved, name, value, message):
    change(saved, name, value)
    with pytest.raises(ModelFileError) as caught:
        DAGMM.load(saved)
    assert str(caught.value) == (
        f"restore: {str(saved / 'manifest.json')!r} is damaged: {message}."
    )
