"""Every recipe that names MNIST's digits reads them on photographs too; says when there is none."""

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.digits import CenterDigit
from recipes._runner import data
from tests.layers.test_digits import FOUR, SEVEN, TWO, drawn, photographed, settled
from tests.selection import TRAINED, parameters

# Names no digits: tells a 3 from a 5, or a 9 from the rest; codes, pictures and fakes; places on a
# map. Or only compares.
OTHERS = {
    "wrong_heads",
    "vanishing_gradient",
    "svm",
    "weight_sharing",
    "activations",
    "extreme_learning_machine",
    "hog_features",
    "autoencoder_mnist",
    "denoising_autoencoder",
    "anomaly_detection",
    "vae",
    "kohonen",
}
ON_MNIST = [recipe for recipe in TRAINED if "mnist" in data.names(recipe.path)]
READERS = [each for each in ON_MNIST if each.name not in OTHERS and each.chapter != "gans"]


@pytest.fixture(autouse=True)
def clear():
    yield
    keras.backend.clear_session(free_memory=False)


def probabilities(model, images):
    """Of the classes, from a network that ends with them or with logits."""
    outputs = model(images, training=False)
    return keras.ops.softmax(outputs) if getattr(model.loss, "from_logits", False) else outputs


@pytest.mark.parametrize("recipe", parameters(READERS, full=True))
def test_photographs_of_digits_are_prepared_and_mnists_own_images_are_not_changed(recipe, tmp_path):
    keras.utils.set_random_seed(0)
    model = recipe.module.build_model()
    recipe.module.deployed(model).save(tmp_path / "deployed.keras")
    deployed = keras.saving.load_model(tmp_path / "deployed.keras")

    digits = np.stack([settled(TWO), settled(SEVEN)])[..., None]
    answers = deployed(digits.astype("float32"), training=False)
    expected = probabilities(model, digits.astype("uint8"))
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)
    assert answers["unlike"].shape == (2,)
    assert np.all(answers["unlike"] < 0.5)

    photograph = photographed(drawn(FOUR))[None, ..., None]
    answer = deployed(photograph, training=False)
    expected = probabilities(model, CenterDigit()(photograph))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    assert answer["unlike"][0] < 0.5
    blank = np.full_like(photograph, 230)
    assert deployed(blank, training=False)["unlike"][0] > 0.5


@pytest.mark.slow
@pytest.mark.real_data
def test_trained_on_mnist_it_reads_photographs_and_mnist_as_before():
    """One epoch; MNIST's validation images, for nothing is chosen by this on the test images."""
    recipe = importlib.import_module("recipes.convolution.cnn_mnist")
    # Tests before this one may have asked for the stand-in.
    if data.choose(["mnist"]) != {"mnist": "real"}:
        pytest.skip("not prepared")
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model(steps=len(train))
    model.fit(train, epochs=1, shuffle=False, verbose=0)
    deployed = recipe.deployed(model)
    for strokes, digit in ((TWO, 2), (SEVEN, 7), (FOUR, 4)):
        for scale in (7, 18):
            picture = photographed(drawn(strokes, at=(40, 60), scale=scale, pen=scale))
            answer = deployed.predict(picture[None, ..., None], verbose=0)
            assert answer["probabilities"].argmax() == digit
            assert answer["unlike"][0] < 0.5

    images = np.concatenate([images for images, _ in validation.as_numpy_iterator()])
    answers = deployed.predict(tf.cast(images, "float32"), batch_size=500, verbose=0)
    before = model.predict(images, batch_size=500, verbose=0).argmax(axis=1)
    assert np.mean(answers["probabilities"].argmax(axis=1) != before) < 0.001
    assert np.mean(answers["unlike"] > 0.5) < 0.01
