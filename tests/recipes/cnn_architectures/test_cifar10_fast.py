"""Whitening, the flips that take turns, and convolutions that start as the identity."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.cnn_architectures import cifar10_fast as recipe
from recipes.cnn_architectures.figures import cifar10_fast as figures


def smooth_images(count=40, side=12):
    """Images in which neighboring pixels are alike."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(count, side, side, 3)).cumsum(axis=1).cumsum(axis=2)
    return np.clip(128 + 10 * noise, 0, 255).astype("uint8")


def test_answers_of_the_whitening_filters_are_uncorrelated_and_of_variance_one():
    images = smooth_images()
    filters = recipe.whitening_filters(images)
    assert filters.shape == (2, 2, 3, 24)
    answers = keras.ops.conv(recipe.rescaled(images), filters.astype("float32"))
    answers = keras.ops.convert_to_numpy(answers)[..., :12].reshape(-1, 12)
    covariance = np.cov(answers, rowvar=False)
    variances = np.diag(covariance)
    np.testing.assert_allclose(covariance, np.diag(variances), atol=1e-4)
    # The constant under the root makes small ones smaller.
    assert variances.min() > 0.9
    np.testing.assert_allclose(variances[-1], 1, atol=1e-3)
    np.testing.assert_array_equal(filters[..., 12:], -filters[..., :12])


def test_the_network_begins_with_the_whitening_of_its_training_images_and_keeps_it():
    images = smooth_images(32, 32)
    labels = np.eye(10, dtype="float32")[np.arange(32) % 10]
    train = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    model = recipe.build_model(filters=2, train=train, steps=4)
    expected = recipe.whitening_filters(images)
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    np.testing.assert_allclose(first.get_weights()[0], expected, rtol=1e-5)
    model.fit(train, shuffle=False, verbose=0)
    np.testing.assert_allclose(first.get_weights()[0], expected, rtol=1e-5)


@pytest.mark.parametrize(("channels", "filters"), [(3, 5), (5, 3), (4, 4)])
def test_a_convolution_starts_as_the_identity(channels, filters):
    kernel = recipe.IdentityConvolution()((3, 3, channels, filters))
    images = np.random.default_rng(0).normal(size=(2, 6, 6, channels)).astype("float32")
    answers = keras.ops.convert_to_numpy(keras.ops.conv(images, kernel, padding="same"))
    shared = min(channels, filters)
    np.testing.assert_allclose(answers[..., :shared], images[..., :shared], rtol=1e-6)
    if filters > channels:  # the others are no copies
        assert np.abs(answers[..., shared:]).min() > 0


def test_within_two_passes_each_image_is_seen_once_either_way(monkeypatch):
    images = smooth_images(6, 4)
    labels = np.arange(6)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    monkeypatch.setattr(recipe.tfds, "load", lambda *_, **__: (dataset, dataset, dataset))
    train, _, test = recipe.load_data(batch_size=4)
    seen, answers = recipe.to_numpy(train)
    assert len(seen) == 12
    classes = answers.argmax(axis=-1)
    for number, image in enumerate(images):
        first, second = np.flatnonzero(classes == number)
        ways = [image, image[:, ::-1]]
        # Images with odd numbers are mirrored in the first pass, the others in the second.
        mirrored_first = number % 2 == 1
        np.testing.assert_array_equal(seen[first], ways[mirrored_first])
        np.testing.assert_array_equal(seen[second], ways[not mirrored_first])
        assert first < 6 <= second
    np.testing.assert_array_equal(recipe.to_numpy(test)[0], images)


def test_operations_of_an_epoch_by_hand():
    model = recipe.build_model()
    assert model.count_params() == 498_656
    # Products by layer: whitening, then pairs of convolutions before and after pooling.
    first = 31 * 31 * 4 * 3 * 24 + 31 * 31 * 9 * 24 * 32 + 15 * 15 * 9 * 32 * 32
    second = 15 * 15 * 9 * 32 * 128 + 7 * 7 * 9 * 128 * 128
    third = 7 * 7 * 9 * 128 * 128 + 3 * 3 * 9 * 128 * 128
    products = first + second + third + 128 * 10
    assert figures.operations(model) == 6 * products * 95_000


def test_what_the_titles_say_by_hand(monkeypatch):
    monkeypatch.setattr(figures, "RECORD", (0.94, 1000.0))
    assert figures.share_of_record(100, [0.5, 0.8, 0.7, 0.8]) == pytest.approx(0.2)
    values = np.array([[1, 0.2, -0.4], [0.2, 1, 0], [-0.4, 0, 1]])
    assert figures.mean_correlation(values) == pytest.approx(0.2)
