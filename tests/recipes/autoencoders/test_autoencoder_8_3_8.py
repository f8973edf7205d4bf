"""E1, N49: eight patterns are reconstructed, and have eight distinct words of three bits."""

import keras
import numpy as np
import pytest

from recipes.autoencoders import autoencoder_8_3_8 as recipe
from recipes.autoencoders.figures import autoencoder_8_3_8 as pictures


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    model = recipe.build_model()
    model.fit(recipe.load_data()[0], epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    return model, recipe.PATTERNS


def test_eight_patterns_come_back(trained):
    model, patterns = trained
    back = model.predict(patterns, verbose=0)
    assert back.argmax(1).tolist() == list(range(8))
    assert back.max(1).min() > 0.9


def test_eight_distinct_words_near_the_corners(trained):
    code = recipe.encode(trained[0])
    assert sorted(recipe.binary_words(code)) == [f"{number:03b}" for number in range(8)]
    assert np.abs(code - np.round(code)).max() < 0.2
    assert pictures.in_corners(code)
    assert not pictures.in_corners(np.concatenate([code[:7], code[:1]]))
    assert not pictures.in_corners(0.5 + 0.5 * (code - 0.5))


def test_codes_and_decoded_are_the_two_halves_of_the_network(trained):
    model, patterns = trained
    encoder = keras.Model(model.inputs, model.get_layer("code").output)
    code = encoder.predict(patterns, verbose=0)
    np.testing.assert_allclose(recipe.encode(model), code, atol=1e-5)
    assert (
        pictures.decode(model, code).tolist()
        == model.predict(patterns, verbose=0).argmax(1).tolist()
    )


@pytest.mark.parametrize(
    "code", [np.linspace(0.1, 0.9, 8)[:, None], np.random.default_rng(0).random((8, 2))]
)
def test_one_or_two_units_can_tell_eight_apart(code):
    """Weights 2c and bias −|c|² for each code c: the nearest code wins, wherever they lie."""
    model = recipe.build_model(units=code.shape[1])
    model.set_weights(
        [np.log(code / (1 - code)), np.zeros(code.shape[1]), 2 * code.T, -(code**2).sum(1)]
    )
    np.testing.assert_allclose(recipe.encode(model), code, atol=1e-6)
    assert model.predict(recipe.PATTERNS, verbose=0).argmax(1).tolist() == list(range(8))
    assert pictures.decode(model, code + 0.01).tolist() == list(range(8))


def test_baseline_is_the_score_of_a_network_that_always_answers_the_same():
    model = recipe.build_model(l2=0.0)
    model.set_weights([0 * weight for weight in model.get_weights()])
    _, _, test = recipe.load_data()
    scores = model.evaluate(test, return_dict=True, verbose=0)
    assert recipe.baseline(None, None) == pytest.approx(scores, rel=1e-5)


def test_path_begins_with_a_new_network():
    keras.utils.set_random_seed(3)
    path = pictures.training_path(steps=2)
    keras.utils.set_random_seed(3)
    model = recipe.build_model()
    np.testing.assert_allclose(path[0], recipe.encode(model))
    model.train_on_batch(recipe.PATTERNS, recipe.PATTERNS)
    np.testing.assert_allclose(path[1], recipe.encode(model), atol=1e-6)
    assert path.shape == (3, 8, 3)
