"""Q-learning: a table of action values, as exact as value iteration; and mazes that need planning.

Slides: 001 «Aprendizaje por refuerzo», 000 «Limitaciones».
Paper:  Watkins & Dayan (1992), Q-learning, https://doi.org/10.1007/BF00992698;
        Sutton (1990), Integrated architectures for learning, planning, and reacting (Dyna-Q),
        https://doi.org/10.1016/B978-1-55860-141-3.50030-4;
        Russell & Norvig, Artificial intelligence, chapter 17 (the 4 × 3 world)
Departs from the slides: 001 has a diagram of agent, action, reward and state, without an example;
the worlds here are our choice. 000 says that long-term planning is out of reach of deep learning;
here the update rule itself, without a network, has this limit.

After each step the agent moves Q(s, a), the expected return of action a in state s, towards r +
γ maxₐ′ Q(s′, a′). Neither the transitions nor the rewards of the world are given. Value iteration,
which requires both, has the same fixed point: the optimal Q* (tested).

Each visit propagates the reward by one step only. So the farther the goal, the more often it has to
be found by chance. Dyna-Q stores the observed transitions, and plans: after each step it also
updates the values of stored pairs of state and action.
"""

import dataclasses
import random

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Polygon

# A # is a wall; + and − end an episode with a reward of 1 and −1.
SMALL_WORLD = """
...+
.#.−
....
"""
MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]  # rows and columns: up, right, down, left
ARROWS = "↑→↓←"
END_REWARDS = {"+": 1, "−": -1}
STEP_REWARD = -0.04  # of the small world
SLIP = 0.1  # probability there of slipping to the left of the chosen direction; and to the right
STEPS = 5_000_000  # in the small world
EXPLORATION = 0.3  # share of random actions
SEEDS = 3
MAZE_CELLS = 7  # along each side
MAZE_STEPS = 10_000
MAZE_DISCOUNT = 0.95
MAZES = 20
DISTANCES = (2, 4, 8, 12, 16, 24, 32)  # from the start to the goal
PICTURED_DISTANCE = 24
PLANNING = 20  # planning updates after each step


@dataclasses.dataclass
class World:
    """A grid in which an action moves the agent to a neighboring cell, unless there is a wall.

    Args:
        places: Row and column of each state.
        after: For each state, the next states in each of the four directions.
        terminal: For each state, whether it ends an episode.
        rewards: For each state, the reward for reaching it.
        start: The initial state of episodes; None for a random one.
        slip: Probability of moving to the left of the chosen direction, and of moving to the right.
        discount: γ.
    """

    places: list
    after: list
    terminal: list
    rewards: list
    start: int | None = None
    slip: float = 0.0
    discount: float = 1.0


def read_world(text, step_reward, **settings):
    """The world given as a drawing in characters."""
    places = []
    terminal = []
    rewards = []
    for row, line in enumerate(text.strip("\n").splitlines()):
        for column, mark in enumerate(line):
            if mark != "#":
                places.append((row, column))
                terminal.append(mark in END_REWARDS)
                rewards.append(step_reward + END_REWARDS.get(mark, 0))
    return World(places, neighbors(places), terminal, rewards, **settings)


def neighbors(places):
    """For each position, its neighbors in the four directions; itself where there is a wall."""
    states = {place: state for state, place in enumerate(places)}
    after = []
    for state, (row, column) in enumerate(places):
        beside = [(row + down, column + right) for down, right in MOVES]
        after.append([states.get(place, state) for place in beside])
    return after


def value_iteration(world):
    """Q* (states, actions) of a world with known transitions and rewards."""
    after = np.array(world.after)
    q = np.zeros(after.shape)
    change = np.inf
    while change > 1e-12:
        values = np.where(world.terminal, 0, q.max(axis=1))
        moved = (world.rewards + world.discount * values)[after]  # by direction
        aside = np.roll(moved, 1, axis=1) + np.roll(moved, -1, axis=1)
        updated = (1 - 2 * world.slip) * moved + world.slip * aside
        change = np.abs(updated - q).max()
        q = updated
    return q


def q_learning(world, steps, rng, exploration=EXPLORATION, decay=0.85, planning=0, snapshots=()):
    """Q-learning, or Dyna-Q, in a world whose transitions and rewards are unknown to the agent.

    Args:
        world: A `World`.
        steps: Total number of steps, over all episodes.
        rng: A `random.Random`.
        exploration: Share of random actions.
        decay: The learning rate is (number of visits)^−decay: 1 for a decay of 0.
        planning: Number of planning updates after each step; they require that `slip` is 0.
        snapshots: Numbers of steps after which to copy the table.

    Returns:
        The table (states, actions), and a list of the copies.
    """
    q = [[0.0] * 4 for _ in world.places]
    visits = [[0] * 4 for _ in world.places]
    transitions = []
    snapshots_taken = []
    state = first_state(world, rng)
    for step in range(1, steps + 1):
        action = choose(q[state], exploration, rng)
        arrived = world.after[state][slipped(action, world.slip, rng)]
        visits[state][action] += 1
        if planning and visits[state][action] == 1:
            transitions.append((state, action, arrived))
        # The update of Q-learning.
        learning_rate = visits[state][action] ** -decay
        q[state][action] += learning_rate * (target(q, world, arrived) - q[state][action])
        # Planning: update stored transitions; in a world without slip, the learning rate is 1.
        for _ in range(planning):
            past_state, past_action, next_state = rng.choice(transitions)
            q[past_state][past_action] = target(q, world, next_state)
        state = first_state(world, rng) if world.terminal[arrived] else arrived
        if step in snapshots:
            snapshots_taken.append(np.array(q))
    return np.array(q), snapshots_taken


