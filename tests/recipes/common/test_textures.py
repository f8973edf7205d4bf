"""What is smeared and what is not; tiles and what lies between them."""

import numpy as np
import pytest

from recipes.common import textures


@pytest.mark.parametrize("draw", [textures.brush_strokes, textures.mosaic])
def test_textures_are_images_that_follow_from_their_seed(draw):
    image = draw(48, 64, seed=1)
    assert image.shape == (48, 64, 3)
    assert image.dtype == "float32"
    assert image.min() >= 0
    assert image.max() <= 255
    np.testing.assert_array_equal(image, draw(48, 64, seed=1))
    assert np.abs(image - draw(48, 64, seed=2)).mean() > 10


def test_values_are_smeared_along_their_directions_and_not_across():
    rows = np.repeat(np.random.default_rng(0).normal(size=(20, 1)), 30, axis=1)
    along = textures.smeared(rows, np.zeros((20, 30)), length=4)
    np.testing.assert_allclose(along, rows)
    # Downwards: the mean of nine rows.
    across = textures.smeared(rows, np.full((20, 30), np.pi / 2), length=4)
    np.testing.assert_allclose(across[10], rows[6:15].mean(axis=0))


def test_tiles_are_plain_and_apart():
    image = textures.mosaic(60, 60)
    between = np.all(image == textures.GROUT, axis=-1)
    assert 0.1 < between.mean() < 0.5
    colors = np.unique(image[~between].round(), axis=0)
    assert len(colors) <= 60 * 60 // 14**2
