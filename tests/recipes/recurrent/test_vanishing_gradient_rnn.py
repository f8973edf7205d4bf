"""R14 to R18: powers of one number, clipping, truncation, and what an RNN hears of."""

import numpy as np
import pytest

from recipes.recurrent import vanishing_gradient_rnn as recipe


@pytest.mark.parametrize("radius", [0.7, 1.0, 1.3])
def test_each_step_of_a_linear_network_multiplies_by_the_radius(radius):
    layer = recipe.build_rnn(radius, "linear", units=8)
    norms = recipe.gradient_norms(layer, recipe.random_inputs(30, examples=2))
    back = np.arange(29, -1, -1)
    assert norms / norms[-1] == pytest.approx(radius**back, rel=1e-3)


def test_gradients_of_tanh_vanish_along_a_straight_line_on_a_logarithmic_scale():
    norms = recipe.gradient_norms(recipe.build_rnn(0.9), recipe.random_inputs(40))
    back = np.arange(39, -1, -1)
    assert np.corrcoef(back, np.log(norms))[0, 1] < -0.995
    assert norms[0] < 1e-3 * norms[-1]


def test_a_simple_rnn_hears_of_the_last_steps_and_an_lstm_of_others_too():
    layers = recipe.recurrent_layers()
    inputs = recipe.random_inputs(recipe.STEPS)
    simple, lstm = (recipe.influence(layer, inputs) for layer in layers.values())
    assert simple.sum() == pytest.approx(1, abs=1e-4)
    assert simple[-10:].sum() > 0.9
    assert lstm[-10:].sum() < 0.2


def test_truncated_gradients_by_hand():
    """Of h ← w h + u x, whose first two states are u x₁ and w u x₁ + u x₂."""
    layer = recipe.build_rnn(0.5, "linear", units=1)
    inputs = recipe.random_inputs(3, examples=1)
    kernel, ((w,),), _ = layer.get_weights()
    first, second, _ = inputs[0] @ kernel[:, 0]
    one_back = recipe.truncated_gradient(layer, inputs, window=1)
    two_back = recipe.truncated_gradient(layer, inputs, window=2)
    whole = recipe.truncated_gradient(layer, inputs, window=3)
    scale = float(recipe.loss_of(np.ones((1, 1), "float32")))
    before = w * first + second
    assert one_back.item() == pytest.approx(scale * before, rel=1e-4)
    assert two_back.item() == pytest.approx(scale * (before + w * first), rel=1e-4)
    assert whole.item() == pytest.approx(two_back.item(), rel=1e-4), "the first state is 0"


def test_more_steps_back_come_nearer_to_the_whole_gradient():
    layer = recipe.build_rnn(1.0)
    inputs = recipe.random_inputs(20)
    whole = recipe.truncated_gradient(layer, inputs, 20)
    cosines = []
    for window in (1, 3, 10, 20):
        cosines.append(recipe.cosine(recipe.truncated_gradient(layer, inputs, window), whole))
    assert cosines == sorted(cosines)
    assert cosines[0] < 0.8
    assert cosines[-1] == pytest.approx(1)


def test_gradients_of_one_unit_are_those_of_finite_differences():
    weight, bias, step = 3.2, -1.4, 1e-6
    _, by_weight, by_bias = recipe.one_unit(weight, bias)
    rise, *_ = recipe.one_unit(weight + step, bias)
    fall, *_ = recipe.one_unit(weight - step, bias)
    assert by_weight == pytest.approx((rise - fall) / (2 * step), rel=1e-4)
    rise, *_ = recipe.one_unit(weight, bias + step)
    fall, *_ = recipe.one_unit(weight, bias - step)
    assert by_bias == pytest.approx((rise - fall) / (2 * step), rel=1e-4)


def test_clipped_gradients_keep_their_direction():
    start = np.array([[4.8], [-2.4]])  # on the cliff
    whole, _ = recipe.descend(*start, clip=None, updates=1)
    clipped, _ = recipe.descend(*start, clip=recipe.CLIP, updates=1)
    long, short = whole[1, 0] - whole[0, 0], clipped[1, 0] - clipped[0, 0]
    assert np.linalg.norm(long) > 100 * np.linalg.norm(short)
    assert np.linalg.norm(short) == pytest.approx(recipe.RATE * recipe.CLIP)
    assert recipe.cosine(long, short) == pytest.approx(1)


def test_only_clipped_gradients_arrive_from_everywhere():
    assert recipe.arrivals(recipe.CLIP) == 1
    assert recipe.arrivals(None) < 0.7
    start = np.array(recipe.START)[:, None]
    path, errors = recipe.descend(*start, clip=None)
    assert np.abs(path[-1]).max() > 10, "thrown away"
    assert errors[0] > 0.05
