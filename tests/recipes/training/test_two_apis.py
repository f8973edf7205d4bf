"""The same network in both APIs and both notations; the branched one shares, skips and trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.training import two_apis as recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1)).astype("uint8")


@pytest.mark.parametrize("api", ["sequential", "functional"])
def test_an_activation_layer_is_an_activation_argument(api):
    reference, model = recipe.build_model(), recipe.build_model(api, notation="layer")
    assert len(model.layers) == len(recipe.build_model(api).layers) + 3
    model.set_weights(reference.get_weights())
    expected = reference.predict_on_batch(IMAGES)
    np.testing.assert_allclose(model.predict_on_batch(IMAGES), expected, atol=1e-6)


def test_the_two_apis_learn_the_same():
    losses = []
    for api in ("sequential", "functional"):
        keras.utils.set_random_seed(0)
        model = recipe.build_model(api)
        losses.append([float(model.train_on_batch(IMAGES, np.arange(8))[0]) for _ in range(3)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0][2] < losses[0][0]


def test_branched_network_shares_and_skips():
    model = recipe.build_branched()
    assert model.count_params() == 63_956  # with layers of their own for both it would be 114,196
    left, right = IMAGES[:4], IMAGES[4:]
    shared = keras.Model(model.inputs, model.get_layer("concatenate").output)
    one, other = (shared.predict_on_batch(pair) for pair in ([left, right], [right, left]))
    np.testing.assert_allclose(one[:, :64], other[:, 64:], atol=1e-6)  # the same on either side
    names = ("dense_1", "dense_2", "skip")
    inner = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    x, y, added = inner.predict_on_batch([left, right])
    np.testing.assert_allclose(added, x + y, atol=1e-5)


def test_pairs_have_the_right_targets():
    inputs, targets = recipe.pair(tf.constant(IMAGES[:4]), tf.constant([3, 5, 5, 9]))
    assert targets["sum"].numpy().tolist() == [12, 8, 10, 14]
    assert targets["larger"].numpy()[:, 0].tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(inputs["right"].numpy()[1], IMAGES[0])


def test_branched_network_trains():
    keras.utils.set_random_seed(0)
    batch = recipe.pair(tf.constant(IMAGES), tf.range(8) % 5)
    model = recipe.build_branched(units=16, learning_rate=0.005)
    scores = [model.train_on_batch(*batch, return_dict=True) for _ in range(60)]
    assert scores[-1]["loss"] < 0.3 * scores[0]["loss"]
    both = scores[-1]["sum_loss"] + scores[-1]["larger_loss"]
    assert both == pytest.approx(scores[-1]["loss"], rel=0.2)
