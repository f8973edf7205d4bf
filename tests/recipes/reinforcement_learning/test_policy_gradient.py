"""The mechanics, returns, the estimate of the gradient, what a baseline does; a saved agent."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.reinforcement_learning import policy_gradient as recipe
from tests.recipes.sixteen_bits import ratios_in_float16


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(autouse=True)
def short_episodes(monkeypatch):
    monkeypatch.setattr(recipe, "LIMIT", 60)


def accelerations(state, action):
    """Of cart and pole, by the two equations of Barto, Sutton & Anderson, in plain Python."""
    _, speed, angle, rotation = state
    force = 10.0 if action else -10.0
    g, cart, pole, half = 9.8, 1.0, 0.1, 0.5
    on_track, in_joint = 0.0005, 0.000002
    sign = math.copysign(1, speed) if speed else 0
    inner = -force - pole * half * rotation**2 * math.sin(angle) + on_track * sign
    turned = g * math.sin(angle) + math.cos(angle) * inner / (cart + pole)
    turned -= in_joint * rotation / (pole * half)
    turned /= half * (4 / 3 - pole * math.cos(angle) ** 2 / (cart + pole))
    pulled = rotation**2 * math.sin(angle) - turned * math.cos(angle)
    pushed = (force + pole * half * pulled - on_track * sign) / (cart + pole)
    return pushed, turned


def test_mechanics():
    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (50, 4)) * [2, 2, 0.2, 2]
    actions = rng.integers(0, 2, 50)
    expected = []
    for state, action in zip(states, actions, strict=True):
        pushed, turned = accelerations(state, action)
        change = np.array([state[1], pushed, state[3], turned])
        expected.append(state + 0.02 * change)
    moved = numpy(recipe.advance(states.astype("float32"), actions))
    np.testing.assert_allclose(moved, expected, rtol=1e-5, atol=1e-6)


def test_an_episode_ends_where_the_pole_falls_or_the_track_ends():
    edge = math.radians(12)
    states = [
        (0, 0, 0, 0),
        (2.41, 0, 0, 0),
        (-2.41, 0, 0, 0),
        (0, 9, edge + 1e-4, 0),
        (2.39, 9, -edge + 1e-4, 9),
    ]
    np.testing.assert_array_equal(recipe.is_balanced(np.array(states, "float32")), [1, 0, 0, 0, 1])


def test_episodes_step_by_step():
    starts = recipe.sample_starts(5, seed=0)
    states, actions, alive = map(numpy, recipe.play(starts, recipe.push_toward_lean))
    np.testing.assert_array_equal(states[0], starts)
    for episode, state in enumerate(starts):
        over = False
        for step in range(recipe.LIMIT):
            np.testing.assert_allclose(states[step, episode], state, rtol=1e-5, atol=1e-6)
            action = numpy(recipe.push_toward_lean(states[step]))[episode]
            assert actions[step, episode] == action
            after = numpy(recipe.advance(state[None], np.array([action])))[0]
            over = over or not numpy(recipe.is_balanced(after[None]))[0]
            assert alive[step, episode] == (not over)
            state = state if over else after
    assert 0 < alive.sum() < alive.size
    np.testing.assert_array_equal(
        recipe.balanced_steps(starts, recipe.push_toward_lean), alive.sum(axis=0)
    )


def test_a_rule_that_sees_the_speed_of_the_pole_balances_it():
    def rule(states):
        return keras.ops.cast(states[:, 2] + 0.3 * states[:, 3] > 0, "int32")

    starts = recipe.sample_starts(100, seed=0)
    assert np.all(numpy(recipe.balanced_steps(starts, rule)) == recipe.LIMIT)
    assert np.mean(numpy(recipe.balanced_steps(starts, recipe.push_toward_lean))) < 50


def test_returns():
    alive = np.array([[1, 1], [1, 0], [1, 0]], "float32")
    expected = [[0.5 * (1 + 0.5 + 0.25), 0.5], [0.5 * 1.5, 0], [0.5, 0]]
    np.testing.assert_allclose(recipe.discounted_returns(alive, 0.5), expected)


def test_actions_have_the_probabilities_of_the_policy():
    model = recipe.build_model(units=3)
    states = recipe.sample_starts(4, seed=0)
    right = numpy(keras.ops.softmax(model.policy(states)))[:, 1]
    assert 0.3 < right.min() < right.max() < 0.7
    assert np.all(numpy(model.sampled_actions(states, right - 0.01)) == 1)
    assert np.all(numpy(model.sampled_actions(states, right + 0.01)) == 0)


def an_episode(model, count=6):
    rng = np.random.default_rng(1)
    chances = rng.uniform(size=(recipe.LIMIT, count)).astype("float32")
    return recipe.play(recipe.sample_starts(count, seed=2), model.sampled_actions, chances)


@pytest.mark.parametrize("with_baseline", [True, False])
def test_loss_against_numpy(with_baseline):
    model = recipe.build_model(units=3, baseline=with_baseline)
    states, actions, alive = an_episode(model)
    loss = float(model.policy_loss(states, actions, alive))
    returns = numpy(recipe.discounted_returns(alive, 0.99))
    logits = numpy(model.policy(numpy(states).reshape(-1, 4))).reshape(*returns.shape, 2)
    expected = 0
    for episode in range(returns.shape[1]):
        for step in range(recipe.LIMIT):
            acts = step == 0 or alive[step - 1, episode] == 1
            if not acts:
                continue
            at = logits[step, episode]
            log_policy = at[actions[step, episode]] - np.log(np.exp(at).sum())
            advantage = returns[step, episode]
            if with_baseline:
                predicted = float(model.value(states[step, episode][None])[0, 0])
                advantage -= predicted
                expected += advantage**2
            expected -= advantage * log_policy
    assert loss == pytest.approx(expected / returns.shape[1], rel=1e-4)


def test_the_policy_does_not_move_the_baseline():
    """The gradient of the baseline is that of its squared error alone."""
    model = recipe.build_model(units=3)
    states, actions, alive = an_episode(model)
    with tf.GradientTape() as tape:
        loss = model.policy_loss(states, actions, alive)
    found = tape.gradient(loss, model.value.trainable_variables)
    returns = recipe.discounted_returns(alive, 0.99)
    alive_before = np.concatenate([np.ones((1, 6)), numpy(alive)[:-1]]).astype("float32")
    with tf.GradientTape() as tape:
        predicted = keras.ops.reshape(model.value(numpy(states).reshape(-1, 4)), returns.shape)
        error = keras.ops.sum(alive_before * (returns - predicted) ** 2) / 6
    expected = tape.gradient(error, model.value.trainable_variables)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def estimates(model, value):
    """Gradients of the policy's last bias from some single episodes, with a constant baseline."""
    model.value.layers[-1].set_weights([np.zeros((3, 1)), np.array([value])])
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        chances = rng.uniform(size=(recipe.LIMIT, 1)).astype("float32")
        starts = recipe.sample_starts(1, seed)
        states, actions, alive = recipe.play(starts, model.sampled_actions, chances)
        with tf.GradientTape() as tape:
            loss = model.policy_loss(states, actions, alive)
        found.append(numpy(tape.gradient(loss, model.policy.trainable_variables[-1]))[1])
    return np.array(found)


