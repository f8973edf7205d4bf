"""E1, N49: 59 parameters, eight patterns back, and eight distinct words of three bits."""

import keras
import numpy as np
import pytest

from recipes.autoencoders import autoencoder_8_3_8 as recipe


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    model = recipe.build_model()
    model.fit(recipe.load_data()[0], epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    return model, recipe.PATTERNS


@pytest.mark.parametrize(("units", "count"), [(3, 8 * 3 + 3 + 3 * 8 + 8), (2, 42)])
def test_parameters(units, count):
    assert recipe.build_model(units=units).count_params() == count
    assert units != 3 or count == 59


def test_eight_patterns_come_back(trained):
    model, patterns = trained
    back = model.predict(patterns, verbose=0)
    assert back.argmax(1).tolist() == list(range(8))
    assert back.max(1).min() > 0.9


def test_eight_distinct_words_near_the_corners(trained):
    code = recipe.codes(trained[0])
    assert sorted(recipe.words(code)) == [f"{number:03b}" for number in range(8)]
    assert np.abs(code - np.round(code)).max() < 0.2


def test_codes_and_decoded_are_the_two_halves_of_the_network(trained):
    model, patterns = trained
    encoder = keras.Model(model.inputs, model.get_layer("code").output)
    code = encoder.predict(patterns, verbose=0)
    np.testing.assert_allclose(recipe.codes(model), code, atol=1e-5)
    assert (
        recipe.decoded(model, code).tolist()
        == model.predict(patterns, verbose=0).argmax(1).tolist()
    )


@pytest.mark.parametrize(
    "code", [np.linspace(0.1, 0.9, 8)[:, None], np.random.default_rng(0).random((8, 2))]
)
def test_one_or_two_units_can_tell_eight_apart(code):
    """Weights 2c and bias −|c|² for each code c: the nearest code scores most, wherever the codes lie."""
    model = recipe.build_model(units=code.shape[1])
    model.set_weights(
        [np.log(code / (1 - code)), np.zeros(code.shape[1]), 2 * code.T, -(code**2).sum(1)]
    )
    np.testing.assert_allclose(recipe.codes(model), code, atol=1e-6)
    assert model.predict(recipe.PATTERNS, verbose=0).argmax(1).tolist() == list(range(8))
    assert recipe.decoded(model, code + 0.01).tolist() == list(range(8))
