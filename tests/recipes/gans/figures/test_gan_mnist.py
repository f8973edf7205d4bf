"""Bars and titles say what the classifier finds, walks lead from one vector to the other."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.gans.figures import gan_mnist as pictures


@pytest.fixture(autouse=True)
def default_style():
    with plt.style.context("default"):
        yield
    plt.close("all")


class Classifier:
    """Takes an image for the digit that its first pixel says; the features are its first row."""

    def predict(self, images, **_):
        return images[:, 0, :, 0], np.eye(10)[images[:, 0, 0, 0].astype(int)]


def images_of(digits):
    images = np.random.default_rng(0).uniform(0, 1, (len(digits), 28, 28, 1)).astype("float32")
    images[:, 0, 0, 0] = digits
    return images


def test_class_shares():
    shares = pictures.class_shares(Classifier(), images_of([3, 3, 3, 9]))
    np.testing.assert_allclose(shares, [0, 0, 0, 0.75, 0, 0, 0, 0, 0, 0.25])


def test_classes_in_the_title_are_those_of_the_generated_images(monkeypatch):
    monkeypatch.setattr(pictures.gan_mnist, "sample_noise", lambda count: images_of([0] * count))
    real = images_of(np.arange(40) % 10)
    generated = images_of(np.arange(40) % 3 + 4)
    axis = pictures.draw_classes(Classifier(), real, generated).axes[0]
    assert axis.get_title().startswith("3 of 10 digits")
    heights = [bar.get_height() for bar in axis.containers[1]]
    np.testing.assert_allclose(heights, np.bincount(np.arange(40) % 3 + 4, minlength=10) * 2.5)
    assert axis.containers[1].get_label().startswith("generated: Fréchet distance ")


def test_interpolation_goes_from_start_to_end():
    start = np.array([[0.0, 1.0], [5.0, 5.0]], "float32")
    end = np.array([[4.0, 0.0], [5.0, 6.0]], "float32")
    walks = pictures.interpolate(start, end, steps=5)
    np.testing.assert_allclose(walks[:, 0], start)
    np.testing.assert_allclose(walks[:, -1], end)
    np.testing.assert_allclose(walks[0, 1], [1, 0.75])
