"""Labels: the discriminator learns to tell real from generated, the generator to deceive it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.gans import conditional_gan, gan_failures, gan_mnist, gan_toy
from tests import selection

RNG = np.random.default_rng(0)
POINTS = tf.constant(gan_toy.sample_mixture(64, seed=1))
# strokes are bright on dark; generators begin with gray
IMAGES = tf.constant(np.where(RNG.random((16, 28, 28, 1)) < 0.2, 1.0, -1.0).astype("float32"))
DIGITS = tf.constant(np.arange(16) % 10)


def toy(recipe, **arguments):
    model = recipe.build_model(**arguments)
    noise = tf.constant(RNG.normal(size=(64, recipe.LATENT_DIM)).astype("float32"))
    return model, (POINTS,), POINTS, lambda: model.generator(noise), model


def mnist():
    model = gan_mnist.GAN(dropout=0.0)
    model.compile(keras.optimizers.Adam(0.0005, beta_1=0.5))
    noise = tf.constant(RNG.normal(size=(16, gan_mnist.LATENT_DIM)).astype("float32"))
    return model, (IMAGES, DIGITS), IMAGES, lambda: model.generator(noise, training=True), model


def conditional():
    model = conditional_gan.ConditionalGAN(dropout=0.0)
    model.compile(keras.optimizers.Adam(0.0005, beta_1=0.5))
    noise = tf.constant(RNG.normal(size=(16, conditional_gan.LATENT_DIM)).astype("float32"))

    def logits_of(images):
        return conditional_gan.select_logit(model(images)[0], DIGITS)

    return (
        model,
        (IMAGES, DIGITS),
        IMAGES,
        lambda: model.generator([noise, DIGITS], training=True),
        logits_of,
    )


RECIPES = {
    "gan_toy, plain": lambda: toy(gan_toy, minibatch_statistics=False),
    "gan_toy": lambda: toy(gan_toy),
    "gan_failures": lambda: toy(gan_failures),
    "gan_failures, minimax": lambda: toy(gan_failures, minimax=True, generator_rate=0.05),
    "gan_mnist": mnist,
    "conditional_gan": conditional,
}


def parameters():
    for name in RECIPES:
        recipe, _, _ = name.partition(",")
        yield pytest.param(name, marks=[] if selection.chosen(recipe) else [pytest.mark.full])


@pytest.mark.parametrize("name", parameters())
def test_labels_are_not_inverted(name):
    """Each network improves by its own measure while the other one is held."""
    keras.utils.set_random_seed(0)
    model, batch, real, generate, logits_of = RECIPES[name]()
    logits_of(real), generate()  # builds the networks

    def train_against(opponent):
        before = opponent.get_weights()
        for _ in range(5):
            model.train_step(batch)
            opponent.set_weights(before)

    def margin():
        return float(np.mean(logits_of(real)) - np.mean(logits_of(generate())))

    discriminator, old = model.discriminator, model.discriminator.get_weights()
    before = margin()
    train_against(model.generator)
    assert margin() > before, "the discriminator learned the opposite"
    discriminator.set_weights(old)
    train_against(discriminator)
    assert margin() < before, "the generator learned to be found out"
