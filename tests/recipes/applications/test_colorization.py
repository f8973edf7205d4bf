"""Colors there and back, bins and their weights by hand, and what is painted."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.applications import colorization as recipe
from recipes.applications.figures import colorization as figures
from tests.layers.conformance import check_layer

GRAY = recipe.BINS * recipe.BINS // 2  # the bin in the middle


def numpy(function, *arrays):
    return keras.ops.convert_to_numpy(function(*map(keras.ops.convert_to_tensor, arrays)))


@pytest.mark.parametrize(
    ("color", "brightness", "cb_cr"),
    [
        ((255, 255, 255), 255, (0, 0)),
        ((255, 0, 0), 76, (-43.03, 127.5)),  # JPEG's own numbers, less 128
        ((0, 0, 255), 29, (127.5, -20.73)),
        ((100, 100, 100), 100, (0, 0)),
    ],
)
def test_brightness_and_colors_of_known_pixels(color, brightness, cb_cr):
    image = np.full((4, 6, 3), color, "uint8")
    found, colors = recipe.gray_and_colors(image)
    assert found.shape == (4, 6, 1)
    assert found.dtype == "uint8"
    assert np.all(found.numpy() == brightness)
    assert colors.shape == (2, 3, 2)
    np.testing.assert_allclose(colors, np.broadcast_to(cb_cr, (2, 3, 2)), atol=0.02)


def test_colors_are_those_of_blocks():
    image = np.zeros((2, 4, 3), "uint8")
    image[:, :2] = (255, 0, 0)
    image[0, 2:] = (0, 0, 255)
    _, colors = recipe.gray_and_colors(image)
    np.testing.assert_allclose(colors[0, 0], (-43.03, 127.5), atol=0.02)
    np.testing.assert_allclose(colors[0, 1], (127.5 / 2, -20.73 / 2), atol=0.02)


def test_bins_by_hand():
    """16 wide, 7 along each axis: −56 to −40 is the first, what is beyond belongs to it, too."""
    colors = np.array([[0, 0], [7, -7], [9, 0], [0, -9], [-120, 120]], "float32")
    assert numpy(recipe.bins_of, colors).tolist() == [GRAY, GRAY, GRAY + 7, GRAY - 1, 6]
    centers = recipe.bin_centers()
    assert centers[GRAY].tolist() == [0, 0]
    assert centers[GRAY + 7].tolist() == [16, 0]
    np.testing.assert_array_equal(numpy(recipe.bins_of, centers.astype("float32")), np.arange(49))


def test_weights_of_bins_by_hand():
    """Three of four places are gray, the fourth one is bluish."""
    colors = np.zeros((1, 2, 2, 2), "float32")
    colors[0, 1, 1] = (16, 0)
    train = tf.data.Dataset.from_tensors((np.zeros((1, 4, 4, 1)), colors))
    np.testing.assert_allclose(recipe.bin_weights(train, 1.0), 1, rtol=1e-6)
    weights = recipe.bin_weights(train, 0.5)
    gray, blue, other = 1 / (0.375 + 0.5 / 49), 1 / (0.125 + 0.5 / 49), 1 / (0.5 / 49)
    mean = 0.75 * gray + 0.25 * blue
    np.testing.assert_allclose(weights[[GRAY, GRAY + 7, 0]] * mean, [gray, blue, other], rtol=1e-5)


def test_the_loss_by_hand():
    weights = np.ones(49)
    weights[GRAY + 7] = 3
    loss = recipe.BinCrossEntropy(weights)
    colors = np.zeros((1, 1, 2, 2), "float32")
    colors[0, 0, 1] = (16, 0)
    probabilities = np.full((1, 1, 2, 49), 0.5 / 48, "float32")
    probabilities[..., GRAY] = 0.5
    expected = (np.log(2) + 3 * np.log(96)) / 2
    assert float(loss(colors, probabilities)) == pytest.approx(expected, rel=1e-5)
    again = recipe.BinCrossEntropy.from_config(loss.get_config())
    assert float(again(colors, probabilities)) == pytest.approx(expected, rel=1e-5)


def test_the_mean_of_sharpened_probabilities():
    """Two bins of 0.8 and 0.2: sharpened, the likelier one has more than 0.8."""
    predictions = np.zeros((1, 1, 1, 49), "float32")
    predictions[..., GRAY], predictions[..., GRAY + 7] = 0.2, 0.8
    share = 0.8 ** (1 / 0.38) / (0.8 ** (1 / 0.38) + 0.2 ** (1 / 0.38))
    np.testing.assert_allclose(
        numpy(recipe.expected_colors, predictions)[0, 0, 0], [16 * share, 0], rtol=1e-3, atol=1e-6
    )
    colors = np.array([[[[3.0, -4.0]]]], "float32")
    np.testing.assert_array_equal(numpy(recipe.expected_colors, colors), colors)
    assert numpy(recipe.saturation, colors, colors).tolist() == [5]


def test_accuracy_of_both_kinds_of_answers():
    colors = np.zeros((1, 1, 2, 2), "float32")
    colors[0, 0, 1] = (16, 0)
    regression = np.array([[[[2, -3], [2, 0]]]], "float32")
    assert numpy(recipe.bin_accuracy, colors, regression).tolist() == [0.5]
    probabilities = np.zeros((1, 1, 2, 49), "float32")
    probabilities[0, 0, 0, GRAY] = probabilities[0, 0, 1, GRAY + 7] = 1
    assert numpy(recipe.bin_accuracy, colors, probabilities).tolist() == [1]


def test_what_is_painted_with_its_own_colors_is_the_image():
    image = np.zeros((4, 4, 3), "uint8")
    image[:] = (200, 120, 60)
    brightness, colors = recipe.gray_and_colors(image)
    painted = figures.painting(brightness[None], colors[None])
    np.testing.assert_allclose(255 * painted[0], image, atol=1)


def test_paint_is_a_layer_like_keras_own():
    """The network's colors are as large as the image, so that none are interpolated."""
    rng = np.random.default_rng(0)
    brightness = rng.uniform(0, 255, (2, 4, 6, 1)).astype("float32")
    colors = rng.uniform(-60, 60, (2, 4, 6, 2)).astype("float32")

    def paint(inputs, weights):
        ycc = np.concatenate(inputs, axis=-1)
        return np.clip(ycc @ recipe.TO_RGB.T / 255, 0, 1)

    check_layer(recipe.Paint, inputs=[brightness, colors], reference=paint, parameters=0)
    probabilities = rng.dirichlet(np.ones(49), (2, 2, 3)).astype("float32")
    check_layer(recipe.Paint, inputs=[brightness, probabilities], parameters=0)


