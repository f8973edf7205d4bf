import keras
import numpy as np
import pytest
from keras import ops

from layers.random_affine import RandomAffine
from tests.layers.conformance import check_layer

ALL = {
    "rotation": 10,
    "scale": 0.1,
    "shear": 0.1,
    "translation": 2.0,
    "horizontal_flip": True,
    "seed": 3,
}
NO_XLA = "TensorFlow has no XLA kernel for ImageProjectiveTransformV3"


def affine(layer, images, training=True):
    return ops.convert_to_numpy(layer(images, training=training))


def test_conformance():
    check_layer(
        RandomAffine,
        {**ALL, "fill_mode": "reflect", "interpolation": "bilinear"},
        (3, 8, 6, 2),
        reference=lambda x, weights: x,
        parameters=0,
        random=True,
        jit_compile=keras.backend.backend() != "tensorflow",
        why=NO_XLA,
        bad_arguments=[
            {"rotation": -1},
            {"rotation": 181},
            {"scale": 1},
            {"shear": 2},
            {"translation": -2},
            {"fill_mode": "mirror"},
            {"interpolation": "cubic"},
        ],
        bad_shapes=[(2, 8, 8), (2, 8)],
    )


def test_each_image_has_its_own_draw_and_the_next_call_another():
    image = np.random.default_rng(0).random((1, 12, 12, 1)).astype("float32")
    layer = RandomAffine(**ALL)
    first, second = (
        affine(layer, np.repeat(image, 4, axis=0)),
        affine(layer, np.repeat(image, 4, axis=0)),
    )
    assert len({f.tobytes() for f in [*first, *second]}) == 8


def test_the_flip_mirrors_exactly_about_half_of_the_images():
    images = np.random.default_rng(0).random((200, 5, 6, 1)).astype("float32")
    flipped = affine(RandomAffine(horizontal_flip=True, seed=1), images)
    mirrored = np.array(
        [np.allclose(f, i[:, ::-1], atol=1e-5) for f, i in zip(flipped, images, strict=True)]
    )
    same = np.array([np.allclose(f, i, atol=1e-5) for f, i in zip(flipped, images, strict=True)])
    assert np.all(mirrored ^ same)
    assert 70 < mirrored.sum() < 130


@pytest.mark.parametrize(("height", "width"), [(9, 9), (8, 11)])
def test_the_center_stays_unless_shifted(height, width):
    """The map is about the center: turning, scaling and shearing leave its coordinates alone."""
    layer = RandomAffine(rotation=180, scale=0.5, shear=0.5, horizontal_flip=True, seed=2)
    a, b, x, c, d, y, *_ = ops.convert_to_numpy(layer.transforms(50, height, width)).T
    center_x, center_y = (width - 1) / 2, (height - 1) / 2
    np.testing.assert_allclose(a * center_x + b * center_y + x, center_x, atol=1e-4)
    np.testing.assert_allclose(c * center_x + d * center_y + y, center_y, atol=1e-4)


def test_amounts_stay_within_and_fill_their_limits():
    turned = ops.convert_to_numpy(RandomAffine(rotation=30, seed=1).transforms(1000, 28, 28))
    angle = np.degrees(np.arctan2(turned[:, 3], turned[:, 0]))
    assert 29 < np.abs(angle).max() <= 30.001
    scaled = ops.convert_to_numpy(RandomAffine(scale=0.2, seed=1).transforms(1000, 28, 28))
    for column in (0, 4):
        assert 0.799 <= scaled[:, column].min() < 0.81
        assert 1.19 < scaled[:, column].max() <= 1.201
    assert abs(np.corrcoef(scaled[:, 0], scaled[:, 4])[0, 1]) < 0.1  # height and width on their own
    shifted = ops.convert_to_numpy(RandomAffine(translation=2, seed=1).transforms(1000, 28, 28))
    assert 1.98 < np.abs(shifted[:, [2, 5]]).max() <= 2.001
    sheared = ops.convert_to_numpy(RandomAffine(shear=0.3, seed=1).transforms(1000, 28, 28))
    assert 0.29 < np.abs(sheared[:, 1]).max() <= 0.3001


