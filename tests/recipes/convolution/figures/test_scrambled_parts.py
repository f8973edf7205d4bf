"""What the titles say of scrambled, shifted and rotated faces."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.convolution import scrambled_parts as recipe
from recipes.convolution.figures import scrambled_parts as figures


def share_of_upper_half(images, training):
    """In the place of a network: how much of an image's brightness is in its upper half."""
    half = images.shape[1] // 2
    return images[:, :half].sum(axis=(1, 2)) / images.sum(axis=(1, 2))


def test_titles_have_the_means():
    images = np.zeros((2, recipe.SIDE, recipe.SIDE, 1), "float32")
    images[:, 20, 28] = 1
    models = {"global_pooling": share_of_upper_half, "flatten": share_of_upper_half}
    figure = figures.plot_invariance(models, images)
    assert "1.00 or more, upside down at 0.00" in figure.get_suptitle()
    plt.close(figure)
    figure = figures.plot_probabilities(models, {"face": images, "scrambled": images[:, ::-1]})
    assert "0.00 on average with global pooling, 0.00 with Flatten" in figure.get_suptitle()
    plt.close(figure)
