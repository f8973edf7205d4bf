"""R19, R20: a state that stays as it is, the adding problem, its baseline (N20, N36)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.recurrent import irnn as recipe


def test_without_input_an_irnn_keeps_its_state_and_adds_what_comes():
    layer = recipe.build_model(units=5).layers[0]
    state = np.array([[0.0, 1.5, 3.0, 0.2, 7.0]], "float32")
    kept = layer(np.zeros((1, 100, 2), "float32"), initial_state=state)
    assert kept.numpy() == pytest.approx(state)
    kernel, recurrent, bias = layer.get_weights()
    assert recurrent.tolist() == np.eye(5).tolist()
    assert not bias.any()
    x = np.random.default_rng(0).random((1, 100, 2)).astype("float32")
    layer.set_weights([np.abs(kernel), recurrent, bias])
    assert layer(x).numpy() == pytest.approx(x.sum(1) @ np.abs(kernel), rel=1e-4)


def test_one_number_of_each_half_is_marked():
    inputs, sums = recipe.adding_problem(500, 30, seed=0)
    assert inputs.shape == (500, 30, 2)
    assert sums.shape == (500, 1)
    assert np.all(inputs[:, :15, 1].sum(1) == 1)
    assert np.all(inputs[:, 15:, 1].sum(1) == 1)
    assert np.prod(inputs, axis=-1).sum(1, keepdims=True) == pytest.approx(sums)


def test_baseline_says_the_mean_of_the_training_set():
    train = tf.data.Dataset.from_tensors((np.zeros((3, 4, 2)), np.array([[1.0], [2.0], [6.0]])))
    test = tf.data.Dataset.from_tensors((np.zeros((2, 4, 2)), np.array([[3.0], [7.0]])))
    assert recipe.baseline(train, test) == {"mse": 8.0}


def test_whoever_always_says_1_errs_by_a_sixth():
    _, sums = recipe.adding_problem(20_000, 20, seed=0)
    assert np.mean((sums - 1) ** 2) == pytest.approx(1 / 6, rel=0.03)


@pytest.mark.parametrize(
    ("name", "activation", "is_orthogonal", "is_identity"),
    [
        ("tanh", "tanh", False, False),
        ("relu_orthogonal", "relu", True, False),
        ("irnn", "relu", True, True),
    ],
)
def test_activation_and_first_matrix_of_a_variant(name, activation, is_orthogonal, is_identity):
    cell = recipe.build_model(**recipe.VARIANTS[name], units=4).layers[0].cell
    assert cell.activation.__name__ == activation
    matrix = cell.recurrent_kernel.numpy()
    assert np.allclose(matrix @ matrix.T, np.eye(4), atol=1e-5) == is_orthogonal
    assert np.array_equal(matrix, np.eye(4)) == is_identity


def test_rnn_and_lstm_have_about_as_many_weights():
    lstm = recipe.build_model(**recipe.VARIANTS["lstm"])
    assert isinstance(lstm.layers[0], keras.layers.LSTM)
    assert lstm.count_params() == 4_513
    assert lstm.count_params() == pytest.approx(recipe.build_model().count_params(), rel=0.05)
