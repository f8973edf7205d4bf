"""The McCulloch–Pitts neuron: logic gates by thresholds, and a net that takes brief cold for heat.

Slides: 000 «Neuronas: el modelo computacional más simple»,
        000 «Modelo de McCulloch & Pitts (1943)»,
        000 «McCulloch & Pitts: percepción del calor y del frío».
Paper:  McCulloch & Pitts (1943), A logical calculus of the ideas immanent in nervous activity,
        https://doi.org/10.1007/BF02478259
Departs from the slides: the slide shows the heat-and-cold net as a drawing; its weights here come
from the literature. A neuron is a weighted sum followed by a step function. In deck 000 it fires at
exactly 0, y(0) = 1; deck 003 has f(0) = −1. Both are conventions. Every neuron responds one time
step after its inputs, so the whole net is one `SimpleRNN` of four neurons.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.threshold import Threshold
from recipes.common import plots

# Weights and threshold of each gate.
GATES = {
    "AND": ((1, 1), 2),
    "OR": ((1, 1), 1),
    "NOT": ((-1,), 0),
}

# The heat-and-cold net: two receptors in the skin, two hidden neurons, two output neurons.
HOT = 0
COLD = 1
RELAY = 0
REBOUND = 1  # fires when cold has just ended: the cold receptor inhibits it
FEELS_HEAT = 2
FEELS_COLD = 3  # fires when cold lasts for two time steps
THRESHOLD = 2  # of every neuron
FROM_RECEPTORS = [  # receptor, neuron, weight
    (COLD, RELAY, 2),
    (COLD, REBOUND, -1),
    (HOT, FEELS_HEAT, 2),
    (COLD, FEELS_COLD, 1),
]
FROM_NEURONS = [  # neuron, neuron, weight
    (RELAY, REBOUND, 2),
    (REBOUND, FEELS_HEAT, 2),
    (RELAY, FEELS_COLD, 1),
]

# Stimuli of the skin, (hot, cold), at t = 0, 1, 2, …
STIMULI = {
    "One step of heat": [(1, 0), (0, 0), (0, 0), (0, 0), (0, 0)],
    "One step of cold": [(0, 1), (0, 0), (0, 0), (0, 0), (0, 0)],
    "Two steps of cold": [(0, 1), (0, 1), (0, 0), (0, 0), (0, 0)],
}


def linear_neuron(weights):
    """A layer that computes y = Σ xᵢ wᵢ."""
    layer = keras.layers.Dense(1, use_bias=False)
    layer.build((None, len(weights)))
    layer.set_weights([np.reshape(weights, (-1, 1))])
    return layer


def threshold_neuron(weights, threshold):
    """A model with output 1 if Σ xᵢ wᵢ reaches the threshold, else 0.

    It is a dense unit whose bias is minus the threshold, followed by a step function.
    """
    model = keras.Sequential(
        [
            keras.Input((len(weights),)),
            keras.layers.Dense(1),
            Threshold(),
        ]
    )
    model.set_weights([np.reshape(weights, (-1, 1)), np.array([-threshold])])
    return model


def heat_and_cold_net():
    """A layer from receptors (batch, steps, 2) to neurons (batch, steps, 4), one step later."""
    kernel = np.zeros((2, 4))
    for receptor, neuron, weight in FROM_RECEPTORS:
        kernel[receptor, neuron] = weight
    recurrent_kernel = np.zeros((4, 4))
    for source, neuron, weight in FROM_NEURONS:
        recurrent_kernel[source, neuron] = weight
    layer = keras.layers.SimpleRNN(4, activation=Threshold(), return_sequences=True)
    layer.build((None, None, 2))
    layer.set_weights([kernel, recurrent_kernel, np.full(4, -THRESHOLD)])
    return layer


def respond(stimulus):
    """The output of each neuron at t = 0, 1, …: (steps + 1, 4). At t = 0, none fires."""
    outputs = heat_and_cold_net()(np.array([stimulus], "float32"))[0]
    outputs = keras.ops.convert_to_numpy(outputs)
    return np.concatenate([np.zeros((1, 4)), outputs]).astype(int)


def sensations(stimulus):
    """The time steps at which heat and cold are felt: `{"heat": [...], "cold": [...]}`."""
    fires = respond(stimulus)
    return {
        "heat": np.flatnonzero(fires[:, FEELS_HEAT]).tolist(),
        "cold": np.flatnonzero(fires[:, FEELS_COLD]).tolist(),
    }


def describe(stimulus):
    """The sensations in words: "cold at t = 2, heat at t = 4", the earliest first."""
    felt = [(times, name) for name, times in sensations(stimulus).items() if times]
    return ", ".join(f"{name} at t = {', '.join(map(str, times))}" for times, name in sorted(felt))


def plot_gate(axis, name):
    """Plot the decision boundary of a gate, and its output for each input."""
    weights, threshold = GATES[name]
    gate = threshold_neuron(weights, threshold)
    if len(weights) == 2:
        points = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
        condition = f"x₁ + x₂ ≥ {threshold}"
        axis.set(xlabel="x₁", ylabel="x₂", xticks=[0, 1], yticks=[0, 1])
    else:
        points = np.array([[0, 0.5], [1, 0.5]], "float32")
        condition = f"−x ≥ {threshold}"
        axis.set(xlabel="x", xticks=[0, 1], yticks=[])

    def output(plane):
        return np.ravel(gate(plane[:, : len(weights)]))

    plots.decision_boundary(axis, output, (-0.5, 1.5), (-0.5, 1.5))
    for point, value in zip(points, output(points), strict=True):
        ground = "#D55E00" if value == 1 else "white"
        color = "white" if value == 1 else "black"
        axis.scatter(*point, s=420, c=ground, edgecolors="#D55E00", linewidths=2, zorder=3)
        style = {"ha": "center", "va": "center", "weight": "bold", "color": color}
        axis.text(*point, f"{value:.0f}", zorder=4, **style)
    axis.set(title=f"{name}: fires if {condition}", aspect="equal")


def plot_gates():
    """The three gates side by side."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    for axis, name in zip(axes, GATES, strict=True):
        plot_gate(axis, name)
    figure.suptitle("One neuron, one straight line: it fires on the line and on one side of it")
    return figure


