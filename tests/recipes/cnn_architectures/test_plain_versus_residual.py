"""Plain and residual networks of one depth differ in the additions only."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import plain_versus_residual as recipe
from recipes.cnn_architectures.figures import plain_versus_residual as figures
from recipes.common.network_cost import count_layers, network_cost

LOSSES = {
    "residual_32": [2.0, 1.25],
    "plain_32": [2.1, 1.75],
    "plain_8": [2.0, 1.5],
    "residual_8": [2.0, 1.5],
}


@pytest.mark.parametrize("name", ["plain_32", "residual_14"])
def test_depth_is_that_of_the_name(name):
    model = recipe.build_model(**recipe.VARIANTS[name])
    assert count_layers(model) == int(name.split("_")[1])


def test_both_kinds_have_the_same_weights():
    models = [recipe.build_model(residual=residual) for residual in (False, True)]
    costs = [network_cost(model) for model in models]
    convolutions = 27 * 8 + 9 * (6 * 8**2 + 8 * 16 + 5 * 16**2 + 16 * 32 + 5 * 32**2)
    normalizations = 2 * (7 * 8 + 6 * 16 + 6 * 32)
    for cost in costs:
        assert cost["parameters"] == convolutions + normalizations + 33 * 10
    for model in models:
        # With as many moving statistics as scales and offsets.
        assert model.count_params() == convolutions + 2 * normalizations + 33 * 10 == 68_738
    assert costs[0]["multiply_accumulates"] == costs[1]["multiply_accumulates"]


def test_a_residual_block_adds_every_second_pixel_and_channels_of_zeros():
    inputs = keras.Input((4, 4, 2))
    plain = keras.Model(inputs, recipe.block(inputs, 3, 2, residual=False))
    residual = keras.Model(inputs, recipe.block(inputs, 3, 2, residual=True))
    residual.set_weights(plain.get_weights())
    x = np.random.default_rng(0).uniform(1, 2, (1, 4, 4, 2)).astype("float32")
    # What both add to: the output of the second normalization, before ReLU.
    branch = keras.Model(inputs, plain.layers[-2].output)(x)
    shortcut = np.zeros((1, 2, 2, 3), "float32")
    shortcut[..., :2] = x[:, ::2, ::2]
    np.testing.assert_allclose(plain(x), np.maximum(branch, 0), atol=1e-6)
    np.testing.assert_allclose(residual(x), np.maximum(branch + shortcut, 0), atol=1e-6)


def test_halved_images_are_means_of_four_pixels():
    image = np.arange(2 * 4 * 3, dtype="uint8").reshape(2, 4, 3)
    halved, label = recipe.halve(image, 7)
    assert label == 7
    np.testing.assert_allclose(halved[0, 1], image[:, 2:].mean(axis=(0, 1)))
    assert halved.shape == (1, 2, 3)


def test_training_loss_is_that_of_the_last_epoch():
    assert recipe.further_scores(None, None, {"loss": [2.0, 1.5]}) == {"training_loss": 1.5}


def test_losses_by_depth():
    assert list(figures.last_losses(LOSSES, "plain").items()) == [(8, 1.5), (32, 1.75)]
    assert figures.change_with_depth(LOSSES, "plain") == 0.25
    assert figures.change_with_depth(LOSSES, "residual") == -0.25


def test_the_title_says_how_the_losses_change():
    accuracies = {name: 0.5 for name in LOSSES}
    figure = figures.plot_depth(LOSSES, accuracies, {8: "8", 32: "32"})
    expected = "Training loss of 32 layers against 8: plain +0.25, residual -0.25"
    assert figure.get_suptitle() == expected


def test_memory_of_the_activations():
    model = recipe.build_model(blocks=1)
    pixels = 3 * 16 * 16 + 3 * 16 * 16 * 8 + 2 * 8 * 8 * 16 + 2 * 4 * 4 * 32
    # Skipping pixels is a pool, too: 8 and 16 channels.
    pixels += 8 * 8 * 8 + 4 * 4 * 16
    assert (
        figures.memory_label({"residual_8": model}, 8) == f"8\n({4 * (pixels + 10) / 1000:.0f} kB)"
    )