def test_deployed_paints_images_of_any_size_at_their_own_brightness(tmp_path):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(filters=2, method="regression")
    recipe.deployed(model).save(tmp_path / "deployed.keras")
    painter = keras.saving.load_model(tmp_path / "deployed.keras")
    photograph = np.random.default_rng(0).uniform(60, 190, (1, 50, 70, 3)).astype("float32")
    painted = keras.ops.convert_to_numpy(painter(photograph))
    assert painted.shape == (1, 50, 70, 3)
    before = photograph @ recipe.TO_YCC[0]
    np.testing.assert_allclose(255 * painted @ recipe.TO_YCC[0], before, atol=0.5)


def test_large_photographs_are_averaged_not_sampled():
    """Of fine stripes the network sees the gray that they are from afar."""
    seen = keras.layers.Lambda(lambda brightness: brightness[:, ::2, ::2] * [1.0, 0.0])
    brightness = keras.Input((recipe.SIDE, recipe.SIDE, 1))
    painter = recipe.deployed(keras.Model(brightness, seen(brightness)))
    stripes = np.zeros((1, 8 * recipe.SIDE, 8 * recipe.SIDE, 3), "float32")
    stripes[:, :, ::4] = 120
    painted = 255 * keras.ops.convert_to_numpy(painter(stripes))
    # Black pixels: their blue is what Cb, here the brightness seen, adds to none of their own.
    inside = painted[0, 16:-16, 17:-16:4, 2]
    np.testing.assert_allclose(inside, 1.772 * 30, rtol=0.1)


def test_mean_saturation_by_hand():
    colors = np.zeros((3, 2, 2, 2), "float32")
    colors[0] = (3, -4)  # 5 from gray
    colors[1, 0, 0] = (0, 8)  # 8 at one of four positions
    assert figures.mean_saturation(colors, colors) == pytest.approx((5 + 2 + 0) / 3)


def test_the_most_colorful_images_are_shown():
    colors = np.zeros((4, 2, 2, 2))
    colors[2] = 50
    colors[1] = 20
    assert figures.colorful(colors, 2).tolist() == [2, 1]
