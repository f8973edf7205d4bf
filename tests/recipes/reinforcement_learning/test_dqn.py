"""The game and its pixels, the replay memory, loss and target network; and a saved agent."""

import gc
import pathlib
import resource

import keras
import numpy as np
import pytest

from recipes.reinforcement_learning import dqn as recipe
from tests.recipes.sixteen_bits import ratios_in_float16

LAST = recipe.SIDE - 1


def small_agent(**arguments):
    """An agent of few filters that plays four games at a time, and the data for eight steps."""
    starts = recipe.sample_starts(32, seed=5)
    train = recipe.tf.data.Dataset.from_tensor_slices((starts,)).batch(4)
    given = {"filters": 2, "memory": 12, "replayed": 6, "target_steps": 3, "steps": 100}
    return recipe.build_model(train=train, **given | arguments), train


def step_by_step(state, action):
    """The game's next state, in plain Python."""
    row, column, speed, paddle = state
    column += speed
    if column < 0:
        column, speed = -column, -speed
    elif column > LAST:
        column, speed = 2 * LAST - column, -speed
    paddle = min(max(paddle + action - 1, 1), LAST - 1)
    return row + 1, column, speed, paddle


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_ball_bounces_and_paddle_stops_at_the_walls():
    rng = np.random.default_rng(0)
    states = recipe.sample_starts(200, seed=0)
    for _step in range(LAST):
        actions = rng.integers(0, 3, 200)
        expected = [step_by_step(*pair) for pair in zip(states.tolist(), actions, strict=True)]
        states = numpy(recipe.advance(states, actions))
        np.testing.assert_array_equal(states, expected)
    assert np.all(numpy(recipe.is_over(states)) == 1)


def test_reward_comes_at_the_end_for_a_ball_above_the_paddle():
    states = [
        (LAST, 5, 1, 4),
        (LAST, 5, 1, 5),
        (LAST, 5, -1, 6),
        (LAST, 5, 0, 7),
        (LAST - 1, 5, 1, 5),
    ]
    np.testing.assert_array_equal(recipe.reward(np.array(states, "int32")), [1, 1, 1, -1, 0])


def test_pixels_of_ball_and_paddle():
    (frame,) = numpy(recipe.render(np.array([(2, 5, 1, 10)], "int32")))
    lit = {(2, 5), (LAST, 9), (LAST, 10), (LAST, 11)}
    assert set(map(tuple, np.argwhere(frame == 255).tolist())) == lit
    assert frame.dtype == "uint8"
    assert np.count_nonzero(frame) == 4
    before, now = np.array([[(2, 5, 1, 10)], [(3, 6, 1, 9)]], "int32")
    seen = numpy(recipe.observe(before, now))
    assert seen.shape == (1, recipe.SIDE, recipe.SIDE, 2)
    assert seen[0, 2, 5, 0] == seen[0, 3, 6, 1] == 255
    assert seen[0, 2, 5, 1] == seen[0, 3, 6, 0] == 0


def landing(states):
    """Where balls come down, in plain Python."""
    columns = []
    for state in numpy(states).tolist():
        while state[0] < LAST:
            state = step_by_step(state, 1)
        columns.append(state[1])
    return np.array(columns)


def test_who_sees_where_the_ball_lands_catches_all_and_who_follows_it_does_not():
    starts = keras.ops.convert_to_tensor(recipe.sample_starts(100, seed=3))
    targets = landing(starts)

    def foresee(before, now):
        return 1 + keras.ops.sign(targets.astype("int32") - now[:, recipe.PADDLE])

    assert np.all(numpy(recipe.play(starts, foresee)) == 1)
    followed = numpy(recipe.play(starts, recipe.follow))
    assert 0.4 < np.mean(followed == 1) < 0.9


def test_memory_holds_the_last_transitions():
    model, train = small_agent()
    played = []
    for (starts,) in train:
        played.append(numpy(model.play_one_step(starts)))
        drawn = numpy(model.replay(played[-1]))
        known = np.concatenate(played)
        # Only what has been played is drawn, and of that only the last 12 transitions.
        assert {tuple(row) for row in drawn} <= {tuple(row) for row in known[-12:]}
        model.optimizer.iterations.assign_add(1)
    assert {tuple(row) for row in numpy(model.memory)} == {tuple(row) for row in known[-12:]}
    before, now, actions, after = np.split(known, [4, 8, 9], axis=1)
    np.testing.assert_array_equal(after, recipe.advance(now, actions[:, 0]))
    # The games go on: what came after is what is there now, in the next step.
    np.testing.assert_array_equal(now[4:8], after[:4])
    np.testing.assert_array_equal(before[4:8], now[:4])


