"""P4 and the recipe's data: only mistakes change the weights, and no more often than the bound."""

import numpy as np
import pytest
import tensorflow as tf

from recipes.perceptrons import perceptron_rule as recipe


def learn(model, x, labels, epochs):
    """The history of training on one example after another."""
    batches = tf.data.Dataset.from_tensor_slices((x, labels)).batch(1)
    return model.fit(batches, epochs=epochs, shuffle=False, verbose=0).history


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_updates_are_within_the_bound_and_no_error_is_left(seed):
    x, labels = recipe.points(100, seed)
    order = np.random.default_rng(seed).permutation(100)
    x, labels = x[order], labels[order]
    model = recipe.build_model()
    model.steps_per_execution = 100
    history = learn(model, x, labels, epochs=20)
    assert history["accuracy"][-1] == 1
    assert (np.asarray(model(x)) == labels).all()
    assert 0 < sum(history["updates"]) <= recipe.bound(x, labels)
    assert history["updates"][-1] == 0, "it goes on although all is right"


def test_bound_by_hand():
    x, labels = np.array([[3.0, 0.0], [0.0, -2.0]]), np.array([[1], [0]])
    radius = 3**2 + 1  # the longer of the two, with the bias' 1
    gamma = min(0.6 * 3 + 0.1, 0.8 * 2 - 0.1) / np.sqrt(0.6**2 + 0.8**2 + 0.1**2)
    assert recipe.bound(x, labels) == pytest.approx(radius / gamma**2)


def test_only_mistakes_change_anything():
    model = recipe.build_model()
    x = np.array([[2.0, -1.0], [4.0, 8.0], [1.0, 1.0]], "float32")
    history = learn(model, x, np.zeros((3, 1), "float32"), epochs=1)
    kernel, bias = model.get_weights()
    # y(0) = 1 is wrong and x is subtracted; then −8 + 8 − 1 < 0 and −2 + 1 − 1 < 0 are right.
    assert kernel[:, 0].tolist() == [-2, 1]
    assert bias.tolist() == [-1]
    assert history == {"accuracy": [pytest.approx(2 / 3)], "updates": [1]}


def test_cards():
    images, right = recipe.cards(2000, seed=0)
    assert images.sum(1).tolist() == [25] * 2000
    assert right.sum() == 1000
    halves = images.reshape(2000, 20, 2, 10).sum((1, 3))
    np.testing.assert_array_equal(halves, 25 * np.concatenate([1 - right, right], 1))
    for side, columns in ((0, range(6)), (1, range(10, 16))):
        places = [np.argwhere(card.reshape(20, 20))[0] for card in images[right[:, 0] == side]]
        rows, lefts = np.transpose(places)
        assert set(rows) == set(range(16))
        assert set(lefts) == set(columns)


def test_points_keep_their_distance():
    x, labels = recipe.points(400, seed=5)
    distance = x @ recipe.LINE[:2] + recipe.LINE[2]
    assert ((distance > 0) == labels[:, 0]).all()
    assert np.abs(distance).min() >= recipe.MARGIN - 1e-6
    assert labels.mean() == 0.5


def test_unknown_task():
    with pytest.raises(ValueError, match=r"points, cards\. Received: card"):
        recipe.load_data(task="card")


def test_baseline_is_the_majority_of_the_training_set():
    train = tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), [[0], [0], [1], [0]])).batch(2)
    test = tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), [[1], [0], [1], [1]])).batch(2)
    assert recipe.baseline(train, test) == {"accuracy": 0.25}
