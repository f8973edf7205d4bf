"""Which layers learn, and what batch normalization does meanwhile; class names; draws of labels."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.common import pretrained
from recipes.common.arrays import to_numpy
from recipes.trained_networks import transfer_learning as recipe
from recipes.trained_networks.figures import transfer_learning as figures

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3)).astype("uint8")
LABELS = np.array([0, 1, 2, 3, 4, 5])


@pytest.fixture
def small(monkeypatch):
    """A network of seven blocks with random weights, of images at their own size."""
    monkeypatch.setattr(pretrained, "GROUPS", [(*group[:3], 4, 1) for group in pretrained.GROUPS])

    def build(**arguments):
        keras.utils.set_random_seed(0)
        model = recipe.build_model(weights=None, size=32, learning_rate=0.1, **arguments)
        model.run_eagerly = True
        return model

    return build


def changed(model):
    """The names of the layers whose weights a training step changes."""
    before = {layer.name: layer.get_weights() for layer in model.layers}
    model.train_on_batch(IMAGES, LABELS)  # the softmax layer leaves its zeros
    model.train_on_batch(IMAGES, LABELS)
    names = set()
    for layer in model.layers:
        pairs = zip(before[layer.name], layer.get_weights(), strict=True)
        if any(not np.array_equal(old, new) for old, new in pairs):
            names.add(layer.name)
    return names


def test_only_the_softmax_layer_learns(small):
    model = small(frozen_blocks=16)
    assert changed(model) == {model.layers[-1].name}


def test_the_first_blocks_and_all_statistics_stay(small):
    """X3: what is frozen is the same after training, bit for bit."""
    model = small(frozen_blocks=5)
    layers = [layer.name for layer in model.layers]
    later = layers[layers.index("block_5_expand") :]
    normalization = [
        layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    with_weights = {layer.name for layer in model.layers if layer.weights}
    assert changed(model) == (with_weights & set(later)) - set(normalization)


def test_from_scratch_everything_learns(small):
    model = small(frozen_blocks=0, batch_statistics=True)
    assert len(model.trainable_weights) == len([w for w in model.weights if "moving" not in w.name])


def test_with_batch_statistics_an_answer_depends_on_the_rest_of_the_batch(small):
    for batch_statistics in (False, True):
        model = small(frozen_blocks=5, batch_statistics=batch_statistics)
        model.train_on_batch(IMAGES, LABELS)
        together = np.asarray(model(IMAGES, training=True))[:2]
        alone = np.asarray(model(IMAGES[:2], training=True))
        assert np.allclose(together, alone, atol=1e-4) != batch_statistics


def test_zero_shot_takes_the_likeliest_name_that_means_a_class(monkeypatch):
    """Of 1,000 logits a truck's is the highest of those that count; a guacamole's tops them all."""

    class Named:
        def predict(self, test, verbose):
            logits = np.zeros((2, 1000))
            logits[:, 924] = 9
            logits[0, 867] = 5
            logits[1, 30] = 1
            return logits

    monkeypatch.setattr(recipe, "efficientnet_lite0", lambda **arguments: Named())
    monkeypatch.setattr(recipe, "to_numpy", lambda test: (None, np.array([9, 3])))
    assert recipe.zero_shot(None) == 0.5  # a truck, and a frog that is a cat


@pytest.mark.real_data
def test_seeds_draw_other_labels():
    drawn = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        train, validation, test = recipe.load_data(labels=20)
        images, labels = to_numpy(train)
        assert len(labels) == 20
        drawn.append({image.tobytes() for image in images})
    assert drawn[0] == drawn[1]
    assert not drawn[0] & drawn[2]
    assert len(to_numpy(validation)[1]) == 200
    assert len(to_numpy(test)[1]) == 2000


def test_pixels_are_of_the_images_that_the_networks_learned_from(monkeypatch):
    """Those that a run with seed 0 draws, whatever was drawn before the picture."""
    drawn = []

    def load_data(labels):
        drawn.append(np.random.randint(1000))
        return None, None, None

    monkeypatch.setattr(recipe, "load_data", load_data)
    monkeypatch.setattr(recipe, "baseline", lambda train, test: {"accuracy": 0.5})
    monkeypatch.setattr(recipe, "zero_shot", lambda test: 0.5)

    class Network:
        def evaluate(self, test, **arguments):
            return {"accuracy": 0.5}

    np.random.seed(5)
    plt.close(figures.plot_accuracies({"frozen": Network(), "frozen_100": Network()}, None))
    np.random.seed(0)
    assert drawn == 2 * [np.random.randint(1000)]
