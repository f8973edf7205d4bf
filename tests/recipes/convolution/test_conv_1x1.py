"""Every pixel for itself, channels reduced with the least loss, and the weights that this saves."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.decomposition import PCA

from recipes.convolution import conv_1x1 as recipe

RNG = np.random.default_rng(0)


def test_equals_a_matrix_product_per_pixel():
    maps = RNG.normal(size=(4, 7, 5)).astype("float32")
    matrix = RNG.normal(size=(5, 2)).astype("float32")
    expected = np.einsum("hwi,io->hwo", maps, matrix)
    np.testing.assert_allclose(recipe.conv_1x1(maps, matrix), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "answer"),
    [
        (keras.layers.Conv2D(3, 1), False),
        (keras.layers.Conv2D(3, 3, padding="same"), True),
        (keras.layers.Conv2D(3, (1, 2), padding="same"), True),
        (keras.layers.Dense(3, activation="relu"), False),
        (keras.layers.DepthwiseConv2D(2, padding="same"), True),
    ],
)
def test_sees_neighbors(layer, answer):
    maps = RNG.normal(size=(6, 9, 4)).astype("float32")
    assert recipe.sees_neighbors(layer, maps) == answer


def test_pixels_are_shuffled_as_wholes():
    maps = np.arange(24).reshape(2, 4, 3)
    shuffled = recipe.shuffle_pixels(maps, [7, 0, 1, 2, 3, 4, 5, 6])
    assert shuffled.shape == (2, 4, 3)
    assert shuffled[0, :2].tolist() == [[21, 22, 23], [0, 1, 2]]


def test_the_patch_of_each_pixel_has_it_in_its_center():
    image = RNG.normal(size=(9, 12, 3))
    channels = recipe.patch_channels(image)
    assert channels.shape == (3, 6, recipe.CHANNELS)
    np.testing.assert_array_equal(channels[2, 4].reshape(7, 7, 3), image[2:9, 4:11])
    np.testing.assert_array_equal(recipe.center_pixels(channels), image[3:6, 3:9])


@pytest.mark.parametrize("kept", [1, 4, 6])
def test_reduction_loses_as_little_as_pca(kept):
    mixed = RNG.normal(size=(10, 12, 6)) @ RNG.normal(size=(6, 6)) + 3
    maps = mixed.astype("float32")
    model = recipe.build_bottleneck(maps, kept)
    rebuilt = recipe.run(model, maps)
    assert [layer.filters for layer in model.layers] == [kept, 6]
    pca = PCA(kept).fit(maps.reshape(-1, 6))
    expected = pca.inverse_transform(pca.transform(maps.reshape(-1, 6)))
    np.testing.assert_allclose(rebuilt.reshape(-1, 6), expected, atol=1e-3)
    share = 1 - pca.explained_variance_ratio_.sum()
    assert recipe.lost_variance(maps, rebuilt) == pytest.approx(share, abs=1e-5)


def test_the_title_says_how_many_channels_are_enough():
    figure = recipe.plot_variance({1: 0.3, 2: 0.06, 3: 0.04, 4: 0.01})
    assert figure.axes[0].get_title().startswith("3 of 147")
    plt.close(figure)


@pytest.mark.slides
def test_a_bottleneck_of_a_quarter_has_a_quarter_of_the_following_weights():
    for filters in (64, 256):
        assert recipe.weights_of([(3, 256, filters)]) == 4 * recipe.weights_of([(3, 64, filters)])


@pytest.mark.parametrize("name", recipe.LAYERS)
@pytest.mark.parametrize("kind", ["direct", "bottleneck"])
def test_weights_equal_those_of_keras(name, kind):
    chain = recipe.LAYERS[name][kind]
    total = 0
    for (size, channels, filters), (_, following, _) in zip(
        chain, [*chain[1:], (0, 0, 0)], strict=True
    ):
        layer = keras.layers.Conv2D(filters, size, use_bias=False)
        layer.build((None, None, None, channels))
        total += layer.count_params()
        assert following in (filters, 0)
    assert recipe.weights_of(chain) == total
