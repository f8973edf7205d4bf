"""P26, P27, P37: the SVM as a network of a fixed layer and a trained one, and its exact kernel."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics.pairwise import rbf_kernel

from recipes.perceptrons import svm as recipe
from recipes.perceptrons.figures import svm as figures

rng = np.random.default_rng(0)
IMAGES = (200 * rng.random((30, 28, 28, 1)) ** 5).astype("uint8")


def test_scalar_products_of_the_features_are_nearly_the_kernel():
    keras.utils.set_random_seed(0)
    model = recipe.build_model("random_features", waves=20_000)
    features = keras.Model(model.input, model.layers[-2].output)(IMAGES).numpy()
    exact = rbf_kernel(IMAGES.reshape(-1, 784) / 255, gamma=recipe.GAMMA)
    assert 0.3 < np.median(exact) < 0.9
    np.testing.assert_allclose(features @ features.T, exact, atol=0.04)


@pytest.mark.parametrize(("waves", "trained"), [(64, 1290), (400, 8010)])
def test_only_the_last_layer_of_random_features_is_trained(waves, trained):
    model = recipe.build_model("random_features", waves=waves)
    assert model.count_params() == 784 * waves + trained
    assert [weight.path for weight in model.trainable_weights] == [
        weight.path for weight in model.layers[-1].weights
    ]


def test_parameters_of_the_others():
    counts = {name: recipe.build_model(name).count_params() for name in ("linear", "mlp", "lenet")}
    assert counts == {"linear": 7850, "mlp": 62_020, "lenet": 61_706}


def test_the_hinge_loss_is_of_the_strongest_wrong_class():
    """Scores of 3 for the right class, 2.4 and −1 for others: 1 + 2.4 − 3 = 0.4 are missing."""
    scores = np.array([[3, 2.4, -1, *[0] * 7], [3, 1.9, -1, *[0] * 7]], "float32")
    labels = np.eye(10, dtype="float32")[[0, 0]]
    loss = keras.losses.get(recipe.build_model("linear").loss)
    np.testing.assert_allclose(loss(labels, scores), [0.4, 0], rtol=1e-5)


def test_weight_decay_is_of_the_svms_alone():
    counts = {name: len(recipe.build_model(name).losses) for name in ("linear", "mlp", "lenet")}
    assert counts == {"linear": 1, "mlp": 0, "lenet": 0}


def test_the_same_images_for_all_and_no_more(monkeypatch):
    images = tf.data.Dataset.range(60).map(lambda number: (tf.fill((28, 28, 1), number), number))
    monkeypatch.setattr(recipe.tfds, "load", lambda *_, **__: (images, images, images))
    monkeypatch.setattr(recipe, "IMAGES", 50)
    train, _, _ = recipe.load_data(batch_size=10)
    seen = np.concatenate([numbers[:, 0, 0, 0] for numbers, _ in train.as_numpy_iterator()])
    assert sorted(seen) == list(range(50))


def test_the_picture_names_the_least_error_and_has_the_waves_in_order():
    names = list(recipe.VARIANTS)
    errors = dict(zip(names, [0.1, 0.2, 0.09, 0.05, 0.06, 0.03], strict=True))
    trained = dict(zip(names, [7850, 1290, 8010, 50_010, 62_020, 61_706], strict=True))
    figure, (left, right) = figures.plt.subplots(1, 2)
    figures.plot_parameters(left, errors, trained)
    figures.plot_waves(right, errors, exact=0.04)
    assert left.get_title().endswith("least error, LeNet")
    (line, kernel) = right.lines
    np.testing.assert_allclose(line.get_xydata(), [[64, 0.2], [400, 0.09], [2500, 0.05]])
    assert kernel.get_ydata()[0] == 0.04
    figures.plt.close(figure)
