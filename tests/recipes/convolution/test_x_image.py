"""The drawings, and the network in both notations. The X's own maps are in test_worked_numbers.py."""

import keras
import numpy as np
import pytest

from recipes.convolution import x_image as recipe


def test_patterns():
    assert recipe.DIAGONAL.tolist() == [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    assert recipe.CROSS.tolist() == [[1, -1, 1], [-1, 1, -1], [1, -1, 1]]
    assert recipe.PATTERNS[:, :, 2].tolist() == [[-1, -1, 1], [-1, 1, -1], [1, -1, -1]]
    assert recipe.X.sum() == 13 - (81 - 13)


def test_drawings():
    images, labels = recipe.drawings(1000, seed=5)
    assert images.shape == (1000, 15, 15, 1)
    assert labels.shape == (1000, 1)
    assert set(labels.ravel()) == {0.0, 1.0}
    assert 0.45 < labels.mean() < 0.55
    again, _ = recipe.drawings(1000, seed=5)
    np.testing.assert_array_equal(images, again)


def test_no_drawing_is_in_two_sets():
    seen = [
        {image.tobytes() for image, _ in split.unbatch().as_numpy_iterator()}
        for split in recipe.load_data()
    ]
    assert list(map(len, seen)) == [4000, 1000, 2000]
    assert len(set.union(*seen)) == 7000


def test_both_notations_are_one_network():
    sequential, functional = (recipe.build_model(api=api) for api in ("sequential", "functional"))
    assert sequential.count_params() == functional.count_params() == 1_393
    functional.set_weights(sequential.get_weights())
    images, _ = recipe.drawings(20, seed=0)
    np.testing.assert_allclose(sequential(images), functional(images), atol=1e-6)


@pytest.mark.slow
def test_learns_what_a_linear_classifier_cannot():
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model()
    model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    assert model.evaluate(validation, verbose=0, return_dict=True)["accuracy"] > 0.98
    assert recipe.baseline(train, validation)["accuracy"] < 0.85
