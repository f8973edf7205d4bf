"""Arrows start at the triangle and end at its tip; errors are averaged in the right sector."""

import numpy as np
import pytest

from recipes.heads import cnn_regression as recipe
from recipes.heads.figures import cnn_regression as figures


def test_an_arrow_starts_inside_the_triangle_and_passes_its_tip():
    images, targets = recipe.generate(40, seed=3)
    for image, target in zip(images[..., 0].astype(float), targets, strict=True):
        background = np.median(image)
        start, end = figures.arrow(target)
        column, row = np.round(start).astype(int)
        inside = image[row - 1 : row + 2, column - 1 : column + 2].mean()
        assert inside > background + 15
        # As far the other way is the ground behind the base.
        column, row = np.round(2 * start - end).astype(int).clip(1, recipe.SIZE - 2)
        behind = image[row - 1 : row + 2, column - 1 : column + 2].mean()
        assert behind < background + 15
    assert figures.arrow([-1, 1, 0, 1])[1] == pytest.approx([13.9, 49.1 + figures.ARROW])


def test_degrees_go_clockwise_from_the_right_and_from_0_to_360():
    targets = np.array([[0, 0, 1, 0], [0, 0, 0, 2], [0, 0, 0, -1], [0, 0, -1, -1]])
    assert figures.degrees(targets) == pytest.approx([0, 90, 270, 225])


def test_mean_by_sector_by_hand():
    angles = np.array([359.0, 331.0, 0.0, 40.0, 360.0])
    means = figures.mean_by_sector(angles, np.array([2.0, 4.0, 5.0, 7.0, 9.0]))
    assert means[[0, 1, 11]].tolist() == [7, 7, 3]  # 360° is 0°
    assert np.isnan(means[2:11]).all()
