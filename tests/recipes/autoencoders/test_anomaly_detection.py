"""E17: labels, the threshold, scores by hand; a trained network tells normal digits from others."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from layers.digits import CenterDigit
from recipes._runner import data
from recipes.autoencoders import anomaly_detection as recipe
from recipes.common.arrays import to_numpy
from tests.layers.test_digits import FOUR, drawn, photographed


@pytest.fixture
def digits(monkeypatch):
    """The 8 × 8 digits, enlarged, in place of MNIST: the images of each split, and their digits."""
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8) * 15.9375
    images = np.pad(np.kron(images, np.ones((3, 3))), ((0, 0), (2, 2), (2, 2)))[..., None]
    parts = list(
        zip(
            np.split(images.astype("uint8"), [1100, 1400]),
            np.split(labels, [1100, 1400]),
            strict=True,
        )
    )
    sets = [tf.data.Dataset.from_tensor_slices(part) for part in parts]
    monkeypatch.setattr(recipe.tfds, "load", lambda name, split, as_supervised: sets)
    return parts


@pytest.mark.parametrize("left_out", [False, True])
def test_only_the_test_set_has_anomalies(digits, left_out):
    sets = recipe.load_data(digit=3, left_out=left_out)
    train, validation, test = (to_numpy(part) for part in sets)
    for (images, labels), (_, known) in zip((train, validation), digits, strict=False):
        assert not labels.any()
        assert len(images) == np.sum((known == 3) != left_out)
    np.testing.assert_array_equal(test[0], digits[2][0])
    np.testing.assert_array_equal(test[1][:, 0] == 1, (digits[2][1] == 3) == left_out)


def test_at_most_so_many_training_images(digits, monkeypatch):
    monkeypatch.setattr(recipe, "MOST", 50)
    train, validation, _ = recipe.load_data(left_out=True)
    assert len(to_numpy(train)[0]) == 50
    assert len(to_numpy(validation)[0]) > 50


def test_the_output_is_the_error_of_the_reconstruction():
    model = recipe.build_model(width=8, code=2)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), "uint8")
    layer = model.get_layer("reconstruction")
    reconstructions = keras.Model(model.input, layer.output).predict(images, verbose=0)
    expected = np.mean((reconstructions - images.reshape(5, -1) / 255) ** 2, axis=1)
    np.testing.assert_allclose(model.predict(images, verbose=0)[:, 0], expected, rtol=1e-5)


def test_percentile_of_normal_errors_over_batches():
    rng = np.random.default_rng(0)
    errors = rng.lognormal(-4, 0.5, 3000).astype("float32")
    labels = rng.integers(0, 2, 3000).astype("float32")
    errors[labels == 1] *= 5
    percentile, mean = recipe.NormalPercentile(), recipe.NormalError()
    for part in np.split(np.arange(3000), [700, 1500]):
        percentile.update_state(labels[part, None], errors[part, None])
        mean.update_state(labels[part, None], errors[part, None])
    normal = errors[labels == 0]
    assert float(percentile.result()) == pytest.approx(np.percentile(normal, 95), rel=0.02)
    assert float(mean.result()) == pytest.approx(normal.mean(), rel=1e-5)
    percentile.reset_state()
    percentile.update_state(np.zeros((1, 1), "float32"), np.full((1, 1), 0.5, "float32"))
    assert float(percentile.result()) == pytest.approx(0.5, rel=0.01)


def test_scores_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1])
    errors = np.array([1, 2, 3, 5, 4, 6])
    scores = recipe.detection_scores(labels, errors, threshold=3.5)
    # Of the eight pairs of an anomaly and a normal image, one is in the wrong order.
    assert scores == {"auc": 7 / 8, "precision": 2 / 3, "recall": 1.0, "false_alarms": 1 / 4}


def test_errors_of_pca_with_all_components_are_zero():
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1), "uint8")
    known, other = recipe.pca_errors(images, 255 - images)
    assert known.max() < 1e-6
    assert other.min() > 0.01


@pytest.fixture
def trained(digits):
    """A network trained on 3s, with its test set and history."""
    keras.utils.set_random_seed(0)
    train, validation, test = recipe.load_data(batch_size=16, digit=3)
    model = recipe.build_model()
    history = model.fit(
        train,
        validation_data=validation,
        epochs=10,
        shuffle=False,
        verbose=0,
        callbacks=recipe.callbacks(),
    )
    return model, train, validation, test, history.history


def test_trained_on_one_digit_it_reconstructs_others_worse(trained, tmp_path):
    model, train, validation, test, history = trained
    scores = recipe.further_scores(model, test, history)
    assert scores["auc"] > 0.9
    assert scores["recall"] > 0.5
    # The threshold is the percentile of the last validation, on normal images only.
    errors = model.predict(to_numpy(validation)[0], verbose=0)[:, 0]
    threshold = float(model.get_layer("error").threshold)
    assert threshold == pytest.approx(history["val_percentile"][-1])
    assert np.mean(errors <= threshold) == pytest.approx(0.95, abs=0.04)
    assert set(recipe.baseline(train, test)) == {"mse", *scores}
    # It is saved with the network.
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert float(again.get_layer("error").threshold) == threshold


def test_without_validation_the_training_set_gives_the_threshold(digits):
    train, _, _ = recipe.load_data()
    model = recipe.build_model(width=8, code=2)
    assert np.isinf(model.get_layer("error").threshold)
    history = model.fit(train, epochs=1, shuffle=False, verbose=0, callbacks=recipe.callbacks())
    threshold = float(model.get_layer("error").threshold)
    assert threshold == pytest.approx(history.history["percentile"][0])


def test_deployed_says_what_is_unlike_the_normal_images(trained, tmp_path):
    model = trained[0]
    recipe.deployed(model).save(tmp_path / "deployed.keras")
    deployed = keras.saving.load_model(tmp_path / "deployed.keras")
    threshold = float(model.get_layer("error").threshold)

    photograph = photographed(drawn(FOUR))[None, ..., None]
    answer = deployed(photograph, training=False)
    error = model(CenterDigit()(photograph))
    np.testing.assert_allclose(answer["error"], error, rtol=1e-4)
    assert answer["unlike"].shape == (1,)
    assert float(answer["unlike"][0]) >= min(float(error[0, 0]) / threshold / 2, 1) - 1e-4
    # An empty page is easy to reconstruct, but no digit.
    assert deployed(np.full_like(photograph, 230), training=False)["unlike"][0] > 0.5


@pytest.mark.slow
@pytest.mark.real_data
def test_mean_area_over_the_ten_digits_of_mnist():
    if data.choose(["mnist"]) != {"mnist": "real"}:
        pytest.skip("not prepared")
    areas = []
    for digit in range(10):
        keras.utils.set_random_seed(0)
        train, _, test = recipe.load_data(digit=digit)
        model = recipe.build_model()
        model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
        images, labels = to_numpy(test)
        errors = model.predict(images, batch_size=1000, verbose=0)
        areas.append(roc_auc_score(labels[:, 0], errors[:, 0]))
    print("Area under the ROC curve, by digit:", np.round(areas, 3), "mean:", np.mean(areas))
    assert np.mean(areas) > 0.9
