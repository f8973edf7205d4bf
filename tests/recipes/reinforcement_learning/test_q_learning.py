"""Value iteration against the textbook, the learned table against both; who solves which maze."""

import pathlib
import random
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.reinforcement_learning import q_learning as recipe

PAGE = pathlib.Path(recipe.__file__).with_name("README.md").read_text(encoding="utf8")
LINE = "..+"  # two places and the goal


@pytest.fixture
def small_world():
    return recipe.read_world(recipe.SMALL_WORLD, recipe.STEP_REWARD, slip=recipe.SLIP)


def test_value_iteration_gives_the_textbooks_values(small_world):
    """Russell & Norvig's values of the 4 × 3 world, row by row."""
    values = recipe.value_iteration(small_world).max(axis=1)[np.logical_not(small_world.terminal)]
    expected = [0.812, 0.868, 0.918, 0.762, 0.660, 0.705, 0.655, 0.611, 0.388]
    np.testing.assert_allclose(values, expected, atol=5e-4)


def test_optimal_values_are_those_of_the_best_policy(small_world):
    """An independent reference: the linear equations of the policy that is best by them."""
    q = recipe.value_iteration(small_world)
    states = len(small_world.places)
    equations = np.eye(states)
    constants = np.zeros(states)
    for state, action in enumerate(q.argmax(axis=1)):
        if small_world.terminal[state]:
            continue
        for turn, chance in ((0, 0.8), (1, 0.1), (-1, 0.1)):
            arrived = small_world.after[state][(action + turn) % 4]
            equations[state, arrived] -= chance
            constants[state] += chance * small_world.rewards[arrived]
    values = np.linalg.solve(equations, constants)
    inside = np.logical_not(small_world.terminal)
    np.testing.assert_allclose(q.max(axis=1)[inside], values[inside], atol=1e-9)


def test_learned_table_comes_near_the_optimal_one(small_world):
    """All actions are random: what is learned is the best policy, not the one that is followed."""
    known = recipe.value_iteration(small_world)
    rng = random.Random(0)
    learned, (early,) = recipe.q_learning(
        small_world, 300_000, rng, exploration=1, snapshots=[5_000]
    )
    assert recipe.largest_error(small_world, learned, known) < 0.05
    assert recipe.largest_error(small_world, early, known) > 0.15
    best = np.sort(known, axis=1)
    clear = best[:, -1] - best[:, -2] > 0.04  # elsewhere, two actions are nearly as good
    np.testing.assert_array_equal(learned.argmax(axis=1)[clear], known.argmax(axis=1)[clear])


@pytest.mark.parametrize("seed", range(recipe.SEEDS))
def test_errors_are_those_on_the_page(seed, small_world):
    """The first two of four columns: the others would take minutes."""
    known = recipe.value_iteration(small_world)
    counts = [5_000, 50_000]
    _, tables = recipe.q_learning(
        small_world, counts[-1], random.Random(seed), exploration=1, snapshots=counts
    )
    (row,) = re.findall(rf"^\| {seed} \| (0\.\d+) \| (0\.\d+) \|", PAGE, re.MULTILINE)
    found = [recipe.largest_error(small_world, table, known) for table in tables]
    assert [float(cell) for cell in row] == np.round(found, 3).tolist()


@pytest.mark.parametrize("planning", [0, 5])
def test_table_of_a_world_without_chance_is_exact(planning, monkeypatch):
    monkeypatch.setattr(recipe, "MAZE_CELLS", 4)
    rng = random.Random(0)
    world = recipe.maze_world(4, rng)
    world.start = None
    learned, _ = recipe.q_learning(world, 60_000, rng, exploration=1, decay=0, planning=planning)
    assert recipe.largest_error(world, learned, recipe.value_iteration(world)) < 1e-12


def test_one_update_by_hand():
    world = recipe.read_world(LINE, step_reward=-1, start=0, discount=0.5)
    learned, taken = recipe.q_learning(world, 2, Right(), decay=0, snapshots=[1, 2])
    # 0 → 1: −1 + 0.5 · max Q(1) = −1. 1 → the goal, reward 1: −1 + 1.
    np.testing.assert_array_equal(taken[0], [[0, -1, 0, 0], [0] * 4, [0] * 4])
    np.testing.assert_array_equal(taken[1], learned)
    assert learned[1, 1] == 0
    # With an earlier value of 3 at state 1: −1 + 0.5 · 3.
    assert recipe.target([[0] * 4, [3, 1, 0, 0], [9] * 4], world, 1) == 0.5
    assert recipe.target([[0] * 4, [3, 1, 0, 0], [9] * 4], world, 2) == 0


class Right(random.Random):
    """Chance that always goes to the right."""

    def random(self):
        return 0.99

    def choice(self, options):
        return 1 if 1 in options else options[0]


def test_slips_turn_to_either_side():
    rng = random.Random(0)
    drawn = [recipe.slipped(3, 0.1, rng) for _ in range(5000)]
    shares = np.bincount(drawn, minlength=4) / 5000
    np.testing.assert_allclose(shares, [0.1, 0, 0.1, 0.8], atol=0.02)


def test_walls_and_borders_are_not_passed(small_world):
    state = small_world.places.index((1, 0))  # the wall is to its right
    assert small_world.after[state] == [0, state, small_world.places.index((2, 0)), state]


def test_mazes_have_one_path_and_their_goal_at_the_distance():
    for seed in range(5):
        world = recipe.maze_world(10, random.Random(seed))
        (goal,) = np.flatnonzero(world.terminal)
        distances = recipe.distances_from(world.start, world.after)
        assert len(distances) == len(world.places)  # all are reached
        assert distances[goal] == 10
        # A tree: one connection fewer than places. Each counts from both ends.
        connections = sum(new != state for state, row in enumerate(world.after) for new in row) / 2
        assert connections == len(world.places) - 1


def test_who_knows_the_maze_solves_it_and_who_knows_nothing_does_not():
    world = recipe.maze_world(8, random.Random(0))
    assert recipe.solves(world, recipe.value_iteration(world))
    assert not recipe.solves(world, np.zeros((len(world.places), 4)))


def test_planning_needs_fewer_steps(monkeypatch):
    monkeypatch.setattr(recipe, "MAZE_STEPS", 4000)
    monkeypatch.setattr(recipe, "MAZE_CELLS", 5)
    monkeypatch.setattr(recipe, "MAZES", 6)
    monkeypatch.setattr(recipe, "DISTANCES", (20,))
    (without,) = recipe.solved_shares(0)
    (with_planning,) = recipe.solved_shares(recipe.PLANNING)
    assert with_planning >= without + 0.4


def test_title_of_the_tables_gives_the_error(small_world):
    known = recipe.value_iteration(small_world)
    learned = known.copy()
    learned[0, 2] += 0.25
    figure = recipe.plot_tables(small_world, learned, known)
    assert figure.axes[0].get_title().endswith("at most 0.250 off")
    plt.close(figure)
