"""The mean against its members, bootstrap samples, and that the members learn apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.training import ensembles as recipe
from recipes.training.figures import ensembles as figures

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 10, 400)
IMAGES = (90 * rng.random((400, 28, 28, 1))).astype("uint8")
IMAGES[np.arange(400), 2 * LABELS + 4] += 40  # a row a little brighter than the noise: the class


def targets(labels):
    return {"ensemble": labels, "members": np.repeat(labels[:, None], recipe.MEMBERS, axis=1)}


@pytest.fixture(scope="module")
def bagged():
    """Nine networks on bootstrap samples of 200 images; and the training set with its weights."""
    keras.utils.set_random_seed(0)
    weights = {"ensemble": np.ones(200, "float32"), "members": recipe.bootstrap_counts(200)}
    train = (IMAGES[:200], targets(LABELS[:200]), weights)
    train = tf.data.Dataset.from_tensor_slices(train).batch(20)
    model = recipe.build_model("bagging", units=16)
    model.fit(train, epochs=10, verbose=0)
    return model, train


def test_the_ensemble_is_the_mean_of_its_members(bagged):
    answers = bagged[0].predict_on_batch(IMAGES)
    assert answers["members"].shape == (400, recipe.MEMBERS, 10)
    np.testing.assert_allclose(answers["ensemble"], answers["members"].mean(axis=1), atol=1e-6)


def test_the_mean_is_better_than_its_members_on_average(bagged):
    model, _ = bagged
    images, labels = IMAGES[200:], LABELS[200:]
    scores = model.evaluate(images, targets(labels), verbose=0, return_dict=True)
    assert scores["ensemble_crossentropy"] < scores["members_crossentropy"]  # a law: −log is convex
    assert scores["ensemble_accuracy"] > scores["members_accuracy"] + 0.02  # no law, but so here
    errors = figures.member_errors(model.predict_on_batch(images)["members"], labels)
    assert scores["members_accuracy"] == pytest.approx(1 - errors.mean(), abs=1e-6)


def test_members_differ_in_width_and_activation_and_the_middle_ones_have_the_units_asked_for():
    layers = recipe.hidden_layers("different", 64)
    assert len(set(layers)) == len(layers) == recipe.MEMBERS
    assert [units for units, _ in layers] == [32] * 3 + [64] * 3 + [128] * 3
    assert recipe.build_model("different").count_params() == 534_330


def test_bootstrap_samples_leave_out_37_percent():
    counts = recipe.bootstrap_counts(6000)
    assert counts.shape == (6000, recipe.MEMBERS)
    assert (counts.sum(axis=0) == 6000).all()
    assert np.mean(counts == 0, axis=0) == pytest.approx(np.exp(-1), abs=0.02)
    assert not np.array_equal(counts[:, 0], counts[:, 1])


def test_a_member_learns_by_its_own_weights_only():
    keras.utils.set_random_seed(0)
    model = recipe.build_model("bagging", units=8)
    model.optimizer.learning_rate = 0.01

    def kernels(units):
        """Of the layers with so many units, in the order of the members."""
        dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        return [layer.get_weights()[0] for layer in dense if layer.units == units]

    weights = {
        "ensemble": np.ones(20, "float32"),
        "members": np.zeros((20, recipe.MEMBERS), "float32"),
    }
    weights["members"][:, 4] = 1
    before = {units: kernels(units) for units in (8, 10)}  # hidden layers and outputs
    model.train_on_batch(IMAGES[:20], targets(LABELS[:20]), sample_weight=weights)
    for units, old in before.items():
        moved = [not np.array_equal(*pair) for pair in zip(old, kernels(units), strict=True)]
        assert moved == [False] * 4 + [True] + [False] * 4