def target(q, world, arrived):
    """r + γ maxₐ Q(s′, a): the reward for reaching s′, plus the discounted value of s′."""
    future = 0.0 if world.terminal[arrived] else max(q[arrived])
    return world.rewards[arrived] + world.discount * future


def choose(values, exploration, rng):
    """An epsilon-greedy action: one of highest value, or random with probability `exploration`."""
    if rng.random() < exploration:
        return rng.randrange(4)
    best = max(values)
    return rng.choice([action for action, value in enumerate(values) if value == best])


def slipped(action, slip, rng):
    """The actual direction of a move, after possible slipping."""
    chance = rng.random()
    if chance < slip:
        return (action - 1) % 4
    if chance < 2 * slip:
        return (action + 1) % 4
    return action


def first_state(world, rng):
    """The initial state of an episode: the world's start, or a random state."""
    if world.start is not None:
        return world.start
    return rng.choice([state for state, end in enumerate(world.terminal) if not end])


def random_maze(cells, rng):
    """The positions of a random perfect maze: exactly one path connects any two of them.

    Cells are at even rows and columns; a depth-first walk that visits all of them opens the walls
    between them.
    """
    path = [(0, 0)]
    visited = {(0, 0)}
    places = [(0, 0)]
    while path:
        row, column = path[-1]
        free = []
        for down, right in MOVES:
            place = (row + 2 * down, column + 2 * right)
            if min(place) >= 0 and max(place) < 2 * cells and place not in visited:
                free.append(place)
        if not free:
            path.pop()  # backtrack
            continue
        new = rng.choice(free)
        places += [((row + new[0]) // 2, (column + new[1]) // 2), new]
        visited.add(new)
        path.append(new)
    return places


def distances_from(start, after):
    """The least number of moves from `start` to each state."""
    distances = {start: 0}
    reached = [start]
    for state in reached:  # the list grows
        for new in after[state]:
            if new not in distances:
                distances[new] = distances[state] + 1
                reached.append(new)
    return distances


def maze_world(distance, rng):
    """A random maze with the only reward, 1, at a given distance from the start."""
    goals = []
    while not goals:
        places = random_maze(MAZE_CELLS, rng)
        after = neighbors(places)
        start = rng.randrange(len(places))
        distances = distances_from(start, after)
        goals = [state for state in distances if distances[state] == distance]
    goal = rng.choice(goals)
    terminal = [state == goal for state in range(len(places))]
    rewards = [float(end) for end in terminal]
    return World(places, after, terminal, rewards, start, discount=MAZE_DISCOUNT)


def solves(world, q):
    """Whether the greedy policy reaches the goal."""
    state = world.start
    for _ in range(len(world.places)):
        state = world.after[state][q[state].argmax()]
        if world.terminal[state]:
            return True
    return False


def solved_shares(planning):
    """The share of mazes that are solved after `MAZE_STEPS` steps, by distance to the goal."""
    shares = []
    for distance in DISTANCES:
        solved = []
        for seed in range(MAZES):
            rng = random.Random(1000 * distance + seed)
            world = maze_world(distance, rng)
            q, _ = q_learning(world, MAZE_STEPS, rng, decay=0, planning=planning)
            solved.append(solves(world, q))
        shares.append(np.mean(solved))
    return shares


def largest_error(world, learned, known):
    """The largest |Q − Q*| over all non-terminal states and actions."""
    return np.abs(learned - known)[np.logical_not(world.terminal)].max()


def plot_table(axis, world, q):
    """Plot a table of action values: four triangles in each cell, the best in bold."""
    corners = [((-0.5, -0.5), (0.5, -0.5)), ((0.5, -0.5), (0.5, 0.5))]
    corners += [((0.5, 0.5), (-0.5, 0.5)), ((-0.5, 0.5), (-0.5, -0.5))]
    colors = plt.get_cmap("RdBu")
    height, width = np.max(world.places, axis=0) + 1
    axis.add_patch(plt.Rectangle((-0.5, -0.5), width, height, color="0.3"))
    for state, (row, column) in enumerate(world.places):
        if world.terminal[state]:
            reward = world.rewards[state] - STEP_REWARD
            axis.add_patch(
                plt.Rectangle((column - 0.5, row - 0.5), 1, 1, color=colors((reward + 1) / 2))
            )
            style = {"ha": "center", "va": "center", "color": "white", "fontsize": 16}
            axis.text(column, row, f"{reward:+.0f}".replace("-", "−"), **style)
            continue
        for direction, (down, right) in enumerate(MOVES):
            triangle = np.add([(0, 0), *corners[direction]], (column, row))
            value = q[state, direction]
            axis.add_patch(Polygon(triangle, facecolor=colors((value + 1) / 2), edgecolor="white"))
            weight = "bold" if direction == q[state].argmax() else "normal"
            place = (column + 0.32 * right, row + 0.34 * down)
            text = f"{value:.2f}".replace("-", "−")
            color = "white" if abs(value) > 0.6 else "0.15"
            axis.text(
                *place, text, ha="center", va="center", fontsize=8, weight=weight, color=color
            )
    axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    axis.axis("off")


def plot_tables(world, learned, known):
    """Plot the learned table of action values beside the optimal one."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    plot_table(axes[0], world, learned)
    plot_table(axes[1], world, known)
    error = largest_error(world, learned, known)
    axes[0].set_title(f"Q-learning, {STEPS:,} steps: at most {error:.3f} off")
    axes[1].set_title("Value iteration, which knows the world")
    figure.suptitle("The table learned by trial and error is the optimal one")
    return figure


def plot_errors(counts, errors):
    """Plot the error of the tables by the number of steps, one line for each seed."""
    figure, axis = plt.subplots(layout="constrained")
    axis.loglog(counts, np.transpose(errors), "o-", color="C0")
    axis.axhline(0.01, color="0.5", linestyle="--", label="0.01")
    axis.set(title=f"The error falls as steps add up ({len(errors)} seeds)")
    axis.set(xlabel="steps in the world", ylabel="largest |Q − Q*|")
    axis.legend()
    return figure


def plot_values(axis, world, q):
    """Plot the value of each position of a maze, from light to dark, with start and goal."""
    picture = np.full(np.max(world.places, axis=0) + 3, np.nan)
    picture[tuple(np.transpose(world.places) + 1)] = np.log10(np.maximum(q.max(axis=1), 1e-3))
    axis.imshow(picture, cmap="Blues", vmin=-3, vmax=0.3)
    axis.set(facecolor="0.3", xticks=[], yticks=[])
    (goal,) = np.flatnonzero(world.terminal)
    for state, mark, color in ((world.start, "o", "C4"), (goal, "*", "C1")):
        row, column = np.add(world.places[state], 1)
        axis.plot(column, row, mark, color=color, markersize=11)


def plot_planning(shares):
    """Plot both agents' values of a maze after equally many steps, and shares of solved mazes."""
    figure, axes = plt.subplots(
        1, 3, figsize=(12.5, 4.2), width_ratios=(1, 1, 1.3), layout="constrained"
    )
    for axis, name, planning in zip(axes, ("Q-learning", "Dyna-Q"), (0, PLANNING), strict=False):
        rng = random.Random(1)
        world = maze_world(PICTURED_DISTANCE, rng)
        q, _ = q_learning(world, MAZE_STEPS, rng, decay=0, planning=planning)
        plot_values(axis, world, q)
        valued = np.mean(q.max(axis=1)[np.logical_not(world.terminal)] > 0)
        axis.set_title(f"{name}: {valued:.0%} of the\nplaces lead to the goal")
    for name, by_distance in shares.items():
        axes[2].plot(DISTANCES, by_distance, "o-", label=name)
    axes[2].set(title=f"Mazes solved after {MAZE_STEPS:,} steps", ylim=(-0.03, 1.03))
    axes[2].set(xlabel="steps from the start (circle) to the goal (star)", ylabel="share")
    axes[2].legend()
    return figure


def main():
    world = read_world(SMALL_WORLD, STEP_REWARD, slip=SLIP)
    known = value_iteration(world)
    counts = [int(STEPS / 10**exponent) for exponent in (3, 2.5, 2, 1.5, 1, 0.5, 0)]
    errors = []
    for seed in range(SEEDS):
        rng = random.Random(seed)
        learned, tables = q_learning(world, STEPS, rng, exploration=1, snapshots=counts)
        errors.append([largest_error(world, table, known) for table in tables])
        print(f"4 × 3 world, seed {seed}: largest |Q − Q*| after", end=" ")
        print(", ".join(f"{n:,}: {e:.3f}" for n, e in zip(counts, errors[-1], strict=True)))
    policy = "".join(ARROWS[action] for action in known.argmax(axis=1))
    print("Best actions, row by row:", policy)

    shares = {
        "Q-learning": solved_shares(0),
        f"Dyna-Q, {PLANNING} planned": solved_shares(PLANNING),
    }
    print(f"\nMazes solved after {MAZE_STEPS:,} steps, by distance of the goal {DISTANCES}:")
    for name, by_distance in shares.items():
        print(f"{name:>18}", " ".join(f"{share:4.0%}" for share in by_distance))

    plot_tables(world, learned, known).savefig("tables.png")
    plot_errors(counts, errors).savefig("errors.png")
    plot_planning(shares).savefig("planning.png")


if __name__ == "__main__":
    main()
