"""The episodes that are shown are played by the agent, and their values are its own."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.reinforcement_learning import dqn as recipe
from recipes.reinforcement_learning.figures import dqn as pictures


@pytest.fixture(autouse=True)
def default_style():
    with plt.style.context("default"):
        yield
    plt.close("all")


def test_traced_episodes_are_those_that_are_played():
    keras.utils.set_random_seed(0)
    agent = recipe.build_model(filters=2)
    starts = recipe.sample_starts(30, seed=1)
    states, values = pictures.trace(agent, starts)
    assert states.shape == (recipe.SIDE, 30, 4)
    assert values.shape == (recipe.SIDE - 1, 30, 3)
    np.testing.assert_array_equal(recipe.reward(states[-1]), agent(starts))
    moved = np.diff(states[:, :, recipe.PADDLE], axis=0)
    wanted = values.argmax(axis=2) - 1
    stopped = moved != wanted  # at a wall
    assert np.all(moved[stopped] == 0)
    (axis,) = pictures.plot_expectations(agent, starts).axes
    (sure,) = (line for line in axis.lines if line.get_label() == "worth of a sure catch")
    assert sure.get_ydata()[-1] == 1
    assert sure.get_ydata()[-2] == agent.config["discount"]
