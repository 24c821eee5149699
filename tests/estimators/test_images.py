"""Images through both estimators: fitted, scored, saved, refused."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm import ArgumentError, DAGMMDetector, InputError, compare
from dagmm.data.images import ImageRows, image_rows
from dagmm.inference.chunks import BLOCK_ROWS, BUFFER_BLOCKS, block_rows, buffer_rows
from dagmm.inference.refresh.update import updated
from dagmm.training.presets.images import image_config, image_hiddens
from images import as_bytes, blobs, tiny_image_config
from small_fits import energy_of, normal, tiny_dagmm, tiny_detector


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)


@pytest.fixture(
    params=[lambda: tiny_dagmm(comp_hiddens=[2, 3]), tiny_detector],
    ids=["DAGMM", "DAGMMDetector"],
    scope="module",
)
def fitted(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)
        yield request.param().fit(blobs())


def exactly(message):
    return f"^{re.escape(message)}$"


def test_images_are_watched_for_drift_and_merged_into_a_model(fitted):
    if not isinstance(fitted, DAGMMDetector):
        return
    found = fitted.drift(blobs(n=30, seed=1))
    assert (found.columns, found.n_rows, found.has_drifted) == ((), 30, False)
    model, update = updated(fitted.model_, blobs(n=120, seed=2))
    assert (update.columns, update.n_rows, update.version) == ((), 120, 2)
    assert np.isfinite(model.energy(blobs(seed=1))).all()


def test_images_are_fitted_and_scored(fitted):
    energy = energy_of(fitted, blobs(seed=1))
    assert energy.shape == (24,)
    assert energy.dtype == np.float64
    assert np.isfinite(energy).all()
    assert fitted.n_features_in_ == 72
    assert fitted.model_.networks[0].architecture.shape == (9, 8, 1)


def test_the_energy_of_an_image_does_not_depend_on_the_others(fitted, monkeypatch):
    images = blobs(n=40, seed=1)
    energy = energy_of(fitted, images)
    monkeypatch.setattr("dagmm.data.images.CHUNK_PIXELS", 3 * 72)
    for part in (slice(None), slice(7, 8), slice(None, None, -1)):
        # A matrix product may round its last columns otherwise.
        np.testing.assert_allclose(energy_of(fitted, images[part]), energy[part], rtol=1e-12)


def test_a_model_of_images_is_the_same_to_the_bit_when_it_is_loaded(fitted, tmp_path):
    images = blobs(seed=1)
    fitted.save(tmp_path / "m")
    again = type(fitted).load(tmp_path / "m")
    np.testing.assert_array_equal(energy_of(again, images), energy_of(fitted, images))
    assert again.n_features_in_ == 72
    assert not hasattr(again, "feature_names_in_")
    assert again.model_.encoder.shape == (9, 8, 1)


def test_a_list_of_images_and_rows_of_them_are_taken_like_a_stack(fitted):
    images = blobs(seed=1)
    energy = energy_of(fitted, images)
    np.testing.assert_array_equal(energy_of(fitted, list(images)), energy)
    np.testing.assert_array_equal(energy_of(fitted, ImageRows(images)), energy)


def test_a_detector_of_images_decides_and_calibrates(quick):
    detector = tiny_detector().fit(as_bytes(blobs()))
    assert set(detector.predict(as_bytes(blobs(seed=1)))) <= {-1, 1}
    table = detector.score_table(blobs(seed=1))
    assert table.dtype.names == ("energy", "is_anomaly")
    detector.calibrate(blobs(n=30, seed=2))
    assert detector.set_threshold(quantile=0.9).threshold_["n_rows"] == 30
    p_value = detector.p_value(blobs(seed=1))
    assert ((p_value >= 0.0) & (p_value <= 1.0)).all()


def test_a_fit_is_the_same_again(quick):
    one, again = (tiny_detector().fit(blobs()).energy(blobs(seed=1)) for _ in range(2))
    np.testing.assert_array_equal(one, again)


def test_a_strange_image_has_the_highest_energy():
    images = blobs(n=200)
    strange = np.roll(blobs(n=5, seed=1), 4, axis=2)[:, ::-1]
    detector = DAGMMDetector(n_members=1).fit(images)
    assert detector.energy(strange).min() > np.median(detector.energy(blobs(n=50, seed=2)))


def test_about_as_many_new_images_as_stated_lie_above_the_threshold():
    def noisy(n, seed):
        noise = np.random.default_rng(seed).normal(0.0, 0.3, (n, 12, 12))
        return blobs(n, 12, 12, seed=seed) + noise

    train, new = noisy(160, 0), noisy(1000, 1)
    detector = DAGMMDetector().fit(train)
    assert detector.threshold_["n_rows"] == 160
    assert detector.threshold_["rows_are"].endswith("not fitted to them)")
    assert detector.threshold_["warnings"] == []
    assert (detector.predict(new) == -1).mean() < 0.05


# What is refused ---------------------------------------------------------------------------


def test_other_sizes_are_refused_when_scoring(fitted):
    message = "X has images of 12 x 8 pixels; this model was fitted on images of 9 x 8 pixels."
    with pytest.raises(InputError, match=exactly(message)):
        energy_of(fitted, blobs(height=12))


def test_a_table_is_refused_by_a_model_of_images(fitted):
    message = exactly("X has rows of 3 columns; this model was fitted on images of 9 x 8 pixels.")
    with pytest.raises(InputError, match=message):
        fitted.model_.energy(normal())


def test_images_are_refused_by_a_model_of_a_table():
    estimator = tiny_dagmm().fit(normal())
    message = "X has images of 9 x 8 pixels; this model was fitted on a table of 3 columns."
    with pytest.raises(InputError, match=exactly(message)):
        estimator.predict(blobs())


def test_images_of_mixed_sizes_are_named():
    images = [np.zeros((8, 8)), np.zeros((8, 8)), np.zeros((8, 9))]
    message = (
        "image 0 has shape (8, 8) and image 2 has shape (8, 9); expected images of one size. "
        "Resize or crop them first."
    )
    with pytest.raises(InputError, match=exactly(message)):
        tiny_detector().fit(images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((4, 8, 8, 1, 1)),
            "X must be images of shape (n, height, width) or (n, height, width, channels), got "
            "an array of shape (4, 8, 8, 1, 1).",
        ),
        (
            np.zeros((4, 7, 9)),
            "X has images of 7 x 9 pixels; expected at least 8 x 8. A table has 2 axes, X has 3.",
        ),
        (
            np.zeros((4, 8, 8), np.int64),
            "X has pixels of dtype int64; expected uint8, uint16 or floats. Convert them, such "
            "as with X.astype('uint8').",
        ),
        (np.zeros((1, 8, 8)), "expected at least 2 images, got 1."),
    ],
)
def test_stacks_that_cannot_be_used_are_refused(images, message):
    with pytest.raises(InputError, match=exactly(message)):
        tiny_detector().fit(images)


def test_what_is_said_about_columns_does_not_go_with_images():
    with pytest.raises(ArgumentError, match=r"^drop is about columns, and X holds images\.$"):
        tiny_detector(drop=["a"]).fit(blobs())


def test_images_are_not_compared():
    with pytest.raises(InputError, match=r"^X must be a table of shape \(n_rows, n_columns\), "):
        compare(blobs(), None, ["knn"])


# The config --------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    n_rows=st.integers(2, 100_000),
    height=st.integers(8, 400),
    width=st.integers(8, 400),
    channels=st.sampled_from([1, 3]),
)
def test_the_config_fits_every_number_and_size_of_images(n_rows, height, width, channels):
    shape = (height, width, channels)
    config = image_config(n_rows, shape, 3)
    (architecture,) = set(config.architectures)
    assert len(config.architectures) == len(config.latent_densities) == 3
    assert architecture.shape == shape
    assert config.training.batch_size <= n_rows
    assert architecture.n_code <= max(2, n_rows // 6)
    (mixture,) = config.latent_densities[0]
    (n_components,) = mixture.options["candidates"]
    assert n_components == 1 or n_components * (architecture.n_latent + 1) <= n_rows
    head = architecture.shapes()["compression.to_code.weight"][1]
    assert head <= 64 * 64


@pytest.mark.parametrize(
    ("shape", "hiddens"),
    [
        ((8, 8, 1), (8, 16)),
        ((28, 28, 1), (8, 16, 64)),
        ((64, 48, 3), (8, 16, 32, 64)),
        ((224, 224, 3), (8, 16, 32, 64, 64, 64)),
    ],
)
def test_convolutions_go_on_until_the_map_is_small(shape, hiddens):
    assert image_hiddens(1000, shape) == hiddens


@pytest.mark.parametrize(
    ("n_features", "block", "buffer"),
    [
        (3, 64, 2048),
        (2**12, 64, 2048),
        (2**12 + 1, 64, 1024),
        (150_528, 32, 32),
        (2**24, 1, 1),
    ],
)
def test_wide_rows_come_in_smaller_blocks_and_buffers(n_features, block, buffer):
    assert block_rows(n_features) == block <= BLOCK_ROWS
    assert buffer_rows(n_features) == buffer <= BUFFER_BLOCKS * BLOCK_ROWS


def test_what_is_no_stack_of_images_is_none():
    assert image_rows(normal()) is None
    assert image_rows([[1.0, 2.0], [3.0, 4.0]]) is None
    assert image_rows([]) is None
