"""Where a road is seen and what it asks for; hills, their centers and their losses by hand."""

import keras
import numpy as np
import pytest

from recipes.applications import alvinn as recipe
from recipes.applications.figures import alvinn as figures


def of(function, *arrays):
    return keras.ops.convert_to_numpy(function(*[keras.ops.convert_to_tensor(a) for a in arrays]))


def test_directions_of_points_ahead():
    assert recipe.direction_of(0) == 14.5  # straight on, between the two units in the middle
    # The arc of curvature 0.05 passes (x, 12) with 2 x / (x² + 144) = 0.05.
    aside = 20 - np.sqrt(20**2 - 144)
    assert recipe.direction_of(aside) == pytest.approx(29)
    assert recipe.direction_of(-aside) == pytest.approx(0)


def test_the_middle_of_a_road_by_hand():
    assert recipe.road_middle(10, aside=1, angle=0.2, bend=-0.02) == pytest.approx(1 + 2 - 1)


@pytest.mark.parametrize(
    ("pose", "row", "column"),
    [
        ((0, 0, 0), -1, 15.5),
        ((1.6, 0, 0), 10, 15.5 * (1 + 1.6 / (0.8 * 9.75))),  # 9.75 m ahead, 7.8 m to either side
        ((0, -0.2, 0), 5, 15.5 * (1 - 0.2 / 0.8)),  # at any distance
    ],
)
def test_the_road_is_where_it_should_be(pose, row, column):
    """The middle of the light part of a row, of many roads."""
    found = []
    for seed in range(40):
        line = recipe.retina(*pose, np.random.default_rng(seed))[row, :, 0]
        light = line > (int(line.min()) + line.max()) / 2
        found.append(np.flatnonzero(light).mean())
    assert np.median(found) == pytest.approx(column, abs=1.5)


def test_images_are_those_of_the_directions():
    """In the middle of the picture a road that asks for the right lies further to the right."""
    images, directions = recipe.sample_roads(300, seed=0)
    assert images.shape == (300, 30, 32, 1)
    assert images.dtype == "uint8"
    assert directions.min() >= 0
    assert directions.max() <= 29
    row = images[:, 10, :, 0].astype(float)
    row -= row.min(axis=1, keepdims=True)
    middle = (row * np.arange(32)).sum(axis=1) / row.sum(axis=1)
    assert np.corrcoef(middle, directions[:, 0])[0, 1] > 0.8


def test_a_hill_by_hand():
    found = of(recipe.hill, np.array([[12.0]], "float32"))[0]
    np.testing.assert_allclose(found[[10, 12, 13]], np.exp([-0.4, 0, -0.1]), rtol=1e-5)
    assert found.shape == (30,)


@pytest.mark.parametrize("direction", [7.0, 12.3, 20.5])
def test_the_center_of_a_hill_is_its_direction(direction):
    hill = of(recipe.hill, np.array([[direction]], "float32"))
    assert of(recipe.center, hill)[0, 0] == pytest.approx(direction, abs=0.1)


def test_a_second_hill_far_away_does_not_move_the_center():
    activities = of(recipe.hill, np.array([[6.0]], "float32"))
    activities += 0.5 * of(recipe.hill, np.array([[22.0]], "float32"))
    assert of(recipe.center, activities)[0, 0] == pytest.approx(6, abs=0.05)
    off = of(recipe.units_off, np.array([[8.0]], "float32"), activities)
    assert off == pytest.approx([2], abs=0.05)


def test_losses_are_least_for_what_they_teach():
    direction = np.array([[12.3]], "float32")
    hill = of(recipe.hill, direction)
    one = np.eye(30, dtype="float32")[[12]]
    beside = np.eye(30, dtype="float32")[[13]]
    assert of(recipe.hill_loss, direction, hill) < of(recipe.hill_loss, direction, one)
    assert of(recipe.one_unit_loss, direction, one) < of(recipe.one_unit_loss, direction, hill)
    assert of(recipe.one_unit_loss, direction, one) < of(recipe.one_unit_loss, direction, beside)
    # Cross-entropy by hand: 30 units of activity 1/2.
    half = np.full((1, 30), 0.5, "float32")
    assert of(recipe.one_unit_loss, direction, half) == pytest.approx([np.log(2)], rel=1e-5)


def test_pictured_roads_go_from_left_to_right():
    directions = np.linspace(29, 0, 59)[:, None]
    images = np.arange(59)[:, None, None, None]
    chosen, wanted = figures.some_roads(images, directions)
    np.testing.assert_allclose(wanted[:, 0], [4, 11, 18, 25])
    np.testing.assert_allclose(directions[chosen[:, 0, 0, 0]], wanted)
