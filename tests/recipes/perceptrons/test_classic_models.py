"""P38, P41, P50: the three problems, the networks of one unit, and too many or too few numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes._runner import data
from recipes.common.arrays import to_numpy
from recipes.perceptrons import classic_models as recipe
from recipes.perceptrons.figures import classic_models as figures

rng = np.random.default_rng(0)
DISTRICT = {
    "longitude": -122.0,
    "latitude": 37.5,
    "median_income": 3.0,
    "total_rooms": 1000.0,
    "households": 200.0,
}


def blobs(count, seed):
    """Two numbers and a label, 1 where their sum is positive, one label in ten wrong."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 2)).astype("float32")
    labels = (inputs.sum(axis=1) > 0) ^ (rng.random(count) < 0.1)
    return inputs, labels.astype("float32")


@pytest.mark.parametrize(
    ("problem", "numbers"),
    [("map", [-122.0, 37.5]), ("income", [np.log(3), np.log(5)])],
)
@pytest.mark.parametrize(("price", "label"), [(180_000.0, 0), (180_001.0, 1)])
def test_two_numbers_of_a_district(problem, numbers, price, label):
    district = {**DISTRICT, "median_house_value": price}
    district = {name: tf.constant(value) for name, value in district.items()}
    found, expensive = recipe.two_numbers(problem)(district)
    np.testing.assert_allclose(found, numbers, rtol=1e-6)
    assert expensive.numpy().tolist() == [label]


@pytest.mark.usefixtures("loaded_once")
def test_photographs_are_cats_and_dogs():
    data.choose(["california_housing", "cifar10"], stand_in=True, rows=200)
    _, _, test = recipe.load_data("photos")
    images, labels = to_numpy(test)
    classes = {}
    for image, label in tfds.load("cifar10", split="test", as_supervised=True).as_numpy_iterator():
        classes[image.tobytes()] = label
    names = [{3: 0, 5: 1}[classes[image.tobytes()]] for image in images]
    assert labels[:, 0].tolist() == names
    assert 0 < np.mean(names) < 1


@pytest.mark.usefixtures("loaded_once")
@pytest.mark.parametrize("problem", ["income", "photos"])
def test_no_more_examples_than_said(problem, monkeypatch):
    data.choose(["california_housing", "cifar10"], stand_in=True, rows=200)
    monkeypatch.setitem(recipe.EXAMPLES, problem, 10)
    train, _, _ = recipe.load_data(problem, batch_size=4)
    inputs, _ = to_numpy(train)
    assert len(inputs) == 10
    again, _ = to_numpy(train)
    as_set = {example.tobytes() for example in inputs}
    assert as_set == {example.tobytes() for example in again}


COUNTS = {
    ("income", "logistic"): 3,
    ("map", "linear_svm"): 3,
    ("income", "mlp"): 4_417,
    ("photos", "logistic"): 3_073,
    ("photos", "linear_svm"): 3_073,
    ("photos", "cnn"): 15_713,
}


@pytest.mark.parametrize(("kind", "count"), COUNTS.items())
def test_parameters(kind, count):
    train = tf.data.Dataset.from_tensor_slices(blobs(20, 0)).batch(10)
    assert recipe.build_model(*kind, train=train).count_params() == count


def test_logistic_regression_is_scikit_learns():
    """With the penalty as in `LogisticRegression`: λ Σ w² per example is C = 1 / (2 λ n)."""
    inputs, labels = blobs(200, 1)
    scaled = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    train = tf.data.Dataset.from_tensor_slices((inputs, labels[:, None])).batch(200)
    model = recipe.build_model(weight_decay=0.01, learning_rate=0.1, steps=400, train=train)
    model.fit(train.repeat(400), shuffle=False, verbose=0)
    expected = LogisticRegression(C=1 / (2 * 0.01 * 200), tol=1e-8).fit(scaled, labels)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], expected.coef_[0], atol=0.01)
    np.testing.assert_allclose(bias, expected.intercept_, atol=0.01)


