"""C44 and what the pictures show: sizes, correlation, orientation and activity of feature maps."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.convolution import feature_maps as recipe
from recipes.convolution.figures import feature_maps as figures


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_maps_halve_and_their_number_doubles(rng):
    images = rng.integers(0, 256, (2, 28, 28, 1)).astype("uint8")
    maps = figures.feature_maps(recipe.build_model(), images)
    assert [layer.shape[1:] for layer in maps] == [(28, 28, 16), (14, 14, 32), (7, 7, 64)]
    assert maps[0].size > maps[1].size > maps[2].size
    assert min(layer.min() for layer in maps) == 0  # ReLU


def test_correlation_of_channels(rng):
    noise = rng.normal(size=(4, 20, 20, 1))
    assert figures.channel_correlation(
        np.concatenate([noise, -2 * noise + 1], axis=-1)
    ) == pytest.approx(1)
    assert figures.channel_correlation(rng.normal(size=(4, 20, 20, 5))) < 0.1
    silent = np.concatenate([noise, -noise, np.zeros_like(noise)], axis=-1)
    assert figures.channel_correlation(silent) == pytest.approx(1)


def test_orientation_of_kernels(rng):
    rows, columns = np.mgrid[-3:4, -3:4]
    envelope = np.exp(-(rows**2 + columns**2) / 8)
    gratings = [
        np.cos(1.6 * (np.cos(a) * rows + np.sin(a) * columns)) * envelope for a in (0, 0.5, 1.2)
    ]
    spot = np.exp(-(rows**2 + columns**2) / 2)
    oriented = figures.orientation(np.stack(gratings, axis=-1))
    assert oriented.min() > 0.8
    assert figures.orientation(spot[:, :, None])[0] < 0.05
    random = figures.orientation(rng.normal(size=(7, 7, 500)))
    assert random.mean() == pytest.approx(0.15, abs=0.03)


def test_most_active_channels():
    maps = np.ones((2, 2, 4)) * [0.5, 3, 0, 2]
    assert figures.most_active(maps, 3).tolist() == [1, 3, 0]


@pytest.mark.parametrize(("scales", "sparser"), [((1, -1), True), ((-1, 1), False)])
def test_title_says_whether_deeper_maps_are_sparser(rng, scales, sparser):
    layers = [rng.normal(loc=scale, size=(3, 4, 4, 2)) for scale in scales]
    figure = figures.plot_depth(layers)
    assert ("not sparser" in figure.get_suptitle()) != sparser
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == pytest.approx([(maps > 0).mean() for maps in layers])
    plt.close(figure)


@pytest.mark.slow
@pytest.mark.real_data
def test_what_training_makes_of_the_layers():
    """Channels differ, deeper maps are smaller and sparser, first-layer filters are oriented."""
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model()
    model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    maps = figures.feature_maps(model, next(validation.as_numpy_iterator())[0])
    assert all(figures.channel_correlation(layer) < 0.9 for layer in maps)
    assert maps[0].size > maps[1].size > maps[2].size
    # Three seeds gave 0.64–0.75, 0.54–0.62, 0.39–0.50.
    active = [(layer > 0).mean() for layer in maps]
    assert active[2] < active[1] < active[0]
    kernels = model.get_layer("layer_1").get_weights()[0][:, :, 0]
    random = np.random.default_rng(0).normal(size=(7, 7, 1000))
    assert figures.orientation(kernels).mean() > 1.2 * figures.orientation(random).mean()
