"""A weight of the rare class is a moved threshold; what is rare; what the pictures count."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import precision_score, recall_score

from recipes.training import imbalanced as recipe
from recipes.training.figures import imbalanced as figures


def table(rows=60):
    """Rows of 15 numbers with gaps, of which a sixth are of the rare class."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, 15)).astype("float32")
    features[rng.random(features.shape) < 0.1] = np.nan
    return features, (np.arange(rows) % 6 == 0).astype("int32")


def batches(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(20)


def test_what_costs_as_much_as_the_scale_has_is_rare():
    names = "longitude latitude housing_median_age median_income total_rooms total_bedrooms"
    names += " population households"
    district = {name: tf.constant(2.0) for name in names.split()}
    district["ocean_proximity"] = tf.constant(3, "int64")
    for price, label in ((500_001.0, 1), (500_000.0, 1), (499_900.0, 0), (90_000.0, 0)):
        given = district | {"median_house_value": tf.constant(price)}
        features, rare = recipe.features_and_label(given)
        assert rare == label
        assert features.shape == (15,)
    assert features.numpy()[-5:].tolist() == [0, 0, 0, 1, 0]


def test_weights_of_examples_are_class_weights():
    features, labels = table()
    plain = batches(features, labels)
    weighted = batches(features, labels, np.where(labels == 1, 20, 1).astype("float32"))
    trained = []
    for data, arguments in ((weighted, {}), (plain, {"class_weight": {0: 1, 1: 20}})):
        keras.utils.set_random_seed(0)
        model = recipe.build_model(train=data, steps=6, units=4)
        model.run_eagerly = True
        model.fit(data, epochs=2, shuffle=False, verbose=0, **arguments)
        trained.append(model.get_weights())
    for ours, others in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, others, rtol=1e-5, atol=1e-6)


def test_weights_are_those_of_load_data(monkeypatch):
    district = {"rare": tf.constant([0, 1, 0, 1])}
    data = tf.data.Dataset.from_tensor_slices(district)
    monkeypatch.setattr(recipe.tfds, "load", lambda name, split: [data] * 3)
    monkeypatch.setattr(recipe, "features_and_label", lambda row: (tf.zeros(15), row["rare"]))
    train, _, test = recipe.load_data(batch_size=4, weight=7)
    _, labels, weights = next(iter(train))
    assert weights.numpy().tolist() == [7 if label else 1 for label in labels]
    assert len(next(iter(test))) == 2
    train, _, _ = recipe.load_data(batch_size=4)
    assert len(next(iter(train))) == 2


def test_a_weight_decides_as_a_moved_threshold():
    true = np.linspace(0.001, 0.999, 500)
    weight = recipe.WEIGHT
    learned = weight * true / (weight * true + 1 - true)  # what minimizes the weighted loss
    moved = recipe.VARIANTS["moved_threshold"]["threshold"]
    np.testing.assert_array_equal(learned > 0.5, true > moved)
    np.testing.assert_allclose(figures.corrected(learned, weight), true)


@pytest.mark.parametrize("threshold", [0.5, 1 / 21])
def test_metrics_call_rare_what_is_above_the_threshold(threshold):
    features, labels = table()
    data = batches(features, labels)
    model = recipe.build_model(threshold, train=data, units=4)
    model.run_eagerly = True
    scores = model.evaluate(data, return_dict=True, verbose=0)
    outputs = model.predict_on_batch(features)[:, 0]
    called = outputs > threshold
    assert called.any()
    assert scores["recall"] == pytest.approx(recall_score(labels, called))
    assert scores["precision"] == pytest.approx(precision_score(labels, called))
    assert scores["accuracy"] == pytest.approx(np.mean(called == labels))
    both = figures.recall_and_precision(labels, outputs, threshold)
    assert both == pytest.approx((scores["recall"], scores["precision"]))


def test_nothing_that_is_called_rare_has_no_precision():
    recall, precision = figures.recall_and_precision(np.array([0, 1]), np.array([0.1, 0.2]), 0.5)
    assert recall == 0
    assert np.isnan(precision)


def test_calibration_by_hand():
    outputs = np.array([0.1] * 10 + [0.3] * 9 + [0.7] * 20)
    labels = np.array([1] + [0] * 9 + [1] * 9 + [1] * 15 + [0] * 5)
    means, shares = figures.calibration(labels, outputs, np.linspace(0, 1, 6))
    np.testing.assert_allclose(means, [0.1, 0.7])  # the bin of nine examples says nothing
    np.testing.assert_allclose(shares, [0.1, 0.75])
