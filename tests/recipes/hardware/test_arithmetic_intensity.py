"""Counted operations per weight against the slides' formula, and the numbers of their table."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.hardware import arithmetic_intensity as recipe

CNN_LAYERS = [name for name in recipe.LAYERS if not name.startswith("LSTM")]


@pytest.mark.parametrize("name", CNN_LAYERS)
def test_counted_operations_per_weight_are_two_at_each_place_of_the_map(name):
    layer, input_shape = recipe.LAYERS[name]
    counted = recipe.operations_per_weight(layer, input_shape)
    assert counted == 2 * recipe.map_side(layer, input_shape) ** 2


@pytest.mark.parametrize(("side", "per_weight"), [(19, 722), (7, 98)])
def test_formula_of_the_slide(side, per_weight):
    """N83: 722 on a map of 19 × 19."""
    layer = keras.layers.Conv2D(5, 3, padding="same")
    assert recipe.operations_per_weight(layer, (side, side, 2)) == per_weight
    assert recipe.kernel_weights(layer) == 3 * 3 * 2 * 5


@pytest.mark.parametrize(("units", "steps"), [(3, 1), (3, 4), (40, 2)])
def test_a_recurrent_layer_uses_each_weight_once_a_step(units, steps):
    layer = keras.layers.LSTM(units, unroll=True)
    assert recipe.operations(layer, (steps, 5)) == 2 * steps * 4 * units * (units + 5)
    assert recipe.operations_per_weight(layer, (steps, 5)) == 2 * steps


@pytest.mark.slides
def test_table_of_the_tpus_applications():
    """N84, N85 and N86."""
    table = recipe.APPLICATIONS
    sums = {name: each.dense + each.conv + each.vector + each.pool for name, each in table.items()}
    layers = {"MLP0": 5, "MLP1": 4, "LSTM0": 58, "LSTM1": 56, "CNN0": 16, "CNN1": 89}
    assert sums == layers
    assert {name: each.layers for name, each in table.items()} == layers
    assert sum(recipe.SHARES.values()) == 95
    for name in ("MLP0", "MLP1", "LSTM0", "LSTM1"):  # multiply–adds, each weight once an example
        assert table[name].per_weight == table[name].batch
    assert table["CNN0"].per_weight == 19**2 * table["CNN0"].batch == 2888
    work = [each.weights * 1e6 * each.per_weight for each in table.values()]
    expected = [4.0e9, 0.84e9, 3.328e9, 3.264e9, 23.104e9, 175e9]
    np.testing.assert_allclose(work, expected)
    assert [each.code_lines for each in table.values()] == [100, 1000, 1000, 1500, 1000, 1000]


@pytest.mark.slides
def test_what_was_reached_is_below_the_roof():
    for each in recipe.APPLICATIONS.values():
        limit = recipe.attainable(2 * each.per_weight, recipe.TPU_PEAK, recipe.TPU_BANDWIDTH)
        assert each.reached * 1e12 <= limit
    # The ridge of the paper, in multiply–adds per byte: 1,350.
    assert pytest.approx(1350, rel=0.01) == recipe.TPU_PEAK / recipe.TPU_BANDWIDTH / 2


def test_roof_has_two_sides():
    np.testing.assert_array_equal(recipe.attainable([1, 4, 5, 100], 50, 10), [10, 40, 50, 50])


def test_persistent_weights_are_fetched_once():
    """W24, with the kernels of a layer of Keras."""
    layer = keras.layers.GRU(6)
    layer.build((None, None, 4))
    once = recipe.recurrent_bytes(6, 4, steps=7, persistent=True)
    assert once == 4 * recipe.kernel_weights(layer)
    assert recipe.recurrent_bytes(6, 4, steps=7, persistent=False) == 7 * once


def test_measured_layer_has_its_operations_and_bytes():
    layer = keras.layers.Dense(30)
    per_byte, per_second = recipe.measure(layer, (20,), 8)
    assert per_byte == pytest.approx(2 * 8 * 20 * 30 / (4 * (20 * 30 + 8 * 20 + 8 * 30)))
    assert per_second > 0


def test_title_counts_those_below_the_roof(monkeypatch):
    figure = recipe.plot_tpu()
    assert figure.axes[0].get_title().startswith("4 of the TPU's 6 applications")
    plt.close(figure)
    few = {"CNN0": recipe.APPLICATIONS["CNN0"]}
    monkeypatch.setattr(recipe, "APPLICATIONS", few)
    figure = recipe.plot_tpu()
    assert figure.axes[0].get_title().startswith("0 of")
    plt.close(figure)
