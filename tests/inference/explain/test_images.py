"""Heat maps: they add up to the gap, they are large where the image is strange."""

import numpy as np
import pytest

from dagmm import ArgumentError, InputError
from dagmm.data.images import ImageRows
from dagmm.inference.explain.attribution import explain
from dagmm.inference.explain.images import _slopes, explain_images
from images import blobs, tiny_image_config
from small_fits import normal, tiny_dagmm, tiny_detector


@pytest.fixture(scope="module")
def model():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)
        yield tiny_detector().fit(blobs(n=60, channels=2))


@pytest.fixture(scope="module")
def strange():
    images = blobs(n=5, channels=2, seed=1)
    images[:, 6:, :2] += 3.0
    return images


def test_heat_adds_up_to_the_gap_in_energy(model, strange):
    explanation = model.explain(strange)
    assert explanation.heat.shape == explanation.residual.shape == (5, 9, 8)
    assert explanation.expected.shape == (5, 9, 8, 2)
    np.testing.assert_allclose(explanation.energy, model.energy(strange), rtol=1e-12)
    gap = explanation.energy - explanation.reference_energy
    assert (gap > 0.0).all()
    np.testing.assert_allclose(explanation.heat.sum(axis=(1, 2)), gap, rtol=1e-9)


def test_heat_and_residual_lie_where_the_image_is_strange(model, strange):
    explanation = model.explain(strange)
    for maps in (explanation.heat, explanation.residual):
        assert (maps[:, 5:, :3].sum(axis=(1, 2)) > 0.7 * maps.sum(axis=(1, 2))).all()


def test_the_reference_energy_is_that_of_the_expected_image(model, strange):
    explanation = model.explain(strange)
    encoder = model.model_.encoder
    features = (explanation.expected.reshape(5, -1) - encoder.centre) / encoder.scale
    energy = model.model_.energy_of_features(features.astype(np.float32))
    np.testing.assert_allclose(energy, explanation.reference_energy, rtol=1e-4, atol=1e-3)


def test_an_ordinary_image_is_its_own_reference(model):
    images = blobs(n=60, channels=2)
    energy = model.energy(images)
    ordinary = energy <= model.model_.calibration.reference.energy_at(0.5)
    explanation = model.explain(images[ordinary][:4])
    np.testing.assert_array_equal(explanation.heat, 0.0)
    np.testing.assert_array_equal(explanation.reference_energy, explanation.energy)


def test_an_explanation_does_not_depend_on_the_other_images(model, strange, monkeypatch):
    together = model.explain(strange)
    monkeypatch.setattr("dagmm.inference.explain.images._PART_FEATURES", 2 * 144)
    apart = model.explain(strange)
    np.testing.assert_allclose(apart.heat, together.heat, rtol=1e-4, atol=1e-5)


def test_slopes_are_those_of_finite_differences(model, strange):
    fitted = model.model_
    rows = ImageRows(strange)
    features = fitted.encoder.encode(rows.chunk(0, 2))
    slopes = _slopes(fitted, features)
    direction = np.random.default_rng(0).normal(size=features.shape).astype(np.float32)
    step = np.float32(1e-2)
    ends = [fitted.energy_of_features(features + sign * step * direction) for sign in (1, -1)]
    expected = (ends[0] - ends[1]) / (2.0 * step)
    np.testing.assert_allclose((slopes * direction).sum(axis=1), expected, rtol=2e-2, atol=2e-2)


def test_no_images_have_an_empty_explanation(model):
    rows = ImageRows(np.zeros((0, 9, 8, 2)))
    explanation = explain_images(model.model_, rows)
    assert explanation.heat.shape == (0, 9, 8)


def test_other_models_are_refused(model):
    with pytest.raises(InputError, match=r"^X has images of 9 x 8 pixels; this model was fitted "):
        model.explain(blobs())
    with pytest.raises(ArgumentError) as caught:
        explain(model.model_, blobs(channels=2))
    assert str(caught.value) == ("this model was fitted on images; explain_images explains them.")
    table = tiny_dagmm().fit(normal())
    with pytest.raises(InputError, match=r"^X has images of 9 x 8 pixels; this model was fitted "):
        table.explain(blobs())
