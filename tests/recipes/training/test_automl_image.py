"""Images of any size through every kind, what each kind computes, and what is searched for it."""

import functools
import inspect

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes.common import pretrained
from recipes.training import automl_image as recipe

KINDS = {
    "cnn": recipe.cnn_network,
    "linear": recipe.linear_network,
    "mlp": recipe.mlp_network,
    "residual": recipe.residual_network,
    "separable": recipe.separable_network,
    "attention": recipe.attention_network,
    "pretrained": recipe.pretrained_network,
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The pretrained network has seven blocks and random weights, and is there to be searched."""
    build = functools.partial(pretrained.efficientnet_lite0, weights=None)
    monkeypatch.setattr(recipe, "efficientnet_lite0", build)
    monkeypatch.setattr(pretrained, "GROUPS", [(*group[:3], 4, 1) for group in pretrained.GROUPS])
    monkeypatch.setattr(recipe, "is_installed", lambda: True)


def images(height=28, width=28, channels=1, count=3):
    shape = (count, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_another_size_with_colors(kind):
    """Of sides that neither patches nor pools divide."""
    keras.backend.clear_session(free_memory=False)  # names begin anew, as in a process of its own
    sizes = {"filters": 4, "units": 8, "embed_dim": 8, "depth": 3, "size": 32}
    model = recipe.build_model(kind, classes=3, input_shape=(9, 13, 3), **sizes)
    outputs = model(images(9, 13, 3)).numpy()
    assert outputs.shape == (3, 3)
    np.testing.assert_allclose(outputs.sum(axis=-1), 1, rtol=1e-5)


def test_numbers_of_parameters_by_hand_and_in_the_docstring():
    stem = (16 + 1) * 24
    by_hand = {
        # Convolutions, normalizations of the three widths, the head.
        "cnn": stem + (9 * 24 + 1) * 48 + (9 * 48 + 1) * 96 + 4 * (24 + 48 + 96) + 97 * 10,
        "linear": 785 * 10,
        "mlp": 785 * 128 + 129 * 128 + 129 * 10,
        "separable": stem
        + (9 * 24 + 24 * 48 + 48)
        + (9 * 48 + 48 * 96 + 96)
        + 4 * (24 + 48 + 96)
        + 97 * 10,
        # Patches with positions; two blocks of attention, feed-forward network and normalizations.
        "attention": 17 * 48
        + 49 * 48
        + 2 * (4 * 48**2 + 49 * 96 + 97 * 48 + 4 * 48)
        + 2 * 48
        + 49 * 10,
        # The head behind a frozen network (tests/recipes/common/test_pretrained.py).
        "pretrained": 3_413_024 + 1281 * 10,
    }
    said = " ".join(recipe.build_model.__doc__.split())
    assert f"`pretrained` {by_hand.pop('pretrained'):,}, of which {1281 * 10:,} learn" in said
    for kind, count in by_hand.items():
        model = recipe.build_model(kind)
        assert model.count_params() == count
        assert f"`{kind}` {count:,}" in said
    assert f"`residual` {recipe.build_model('residual').count_params():,}" in said


@pytest.mark.parametrize("channels", [1, 3])
def test_of_the_pretrained_network_only_the_softmax_layer_learns(channels):
    """Of gray and of color images, enlarged, at 0–255; the statistics stay as well."""
    keras.utils.set_random_seed(0)
    shape = (20, 24, channels)
    model = recipe.build_model("pretrained", size=64, dropout=0.0, classes=3, input_shape=shape)
    batch = images(*shape)
    (inside,) = (layer for layer in model.layers if layer.name == "stem_rescaling")
    (resizing,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Resizing))
    enlarged = keras.ops.image.resize(batch.astype("float32"), (64, 64))
    seen = keras.Model(model.input, [resizing.output, inside.input])(batch)
    np.testing.assert_allclose(seen[0], enlarged, atol=0.01)
    np.testing.assert_allclose(seen[1], np.broadcast_to(enlarged, (3, 64, 64, 3)), atol=0.01)
    before = model.get_weights()
    model.run_eagerly = True
    model.train_on_batch(batch, np.array([0, 1, 2]))
    changed = [not np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True)]
    assert changed == [False] * (len(before) - 2) + [True, True]


def test_without_its_package_the_pretrained_network_is_not_searched(monkeypatch):
    monkeypatch.setattr(recipe, "is_installed", lambda: False)
    hp = keras_tuner.HyperParameters()
    recipe.search_space(hp)
    assert hp.space[0].values == list(recipe.VARIANTS)
    assert "size" not in hp.values


def test_attention_pads_with_what_lies_below_and_to_the_right():
    """A patch size of 4 makes 3 × 4 patches of 9 × 13 pixels, none of the pixels lost."""
    keras.utils.set_random_seed(0)
    model = recipe.build_model("attention", input_shape=(9, 13, 1), embed_dim=8, depth=1)
    (patches,) = (layer for layer in model.layers if "patch" in layer.name)
    assert patches.output.shape == (None, 3 * 4, 8)
    batch = images(9, 13, count=1)
    changed = batch.copy()
    changed[0, -1, -1] ^= 255
    assert np.abs(model(batch).numpy() - model(changed).numpy()).max() > 1e-4


def test_training_moves_and_mirrors_images_only_on_request():
    keras.utils.set_random_seed(0)
    batch = images(8, 8, count=16)
    for arguments, moves in (({}, False), ({"shift": 2}, True), ({"flip": True}, True)):
        model = recipe.build_model("linear", input_shape=(8, 8, 1), **arguments)
        still = model(batch, training=False).numpy()
        trained = model(batch, training=True).numpy()
        assert np.allclose(still, trained, atol=1e-6) != moves


def test_layer_normalization_of_the_hidden_layers_only_on_request():
    """Before each ReLU: its inputs have a mean of 0 and a deviation of about 1."""
    small = {"units": 16, "depth": 2, "input_shape": (8, 8, 1)}
    model = recipe.build_model("mlp", **small, layer_norm=True)
    hidden = [each for each in model.layers if isinstance(each, keras.layers.ReLU)]
    for values in keras.Model(model.input, [layer.input for layer in hidden])(images(8, 8)):
        np.testing.assert_allclose(values.numpy().mean(axis=-1), 0, atol=1e-5)
        np.testing.assert_allclose(values.numpy().std(axis=-1), 1, atol=0.05)
    assert model.count_params() == recipe.build_model("mlp", **small).count_params() + 2 * 2 * 16


def test_labels_do_not_exclude_each_other():
    arguments = {"kind": "linear", "classes": 3, "input_shape": (9, 13, 3)}
    outputs = []
    for head in ("sigmoid", "softmax"):
        keras.utils.set_random_seed(0)
        model = recipe.build_model(**arguments, head=head)
        outputs.append(model(images(9, 13, 3)).numpy())
    odds = outputs[0] / (1 - outputs[0])
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), outputs[1], rtol=1e-4)
    assert recipe.build_model(**arguments, head="sigmoid").loss == "binary_crossentropy"


def test_baseline_of_classes_and_of_labels():
    both = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 5, "float32")
    pictures = (images(4, 4, 2, count=20) // 8).astype("float32")
    pictures += 200 * both[:, None, None, :]  # a bright channel for each label
    for labels, metric in ((both, "micro_f1"), (both[:, 0].astype(int), "accuracy")):
        data = tf.data.Dataset.from_tensor_slices((pictures, labels)).batch(4)
        assert recipe.baseline(data, data) == {metric: pytest.approx(1)}


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="attention, pretrained, and not 'capsules'"):
        recipe.build_model("capsules")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_searched_by_the_arguments_that_it_has(kind):
    hp = keras_tuner.HyperParameters()
    recipe.search_space(hp)
    for parameter in hp.space:
        hp.values.setdefault(parameter.name, parameter.default)
    hp.values["kind"] = kind
    found = set(recipe.search_space(hp))
    shared = {"kind", "shift", "flip", "learning_rate", "schedule", "weight_decay", "batch_size"}
    shared |= {"class_weights"}
    own = set(inspect.signature(KINDS[kind]).parameters) - {"x", "classes"}
    assert found == shared | own
    active = {parameter.name for parameter in hp.space if hp.is_active(parameter)}
    assert active == found, "the conditions say otherwise than the code"


def test_the_kinds_that_are_searched_are_the_variants():
    hp = keras_tuner.HyperParameters()
    recipe.search_space(hp)
    kinds = [variant["kind"] for variant in recipe.VARIANTS.values()]
    assert kinds == list(recipe.VARIANTS)
    assert hp.space[0].values == [*kinds, "pretrained"] == list(KINDS)
    assert kinds[0] == inspect.signature(recipe.build_model).parameters["kind"].default
