"""Local contrast normalization beside loops, the filters, and what is trained."""

import numpy as np
import pytest
import tensorflow as tf

from recipes.cnn_architectures import unsupervised_convnet as recipe
from recipes.cnn_architectures.figures import unsupervised_convnet as figures
from tests.layers.conformance import check_layer


def by_loops(images, weights):
    """Windows of 3 × 3 on one image (1, 6, 5, 3)."""
    (x,) = images
    gaussian = np.exp(-np.array([1, 0, 1]) / (2 * 0.75**2))
    window = np.outer(gaussian, gaussian)

    def local_mean(values):
        means = np.zeros((6, 5, 1))
        for row, column in np.ndindex(6, 5):
            total, weight = 0.0, 0.0
            for down, right in np.ndindex(3, 3):
                place = (row + down - 1, column + right - 1)
                if 0 <= place[0] < 6 and 0 <= place[1] < 5:
                    total += window[down, right] * values[place].mean()
                    weight += window[down, right]
            means[row, column] = total / weight
        return means

    v = x - local_mean(x)
    deviation = np.sqrt(local_mean(v**2) + 1e-6)
    return (v / np.maximum(deviation, deviation.mean()))[None]


def test_local_contrast_normalization():
    check_layer(
        recipe.LocalContrastNormalization,
        {"size": 3},
        (1, 6, 5, 3),
        reference=by_loops,
        parameters=0,
        bad_arguments=[{"size": 0}, {"size": -1}, {"size": 4}],
        bad_shapes=[(6, 5, 3), (1, 6, 5, 3, 1)],
        tolerance=1e-4,
    )


def test_normalized_images_know_nothing_of_brightness_and_contrast():
    x = np.random.default_rng(0).normal(size=(1, 9, 9, 2)).astype("float32")
    layer = recipe.LocalContrastNormalization(5)
    np.testing.assert_allclose(layer(3 * x + 7), layer(x), atol=1e-3)


def two_batches():
    images = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3)).astype("uint8")
    return tf.data.Dataset.from_tensor_slices((images, np.arange(100) % 10)).batch(50)


def test_clusters_are_those_of_the_same_images_whatever_the_batch_size():
    train = two_batches().repeat(30)  # 3,000 images
    small, large = (
        recipe.patch_clusters(data, np.random.default_rng(0))
        for data in (train, train.rebatch(100))
    )
    np.testing.assert_array_equal(small, large)


@pytest.mark.parametrize("name", ["full", "random", "supervised"])
def test_filters_have_mean_0_and_length_1_and_only_labels_may_change_them(name):
    model = recipe.build_model(**recipe.VARIANTS[name], train=two_batches())
    convolution = next(layer for layer in model.layers if hasattr(layer, "kernel"))
    kernel = convolution.get_weights()[0].reshape(-1, recipe.FILTERS)
    np.testing.assert_allclose(kernel.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), 1, atol=1e-4)
    trained = [weight.shape for weight in model.trainable_weights]
    classifier = [(4 * recipe.FILTERS, 10), (10,)]
    if name == "supervised":
        assert trained == [
            (recipe.SIZE, recipe.SIZE, 3, recipe.FILTERS),
            (recipe.FILTERS,),
            *classifier,
        ]
    else:
        assert trained == classifier


def test_rectified_features_do_not_know_a_filter_from_its_negative():
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    same = []
    for rectify in (True, False):
        model = recipe.build_model(filters="random", rectify=rectify)
        convolution = next(layer for layer in model.layers if hasattr(layer, "kernel"))
        before = np.asarray(model(images))
        kernel, bias = convolution.get_weights()
        convolution.set_weights([-kernel, bias])
        same.append(np.allclose(model(images), before, atol=1e-5))
    assert same == [True, False]


def test_gains_are_differences_of_accuracies():
    accuracies = {
        "full": 0.5,
        "no_rectification": 0.375,
        "no_normalization": 0.4375,
        "random": 0.46875,
        "supervised": 0.53125,
    }
    assert figures.gains(accuracies) == {
        "rectification": 0.125,
        "normalization": 0.0625,
        "filters learned without labels": 0.03125,
        "labels": 0.03125,
    }
