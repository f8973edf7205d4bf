import keras
import numpy as np
import pytest

from recipes.heads import head_binary_images as recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3), "uint8")
LABELS = np.tile([[0.0], [1.0]], (16, 1))


def test_both_apis_make_the_same_network():
    sequential, functional = recipe.build_model("sequential"), recipe.build_model("functional")
    functional.set_weights(sequential.get_weights())
    assert functional.predict_on_batch(IMAGES) == pytest.approx(
        sequential.predict_on_batch(IMAGES), abs=1e-6
    )
    assert sequential.count_params() == functional.count_params() == 96_641


def test_an_untrained_net_is_about_undecided():
    keras.utils.set_random_seed(0)
    loss, _ = recipe.build_model().evaluate(IMAGES, LABELS, verbose=0)
    assert loss == pytest.approx(np.log(2), rel=0.1)


def test_one_unit_is_a_probability():
    outputs = recipe.build_model().predict_on_batch(IMAGES)
    assert outputs.shape == (32, 1)
    assert ((outputs > 0) & (outputs < 1)).all()


def test_histograms_of_a_vertical_edge():
    """The brightness changes to the right only: all the strength is in the first direction."""
    image = np.zeros((1, 32, 32, 3))
    image[:, :, 18:] = 200
    histograms = recipe.orientation_histograms(image).reshape(7, 7, 4, 8)
    assert histograms.shape[-1] * 4 * 49 == 1568
    assert histograms[..., 0].max() > 0.5
    assert histograms[..., 1:].max() == 0
    assert (
        recipe.orientation_histograms(image.transpose(0, 2, 1, 3)).reshape(7, 7, 4, 8)[..., 4].max()
        > 0.5
    )


def test_deployed_takes_photographs_of_any_size():
    model = recipe.build_model()
    deployed = recipe.deployed(model)
    assert deployed.predict_on_batch(np.zeros((1, 90, 60, 3), "uint8")).shape == (1, 1)
    same = deployed.predict_on_batch(IMAGES[:4])
    assert same == pytest.approx(model.predict_on_batch(IMAGES[:4]), abs=1e-4)
