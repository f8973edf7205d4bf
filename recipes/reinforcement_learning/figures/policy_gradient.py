"""The pictures of policy_gradient: three controllers at work, the policy, and the learning."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.patches import Rectangle

from recipes.reinforcement_learning import policy_gradient

FRAME = 4  # steps between two frames of the animation
GRID = 60  # points along each side of the map of the policy


def figures(models, test, histories):
    """Three controllers at work, the policy of the agent, and how the variants learned."""
    name = "with_baseline" if "with_baseline" in models else next(iter(models))
    agent = models[name]
    (starts,) = next(test.as_numpy_iterator())
    return {
        "balance": animate(agent, starts[:1]),
        "policy": plot_policy(agent, starts),
        "learning": plot_learning(histories),
    }


def push_at_random(seed=0):
    """A controller that pushes to either side, whatever the state."""
    rng = np.random.default_rng(seed)
    pushes = rng.integers(0, 2, policy_gradient.LIMIT).astype("int32")
    return keras.ops.convert_to_tensor(np.repeat(pushes[:, None], 1, axis=1))


def trace(starts, policy, inputs=None):
    """States (LIMIT, count, 4) and how many steps the pole stands (count,), as arrays."""
    starts = keras.ops.convert_to_tensor(starts)
    states, _, alive = policy_gradient.play(starts, policy, inputs)
    steps = keras.ops.convert_to_numpy(keras.ops.sum(alive, axis=0))
    return keras.ops.convert_to_numpy(states), steps


def animate(agent, starts):
    """One beginning, three controllers: random pushes, pushes to where it leans, the agent.

    Args:
        agent: A `PolicyGradient`.
        starts: One state (1, 4).
    """
    runs = {
        "random pushes": trace(starts, lambda states, pushes: pushes, push_at_random()),
        "pushes to where it leans": trace(starts, policy_gradient.push_toward_lean),
        "the agent": trace(starts, agent.best_actions),
    }
    figure, axes = plt.subplots(len(runs), 1, figsize=(6, 5), layout="constrained")
    carts, poles = [], []
    for axis in axes:
        axis.set(xlim=(-policy_gradient.TRACK, policy_gradient.TRACK), ylim=(-0.2, 1.35))
        axis.set(aspect="equal", xticks=[], yticks=[])
        axis.axhline(0, color="0.6", linewidth=1)
        carts.append(axis.add_patch(Rectangle((0, 0), 0.5, 0.2, color="0.3")))
        poles.extend(axis.plot([], [], color="C1", linewidth=4))

    def update(step):
        for axis, cart, pole, name in zip(axes, carts, poles, runs, strict=True):
            states, steps = runs[name]
            position, _, angle, _ = states[step, 0]
            cart.set_x(position - 0.25)
            length = 2 * policy_gradient.POLE_HALF_LENGTH
            tip = (position + length * np.sin(angle), 0.2 + length * np.cos(angle))
            pole.set_data([position, tip[0]], [0.2, tip[1]])
            fell = steps[0] <= step
            pole.set_color("C3" if fell else "C1")
            text = f"{name}: fell after {steps[0]:.0f} steps" if fell else f"{name}: step {step}"
            axis.set_title(text, loc="left", fontsize=10)

    # The layout of the first frame is that of all.
    update(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    last = policy_gradient.LIMIT - 1
    frames = [*range(0, last, FRAME), *[last] * 5]
    return FuncAnimation(figure, update, frames=frames, interval=80)


def plot_policy(agent, starts):
    """The probability of a push to the right by angle and its speed, and where episodes go.

    Args:
        agent: A `PolicyGradient`.
        starts: States (count, 4).
    """
    angles = np.linspace(-policy_gradient.MAX_ANGLE, policy_gradient.MAX_ANGLE, GRID)
    angular_velocities = np.linspace(-2, 2, GRID)
    states = np.zeros((GRID, GRID, 4), "float32")
    states[..., policy_gradient.ANGLE] = angles
    states[..., policy_gradient.ANGULAR_VELOCITY] = angular_velocities[:, None]
    logits = agent.policy(states.reshape(-1, 4))
    right = keras.ops.convert_to_numpy(keras.ops.softmax(logits))[:, 1].reshape(GRID, GRID)
    degrees = np.degrees(angles)
    figure, axis = plt.subplots(figsize=(6, 5), layout="constrained")
    mesh = axis.pcolormesh(degrees, angular_velocities, right, cmap="RdBu_r", vmin=0, vmax=1)
    figure.colorbar(mesh, label="probability of a push to the right")
    passed, _ = trace(starts[:10], agent.best_actions)
    for episode in passed.transpose(1, 0, 2):
        line = np.degrees(episode[:, policy_gradient.ANGLE])
        axis.plot(line, episode[:, policy_gradient.ANGULAR_VELOCITY], color="0.2", linewidth=0.5)
    axis.set(xlabel="angle of the pole in degrees", ylabel="its speed in rad/s", ylim=(-2, 2))
    axis.set_title(f"Speed decides: in {agree(right)} it pushes to where the pole leans")
    return figure


def agree(right):
    """In how much of the map (speeds, angles) the agent pushes to where the pole leans."""
    leans = np.arange(GRID) >= GRID / 2
    return f"{np.mean((right > 0.5) == leans):.0%}"


def plot_learning(histories):
    """Steps of the training episodes and of the validation, by epoch, for each variant."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, history in histories.items():
        for axis, metric in ((left, "balanced_steps"), (right, "val_balanced_steps")):
            values = history.get(metric, [])
            axis.plot(np.arange(len(values)) + 1, values, "o-", markersize=4, label=name)
    left.set(title="Sampled actions, in training", ylabel="steps that the pole stands")
    right.set(title="Most probable actions, in validation")
    for axis in (left, right):
        axis.axhline(policy_gradient.LIMIT, color="0.6", linestyle=":")
        axis.set(xlabel="epoch", ylim=(0, 1.05 * policy_gradient.LIMIT))
    left.legend()
    return figure
