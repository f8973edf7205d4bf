"""Whatever characters a vocabulary's texts hold: the trained network can be loaded again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import arguments, data
from recipes._runner.recipe import find
from recipes.datasets.stand_ins import TEXTS
from tests.selection import TRAINED, parameters

READERS = [recipe for recipe in TRAINED if {*data.names(recipe.path)} & {*TEXTS}]


@pytest.fixture(autouse=True)
def short_poems(monkeypatch):
    """Each character is a step of a recurrent network."""
    monkeypatch.setattr(find("char_rnn").module, "LONGEST", 30)


@pytest.fixture(autouse=True)
def little_memory():
    yield
    keras.backend.clear_session(free_memory=False)


def built(recipe):
    """The untrained network, its vocabulary from the training set, and a batch of test inputs."""
    train, _, test = recipe.module.load_data()
    given = {"train": train} if arguments.wants(recipe.module.build_model, "train") else {}
    model = recipe.module.build_model(**given)
    inputs = next(iter(test))[0]
    model(inputs)
    return model, inputs


def check_it_comes_back(model, inputs, path):
    model.save(path)
    again = keras.saving.load_model(path)
    for layer, same in zip(model.layers, again.layers, strict=True):
        if isinstance(layer, keras.layers.TextVectorization):
            assert same.get_vocabulary() == layer.get_vocabulary()
    tf.nest.map_structure(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6),
        model(inputs),
        again(inputs),
    )


@pytest.mark.parametrize("recipe", parameters(READERS, full=True))
def test_network_comes_back_with_its_words(recipe, tmp_path):
    data.choose(data.names(recipe.path), stand_in=True, rows=200)
    check_it_comes_back(*built(recipe), tmp_path / "model.keras")


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("recipe", READERS, ids=lambda recipe: recipe.name)
def test_network_of_the_real_set_comes_back_with_its_words(recipe, tmp_path):
    chosen = data.choose(data.names(recipe.path))
    if set(chosen.values()) != {"real"}:
        pytest.skip(f"{', '.join(chosen)} not in TFDS_DATA_DIR")
    check_it_comes_back(*built(recipe), tmp_path / "model.keras")
