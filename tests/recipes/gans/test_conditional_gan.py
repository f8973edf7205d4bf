"""G5: both networks know the digit; only the logit of the digit asked for is trained."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.gans import conditional_gan as recipe


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(-1, 1, (6, 28, 28, 1)).astype("float32")


@pytest.fixture(scope="module")
def model(images):
    keras.utils.set_random_seed(0)
    model = recipe.ConditionalGAN(dropout=0.0)
    model.compile(keras.optimizers.Adam(0.001))
    model(images)
    return model


def test_parameters(model):
    assert model.generator.count_params() == 1_493_520 + 10 * 256
    assert model.discriminator.count_params() == 784 * 512 + 512 + 512 * 256 + 256 + 2 * (
        256 * 10 + 10
    )


def test_digits_are_part_of_what_is_drawn(model):
    images = recipe.snapshot(model)
    assert images.shape == (100, 28, 28)
    drawn = images.reshape(10, 10, 28, 28)
    assert np.abs(drawn[:1] - drawn[1:]).max(axis=(1, 2, 3)).min() > 1e-3
    assert np.abs(drawn[:, :1] - drawn[:, 1:]).max(axis=(0, 2, 3)).min() > 1e-3


def test_answer_for_a_digit():
    logits = np.arange(30, dtype="float32").reshape(3, 10)
    assert np.asarray(recipe.select_logit(logits, np.array([0, 4, 9]))).tolist() == [
        [0],
        [14],
        [29],
    ]


def test_only_the_answer_for_the_digit_asked_for_counts(model, images):
    digits = tf.constant([3, 3, 7, 7, 3, 7])
    first = next(
        layer
        for layer in model.discriminator.layers
        if layer.output is model.discriminator.outputs[0]
    )
    with tf.GradientTape() as tape:
        loss = model.compute_loss(images, digits, model(images, training=True))
    gradient = np.abs(tape.gradient(loss, first.bias.value))
    assert np.flatnonzero(gradient > 1e-7).tolist() == [3, 7]


def test_accuracy_of_the_digits_asked_for(model, images, monkeypatch):
    """With a classifier that sees what was asked for in the first pixels."""
    digits = np.array([0, 1, 2, 3, 4, 5])
    told = np.zeros((6, 28, 28, 1), "float32")
    told[np.arange(6), 0, [0, 1, 2, 3, 4, 9], 0] = 1

    def classifier(pictures):
        flat = keras.ops.reshape(pictures, (-1, 784))
        return flat[:, :64], flat[:, :10]

    monkeypatch.setattr(recipe.ConditionalGAN, "generate", lambda *_: tf.constant(told))
    model.reset_metrics()
    monkeypatch.setitem(model.__dict__, "classifier", classifier)
    scores = model.test_step((tf.constant(images), tf.constant(digits)))
    assert float(scores["conditional_accuracy"]) == pytest.approx(5 / 6)


def test_save_and_load(model, images, tmp_path):
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(recipe.snapshot(again), recipe.snapshot(model), atol=1e-6)
    for found, expected in zip(
        again.predict(images, verbose=0), model.predict(images, verbose=0), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)
