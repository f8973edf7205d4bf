"""The drawings, and the network for pictures. The X's own maps are in test_worked_numbers.py."""

import keras
import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from recipes.convolution import x_image as recipe


def test_patterns():
    assert recipe.DIAGONAL.tolist() == [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    assert recipe.CROSS.tolist() == [[1, -1, 1], [-1, 1, -1], [1, -1, 1]]
    assert recipe.PATTERNS[:, :, 2].tolist() == [[-1, -1, 1], [-1, 1, -1], [1, -1, -1]]
    assert recipe.X.sum() == 13 - (81 - 13)


def test_drawings():
    images, labels = recipe.drawings(1000, seed=5)
    assert images.shape == (1000, 15, 15, 1)
    assert labels.shape == (1000, 1)
    assert set(labels.ravel()) == {0.0, 1.0}
    assert 0.45 < labels.mean() < 0.55
    again, _ = recipe.drawings(1000, seed=5)
    np.testing.assert_array_equal(images, again)


def picture(name, height, width, box, line):
    """A dark X or O (height, width, 1) on light paper, in a box: left, top, right, bottom."""
    image = PIL.Image.new("L", (width, height), 230)
    pen = PIL.ImageDraw.Draw(image)
    left, top, right, bottom = box
    if name == "O":
        pen.ellipse(box, outline=30, width=line)
    else:
        pen.line((left, top, right, bottom), fill=30, width=line)
        pen.line((left, bottom, right, top), fill=30, width=line)
    return np.array(image, "float32")[:, :, None]


PICTURES = [
    (100, 100, (10, 10, 90, 90), 10),
    (100, 160, (90, 40, 140, 85), 6),  # small, at the side
    (600, 400, (50, 150, 350, 500), 40),
    (28, 28, (6, 5, 21, 22), 2),
]


@pytest.mark.parametrize("name", recipe.CLASSES)
@pytest.mark.parametrize("arguments", PICTURES)
def test_pictures_become_drawings_like_those_it_has_learned_from(name, arguments):
    """−1 around, 1 on the strongest of the strokes, which are within 5 pixels of the middle."""
    inputs = keras.Input((15, 15, 1))
    deployed = recipe.deployed(keras.Model(inputs, keras.layers.Identity()(inputs)))
    dark = picture(name, *arguments)
    prepared = np.asarray(deployed(np.stack([dark, 255 - dark])))[..., 0]
    np.testing.assert_allclose(prepared[0], prepared[1], atol=0.1)
    np.testing.assert_allclose(prepared.max(axis=(1, 2)), 1, atol=1e-6)
    rows, columns = np.nonzero(prepared[0] > -0.5)
    for places in (rows, columns):
        assert 2 <= places.min() < 7 < places.max() <= 11
    for side in (prepared[0][:2], prepared[0][-2:], prepared[0].T[:2], prepared[0].T[-2:]):
        assert (side == -1).all()


def test_a_blank_picture_has_no_strokes():
    inputs = keras.Input((15, 15, 1))
    deployed = recipe.deployed(keras.Model(inputs, keras.layers.Identity()(inputs)))
    assert (np.asarray(deployed(np.full((1, 60, 80, 1), 200.0))) == -1).all()


@pytest.mark.slow
def test_learns_what_a_linear_classifier_cannot():
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model()
    model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    assert model.evaluate(validation, verbose=0, return_dict=True)["accuracy"] > 0.98
    assert recipe.baseline(train, validation)["accuracy"] < 0.85
    deployed = recipe.deployed(model)
    for label, name in enumerate(recipe.CLASSES):
        for arguments in PICTURES:
            dark = picture(name, *arguments)
            probabilities = np.asarray(deployed(np.stack([dark, 255 - dark])))
            assert ((probabilities > 0.5) == label).all(), (name, arguments)
