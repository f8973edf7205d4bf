"""The area under the ROC curve of each digit, and which images are marked as anomalies."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from recipes.autoencoders import anomaly_detection as recipe
from recipes.autoencoders.figures import anomaly_detection as pictures
from recipes.common.plots import CLASS_COLORS


def test_areas_of_each_digit():
    images, digits = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1) * 15.9375
    train, test = (images[:1200], digits[:1200]), (images[1200:], digits[1200:])
    found = pictures.areas(train, test)
    assert found.shape == (10, 2)
    assert found[:, 0].mean() > 0.95
    assert np.all(found[:, 0] > found[:, 1])
    # A digit that was never seen is harder to detect than one that all others differ from.
    assert 0.5 < found[:, 1].mean() < 0.95


def test_errors_above_the_threshold_have_the_color_of_anomalies():
    _, axis = plt.subplots()
    images = np.zeros((2, 28, 28, 1), "uint8")
    model = recipe.build_model(width=4, code=2)
    pictures.draw_reconstructions(axis, model, images, np.array([0.002, 0.031]), threshold=0.02)
    assert [(text.get_text(), text.get_color()) for text in axis.texts] == [
        ("2", CLASS_COLORS[0]),
        ("31", CLASS_COLORS[1]),
    ]
    plt.close("all")
