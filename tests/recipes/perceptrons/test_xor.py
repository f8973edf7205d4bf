"""P10, P11, P12, P32: what one neuron gets right, what a hidden layer does, and how often training fails."""

import math

import keras
import numpy as np
import pytest

from recipes.perceptrons import xor as recipe


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_best_single_neuron_on_parity(n):
    best = recipe.best_neuron(n)
    assert best == 0.5 + math.comb(n - 1, (n - 1) // 2) / 2**n
    assert best == {2: 3 / 4, 3: 3 / 4, 4: 11 / 16, 5: 11 / 16}[n]


def test_no_line_gets_more_than_three_corners_right():
    weights = np.random.default_rng(0).normal(size=(3, 20_000))
    answers = np.c_[recipe.CORNERS, np.ones(4)] @ weights >= 0
    assert np.mean(answers == recipe.XOR, axis=0).max() == recipe.best_neuron(2) == 3 / 4


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_n_hidden_neurons_make_parity(n):
    inputs = np.array(list(np.ndindex(*[2] * n)), "float32")
    answers = recipe.parity_net(n).predict_on_batch(inputs)[:, 0]
    np.testing.assert_array_equal(answers, inputs.sum(1) % 2)


def test_wide_networks_always_learn_and_narrow_ones_often_fail():
    assert recipe.solved(2).mean() < 0.9
    assert recipe.solved(16).all()


def test_side_by_side_is_one_by_one():
    """The update in `solved` is gradient descent on the summed cross-entropy of one network in Keras."""
    together = recipe.solved(2, starts=6, steps=200)
    for start in (0, 2):
        model = recipe.build_model(start=start)
        model.compile(
            keras.optimizers.SGD(4 * 0.5), "binary_crossentropy"
        )  # the loss is a mean of four
        for _ in range(200):
            model.train_on_batch(recipe.CORNERS, recipe.XOR)
        answers = model.predict_on_batch(recipe.CORNERS) > 0.5
        assert np.all(answers == recipe.XOR) == together[start]


def test_parameters_and_start():
    assert recipe.build_model().count_params() == 9
    assert recipe.build_model(hidden=0).count_params() == 3
    for weight, given in zip(
        recipe.build_model(start=7).get_weights(), recipe.initial(2, 7), strict=True
    ):
        np.testing.assert_array_equal(weight, given)


def test_two_hidden_units_learn_all_four_corners_or_get_stuck():
    right = {}
    for name in ("two_hidden", "stuck"):
        model = recipe.build_model(**recipe.VARIANTS[name])
        model.fit(recipe.load_data()[0], epochs=recipe.EPOCHS, shuffle=False, verbose=0)
        right[name] = int(np.sum((model.predict_on_batch(recipe.CORNERS) > 0.5) == recipe.XOR))
    assert right["two_hidden"] == 4
    assert right["stuck"] < 4
