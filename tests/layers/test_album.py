import keras
import numpy as np
import pytest

from layers.album import Album


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(model, album, epochs):
    model.fit(np.ones((4, 1)), 3 * np.ones((4, 1)), epochs=epochs, verbose=0, callbacks=[album])


def look(model):
    return [weight.copy() for weight in model.get_weights()]


def test_every_epoch_from_before_the_first(model):
    before = look(model)
    fit(model, Album(look), 3)
    assert [epoch for epoch, _ in model.album] == [0, 1, 2, 3]
    np.testing.assert_array_equal(model.album[0][1][0], before[0])
    np.testing.assert_array_equal(model.album[-1][1][0], model.get_weights()[0])
    assert len({float(kernel[0, 0]) for _, (kernel, _) in model.album}) == 4


def test_chosen_epochs_and_a_second_training(model):
    album = Album(look, epochs=(2, 5))
    fit(model, album, 4)
    assert [epoch for epoch, _ in model.album] == [2]
    fit(model, album, 5)
    assert [epoch for epoch, _ in model.album] == [2, 5]


def test_model_with_an_album_is_saved_without_it(model, tmp_path):
    fit(model, Album(look), 1)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    assert not hasattr(again, "album")
