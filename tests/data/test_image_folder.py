import re

import numpy as np
import pytest

from dagmm._core.errors import InputError, MissingExtraError
from dagmm.data.image_folder import SUFFIXES, ImageFolder, image_folder

Image = pytest.importorskip("PIL.Image")


def exactly(message):
    return f"^{re.escape(message)}$"


def grey(seed=0, height=9, width=8):
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    for i, name in enumerate(["b.png", "a.bmp", "part/c.PNG", "part/a.tif"]):
        write(tmp_path / name, grey(i))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    write(tmp_path / ".hidden" / "d.png", grey(9, 20, 20))
    return tmp_path


def test_a_folder_becomes_a_stack_in_the_order_of_names(folder):
    images, files = image_folder(folder)
    assert files == ("a.bmp", "b.png", "part/a.tif", "part/c.PNG")
    np.testing.assert_array_equal(images, np.stack([grey(i) for i in (1, 0, 3, 2)]))
    assert images.dtype == np.uint8


def test_chunks_are_read_when_they_are_needed(folder):
    rows = ImageFolder(folder)
    assert (rows.n_rows, rows.shape, rows.names) == (4, (9, 8, 1), ())
    chunk = rows.chunk(1, 3)
    assert chunk.start == 1
    np.testing.assert_array_equal(chunk.pixels[..., 0], np.stack([grey(0), grey(3)]))
    assert rows.chunk(3, 9).n_rows == 1
    assert rows.chunk(0, 0).n_rows == 0


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in (".ppm", ".gif")])
def test_every_suffix_is_one_that_can_be_read(tmp_path, suffix):
    write(tmp_path / f"a{suffix}", np.full((9, 8), 128, np.uint8))
    images, _ = image_folder(tmp_path)
    assert np.abs(images[0].astype(int) - 128).max() <= 2


def test_colours_palettes_and_transparency_become_three_channels(tmp_path):
    colour = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    opaque = np.dstack([colour, np.full((9, 8), 255, np.uint8)])
    write(tmp_path / "a.png", colour)
    write(tmp_path / "b.png", opaque)
    Image.fromarray(colour).quantize(256).save(tmp_path / "c.png")
    images, _ = image_folder(tmp_path)
    assert images.shape == (3, 9, 8, 3)
    np.testing.assert_array_equal(images[0], colour)
    np.testing.assert_array_equal(images[1], colour)


def test_black_and_white_is_grey(tmp_path):
    Image.fromarray(grey() > 127).save(tmp_path / "a.png")
    images, _ = image_folder(tmp_path)
    np.testing.assert_array_equal(images[0], 255 * (grey() > 127))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_pixels_keep_their_type(tmp_path, dtype):
    pixels = (200 * grey().astype(np.uint16)).astype(dtype)
    write(tmp_path / "a.tif", pixels)
    images, _ = image_folder(tmp_path)
    assert images.dtype == dtype
    np.testing.assert_array_equal(images[0], pixels)


# What is refused ---------------------------------------------------------------------------


def test_mixed_sizes_name_both_files(folder):
    write(folder / "z.png", grey(height=12, width=10))
    message = (
        f"{str(folder / 'a.bmp')!r} has 8 x 9 pixels (width x height) and "
        f"{str(folder / 'z.png')!r} has 10 x 12; expected images of one size. Resize or crop "
        "them first."
    )
    with pytest.raises(InputError, match=exactly(message)):
        image_folder(folder)


def test_mixed_kinds_name_both_files(folder):
    write(folder / "z.png", np.zeros((9, 8, 3), np.uint8))
    message = (
        f"{str(folder / 'a.bmp')!r} is 8-bit grey and {str(folder / 'z.png')!r} is colour; "
        "expected images of one kind. Convert them, or sort them into folders."
    )
    with pytest.raises(InputError, match=exactly(message)):
        image_folder(folder)


@pytest.mark.parametrize("damage", [b"", b"no image at all", None])
def test_a_damaged_file_is_named(folder, damage):
    data = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(data[: len(data) // 2] if damage is None else damage)
    with pytest.raises(InputError) as caught:
        image_folder(folder)
    message = str(caught.value)
    assert message.startswith(f"{str(folder / 'b.png')!r} cannot be read as an image (")
    assert message.endswith("); copy it again, or remove it.")
    assert "\n" not in message


def test_a_mode_that_is_neither_grey_nor_colour_is_named(tmp_path):
    write(tmp_path / "a.tif", grey().astype(np.int32))
    message = (
        f"{str(tmp_path / 'a.tif')!r} has pixels of mode 'I'; expected grey or colour. Convert it."
    )
    with pytest.raises(InputError, match=exactly(message)):
        image_folder(tmp_path)


def test_tiny_images_are_refused(tmp_path):
    write(tmp_path / "a.png", grey(height=7))
    message = (
        f"{str(tmp_path / 'a.png')!r}: X has images of 7 x 8 pixels; expected at least 8 x 8."
    )
    with pytest.raises(InputError, match=exactly(message)):
        image_folder(tmp_path)


def test_a_folder_without_images_and_no_folder_are_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        image_folder(tmp_path)
    assert str(caught.value) == (
        f"{str(tmp_path)!r} has no images; expected files that end in {', '.join(SUFFIXES)}."
    )
    message = f"{str(tmp_path / 'x')!r} is not a folder; expected a folder of images."
    with pytest.raises(InputError, match=exactly(message)):
        image_folder(tmp_path / "x")


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(MissingExtraError) as caught:
        image_folder(folder)
    assert str(caught.value) == (
        "reading image files needs the 'images' extra: pip install \"dagmm[images]\"."
    )
