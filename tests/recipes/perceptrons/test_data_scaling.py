"""P45, P46: more images for the same network; the same images for network, trees and line."""

import numpy as np
import pytest

from recipes._runner import data
from recipes.common.arrays import to_numpy
from recipes.perceptrons import data_scaling as recipe
from recipes.perceptrons.figures import data_scaling as figures


@pytest.fixture
def stand_in():
    data.choose(["fashion_mnist"], stand_in=True, rows=200)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("examples", "repeats"), [(30, 10), (50, 6), (150, 2)])
def test_few_images_are_repeated(monkeypatch, examples, repeats):
    monkeypatch.setattr(recipe, "LEAST", 300)
    train, _, _ = recipe.load_data(examples)
    images, _ = to_numpy(train)
    found, counts = np.unique(images.reshape(len(images), -1), axis=0, return_counts=True)
    assert len(found) == examples
    assert set(counts) == {repeats}


@pytest.mark.usefixtures("stand_in")
def test_a_larger_training_set_contains_the_smaller_one(monkeypatch):
    monkeypatch.setattr(recipe, "LEAST", 1)
    few, many = (to_numpy(recipe.load_data(count)[0])[0] for count in (20, 60))
    few, many = ({image.tobytes() for image in images} for images in (few, many))
    assert few < many


@pytest.mark.usefixtures("stand_in")
def test_the_linear_classifier_is_fitted_to_each_image_once(monkeypatch):
    monkeypatch.setattr(recipe, "LEAST", 60)
    fitted = []

    class Classifier:
        def __init__(self, alpha):
            assert alpha == figures.PENALTY

        def fit(self, pixels, labels):
            fitted.append((pixels, labels))
            return self

        def score(self, pixels, labels):
            return len(labels)

    monkeypatch.setattr(figures, "RidgeClassifier", Classifier)
    train, _, test = recipe.load_data(20)
    assert figures.linear_accuracy(train, test, 20) == len(to_numpy(test)[1])
    ((pixels, labels),) = fitted
    assert len(np.unique(pixels, axis=0)) == len(pixels) == len(labels) == 20
    assert 0.9 < pixels.max() <= 1


def test_the_power_law_of_given_errors_is_found():
    sizes = np.array([100, 1000, 50_000])
    assert figures.power_law(sizes, 0.8 * sizes**-0.25) == pytest.approx((0.8, 0.25))


ACCURACIES = {
    "linear": {100: 0.7, 10_000: 0.75},
    "trees": {100: 0.72},
    "cnn": {100: 0.65, 1000: 0.85, 10_000: 1.0},
}


def test_pictures_show_accuracies_errors_and_what_the_cnn_is_ahead_by():
    figure, (left, right) = figures.plt.subplots(1, 2)
    figures.plot_accuracies(left, ACCURACIES)
    figures.plot_power_laws(right, ACCURACIES)
    assert left.get_title() == "CNN minus linear: −5.0 % with 100, +25.0 % with 10,000"
    np.testing.assert_allclose(left.lines[2].get_ydata(), [0.65, 0.85, 1.0])
    # Points and a line for each model but the trees, which have one point; no point at error 0.
    assert len(right.lines) == 4
    np.testing.assert_allclose(right.lines[2].get_ydata(), [0.35, 0.15])
    figures.plt.close(figure)


@pytest.mark.usefixtures("stand_in")
def test_all_learn_from_the_same_images_of_each_size(monkeypatch):
    monkeypatch.setattr(recipe, "LEAST", 1)
    monkeypatch.setitem(recipe.VARIANTS, "images_100", {"examples": 40})
    asked = []

    def baseline(train, test):
        asked.append(len(to_numpy(train)[1]))
        return {"accuracy": 0.5}

    monkeypatch.setattr(recipe, "baseline", baseline)
    _, _, test = recipe.load_data(40)
    drawn = figures.figures({"images_100": recipe.build_model()}, test, {})
    assert asked == [40]
    trees = drawn["scaling"].axes[0].lines[1]
    assert (list(trees.get_xdata()), list(trees.get_ydata())) == ([40], [0.5])
    figures.plt.close("all")
