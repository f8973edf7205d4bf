"""R24: the gradient on its way back; what the pictures of lstm measure."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.recurrent import lstm
from recipes.recurrent.figures import lstm as pictures


def test_steps_since_the_last_mark():
    inputs = np.zeros((2, 6, 5), "float32")
    inputs[0, [0, 2], -1] = 1
    inputs[1, [0, 5], -1] = 1
    found = pictures.steps_since_mark(inputs)
    assert found.tolist() == [[0, 1, 0, 1, 2, 3], [0, 1, 2, 3, 4, 0]]


def test_accuracy_by_gap(monkeypatch):
    monkeypatch.setattr(pictures, "GAPS", [(0, 1), (1, 3)])
    gaps = np.array([0, 0, 1, 2, 2, 3])
    correct = np.array([True, False, True, True, False, True])
    assert pictures.accuracy_by_gap(correct, gaps) == pytest.approx([50, 200 / 3])


def test_names_of_gaps():
    assert [pictures.gap_name(0, 1), pictures.gap_name(2, 4)] == ["0", "2–3"]


def test_gradient_is_projected_in_a_direction_of_its_own():
    """Of a layer that passes on its inputs, the gradient is the direction: not the inputs again."""
    seen = []

    def reshape(inputs):
        seen.append(inputs.numpy())
        return tf.reshape(inputs, (4, 32))

    flow = pictures.gradient_flow(reshape, steps=4)
    norms = np.linalg.norm(seen[0], axis=(0, 2))
    assert flow[-1] == 1
    assert np.abs(flow - norms / norms[-1]).max() > 0.01


def test_a_forget_bias_keeps_the_path_of_the_gradient_open():
    """Over 100 steps, on standard normal inputs, for two draws of the weights."""
    for seed in range(2):
        open_path = pictures.gradient_flow(pictures.untrained_lstm(5, seed), seed=seed)
        default = pictures.gradient_flow(pictures.untrained_lstm(1, seed), seed=seed)
        rnn = pictures.gradient_flow(pictures.untrained_rnn("orthogonal", seed), seed=seed)
        assert 0.1 < open_path[0] < 10
        assert rnn[0] < default[0] < 1e-4


def test_gates_are_followed_as_the_network_runs():
    keras.utils.set_random_seed(0)
    model = lstm.build_model(units=6)
    inputs = lstm.marked_sequences(1, 9, 0.3, seed=0)[0]
    cells, gates = pictures.follow_gates(model, inputs)
    assert cells.shape == (9, 6)
    assert [len(gates[name]) for name in ("input", "forget", "output")] == [9, 9, 9]
    layer = keras.layers.LSTM(6, return_state=True)
    layer.build((None, None, 5))
    layer.set_weights(model.layers[0].get_weights())
    _, _, c = layer(inputs[:, :5])
    np.testing.assert_allclose(cells[4], keras.ops.convert_to_numpy(c)[0], atol=1e-5)
