"""The steps: each changes one thing, the first network is LeNet."""

import itertools

import pytest

from recipes.cnn_architectures import lenet_to_alexnet as recipe
from recipes.cnn_architectures.figures import lenet_to_alexnet as figures


def test_first_step_is_lenet_for_color_images():
    model = recipe.build_model(**recipe.VARIANTS["lenet"])
    counts = [layer.count_params() for layer in model.layers if layer.trainable_weights]
    # LeNet-5's 156 weights of its first layer become 456: three color channels.
    assert counts == [456, 2_416, 48_120, 10_164, 850]


def test_each_step_changes_one_thing_and_keeps_the_rest():
    variants = list(recipe.VARIANTS.values())
    for before, after in itertools.pairwise(variants):
        changed = [name for name in after if after[name] != before[name]]
        assert len(changed) == 1
    assert len(figures.STEPS) == len(variants)
    assert list(figures.STEPS) == list(recipe.VARIANTS)


def test_last_step_is_the_default():
    assert recipe.build_model().count_params() == 1_047_610


def test_gains_are_differences_in_points():
    found = figures.gains({"lenet": 0.5, "relu": 0.53, "wide": 0.51})
    assert {name: round(points, 6) for name, points in found.items()} == {"relu": 3.0, "wide": -2.0}


def test_smallest_images_of_ones_own():
    model = recipe.build_model(classes=3, input_shape=(16, 16, 1))
    pools = [layer for layer in model.layers if "pooling" in layer.name]
    assert pools[-1].output.shape[1:3] == (1, 1)
    assert model.output_shape == (None, 3)
    with pytest.raises(ValueError, match="must have 16 × 16 pixels"):
        recipe.build_model(input_shape=(15, 16, 1))
