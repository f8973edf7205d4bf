"""The episodes that are shown are those that the controllers play."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.reinforcement_learning import policy_gradient as recipe
from recipes.reinforcement_learning.figures import policy_gradient as pictures


@pytest.fixture(autouse=True)
def default_style(monkeypatch):
    monkeypatch.setattr(recipe, "LIMIT", 40)
    with plt.style.context("default"):
        yield
    plt.close("all")


def test_traced_episodes_are_those_that_are_played():
    keras.utils.set_random_seed(0)
    agent = recipe.build_model(units=3)
    starts = recipe.sample_starts(5, seed=1)
    states, steps = pictures.trace(starts, agent.best_actions)
    assert states.shape == (40, 5, 4)
    np.testing.assert_array_equal(steps, recipe.balanced_steps(starts, agent.best_actions))


def test_last_frame_says_when_each_one_fell():
    keras.utils.set_random_seed(0)
    agent = recipe.build_model(units=3)
    # It turns too fast for one push to stop it.
    starts = np.array([[0, 0, 0.15, 2]], "float32")
    (steps,) = np.asarray(recipe.balanced_steps(starts, recipe.push_toward_lean))
    assert steps < 5
    animation = pictures.animate(agent, starts)
    *_, last = animation.new_frame_seq()
    animation._func(last)
    titles = [axis.get_title(loc="left") for axis in animation._fig.axes]
    assert titles[1] == f"pushes to where it leans: fell after {steps:.0f} steps"
    animation._draw_was_started = True  # it is not to be drawn


def test_how_much_of_the_map_agrees(monkeypatch):
    monkeypatch.setattr(pictures, "GRID", 4)
    # Columns are angles: the pole leans to the right in the last two.
    right = np.array([[0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]])
    assert pictures.agree(right) == "56%"
