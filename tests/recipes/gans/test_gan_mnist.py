"""G1, G2: the slide's generator to the parameter; each network is trained by its own loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.common.gan_losses import discriminator_loss, generator_loss
from recipes.gans import gan_mnist as recipe


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(-1, 1, (8, 28, 28, 1)).astype("float32")


@pytest.fixture(scope="module")
def model(images):
    keras.utils.set_random_seed(0)
    model = recipe.GAN(dropout=0.0)
    model.compile(keras.optimizers.Adam(0.001, beta_1=0.5))
    model(images)
    return model


@pytest.mark.slides
def test_parameters_of_the_slides_generator():
    """K7: 1,489,936 to train and 3,584 moving statistics."""
    generator = recipe.create_generator()
    assert generator.count_params() == 1_493_520
    assert sum(np.prod(weight.shape) for weight in generator.trainable_weights) == 1_489_936
    assert sum(np.prod(weight.shape) for weight in generator.non_trainable_weights) == 3_584
    assert generator.output_shape == (None, 28, 28, 1)


@pytest.mark.slides
def test_what_the_slide_writes_raises():
    """S28: `(100)` is a number, not a shape."""
    with pytest.raises((ValueError, TypeError)):
        keras.Input(shape=(100))


def test_images_lie_between_minus_one_and_one(model):
    made = np.asarray(model.generator(100 * recipe.NOISE))
    assert made.shape == (12, 28, 28, 1)
    assert np.abs(made).max() <= 1
    assert made.min() < -0.5 < 0.5 < made.max()


def test_parameters_of_the_pair_and_its_classifier(model):
    trainable = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    assert trainable == 1_489_936 + 533_505


def test_evaluation_classifier_does_not_learn(model):
    frozen = {id(weight) for weight in model.classifier.weights}
    assert frozen.isdisjoint({id(weight) for weight in model.trainable_weights})
    networks = model.generator.trainable_weights + model.discriminator.trainable_weights
    assert len(model.trainable_weights) == len(networks)


def test_evaluation_classifier_learns_from_the_training_set():
    """Without a training set the model can be built, too."""
    keras.utils.set_random_seed(0)
    digits = np.where(np.arange(256) % 2, 7, 3)
    blank = np.ones((256, 28, 28, 1), "float32") * (digits[:, None, None, None] - 5) / 2
    train = tf.data.Dataset.from_tensor_slices((blank, digits)).batch(32)
    model = recipe.build_model(train=train)
    assert np.argmax(model.classifier(blank[:2])[1], axis=1).tolist() == [3, 7]
    assert np.max(recipe.build_model().classifier(blank[:2])[1]) < 0.5


def test_each_network_sees_its_own_loss_alone(model, images, monkeypatch):
    """Gradients of the sum are those of each loss by itself, as for two optimizers in turn."""
    noise = tf.constant(
        np.random.default_rng(1).normal(size=(8, recipe.LATENT_DIM)).astype("float32")
    )
    monkeypatch.setattr(
        model, "generate", lambda count, training: model.generator(noise, training=training)
    )
    d, g = model.discriminator.trainable_weights, model.generator.trainable_weights
    with tf.GradientTape() as tape:
        loss = model.compute_loss(images, y_pred=model(images, training=True))
    found = tape.gradient(loss, [weight.value for weight in d + g])
    with tf.GradientTape(persistent=True) as tape:
        logits = model.discriminator(model.generator(noise, training=True), training=True)
        d_loss = discriminator_loss(model(images, training=True), logits)
        g_loss = generator_loss(logits)
    expected = tape.gradient(d_loss, [w.value for w in d]) + tape.gradient(
        g_loss, [w.value for w in g]
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    assert float(loss) == pytest.approx(float(d_loss + g_loss), rel=1e-4)


def test_save_and_load(model, images, tmp_path):
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6
    )
    np.testing.assert_allclose(recipe.snapshot(again), recipe.snapshot(model), atol=1e-6)
    for found, expected in zip(again.classifier(images), model.classifier(images), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    data = tf.data.Dataset.from_tensor_slices((images, np.arange(8))).batch(4)
    assert set(again.evaluate(data, return_dict=True, verbose=0)) == {
        "frechet_distance",
        "classes",
        "class_entropy",
    }
