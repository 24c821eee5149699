import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dagmm._core.errors import InputError
from dagmm.data.arrays import MatrixRows
from dagmm.data.images import ImageRows
from dagmm.preprocessing.image_encoder import SMOOTHING, ImageEncoder
from images import as_bytes, blobs


def encoded(encoder, images):
    rows = ImageRows(images)
    return encoder.encode(rows.chunk(0, rows.n_rows))


def gaussian(width, reach):
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return weights / weights.sum()


def smooth(image):
    """Smooth one image of one channel in plain loops, its edge repeated."""
    reach = int(4.0 * SMOOTHING + 0.5)
    weights = gaussian(SMOOTHING, reach)
    padded = np.pad(image, reach, mode="edge")
    rows = np.stack([np.convolve(row, weights, "valid") for row in padded])
    return np.stack([np.convolve(column, weights, "valid") for column in rows.T]).T


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_an_encoded_image_is_smoothed_centred_and_divided_by_one_number(channels):
    images = blobs(channels=channels)
    encoder = ImageEncoder.learn(ImageRows(images))
    flat = images if channels is not None else images[..., None]
    by_hand = np.stack(
        [np.stack([smooth(one[..., c]) for c in range(flat.shape[-1])], axis=-1) for one in flat]
    )
    centred = by_hand - by_hand.mean(axis=0)
    expected = centred / np.sqrt((centred**2).mean())
    features = encoded(encoder, images)
    assert features.dtype == np.float32
    assert encoder.shape == flat.shape[1:]
    assert encoder.n_features == flat[0].size
    np.testing.assert_allclose(features, expected.reshape(len(flat), -1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(encoder.decode(features), by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_count_as_parts_of_their_largest_value(dtype):
    images = (blobs() * np.iinfo(dtype).max).astype(dtype)
    floats = images / np.iinfo(dtype).max
    encoder, of_floats = (ImageEncoder.learn(ImageRows(one)) for one in (images, floats))
    np.testing.assert_array_equal(encoder.centre, of_floats.centre)
    np.testing.assert_array_equal(encoded(encoder, images), encoded(of_floats, floats))


def test_a_channel_axis_of_one_and_none_are_the_same():
    images = as_bytes(blobs())
    encoder = ImageEncoder.learn(ImageRows(images))
    np.testing.assert_array_equal(encoded(encoder, images), encoded(encoder, images[..., None]))


def test_booleans_are_zero_and_one():
    images = blobs() > 0.5
    encoder = ImageEncoder.learn(ImageRows(images))
    np.testing.assert_array_equal(encoded(encoder, images), encoded(encoder, images * 1.0))


def test_learning_in_chunks_is_learning_whole(monkeypatch):
    images = 1000.0 + blobs(n=50)
    whole = ImageEncoder.learn(ImageRows(images))
    monkeypatch.setattr("dagmm.data.images.CHUNK_PIXELS", 7 * 72)
    assert len(list(ImageRows(images).chunks())) == 8
    parts = ImageEncoder.learn(ImageRows(images))
    assert parts.scale == pytest.approx(whole.scale, rel=1e-9)
    np.testing.assert_allclose(parts.centre, whole.centre, rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    arrays(
        st.sampled_from([np.uint8, np.float32, np.float64]),
        st.tuples(st.integers(2, 5), st.integers(8, 12), st.integers(8, 12)),
        elements=st.integers(0, 255),
    )
)
def test_any_images_that_vary_are_encoded_each_by_itself(images):
    if (images == images[0]).all():
        with pytest.raises(InputError, match=r"images are the same; expected images that vary\.$"):
            ImageEncoder.learn(ImageRows(images))
        return
    encoder = ImageEncoder.learn(ImageRows(images))
    features = encoded(encoder, images)
    assert np.isfinite(features).all()
    for i, image in enumerate(images):
        np.testing.assert_array_equal(encoded(encoder, image[None])[0], features[i])


def test_images_that_are_all_the_same_are_refused():
    with pytest.raises(InputError, match=r"^all 5 images are the same; expected images that var"):
        ImageEncoder.learn(ImageRows(np.full((5, 8, 8), 17, np.uint8)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -2e6])
def test_a_pixel_that_is_no_number_is_named(value):
    images = blobs(channels=3)
    images[7, 3, 4, 2] = value
    with pytest.raises(InputError) as caught:
        ImageEncoder.learn(ImageRows(images))
    assert str(caught.value) == (
        f"image 7 holds {value!r} in row 3, column 4, channel 2; expected finite pixels within "
        "+-1e6."
    )


def test_a_pixel_that_is_no_number_is_named_by_its_place_in_the_whole_stack():
    images = blobs(n=40)
    encoder = ImageEncoder.learn(ImageRows(images))
    images[30, 1, 2] = np.nan
    with pytest.raises(InputError) as caught:
        encoder.encode(ImageRows(images).chunk(25, 35))
    assert str(caught.value) == (
        "image 30 holds nan in row 1, column 2; expected finite pixels within +-1e6."
    )


def test_other_sizes_and_tables_are_refused():
    encoder = ImageEncoder.learn(ImageRows(blobs()))
    encoder.check(ImageRows(blobs(channels=1)))
    with pytest.raises(InputError) as caught:
        encoder.check(ImageRows(blobs(height=12, channels=3)))
    assert str(caught.value) == (
        "X has images of 12 x 8 pixels in 3 channels; this model was fitted on images of "
        "9 x 8 pixels."
    )
    with pytest.raises(InputError) as caught:
        encoder.check(MatrixRows(np.zeros((2, 72))))
    assert str(caught.value) == (
        "X has rows of 72 columns; this model was fitted on images of 9 x 8 pixels."
    )