def test_a_quarter_turn_is_numpys(monkeypatch):
    image = np.random.default_rng(0).random((1, 7, 7, 1)).astype("float32")
    layer = RandomAffine(rotation=90, seed=0)
    monkeypatch.setattr(
        keras.random, "uniform", lambda shape, *_, **__: ops.ones(shape)
    )  # each draw at its limit
    np.testing.assert_allclose(affine(layer, image)[0], np.rot90(image[0], 1), atol=1e-4)


@pytest.mark.parametrize("background", [0, 200])
def test_what_comes_in_from_outside_is_the_border_be_it_dark_or_light(background):
    """A dark border around a light photograph would be an edge that nothing in the data has."""
    images = np.full((50, 12, 12, 1), background, "float32")
    images[:, 5:7, 5:7] = 100
    moved = affine(RandomAffine(rotation=30, scale=0.1, shear=0.1, translation=2, seed=0), images)
    border = np.concatenate([moved[:, 0], moved[:, -1], moved[:, :, 0], moved[:, :, -1]])
    assert not np.allclose(moved, images, atol=1)  # something moved
    np.testing.assert_allclose(border, background, atol=1e-3)


def test_all_five_at_once_are_one_product(monkeypatch):
    """`c + A (p − c) − t` with A = rotation · shear · scale · mirror, each amount another."""
    draws = np.array(
        [[0.5, -0.8, 0.3, -0.6, 0.1, 0.7, -0.4], [-0.9, 0.6, -0.5, 0.8, -0.1, -0.2, 0.3]], "float32"
    )
    monkeypatch.setattr(keras.random, "uniform", lambda *_, **__: ops.convert_to_tensor(draws))
    layer = RandomAffine(rotation=40, scale=0.5, shear=0.6, translation=3, horizontal_flip=True)
    found = ops.convert_to_numpy(layer.transforms(2, 9, 14))
    center = np.array([13 / 2, 8 / 2])
    for row, (angle, shear, width, height, mirror, right, down) in zip(found, draws, strict=True):
        cosine, sine = np.cos(np.radians(40 * angle)), np.sin(np.radians(40 * angle))
        rotation = np.array([[cosine, -sine], [sine, cosine]])
        scale = np.diag([(1 + 0.5 * width) * (1 if mirror > 0 else -1), 1 + 0.5 * height])
        matrix = rotation @ [[1, 0.6 * shear], [0, 1]] @ scale
        shift = center - matrix @ center - 3 * np.array([right, down])
        expected = [*matrix[0], shift[0], *matrix[1], shift[1], 0, 0]
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-4)


def test_images_pass_unchanged_at_inference():
    images = np.arange(2 * 4 * 4, dtype="uint8").reshape(2, 4, 4, 1)
    np.testing.assert_array_equal(affine(RandomAffine(**ALL), images, training=False), images)


def test_a_layer_without_changes_passes_images_on(monkeypatch):
    images = np.random.default_rng(0).random((2, 4, 4, 1)).astype("float32")
    monkeypatch.setattr(keras.random, "uniform", None)  # nothing is drawn
    np.testing.assert_array_equal(affine(RandomAffine(), images), images)


def test_trains_inside_fit():
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), RandomAffine(**ALL), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse", jit_compile=False)
    history = model.fit(np.ones((10, 8, 8, 1)), np.ones(10), epochs=2, batch_size=4, verbose=0)
    assert np.all(np.isfinite(history.history["loss"]))


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_gathering_finds_the_same_pixels(interpolation, fill_mode):
    """Far out of the image, too; the two may round a position halfway between two pixels apart."""
    images = np.random.default_rng(0).random((40, 7, 9, 2)).astype("float32")
    wide = {**ALL, "rotation": 180, "scale": 0.5, "translation": 15.0}
    layers = [
        RandomAffine(**wide, fill_mode=fill_mode, interpolation=interpolation) for _ in range(2)
    ]
    layers[1].xla = True
    expected, found = (affine(layer, images) for layer in layers)
    assert np.mean(np.abs(found - expected) < 1e-4) > 0.999
    assert np.abs(expected - images).max() > 0.1


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the others need it not")
def test_xla_compiles_the_gathering():
    import tensorflow as tf

    layer, other = RandomAffine(**ALL), RandomAffine(**ALL)
    layer.xla = True
    images = np.random.default_rng(0).random((4, 8, 8, 1)).astype("float32")
    step = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    layer.generator.state.assign(other.generator.state)
    np.testing.assert_allclose(step(images).shape, images.shape)
