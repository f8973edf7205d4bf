"""The plots draw what they are given: each image, cell, point and bar in its place and color."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from recipes.common import plots


@pytest.fixture
def axis():
    figure, axis = plt.subplots()
    yield axis
    plt.close(figure)


def test_image_grid_goes_along_rows_and_leaves_gaps_blank():
    images = np.stack([np.full((2, 3), value) for value in (1, 2, 3, 4, 5)])
    grid = plots.image_grid(images, columns=3)
    assert grid.shape == (2 + 1 + 2, 3 * 3 + 2)
    np.testing.assert_array_equal(grid[0], [1, 1, 1, np.nan, 2, 2, 2, np.nan, 3, 3, 3])
    np.testing.assert_array_equal(
        grid[4], [4, 4, 4, np.nan, 5, 5, 5, np.nan, np.nan, np.nan, np.nan]
    )
    assert np.isnan(grid[2]).all()


def test_image_grid_takes_color_and_is_about_square():
    grid = plots.image_grid(np.random.default_rng(0).random((4, 2, 2, 3)), gap=0)
    assert grid.shape == (4, 4, 3)


def test_show_images_drops_a_single_channel(axis):
    images = np.arange(2 * 2 * 2).reshape(2, 2, 2, 1)
    picture = plots.show_images(axis, images, columns=1, title="two", cmap="gray_r")
    np.testing.assert_array_equal(picture.get_array()[[0, 1, 3, 4]], images[..., 0].reshape(4, 2))
    assert picture.get_cmap().name == "gray_r"
    assert axis.get_title() == "two"


def test_heatmap_names_rows_and_columns_and_writes_numbers(axis):
    plots.heatmap(
        axis, [[0.0, 0.9, np.nan], [0.25, 0.5, 0.25]], ["a", "b"], ["x", "y", "z"], numbers="{:.2f}"
    )
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["x", "y", "z"]
    written = {text.get_position(): text for text in axis.texts}
    assert (2, 0) not in written  # not a number: nothing to write
    assert written[1, 0].get_text() == "0.90"
    assert written[0, 1].get_text() == "0.25"
    assert written[1, 0].get_color() == "white"  # on dark blue
    assert written[0, 0].get_color() != "white"


def regions(axis):
    """The color of the ground at a point of the plane, as drawn."""
    axis.figure.canvas.draw()
    pixels = np.asarray(axis.figure.canvas.buffer_rgba())

    def at(x, y):
        column, row = axis.transData.transform((x, y))
        return pixels[len(pixels) - 1 - int(row), int(column)] / 255

    return at


def test_decision_boundary_colors_the_side_of_each_class(axis):
    plots.decision_boundary(
        axis, lambda points: points[:, 0] - 2 * points[:, 1], (-1, 3), (-1, 1), threshold=0
    )
    at = regions(axis)
    np.testing.assert_allclose(
        at(2.5, -0.5), to_rgba(plots.REGION_COLORS[1]), atol=0.01
    )  # 2.5 + 1 > 0
    np.testing.assert_allclose(at(-0.5, 0.5), to_rgba(plots.REGION_COLORS[0]), atol=0.01)
    np.testing.assert_allclose(
        at(0.5, 0.5), to_rgba(plots.REGION_COLORS[0]), atol=0.01
    )  # x alone would say 1


def test_class_points_have_the_color_of_their_label(axis):
    points = np.array([[0.0, 0], [1, 5], [2, 0]])
    plots.class_points(axis, points, np.array([[1], [0], [1]]))
    drawn = {
        tuple(map(tuple, part.get_offsets())): part.get_facecolor()[0] for part in axis.collections
    }
    np.testing.assert_allclose(drawn[((1, 5),)], to_rgba(plots.CLASS_COLORS[0]))
    np.testing.assert_allclose(drawn[((0, 0), (2, 0))], to_rgba(plots.CLASS_COLORS[1]))


@pytest.mark.parametrize("horizontal", [False, True])
def test_class_bars_stand_beside_one_another(axis, horizontal):
    plots.class_bars(
        axis, {"small": [1, 2], "large": [3, 4]}, ["cat", "dog"], horizontal=horizontal
    )
    size = [bar.get_width() if horizontal else bar.get_height() for bar in axis.patches]
    place = [bar.get_y() if horizontal else bar.get_x() for bar in axis.patches]
    assert size == [1, 2, 3, 4]
    np.testing.assert_allclose(place, [-0.4, 0.6, 0, 1], atol=1e-9)
    ticks = axis.get_yticklabels() if horizontal else axis.get_xticklabels()
    assert [tick.get_text() for tick in ticks] == ["cat", "dog"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["small", "large"]


def test_learning_curves_start_at_epoch_one(axis):
    histories = {"a": {"loss": [3, 2], "val_loss": [4, 3]}, "b": {"loss": [2, 1]}}
    plots.learning_curves(axis, histories)
    lines = {line.get_label(): line for line in axis.lines}
    assert lines.keys() == {"a, training", "a, validation", "b, training"}
    np.testing.assert_array_equal(lines["a, validation"].get_data(), [[1, 2], [4, 3]])
    assert (
        lines["a, training"].get_color()
        == lines["a, validation"].get_color()
        != lines["b, training"].get_color()
    )
