"""Two heads on one trunk, with targets that mean what they say; confusions by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.cnn_architectures import cnn_cifar100 as recipe
from recipes.cnn_architectures.figures import cnn_cifar100 as figures
from recipes.datasets import cifar100

MAPLE, OAK = (cifar100.CLASSES.index(name) for name in ("maple_tree", "oak_tree"))
TREES = list(cifar100.SUPERCLASSES).index("trees")


def test_labels_are_counted_as_in_the_published_files():
    """Some pairs of the official list, which is in the order of the alphabet."""
    superclasses = cifar100.superclass_labels()
    assert sorted(cifar100.SUPERCLASSES) == list(cifar100.SUPERCLASSES)
    known = {0: 4, 1: 1, 2: 14, 19: 11, 47: 17, 52: 17, 81: 19, 99: 13}
    assert {label: superclasses[label] for label in known} == known
    assert np.bincount(superclasses).tolist() == [5] * 20


def test_each_head_has_its_target():
    example = {"image": "image", "label": MAPLE, "coarse_label": TREES, "id": "train_00000"}
    assert recipe.image_and_labels(example) == ("image", {"fine": MAPLE, "coarse": TREES})


def test_loss_is_the_weighted_sum_of_both():
    model = recipe.build_model(filters=2, coarse_weight=0.25)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3))
    targets = {"fine": np.array([1, 2, 99]), "coarse": np.array([0, 19, 5])}
    answers = model(images)
    scores = model.test_on_batch(images, targets, return_dict=True)
    losses = {}
    for name, target in targets.items():
        losses[name] = -np.mean(np.log(np.asarray(answers[name])[np.arange(3), target]))
        assert scores[f"{name}_loss"] == pytest.approx(losses[name], rel=1e-4)
    assert scores["loss"] == pytest.approx(losses["fine"] + 0.25 * losses["coarse"], rel=1e-4)


def test_both_heads_teach_the_same_convolutions():
    model = recipe.build_model(filters=2)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("float32")
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    for name in ("fine", "coarse"):
        with tf.GradientTape() as tape:
            probability = model(images, training=True)[name][:, 0]
        assert np.abs(tape.gradient(probability, first.kernel.value)).max() > 0


def test_what_is_deployed_is_the_fine_head():
    model = recipe.build_model(filters=2)
    images = np.zeros((1, 32, 32, 3))
    np.testing.assert_array_equal(recipe.deployed(model)(images), model(images)["fine"])


def test_baseline_answers_both_questions():
    """Two colors for two classes; if the third is taken for the second, the superclass is right."""
    classes = [0, MAPLE, OAK]
    colors = np.array([[250, 0, 0], [0, 250, 0], [0, 240, 0]])
    superclasses = np.array(cifar100.superclass_labels())

    def batches(which):
        fine = np.repeat([classes[index] for index in which], 20)
        images = np.repeat(colors[which], 20, axis=0)[:, None, None]
        images = np.broadcast_to(images, (len(fine), 2, 2, 3)).astype("uint8")
        targets = {"fine": fine, "coarse": superclasses[fine]}
        return tf.data.Dataset.from_tensor_slices((images, targets)).batch(20)

    scores = recipe.baseline(batches([0, 1]), batches([0, 2]))
    assert scores == {"fine_accuracy": 0.5, "coarse_accuracy": 1.0}


def test_confusions_by_hand():
    true = np.array([MAPLE, MAPLE, MAPLE, OAK, 0])
    found = np.array([MAPLE, OAK, 0, OAK, OAK])
    shares = figures.confusion(true, found)
    np.testing.assert_allclose(shares[MAPLE, [MAPLE, OAK, 0]], 1 / 3)
    assert shares[OAK, OAK] == shares[0, OAK] == 1
    assert not shares[1].any()
    trees = figures.confusion_within(shares)[TREES]
    np.testing.assert_allclose(trees[:2, :2], [[1 / 3, 1 / 3], [0, 1]])
    assert figures.mistakes_within(true, found) == pytest.approx(1 / 3)
    assert figures.mistakes_within(true, true) == 0


def test_shapes_that_both_heads_share_are_read_from_the_network():
    expected = [(32, 32, 3), (16, 16, 12), (16, 16, 24), (8, 8, 24), (8, 8, 48), (4, 4, 48)]
    assert figures.shared_shapes(recipe.build_model(filters=24)) == expected
