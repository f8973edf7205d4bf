"""P44, P51, U34: HOG against loops over pixels and by hand, rules on drawn digits, the table."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from recipes.common.arrays import to_numpy
from recipes.perceptrons import hog_features as recipe
from recipes.perceptrons.figures import hog_features as figures
from tests.layers.conformance import check_layer

RNG = np.random.default_rng(0)


def hog_by_loops(image, cell, bins, normalize=True):
    """HOG as the paper describes it, pixel by pixel and block by block."""
    height, width = image.shape
    rows, columns = height // cell - 1, width // cell - 1
    blocks = np.zeros((rows, columns, bins, 2, 2))
    for row in range(rows):
        for column in range(columns):
            for y in range(row * cell, (row + 2) * cell):
                for x in range(column * cell, (column + 2) * cell):
                    right, left = image[y, min(x + 1, width - 1)], image[y, max(x - 1, 0)]
                    below, above = image[min(y + 1, height - 1), x], image[max(y - 1, 0), x]
                    size = math.hypot(right - left, below - above)
                    angle = math.atan2(below - above, right - left) % math.pi
                    # The two bins whose centers are nearest, around the half circle.
                    place = angle / math.pi * bins - 0.5
                    first = math.floor(place)
                    for number, share in ((first, 1 - place + first), (first + 1, place - first)):
                        # Distances from the middle of the block, and from the centers of cells.
                        dy = y + 0.5 - (row + 1) * cell
                        dx = x + 0.5 - (column + 1) * cell
                        weight = math.exp(-(dy**2 + dx**2) / (2 * cell**2))
                        for down in (0, 1):
                            near = 1 - abs(y + 0.5 - (row + down + 0.5) * cell) / cell
                            for across in (0, 1):
                                beside = 1 - abs(x + 0.5 - (column + across + 0.5) * cell) / cell
                                vote = size * share * weight * max(near, 0) * max(beside, 0)
                                blocks[row, column, number % bins, down, across] += vote
    blocks = blocks.reshape(rows, columns, -1)
    if normalize:
        for block in blocks.reshape(rows * columns, -1):
            block /= math.sqrt(block @ block + recipe.EPSILON**2)
            np.minimum(block, 0.2, out=block)
            block /= math.sqrt(block @ block + recipe.EPSILON**2)
    return blocks


@pytest.mark.parametrize(("cell", "bins", "normalize"), [(4, 9, True), (3, 4, False), (2, 1, True)])
def test_as_by_loops(cell, bins, normalize):
    images = RNG.random((2, 13, 16, 1)).astype("float32")
    layer = recipe.HOG(cell, bins, normalize)
    found = ops.convert_to_numpy(layer(images))
    for one, image in zip(found, images, strict=True):
        expected = hog_by_loops(image[..., 0], cell, bins, normalize)
        np.testing.assert_allclose(one, expected, atol=1e-5)


def test_hog_is_a_layer_like_keras_own():
    check_layer(
        recipe.HOG,
        {"cell": 3, "bins": 5, "normalize": False},
        inputs=RNG.random((2, 9, 12, 1)).astype("float32"),
        reference=lambda inputs, weights: np.stack(
            [hog_by_loops(image, 3, 5, False) for image in inputs[..., 0]]
        ),
        parameters=0,
    )


def test_the_papers_window_has_3780_features():
    """7 × 15 blocks of 36 features in 64 × 128 pixels, with cells of 8 × 8."""
    layer = recipe.HOG(cell=8)
    assert layer.compute_output_shape((None, 128, 64, 1)) == (None, 15, 7, 36)
    assert layer(np.zeros((1, 128, 64, 1), "float32")).shape == (1, 15, 7, 36)
    assert 15 * 7 * 36 == 3780


def test_differences_by_hand():
    image = np.array([[[0, 1, 5], [2, 2, 2]]], "float32")
    across, down = recipe.differences(image)
    np.testing.assert_array_equal(across[0], [[1, 5, 4], [0, 0, 0]])
    np.testing.assert_array_equal(down[0], [[2, 1, -3], [2, 1, -3]])


@pytest.mark.parametrize(
    ("across", "down", "expected"),
    [
        (1, 0, [0.5, 0, 0, 0.5]),  # at 0°, between the bins around 22.5° and 157.5°
        (-1, 0, [0.5, 0, 0, 0.5]),
        (0, 2, [0, 1, 1, 0]),  # at 90°
        (1, 1, [0.5 * math.sqrt(2), 0.5 * math.sqrt(2), 0, 0]),  # at 45°
        (math.cos(math.pi / 8), math.sin(math.pi / 8), [1, 0, 0, 0]),  # at the first one's center
        (0, 0, [0, 0, 0, 0]),
    ],
)
def test_votes_of_a_slope(across, down, expected):
    columns, rows = np.meshgrid(np.arange(5), np.arange(5))
    plane = (across * columns + down * rows) / 2
    votes = recipe.orientation_votes(plane[None].astype("float32"), bins=4)
    np.testing.assert_allclose(votes[0, 2, 2], expected, atol=1e-5)


def test_normalized_blocks_do_not_depend_on_the_contrast():
    block = RNG.random(36).astype("float32")
    found = ops.convert_to_numpy(recipe.normalized(np.stack([10 * block, 1000 * block])))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)
    assert np.sum(found[0] ** 2) == pytest.approx(1, rel=1e-3)


def test_no_feature_dominates_a_block():
    """(3, 4, 0) / 5 is clipped to (0.2, 0.2, 0), which is scaled to length 1 again."""
    found = recipe.normalized(np.array([3, 4, 0], "float32"))
    np.testing.assert_allclose(found, [math.sqrt(0.5), math.sqrt(0.5), 0], rtol=1e-3)
    np.testing.assert_array_equal(recipe.normalized(np.zeros(5, "float32")), np.zeros(5))


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ({}, 6 * 6 * 36 * 10 + 10),
        ({"bins": 3}, 6 * 6 * 12 * 10 + 10),
        ({"features": "pixels"}, 7850),
        ({"features": "learned"}, 61_706),
    ],
)
def test_parameters(arguments, count):
    assert recipe.build_model(**arguments).count_params() == count


def drawn(rows):
    """An image of "#" on dots in the middle, each four pixels."""
    small = np.array([[letter == "#" for letter in row] for row in rows])
    large = np.kron(small, np.ones((2, 2)))
    image = np.zeros((28, 28, 1), "uint8")
    top, left = (28 - large.shape[0]) // 2, (28 - large.shape[1]) // 2
    image[top : top + large.shape[0], left : left + large.shape[1], 0] = 255 * large
    return image


DRAWN = {
    0: [".####.", "##..##", "#....#", "#....#", "#....#", "#....#", "##..##", ".####."],
    1: ["##"] * 9,
    2: [".####.", "....##", "....##", "...##.", "..##..", ".##...", "##....", "######"],
    3: ["#####.", "....##", "....##", "..###.", "....##", "....##", "....##", "#####."],
    4: ["#....#", "#....#", "#....#", "######", ".....#", ".....#", ".....#", ".....#"],
    5: ["######", "##....", "##....", "#####.", "....##", "....##", "....##", "#####."],
    6: ["##....", "##....", "##....", "#####.", "##..##", "##..##", "##..##", ".####."],
    7: ["######", "######", "....##", "....##", "...##.", "...##.", "..##..", "..##.."],
    8: [".####.", "##..##", "##..##", ".####.", "##..##", "##..##", "##..##", ".####."],
    9: [".####.", "##..##", "##..##", ".#####", "....##", "....##", "....##", "....##"],
}


@pytest.mark.parametrize("digit", DRAWN)
def test_rules_recognize_drawn_digits(digit):
    assert recipe.digit_by_rules(drawn(DRAWN[digit])) == digit


@pytest.mark.parametrize("image", [np.zeros((28, 28, 1), "uint8"), drawn(["#"])])
def test_rules_have_an_answer_to_anything(image):
    assert recipe.digit_by_rules(image) == 1


def test_heights_of_holes():
    """Holes reach neither the border nor each other, and have four pixels at least."""
    ink = np.ones((10, 6), bool)
    ink[1:3, 2:4] = False  # its middle is at row 2 of 10
    ink[5:9, 1:5] = False  # at row 7
    ink[3, 4] = False  # one pixel; a corner joins nothing
    assert recipe.holes(ink) == pytest.approx([0.2, 0.7])
    ink[9, 2] = False  # open below
    assert recipe.holes(ink) == pytest.approx([0.2])


def batches(count, seed):
    """A set of noisy images of two digits, of 0 and 7, in batches."""
    rng = np.random.default_rng(seed)
    digits = rng.choice([0, 7], count)
    images = np.stack([drawn(DRAWN[digit]) // 2 for digit in digits])
    images = images + rng.integers(0, 100, images.shape).astype("uint8")
    labels = np.eye(10, dtype="float32")[digits]
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(7)


def test_baseline_is_the_share_of_right_rules():
    images = np.stack([drawn(DRAWN[digit]) for digit in (0, 7, 7, 3)])
    labels = np.eye(10)[[0, 7, 1, 3]]
    test = tf.data.Dataset.from_tensor_slices((images, labels)).batch(3)
    assert recipe.baseline(None, test) == {"accuracy": 0.75}


def test_features_of_the_table():
    images, _ = to_numpy(batches(30, 0))
    functions = recipe.feature_functions(images)
    others, _ = to_numpy(batches(5, 1))
    found = {name: function(others) for name, function in functions.items()}
    assert {name: x.shape for name, x in found.items()} == {
        "pixels": (5, 784),
        "PCA": (5, 30),
        "HOG": (5, 1296),
    }
    np.testing.assert_allclose(found["pixels"], others.reshape(5, 784) / 255, rtol=1e-5)
    expected = [hog_by_loops(image[..., 0] / 255, 4, 9).ravel() for image in others]
    np.testing.assert_allclose(found["HOG"], expected, atol=1e-4)


def test_table_learns_from_the_training_set_and_knows_both_others():
    train, validation, test = batches(40, 0), batches(10, 1), batches(12, 2)
    wrong = test.map(lambda image, label: (image, tf.roll(label, 1, axis=1)))
    table = recipe.classic_table(train, validation, wrong)
    assert list(table) == [
        (kind, name) for kind in ("pixels", "PCA", "HOG") for name in recipe.CLASSIFIERS
    ]
    for validated, tested, seconds in table.values():
        assert (validated, tested) == (1, 0)
        assert seconds > 0


def test_cells_are_means_over_their_blocks():
    blocks = np.zeros((1, 2, 2, 2, 2))  # rows, columns, bins, and the cells of a block
    blocks[0, 0, 1] = [[1, 2], [3, 4]]
    blocks[0, 1, 1] = [[6, 7], [8, 10]]
    cells = figures.cell_histograms(blocks.reshape(1, 2, 8))
    np.testing.assert_array_equal(cells[..., 1], [[1, 4, 7], [3, 6, 10]])
    np.testing.assert_array_equal(cells[..., 0], np.zeros((2, 3)))


def test_stars_of_a_horizontal_stroke_are_horizontal():
    image = np.zeros((1, 28, 28, 1), "float32")
    image[:, 12:16, 4:24] = 1
    cells = figures.cell_histograms(ops.convert_to_numpy(recipe.HOG(bins=8)(image))[0])
    _, axis = figures.plt.subplots()
    figures.draw_histograms(axis, cells)
    (lines,) = axis.collections
    strongest = np.array(lines.get_segments())[np.argmax(lines.get_alpha())]
    (left, top), (right, bottom) = strongest
    assert abs(bottom - top) < 0.5 * abs(right - left)
    figures.plt.close("all")


def test_pictures_name_what_was_found():
    table = {
        (kind, name): (0.9, 0.8, 1) for kind in ("pixels", "HOG") for name in recipe.CLASSIFIERS
    }
    table["HOG", "SVM"] = (0.95, 0.875, 1)
    figure = figures.plot_table(table, {"cnn": 0.9})
    title = figure.get_suptitle()
    assert "HOG and SVM, 87.5%" in title
    assert title.endswith("90.0%")
    figure = figures.plot_accuracies({"rules": 0.5, "hog": 0.9, "pixels": 0.8})
    (axis,) = figure.axes
    assert axis.get_title(loc="right").endswith("from 80.0% to 90.0%")
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([90, 80, 50])
    figures.plt.close("all")


def test_the_network_has_the_layer_with_its_arguments():
    layers = recipe.build_model(bins=6, normalize=False).layers
    (hog,) = [layer for layer in layers if isinstance(layer, recipe.HOG)]
    assert (hog.bins, hog.normalize, hog.cell) == (6, False, 4)
    assert isinstance(keras.saving.get_registered_object("hog_features>HOG"), type)
