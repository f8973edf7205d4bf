"""Scenes keep their rules, and shapes are what they are called."""

import numpy as np
import pytest

from recipes.common import scenes


@pytest.mark.parametrize("cells", [7, 3])
def test_scenes_keep_their_rules(cells):
    rng = np.random.default_rng(1)
    labels_seen = set()
    for _ in range(50):
        image, boxes, labels = scenes.sample_scene(rng, cells)
        assert image.shape == (112, 112, 3)
        assert 1 <= len(boxes) <= scenes.MOST
        assert boxes.min() >= 0
        assert boxes.max() <= scenes.SIDE
        assert len({scenes.cell_of(box, cells) for box in boxes}) == len(boxes)
        labels_seen |= set(labels.tolist())
    assert labels_seen == {0, 1, 2}


def test_the_cell_of_a_box_by_hand():
    """Of 4 × 4 cells each is 28 pixels wide: the center (30, 90) lies in column 1, row 3."""
    assert scenes.cell_of(np.array([20, 80, 40, 100]), 4) == (1, 3)


def test_shapes_fill_their_boxes():
    y, x = (np.mgrid[:200, :200] - 99.5) / 100
    fills = [scenes.inside(label, x, y).mean() for label in range(3)]
    np.testing.assert_allclose(fills, [np.pi / 4, 1, 0.5], atol=0.01)
    triangle = scenes.inside(2, x, y)
    assert triangle[-1].mean() > 0.9 > 0.1 > triangle[0].mean()
