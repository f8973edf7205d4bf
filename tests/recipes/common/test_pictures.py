"""Pictures as users have them: gray, transparent, turned by the camera, of 16 bits, damaged."""

import numpy as np
import pytest
from PIL import Image

from recipes.common import pictures
from recipes.common.pictures import read_picture


def test_colors_and_grays(tmp_path):
    colors = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype("uint8")
    Image.fromarray(colors).save(tmp_path / "colors.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "colors.png"), colors)
    Image.fromarray(np.full((5, 7), 90, "uint8")).save(tmp_path / "gray.jpg")
    found = read_picture(str(tmp_path / "gray.jpg"))
    np.testing.assert_array_equal(found, np.full((5, 7, 3), 90))
    assert found.dtype == np.uint8


def test_what_is_transparent_is_white(tmp_path):
    pixels = np.zeros((1, 3, 4), "uint8")
    pixels[0, :, 3] = 255, 0, 51  # opaque, transparent, a fifth opaque
    Image.fromarray(pixels).save(tmp_path / "cut_out.png")
    expected = [[[0] * 3, [255] * 3, [204] * 3]]
    np.testing.assert_array_equal(read_picture(tmp_path / "cut_out.png"), expected)


def test_sixteen_bits_are_scaled(tmp_path):
    values = np.array([[0, 257, 32_896, 65_535]], "uint16")
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_a_photograph_is_upright(tmp_path):
    """Orientation 6: the camera was turned, the first row is the right side."""
    image = Image.new("RGB", (40, 20))
    image.paste("white", (0, 0, 40, 10))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    found = read_picture(tmp_path / "turned.jpg")
    assert found.shape == (40, 20, 3)
    assert found[:, 12:].min() > 200
    assert found[:, :8].max() < 50


def test_a_large_picture_is_reduced(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "LARGEST", 30)
    Image.new("RGB", (90, 60), "red").save(tmp_path / "large.png")
    found = read_picture(tmp_path / "large.png")
    assert found.shape == (20, 30, 3)
    assert np.all(found == [255, 0, 0])
    Image.new("RGB", (30, 1)).save(tmp_path / "line.png")
    assert read_picture(tmp_path / "line.png").shape == (1, 30, 3)


def test_what_is_no_picture_is_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "none.png")
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("RGB", (300, 300)).save(tmp_path / "whole.jpg")
    damaged = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(damaged[: len(damaged) // 2])
    (tmp_path / "empty.png").touch()
    for name in ("text.jpg", "half.jpg", "empty.png"):
        with pytest.raises(ValueError, match=f"{name} is no readable picture: "):
            read_picture(tmp_path / name)


def test_a_picture_too_large_to_decode_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("RGB", (30, 30)).save(tmp_path / "huge.png")
    with pytest.raises(ValueError, match=r"huge\.png is no readable picture: .*900 pixels"):
        read_picture(tmp_path / "huge.png")