def test_a_game_that_is_over_begins_again():
    model, _ = small_agent()
    ending = np.array([(LAST - 1, 3, 0, 3), (4, 5, 1, 6), (5, 5, 1, 6), (6, 5, 1, 6)], "int32")
    model.now.assign(ending)
    starts = recipe.sample_starts(4, seed=9)
    model.play_one_step(starts)
    np.testing.assert_array_equal(model.now[0], starts[0])
    np.testing.assert_array_equal(model.before[0], starts[0])
    np.testing.assert_array_equal(model.before[1:], ending[1:])
    np.testing.assert_array_equal(model.now[1:, 0], [5, 6, 7])


def test_loss_against_numpy():
    model, train = small_agent()
    model.target_network.set_weights([1.5 * w for w in model.network.get_weights()])
    transitions = np.concatenate([numpy(model.play_one_step(starts)) for (starts,) in train])
    ends = np.array([(LAST - 2, 7, 1, 7, LAST - 1, 8, 1, 7, 2, LAST, 9, 1, 8)], "int32")
    transitions = np.concatenate([transitions, ends])
    loss, values = model.temporal_difference_loss(transitions)
    expected = []
    for row, of_actions in zip(transitions, numpy(values), strict=True):
        now, action, after = row[4:8], row[8], row[9:]
        future = numpy(model.target_network(recipe.observe(now[None], after[None])))[0]
        target = 1.0 if after[0] == LAST else model.config["discount"] * future.max()
        error = abs(target - of_actions[action])
        expected.append(0.5 * error**2 if error < 1 else error - 0.5)
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)


def test_target_network_follows_every_third_step():
    model, train = small_agent()
    equal = []
    for (starts,) in train.take(4):
        model.train_step((starts,))
        pairs = zip(model.network.weights, model.target_network.weights, strict=True)
        equal.append(all(np.array_equal(new, old) for new, old in pairs))
    assert equal == [False, False, True, False]
    assert not model.target_network.trainable_variables


@pytest.mark.parametrize("memory", [12, 0])
def test_a_reloaded_agent_plays_and_learns_as_before(memory, tmp_path):
    keras.utils.set_random_seed(0)
    model, train = small_agent(memory=memory)
    model.fit(train, epochs=1, verbose=0, shuffle=False)
    model.save(tmp_path / "agent.keras")
    again = keras.saving.load_model(tmp_path / "agent.keras")
    test = recipe.tf.data.Dataset.from_tensor_slices((recipe.sample_starts(60, seed=6),)).batch(60)
    played = model.evaluate(test, verbose=0, return_dict=True)
    assert again.evaluate(test, verbose=0, return_dict=True) == played
    # Keras does not save the state of a seed generator; all else is there.
    again.seeds.state.assign(model.seeds.state)
    for agent in (model, again):
        agent.fit(train, epochs=1, verbose=0, shuffle=False)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def memory_in_use():
    """What this process holds now, in bytes."""
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="Linux only")
def test_memory_of_the_process_does_not_grow_with_the_steps():
    model, train = small_agent()
    endless = train.repeat()
    model.fit(endless, steps_per_epoch=50, verbose=0, shuffle=False)
    before = memory_in_use()
    model.fit(endless, steps_per_epoch=500, verbose=0, shuffle=False)
    assert memory_in_use() - before < 30e6


def test_parameters_of_the_network():
    model = recipe.build_model()
    assert sum(np.prod(weight.shape) for weight in model.trainable_variables) == 38_195
    assert recipe.deployed(model).output_shape == (None, 3)


def test_a_step_in_float16_moves_the_weights_about_as_far():
    """Keras scales the gradients back: the loss has to be scaled first."""
    _, train = small_agent()
    ratios = ratios_in_float16(lambda: small_agent()[0], train)
    assert np.all((ratios > 0.5) & (ratios < 2)), ratios