@pytest.mark.slow
def test_a_baseline_lowers_the_variance_of_the_gradient_and_not_its_mean():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=3)
    without = estimates(model, 0.0)
    with_baseline = estimates(model, 0.1)
    assert with_baseline.var() < 0.7 * without.var()
    # Of the same episodes: the difference of the means is 0 but for chance.
    difference = with_baseline - without
    assert abs(difference.mean()) < 3 * difference.std() / np.sqrt(len(difference))


def test_it_learns_to_keep_the_pole_up_longer():
    keras.utils.set_random_seed(0)
    model = recipe.build_model()
    model.jit_compile = False  # which would take longer than the steps
    train = tf.data.Dataset.from_tensor_slices((recipe.sample_starts(640, seed=5),)).batch(64)
    history = model.fit(train, epochs=3, verbose=0, shuffle=False).history["balanced_steps"]
    assert history[-1] > 1.3 * history[0]


@pytest.mark.parametrize("with_baseline", [True, False])
def test_a_reloaded_agent_plays_and_learns_as_before(with_baseline, tmp_path):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=3, baseline=with_baseline)
    model.jit_compile = False
    train = tf.data.Dataset.from_tensor_slices((recipe.sample_starts(8, seed=5),)).batch(4)
    model.fit(train, verbose=0, shuffle=False)
    model.save(tmp_path / "agent.keras")
    again = keras.saving.load_model(tmp_path / "agent.keras")
    again.jit_compile = False
    starts = recipe.sample_starts(30, seed=6)
    np.testing.assert_array_equal(again(starts), model(starts))
    played = [recipe.balanced_steps(starts, agent.best_actions) for agent in (model, again)]
    np.testing.assert_array_equal(*played)
    # Keras does not save the state of a seed generator; all else is there.
    again.seeds.state.assign(model.seeds.state)
    for agent in (model, again):
        agent.fit(train, verbose=0, shuffle=False)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_parameters_and_outputs():
    model = recipe.build_model()
    assert sum(np.prod(weight.shape) for weight in model.trainable_variables) == 419
    without = recipe.build_model(baseline=False)
    assert sum(np.prod(weight.shape) for weight in without.trainable_variables) == 226
    states = recipe.sample_starts(20, seed=0)
    probabilities = numpy(model(states))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), model.best_actions(states))


def test_mechanics_keep_32_bits_whatever_the_networks_compute_in():
    starts = recipe.sample_starts(8, seed=0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = recipe.build_model(units=3)
        chances = np.full((recipe.LIMIT, 8), 0.5, "float32")
        states, _, _ = recipe.play(starts, model.sampled_actions, chances)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(states[0], starts)
    assert keras.backend.standardize_dtype(states.dtype) == "float32"


def test_a_step_in_float16_moves_the_weights_about_as_far():
    """Keras scales the gradients back: the loss has to be scaled first."""
    train, _, _ = recipe.load_data()
    ratios = ratios_in_float16(recipe.build_model, train)
    assert np.all((ratios > 0.5) & (ratios < 2)), ratios
