"""The protocol: batches, augmentation, schedule and baseline."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.common import cifar10
from recipes.common.arrays import to_numpy


def colored(count, seed):
    """Images of two classes that differ in their color, under noise."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count)
    images = generator.integers(0, 200, (count, 32, 32, 3))
    images[..., 0] += 40 * labels[:, None, None]
    return tf.data.Dataset.from_tensor_slices((images.astype("uint8"), labels))


def test_training_batches_are_shuffled_and_the_others_are_not():
    examples = tf.data.Dataset.range(1000).map(lambda n: (n, n))
    train, validation, test = cifar10.batches(examples, examples, examples, batch_size=64)
    first, second = (next(iter(train))[0].numpy() for _ in range(2))
    assert len(first) == 64
    assert not np.array_equal(first, second)
    for others in (validation, test):
        assert next(iter(others))[0].numpy().tolist() == list(range(500))


def test_images_go_from_minus_one_to_one_and_move_in_training_only():
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, cifar10.augmented(inputs))
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("float32")
    expected = images / 127.5 - 1
    np.testing.assert_allclose(model(images, training=False), expected, atol=1e-6)
    moved = np.asarray(model(images, training=True))
    assert np.abs(moved - expected).max() > 0.5
    assert np.abs(moved).max() <= 1


def test_rate_rises_for_a_quarter_and_falls_to_zero():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")])
    cifar10.compile_classifier(model, learning_rate=0.5, steps=40)
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 5, 10, 25, 40)]
    assert rates == pytest.approx([0, 0.25, 0.5, 0.25, 0], abs=1e-6)


def test_baseline_learns_colors_from_the_training_set():
    train = colored(640, 0).batch(64)
    test = colored(400, 1).batch(100)
    assert cifar10.logistic_regression(train, test)["accuracy"] > 0.9
    wrong = test.map(lambda images, labels: (images, 1 - labels))
    assert cifar10.logistic_regression(train, wrong)["accuracy"] < 0.1


@pytest.mark.parametrize("batch_size", [8, 32])
def test_baseline_is_fitted_on_as_many_images_as_it_says(batch_size, monkeypatch):
    """Whatever the batch size."""
    fitted = []
    fit = cifar10.LogisticRegression.fit

    def recorded(self, images, labels):
        fitted.append(len(labels))
        return fit(self, images, labels)

    monkeypatch.setattr(cifar10.LogisticRegression, "fit", recorded)
    train = colored(100, 0).batch(batch_size)
    for count in (64, 500):
        cifar10.logistic_regression(train, train, count)
    assert fitted == [64, 100]


def test_same_images_as_by_batches_of_the_default_size():
    """What was measured with `train.take(…)` stays as it was."""
    taken = []
    for by_batches in (True, False):
        keras.utils.set_random_seed(0)
        examples = tf.data.Dataset.range(1000).map(lambda n: (n, n))
        train, _, _ = cifar10.batches(examples, examples, examples, batch_size=64)
        part = train.take(10) if by_batches else train.unbatch().take(640).batch(500)
        taken.append(to_numpy(part)[0].tolist())
    assert taken[0] == taken[1]
