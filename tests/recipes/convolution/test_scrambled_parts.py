"""Faces, other parts and scrambled faces are what they should be; what commutes with a shift."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.convolution import scrambled_parts as recipe


def test_parts_differ_and_fit_into_their_slots():
    parts = recipe.render_parts()
    assert parts.shape == (recipe.KINDS, 9, 9)
    for first in range(recipe.KINDS):
        for second in range(first):
            assert np.abs(parts[first] - parts[second]).sum() > 10
    np.testing.assert_array_equal(parts[3], parts[1][::-1])
    # With all jitter, parts of 9 × 9 do not touch each other or the border.
    distances = [
        np.abs(one - other).max()
        for index, one in enumerate(recipe.SLOTS)
        for other in recipe.SLOTS[:index]
    ]
    assert min(distances) - 2 >= 9
    assert recipe.SLOTS.min() - 3 - 4 >= 7
    assert recipe.SLOTS.max() + 3 + 4 < recipe.SIDE


def test_kinds_of_images():
    rng = np.random.default_rng(0)
    face = sorted(recipe.FACE)
    fitting = []
    for _ in range(300):
        kinds = recipe.other_parts(rng)
        assert sorted(kinds) != face
        fitting.append(sum(a == b for a, b in zip(kinds, recipe.FACE, strict=True)))
        kinds = recipe.scrambled(rng)
        assert sorted(kinds) == face
        assert kinds != recipe.FACE
    assert np.mean(np.array(fitting) == 3) > 0.4


def test_images_show_their_parts(monkeypatch):
    monkeypatch.setattr(recipe, "NOISE", 0)
    rng = np.random.default_rng(1)
    parts = recipe.render_parts()
    for kinds in (recipe.FACE, [2, 4, 0, 3]):
        image = recipe.render(kinds, rng)
        for kind, (row, column) in zip(kinds, recipe.SLOTS, strict=True):
            window = image[row - 7 : row + 8, column - 7 : column + 8]
            matches = []
            for part in parts:
                scores = keras.ops.conv(window[None, :, :, None], part[:, :, None, None])
                matches.append(np.max(scores) / np.sqrt(part.sum()))
            assert np.argmax(matches) == kind


def test_sets_are_balanced():
    images, labels = recipe.sample_images(40, seed=0)
    assert images.shape == (40, recipe.SIDE, recipe.SIDE, 1)
    assert labels.shape == (40, 1)
    assert labels.mean() == 0.5
    assert recipe.sample_scrambled(3).shape == (3, recipe.SIDE, recipe.SIDE, 1)


def test_share_of_scrambled_faces_taken_for_faces(monkeypatch):
    monkeypatch.setattr(recipe, "sample_scrambled", lambda count: np.arange(count)[:, None])

    def model(images, training):
        return (images < 50) * 0.9

    assert recipe.further_scores(model, None, None) == {"scrambled_as_face": 0.2}


def test_convolution_commutes_with_every_shift_pooling_with_even_ones():
    keras.utils.set_random_seed(0)
    images, _ = recipe.sample_images(6, seed=0)
    layers = recipe.build_model().layers
    for shift in (1, 2, 3, 4):
        assert recipe.shift_difference(layers[:1], images, shift) < 1e-5
        pooled = recipe.shift_difference(layers[:2], images, shift)
        assert (pooled < 1e-5) == (shift % 2 == 0)


def test_with_global_pooling_the_order_of_distant_parts_cannot_matter():
    """What no unit sees at once is counted: exchanged halves of an image give the same answer."""
    keras.utils.set_random_seed(0)
    image = np.zeros((1, recipe.SIDE, recipe.SIDE, 1), "float32")
    parts = recipe.render_parts()
    image[0, 12:21, 12:21, 0] = parts[0]
    image[0, 36:45, 32:41, 0] = parts[2]
    exchanged = np.zeros_like(image)
    exchanged[0, 12:21, 12:21, 0] = parts[2]
    exchanged[0, 36:45, 32:41, 0] = parts[0]
    answers = {}
    for name, arguments in recipe.VARIANTS.items():
        model = recipe.build_model(**arguments)
        both = recipe.face_probabilities(model, np.concatenate([image, exchanged]))
        answers[name] = abs(both[0] - both[1])
    assert answers["global_pooling"] < 1e-6
    assert answers["flatten"] > 1e-4


@pytest.mark.parametrize(("head", "count"), [("global_pooling", 6_273), ("flatten", 171_009)])
def test_parameters(head, count):
    assert recipe.build_model(head=head).count_params() == count


def test_baseline_learns_from_the_images_that_it_says_in_whatever_batches(monkeypatch):
    seen = []

    class Classifier:
        def __init__(self, **_):
            pass

        def fit(self, pixels, labels):
            seen.append(len(pixels))
            return self

        def score(self, pixels, labels):
            return 0.5

    monkeypatch.setattr(recipe, "LogisticRegression", Classifier)
    images = np.zeros((1500, 1, 1, 1), "uint8")
    train = tf.data.Dataset.from_tensor_slices((images, images[:, 0, 0])).batch(64)
    recipe.baseline(train, train)
    assert seen == [1000]
    assert "1,000 images" in recipe.baseline.__doc__
