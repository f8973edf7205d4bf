"""What an untrained network of either head is worth, and that integer labels give the same loss."""

import keras
import numpy as np
import pytest

from recipes.heads import head_multiclass as recipe

rng = np.random.default_rng(0)
IMAGES = np.where(rng.random((64, 28, 28, 1)) < 0.2, 255, 0).astype("uint8")  # as dark as digits
LABELS = np.eye(10, dtype="float32")[rng.integers(0, 10, 64)]


@pytest.mark.parametrize(("head", "loss"), [("softmax", np.log(10)), ("sigmoids", np.log(2))])
def test_an_untrained_net_knows_nothing(head, loss):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(head=head)
    assert model.evaluate(IMAGES, LABELS, verbose=0)[0] == pytest.approx(loss, rel=0.1)


def test_softmax_sums_to_one_and_sigmoids_do_not():
    softmax = recipe.build_model(head="softmax").predict_on_batch(IMAGES)
    sigmoids = recipe.build_model(head="sigmoids").predict_on_batch(IMAGES)
    assert softmax.sum(axis=-1) == pytest.approx(np.ones(64), abs=1e-5)
    assert sigmoids.sum(axis=-1).mean() == pytest.approx(5, abs=1)


def test_integer_labels_give_the_same_loss():
    model = recipe.build_model()
    one_hot = model.evaluate(IMAGES, LABELS, verbose=0)[0]
    model.compile(loss="sparse_categorical_crossentropy")
    integers = model.evaluate(IMAGES, LABELS.argmax(axis=-1), verbose=0)[0]
    assert integers == pytest.approx(one_hot, rel=1e-6)


@pytest.mark.parametrize(
    ("head", "least"),
    [
        ("softmax", -0.91 * np.log(0.91) - 9 * 0.01 * np.log(0.01)),
        ("sigmoids", -0.95 * np.log(0.95) - 0.05 * np.log(0.05)),
    ],
)
def test_label_smoothing_leaves_a_loss_that_cannot_be_undercut(head, least):
    """Of 0.1: one-hot targets become 0.91 and 0.01, those of sigmoids 0.95 and 0.05."""
    loss = recipe.build_model(head=head, label_smoothing=0.1).loss
    smooth = LABELS * 0.9 + (0.01 if head == "softmax" else 0.05)
    assert float(loss(LABELS, smooth)) == pytest.approx(least, rel=1e-4)
    assert float(loss(LABELS, LABELS.clip(1e-4, 1 - 1e-4))) > least
