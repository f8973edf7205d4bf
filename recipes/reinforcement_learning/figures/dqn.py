"""The pictures of dqn: the agent at play, its expected reward, and the ablation."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from recipes.reinforcement_learning import dqn

EPISODES = 5  # episodes in the animation, side by side


def figures(models, test, histories):
    """The agent at play, its expected reward, and an ablation of replay and target network."""
    agent = models["dqn"] if "dqn" in models else next(iter(models.values()))
    (starts,) = next(test.as_numpy_iterator())
    return {
        "game": animate(agent, starts[:EPISODES]),
        "expectations": plot_expectations(agent, starts),
        "ablation": plot_ablation(histories),
    }


def trace(agent, starts):
    """States (steps, count, 4) of episodes, and values of the actions (steps - 1, count, 3)."""
    states = [starts]
    values = []
    before = starts
    for _ in range(dqn.SIDE - 1):
        now = states[-1]
        of_actions = keras.ops.convert_to_numpy(agent.network(dqn.observe(before, now)))
        values.append(of_actions)
        actions = of_actions.argmax(axis=1).astype("int32")
        states.append(keras.ops.convert_to_numpy(dqn.advance(now, actions)))
        before = now
    return np.array(states), np.array(values)


def animate(agent, starts):
    """Some episodes of the test set, with the values of the three actions below."""
    states, values = trace(agent, starts)
    caught = keras.ops.convert_to_numpy(dqn.reward(states[-1])) > 0
    count = len(starts)
    figure, axes = plt.subplots(
        2,
        count,
        figsize=(2 * count, 3.2),
        height_ratios=(3, 1),
        squeeze=False,
        layout="constrained",
    )
    pictures = []
    bars = []
    for upper, lower in axes.T:
        screen = np.zeros((dqn.SIDE, dqn.SIDE))
        pictures.append(upper.imshow(screen, cmap="gray", vmin=0, vmax=255))
        upper.set(xticks=[], yticks=[])
        bars.append(lower.bar(dqn.ACTIONS, [0, 0, 0], color="C0"))
        lower.axhline(0, color="0.5", linewidth=0.8)
        lower.set(ylim=(-1.1, 1.1), yticks=[])
        lower.tick_params(labelsize=8)

    def update(step):
        frames = keras.ops.convert_to_numpy(dqn.render(states[step]))
        over = step == len(states) - 1
        for episode in range(count):
            pictures[episode].set_data(frames[episode])
            title = ("caught" if caught[episode] else "missed") if over else " "
            axes[0, episode].set_title(title, fontsize=10, loc="center")
            if not over:
                best = values[step, episode].argmax()
                for action, bar in enumerate(bars[episode]):
                    bar.set_height(values[step, episode, action])
                    bar.set_color("C1" if action == best else "C0")

    # Compute the layout once, for the first frame.
    figure.suptitle("What the agent sees, and the reward that it expects of each move")
    update(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    # Repeat the last frame, so that the end is visible.
    frames = [*range(len(states)), *[len(states) - 1] * 5]
    return FuncAnimation(figure, update, frames=frames, interval=150)


def plot_expectations(agent, starts):
    """Plot the expected reward during all test episodes, beside the value of a certain catch."""
    states, values = trace(agent, starts)
    expected = values.max(axis=2)  # (steps, count)
    caught = keras.ops.convert_to_numpy(dqn.reward(states[-1])) > 0
    steps = np.arange(len(expected))
    figure, axis = plt.subplots(layout="constrained")
    for name, chosen, color in (("caught", caught, "C0"), ("missed", ~caught, "C1")):
        if chosen.any():
            low, middle, high = np.percentile(expected[:, chosen], [10, 50, 90], axis=1)
            label = f"{name}: {chosen.sum()} episodes, median and 10 to 90 %"
            axis.plot(steps, middle, color=color, label=label)
            axis.fill_between(steps, low, high, color=color, alpha=0.2)
    sure = agent.config["discount"] ** steps[::-1]
    axis.plot(steps, sure, "--", color="0.4", label="worth of a sure catch")
    axis.set(title="It expects what a sure catch is worth, until it sees that it will miss")
    axis.set(xlabel="step of the episode", ylabel="expected reward", ylim=(-1.05, 1.05))
    axis.legend(loc="lower left")
    return figure


def plot_ablation(histories):
    """Catch rate and mean value by epoch for each variant."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, history in histories.items():
        for axis, metric in ((left, "val_catch_rate"), (right, "mean_value")):
            values = history.get(metric, [])
            axis.plot(np.arange(len(values)) + 1, values, "o-", markersize=4, label=name)
    left.set(title="Balls caught in validation", xlabel="epoch", ylim=(0, 1.02))
    right.set(title="Reward expected while learning: at most 1", xlabel="epoch")
    left.legend()
    return figure
