"""R19, R20: slopes of the activations, what 50 steps make of a gradient, and a state that stays as it is (N20, N36)."""

import keras
import numpy as np
import pytest

from recipes.recurrent import irnn as recipe


def test_slopes_are_at_most_a_quarter_or_one():
    x = np.linspace(-6, 6, 1201)
    assert (
        recipe.slope("sigmoid", x).max() == pytest.approx(0.25) == recipe.slope("sigmoid", [0.0])[0]
    )
    assert recipe.slope("tanh", x).max() == pytest.approx(1) == recipe.slope("tanh", [0.0])[0]
    for name, negative in (("relu", 0.0), ("leaky_relu", 0.2)):
        assert set(recipe.slope(name, x[x > 0.01])) == {1.0}
        assert recipe.slope(name, [-3.0]) == pytest.approx(negative)


def test_fifty_steps_leave_all_of_the_gradient_with_relu_and_identity_and_nothing_with_a_sigmoid():
    flow = {
        name: recipe.gradient_through(name) for name in ("relu", "leaky_relu", "tanh", "sigmoid")
    }
    assert len(flow["relu"]) == 51
    assert flow["relu"] == pytest.approx(np.ones(51))
    assert flow["leaky_relu"] == pytest.approx(np.ones(51))
    assert flow["tanh"][0] < 0.5 < flow["tanh"][-1] == pytest.approx(1)
    assert np.all(
        flow["sigmoid"][-11:-1] <= 0.25 ** np.arange(10, 0, -1) * 1.001
    )  # 10 steps: 9.54e-7
    assert flow["sigmoid"][0] <= 0.25**50
    assert recipe.gradient_through("tanh", recurrent="glorot_uniform", noise=1.0)[0] < 1e-3


def test_without_input_an_irnn_keeps_its_state_and_adds_what_comes():
    layer = keras.layers.SimpleRNN(5, activation="relu", recurrent_initializer="identity")
    state = np.array([[0.0, 1.5, 3.0, 0.2, 7.0]], "float32")
    assert layer(np.zeros((1, 100, 2), "float32"), initial_state=state).numpy() == pytest.approx(
        state
    )
    kernel, recurrent, bias = layer.get_weights()
    assert recurrent.tolist() == np.eye(5).tolist()
    assert not bias.any()
    x = np.random.default_rng(0).random((1, 100, 2)).astype("float32")
    layer.set_weights([np.abs(kernel), recurrent, bias])
    assert layer(x).numpy() == pytest.approx(x.sum(1) @ np.abs(kernel), rel=1e-4)


def test_one_number_of_each_half_is_marked():
    x, sums = recipe.additions(500, 30, seed=0)
    assert x.shape == (500, 30, 2)
    assert sums.shape == (500, 1)
    assert np.all(x[:, :15, 1].sum(1) == 1)
    assert np.all(x[:, 15:, 1].sum(1) == 1)
    assert np.prod(x, axis=-1).sum(1, keepdims=True) == pytest.approx(sums)
    *_, test = recipe.load_data(length=20)
    train = recipe.load_data(length=20)[0]
    assert recipe.baseline(train, test)["mse"] == pytest.approx(1 / 6, rel=0.05)


def test_rnn_and_lstm_have_about_as_many_weights():
    assert recipe.build_model().count_params() == 4_353
    assert recipe.build_model(**recipe.VARIANTS["lstm"]).count_params() == 4_513
    assert (
        recipe.build_model().layers[0].cell.recurrent_kernel.numpy().tolist() == np.eye(64).tolist()
    )
