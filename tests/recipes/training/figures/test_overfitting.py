"""The gap is between the images learned from and those of the test."""

import numpy as np
import tensorflow as tf

from recipes.training import overfitting as recipe
from recipes.training.figures import overfitting as figures


def test_each_network_is_asked_about_the_images_that_it_has_learned_from(monkeypatch):
    asked = []

    def load_data(examples=500):
        asked.append(examples)
        known = np.full((4, 28, 28, 1), 255, "uint8"), np.array([3, 3, 3, 1])
        return tf.data.Dataset.from_tensors(known), None, None

    monkeypatch.setattr(recipe, "load_data", load_data)
    model = recipe.build_model(units=2)
    kernel, bias = model.layers[-1].get_weights()
    bias[3] = 100  # whatever it sees, it answers with class 3
    model.layers[-1].set_weights([0 * kernel, bias])
    unseen = np.zeros((2, 28, 28, 1), "uint8"), np.array([3, 5])
    test = tf.data.Dataset.from_tensors(unseen)
    found = figures.train_and_test({"few": model, "more": model}, test)
    assert found == {"few": (0.75, 0.5), "more": (0.75, 0.5)}
    assert asked == [500, 5000]