def test_hinge_loss_of_labels_0_and_1():
    """max(0, 1 − d s), d = ±1: 0 beyond the margin, also for wrong signs by their distance."""
    train = tf.data.Dataset.from_tensor_slices(blobs(20, 0)).batch(10)
    model = recipe.build_model(network="linear_svm", train=train)
    labels = np.array([[1.0], [1.0], [0.0], [0.0]])
    scores = np.array([[2.0], [0.25], [-3.0], [0.5]])
    loss = keras.losses.get(model.loss)
    assert np.mean([0, 0.75, 0, 1.5]) == pytest.approx(float(np.mean(loss(labels, scores))))


def test_numbers_are_normalized_as_in_training():
    inputs, labels = blobs(50, 2)
    train = tf.data.Dataset.from_tensor_slices((100 + 7 * inputs, labels[:, None])).batch(50)
    model = recipe.build_model(train=train)
    normalize = keras.Model(model.input, model.layers[1].output)
    numbers = np.asarray(normalize(100 + 7 * inputs))
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(numbers.std(axis=0), 1, atol=1e-3)


def test_noise_misleads_nearest_neighbors_most():
    """P38."""
    found = figures.accuracies_with_noise(blobs(300, 3), blobs(1000, 4), counts=(0, 64))
    lost = {name: before - after for name, (before, after) in found.items()}
    assert lost["15 nearest neighbors"] > 0.1
    assert lost["logistic regression"] < lost["15 nearest neighbors"] / 2
    assert lost["gradient boosting"] < lost["15 nearest neighbors"] / 2


def test_noise_is_appended_and_new_for_the_test_set():
    inputs = np.ones((50, 2), "float32")
    more = figures.with_noise(inputs, 3, seed=1)
    assert more.shape == (50, 5)
    np.testing.assert_array_equal(more[:, :2], inputs)
    assert not np.allclose(more, figures.with_noise(inputs, 3, seed=2))


def test_components_lose_what_varies_little():
    """P38: the class is in a direction of small variance, which is not among the first two."""
    inputs, labels = blobs(400, 5)
    wide = rng.normal(scale=10, size=(400, 2))
    inputs = np.concatenate([wide, inputs], axis=1)
    half = (inputs[:200], labels[:200]), (inputs[200:], labels[200:])
    found = figures.accuracies_of_components(*half, counts=(2, 4))
    assert max(few for few, _ in found.values()) < 0.6
    assert found["gradient boosting"][1] > 0.7


def test_titles_name_the_best_and_its_lead():
    accuracies = {"logistic regression": 0.61, "CNN": 0.75, "gradient boosting": 0.66}
    assert figures.lead(accuracies) == "CNN, +14.0 points"
    assert figures.lead({"CNN": 0.75}) == "CNN, +0.0 points"


@pytest.mark.usefixtures("loaded_once")
def test_figures_of_some_networks(monkeypatch):
    """Each problem is drawn with the networks that there are."""
    data.choose(["california_housing", "cifar10"], stand_in=True, rows=200)
    monkeypatch.setattr(recipe, "TREES", 3)
    thresholds = []

    def decision_boundary(axis, score, x, y, threshold):
        assert score(np.zeros((3, 2), "float32")).shape == (3,)
        thresholds.append(threshold)

    monkeypatch.setattr(figures.plots, "decision_boundary", decision_boundary)
    models = {}
    for name in ("income_svm", "map_mlp"):
        models[name] = recipe.build_model(**recipe.VARIANTS[name])
    drawn = figures.figures(models, None, {})
    assert set(drawn) == {"accuracies", "boundaries"}
    titles = [axis.get_title() for axis in drawn["boundaries"].axes]
    assert [title.partition(":")[0] for title in titles] == [
        *("linear SVM", "15 nearest neighbors", "gradient boosting"),
        *("MLP", "15 nearest neighbors", "gradient boosting"),
    ]
    assert thresholds == [0, 0.5, 0.5, 0.5, 0.5, 0.5]  # the SVM decides at 0
    # The network's own accuracy is in its title.
    _, _, test = recipe.load_data("map")
    accuracy = models["map_mlp"].evaluate(test, verbose=0, return_dict=True)["accuracy"]
    assert titles[3] == f"MLP: {accuracy:.1%}".replace("%", " %")
    figures.plt.close("all")
