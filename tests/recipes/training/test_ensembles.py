"""The mean against its members, samples in and out of the bag, and that the members learn apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.training import ensembles as recipe

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 10, 400)
IMAGES = (90 * rng.random((400, 28, 28, 1))).astype("uint8")
IMAGES[np.arange(400), 2 * LABELS + 4] += (
    40  # a row a little brighter than the noise tells the class
)


def targets(labels):
    return {"ensemble": labels, "members": np.repeat(labels[:, None], recipe.MEMBERS, axis=1)}


@pytest.fixture(scope="module")
def bagged():
    """Nine networks on samples of their own, of 200 images; and the training set with its weights."""
    keras.utils.set_random_seed(0)
    weights = {"ensemble": np.ones(200, "float32"), "members": recipe.draw(200)}
    train = tf.data.Dataset.from_tensor_slices(
        (IMAGES[:200], targets(LABELS[:200]), weights)
    ).batch(20)
    model = recipe.build_model("bagging", units=16)
    model.fit(train, epochs=10, verbose=0)
    return model, train


def test_the_ensemble_is_the_mean_of_its_members(bagged):
    answers = bagged[0].predict_on_batch(IMAGES)
    assert answers["members"].shape == (400, recipe.MEMBERS, 10)
    np.testing.assert_allclose(answers["ensemble"], answers["members"].mean(axis=1), atol=1e-6)


def test_the_mean_is_better_than_its_members_on_average(bagged):
    scores = bagged[0].evaluate(IMAGES[200:], targets(LABELS[200:]), verbose=0, return_dict=True)
    assert scores["ensemble_crossentropy"] < scores["members_crossentropy"]  # a law: −log is convex
    assert scores["ensemble_accuracy"] > scores["members_accuracy"] + 0.02  # no law, but so here
    members = bagged[0].predict_on_batch(IMAGES[200:])["members"].argmax(axis=-1)
    assert scores["members_accuracy"] == pytest.approx(
        np.mean(members == LABELS[200:, None]), abs=1e-6
    )


def test_errors_fall_with_the_number_of_members(bagged):
    members = bagged[0].predict_on_batch(IMAGES[200:])["members"]
    errors = recipe.errors_by_size(members, LABELS[200:]).mean(axis=1)
    assert errors[0] > errors[2] > errors[-1]
    assert errors[-1] == pytest.approx(
        np.mean(members.mean(axis=1).argmax(axis=-1) != LABELS[200:]), abs=0.006
    )


def test_samples_leave_out_37_percent():
    drawn = recipe.draw(6000)
    assert drawn.shape == (6000, recipe.MEMBERS)
    assert (drawn.sum(axis=0) == 6000).all()
    assert np.mean(drawn == 0, axis=0) == pytest.approx(np.exp(-1), abs=0.02)
    assert not np.array_equal(drawn[:, 0], drawn[:, 1])


def test_out_of_bag_asks_only_members_that_have_not_seen_the_image(bagged):
    model, train = bagged
    error, judges = recipe.out_of_bag(model, train)
    drawn = recipe.draw(200)
    members = model.predict_on_batch(IMAGES[:200])["members"]
    wrong = [
        members[index][drawn[index] == 0].mean(axis=0).argmax() != LABELS[index]
        for index in range(200)
        if (drawn[index] == 0).any()
    ]
    assert error == pytest.approx(np.mean(wrong))
    assert judges == pytest.approx(recipe.MEMBERS / np.e, abs=0.3)
    seen = model.evaluate(IMAGES[:200], targets(LABELS[:200]), verbose=0, return_dict=True)[
        "ensemble_accuracy"
    ]
    assert error > 1 - seen + 0.05  # on what it has seen, the ensemble looks far better than it is


def test_a_member_learns_by_its_own_weights_only():
    keras.utils.set_random_seed(0)
    model = recipe.build_model("bagging", units=8)
    model.optimizer.learning_rate = 0.01

    def kernels():  # by number of units: hidden layers and outputs, each in the order of the members
        dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        return [
            [layer.get_weights()[0] for layer in dense if layer.units == units] for units in (8, 10)
        ]

    before = kernels()
    weights = {
        "ensemble": np.ones(20, "float32"),
        "members": np.zeros((20, recipe.MEMBERS), "float32"),
    }
    weights["members"][:, 4] = 1
    model.train_on_batch(IMAGES[:20], targets(LABELS[:20]), sample_weight=weights)
    for old, new in zip(before, kernels(), strict=True):
        moved = [not np.array_equal(*pair) for pair in zip(old, new, strict=True)]
        assert moved == [False] * 4 + [True] + [False] * 4


@pytest.mark.parametrize(
    ("kind", "parameters"), [("same", 458_010), ("bagging", 458_010), ("different", 534_330)]
)
def test_parameters(kind, parameters):
    assert recipe.build_model(kind).count_params() == parameters