# Position, name and color of each receptor and neuron in the picture of the net.
RECEPTORS = [
    ((0, 2), "hot\nskin", "#D55E00"),
    ((0, 0), "cold\nskin", "#0072B2"),
]
NEURONS = [
    ((0.7, 1.1), "relay", "0.35"),
    ((2.1, 1.2), "re-\nbound", "0.35"),
    ((3, 2), "feels\nheat", "#D55E00"),
    ((3, 0), "feels\ncold", "#0072B2"),
]


def plot_net(axis):
    """The connections of the heat-and-cold net, with their weights."""
    connections = []
    for receptor, neuron, weight in FROM_RECEPTORS:
        connections.append((RECEPTORS[receptor][0], NEURONS[neuron][0], weight))
    for source, neuron, weight in FROM_NEURONS:
        connections.append((NEURONS[source][0], NEURONS[neuron][0], weight))
    center = {"ha": "center", "va": "center"}
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for start, end, weight in connections:
        color = "#CC79A7" if weight < 0 else "0.35"
        arrow = {"arrowstyle": "-|>", "shrinkA": 19, "shrinkB": 19, "linewidth": 1.8}
        axis.annotate("", end, start, arrowprops={**arrow, "color": color})
        middle = np.mean([start, end], axis=0)
        label = f"{weight:+d}".replace("-", "−")
        axis.text(*middle, label, color=color, bbox=box, **center)
    for place, name, color in RECEPTORS + NEURONS:
        axis.scatter(*place, s=1500, facecolor="white", edgecolor=color, linewidths=2.5, zorder=2)
        axis.text(*place, name, fontsize=9, linespacing=0.9, **center)
    axis.set(xlim=(-0.4, 3.4), ylim=(-0.5, 2.5))
    axis.set_title("Fires one step after its inputs\nreach 2")
    axis.axis("off")


def plot_response(axis, name):
    """Plot the receptors and neurons that fire at each time step of a stimulus."""
    stimulus = STIMULI[name]
    skin = np.concatenate([stimulus, np.zeros((1, 2))])
    fires = np.concatenate([skin, respond(stimulus)], axis=1)  # (steps + 1, 6)
    for row, (_, _, color) in enumerate(RECEPTORS + NEURONS):
        times = np.flatnonzero(fires[:, row])
        axis.scatter(times, np.full(len(times), -row), s=260, marker="s", color=color)
    for line in (-1.5, -3.5):
        axis.axhline(line, color="0.7", linewidth=1)
    axis.set(title=f"{name}:\n{describe(stimulus)}", xlabel="t")
    axis.set(xlim=(-0.6, 5.6), ylim=(-5.6, 0.6), xticks=range(6))


def plot_heat_and_cold():
    """The connections of the net, and the neurons that fire at each time step."""
    figure, axes = plt.subplots(
        1, 4, figsize=(12, 4), width_ratios=(1.6, 1, 1, 1), layout="constrained"
    )
    plot_net(axes[0])
    for axis, name in zip(axes[1:], STIMULI, strict=True):
        plot_response(axis, name)
        axis.set_yticks(-np.arange(6), [""] * 6)
    labels = [name.replace("-\n", "").replace("\n", " ") for _, name, _ in RECEPTORS + NEURONS]
    axes[1].set_yticklabels(labels)
    return figure


def main():
    x = np.array([[1.0, -2.0, 0.5]])
    weights = [0.2, 0.1, 4.0]
    y = linear_neuron(weights)(x)[0, 0]
    print(f"Linear neuron, x = {x[0]}, w = {weights}: y = {y:.6f}\n")

    for name, (weights, threshold) in GATES.items():
        inputs = np.array(list(np.ndindex(*[2] * len(weights))))
        outputs = threshold_neuron(weights, threshold)(inputs)[:, 0]
        rows = zip(inputs.tolist(), outputs, strict=True)
        table = ", ".join(f"{x} → {y:.0f}" for x, y in rows)
        print(f"{name:3}: weights {weights}, threshold {threshold}: {table}")

    zero = np.zeros(1)
    deck_000 = Threshold()(zero)[0]
    deck_003 = Threshold(low=-1.0, inclusive=False)(zero)[0]
    print(f"\nAt exactly 0: y(0) = {deck_000:.0f} in deck 000, f(0) = {deck_003:.0f} in deck 003\n")

    for name, stimulus in STIMULI.items():
        print(f"{name:17} is felt as {describe(stimulus)}")

    plot_gates().savefig("gates.png")
    plot_heat_and_cold().savefig("heat_and_cold.png")


if __name__ == "__main__":
    main()
