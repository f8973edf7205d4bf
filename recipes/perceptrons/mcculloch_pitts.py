"""The first artificial neuron: AND, OR and NOT by thresholds, and why a touch of cold feels hot.

Slides: 000 «Neuronas: el modelo computacional más simple», 000 «Modelo de McCulloch & Pitts (1943)»,
        000 «McCulloch & Pitts: percepción del calor y del frío».
Paper:  McCulloch & Pitts (1943), A logical calculus of the ideas immanent in nervous activity,
        https://doi.org/10.1007/BF02478259
A weighted sum, then all or nothing. The slides of deck 000 let a neuron fire at exactly 0, y(0) = 1; deck 003 has
f(0) = −1: both are conventions. The slide shows the heat and cold net as a drawing; its weights here are those of the
literature. Every neuron answers one tick after its inputs, so the whole net is one `SimpleRNN` of four neurons.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.threshold import Threshold

GATES = {"AND": ((1, 1), 2), "OR": ((1, 1), 1), "NOT": ((-1,), 0)}  # weights and threshold
HOT, COLD = 0, 1  # receptors in the skin
RELAY, REBOUND, HEAT, CHILL = range(4)  # two neurons between, two that feel
CONNECTIONS = [  # all thresholds are 2
    ("receptor", COLD, RELAY, 2),
    ("neuron", RELAY, REBOUND, 2),  # fires when the cold has just ended: the receptor itself holds it back
    ("receptor", COLD, REBOUND, -1),
    ("receptor", HOT, HEAT, 2),
    ("neuron", REBOUND, HEAT, 2),
    ("neuron", RELAY, CHILL, 1),  # cold has to last for two ticks
    ("receptor", COLD, CHILL, 1),
]
STIMULI = {  # what touches the skin at t = 0, 1, 2, …
    "A tick of heat": [(1, 0), (0, 0), (0, 0), (0, 0), (0, 0)],
    "A tick of cold": [(0, 1), (0, 0), (0, 0), (0, 0), (0, 0)],
    "Two ticks of cold": [(0, 1), (0, 1), (0, 0), (0, 0), (0, 0)],
}


def linear_neuron(weights):
    """y = Σ xᵢ wᵢ and nothing else."""
    layer = keras.layers.Dense(1, use_bias=False)
    layer.build((None, len(weights)))
    layer.set_weights([np.reshape(weights, (-1, 1))])
    return layer


def neuron(weights, threshold):
    """1 if Σ xᵢ wᵢ reaches the threshold, else 0: a dense unit whose bias is minus the threshold, and a step."""
    model = keras.Sequential([keras.Input((len(weights),)), keras.layers.Dense(1), Threshold()])
    model.set_weights([np.reshape(weights, (-1, 1)), np.array([-threshold])])
    return model


def heat_and_cold():
    """The net: (ticks, 2) receptors to (ticks, 4) neurons, which answer one tick later."""
    layer = keras.layers.SimpleRNN(4, activation=Threshold(), return_sequences=True)
    layer.build((None, None, 2))
    weights = {"receptor": np.zeros((2, 4)), "neuron": np.zeros((4, 4))}
    for kind, source, target, weight in CONNECTIONS:
        weights[kind][source, target] = weight
    layer.set_weights([weights["receptor"], weights["neuron"], np.full(4, -2.0)])
    return layer


def respond(stimulus):
    """Firing of relay, rebound, heat and cold, `(ticks + 1, 4)`, starting at t = 0 when nothing fires yet."""
    answers = heat_and_cold()(np.array([stimulus], "float32"))[0]
    return np.concatenate([np.zeros((1, 4)), keras.ops.convert_to_numpy(answers)]).astype(int)


def felt(stimulus):
    """`{"heat": ticks, "cold": ticks}`: when each is felt."""
    fires = respond(stimulus)
    return {name: np.flatnonzero(fires[:, n]).tolist() for name, n in (("heat", HEAT), ("cold", CHILL))}


def draw_gates():
    """The line that each gate draws between its inputs."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    corners, grid = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.linspace(-0.5, 1.5, 201)
    plane = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    for axis, (name, (weights, threshold)) in zip(axes, GATES.items(), strict=True):
        columns = len(weights)
        points = corners if columns == 2 else np.array([[0, 0.5], [1, 0.5]])
        net, inputs = neuron(weights, threshold), plane[:, :columns].astype("float32")
        axis.contourf(grid, grid, np.reshape(net(inputs), (201, 201)), [-0.5, 0.5, 1.5], colors=["0.93", "#FBD9B5"])
        answers = np.ravel(net(points[:, :columns].astype("float32")))
        colours = np.where(answers == 1, "#D55E00", "white")
        axis.scatter(*points.T, s=420, c=colours, edgecolors="#D55E00", linewidths=2)
        for point, answer in zip(points, answers, strict=True):
            colour = "white" if answer else "black"
            axis.text(*point, f"{answer:.0f}", ha="center", va="center", color=colour, weight="bold")
        total = " + ".join(f"x{'₁₂'[n]}" for n in range(2)) if columns == 2 else "−x"
        axis.set(title=f"{name}: fires if {total} ≥ {threshold}", aspect="equal", xticks=[0, 1], yticks=[0, 1])
        axis.set(xlabel="x₁", ylabel="x₂") if columns == 2 else axis.set(xlabel="x", yticks=[])
    figure.suptitle("One neuron, one straight line: it fires on the line and on one side of it")
    return figure


def draw_heat_and_cold():
    """The wiring, and who fires when."""
    figure, axes = plt.subplots(1, 4, figsize=(12, 4), width_ratios=(1.6, 1, 1, 1), layout="constrained")
    places = {
        ("receptor", HOT): (0, 2),
        ("receptor", COLD): (0, 0),
        ("neuron", RELAY): (0.7, 1.1),
        ("neuron", REBOUND): (2.1, 1.2),
        ("neuron", HEAT): (3, 2),
        ("neuron", CHILL): (3, 0),
    }
    names = ("hot\nskin", "cold\nskin", "relay", "re-\nbound", "feels\nheat", "feels\ncold")
    colours = ("#D55E00", "#0072B2", "0.35", "0.35", "#D55E00", "#0072B2")
    for kind, source, target, weight in CONNECTIONS:
        start, end = np.array(places[kind, source]), np.array(places["neuron", target])
        colour = "#CC79A7" if weight < 0 else "0.35"
        arrow = {"arrowstyle": "-|>", "shrinkA": 19, "shrinkB": 19, "color": colour, "linewidth": 1.8}
        axes[0].annotate("", end, start, arrowprops=arrow)
        at = start + 0.5 * (end - start)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes[0].text(*at, f"{weight:+d}".replace("-", "−"), ha="center", va="center", color=colour, bbox=box)
    for (x, y), name, colour in zip(places.values(), names, colours, strict=True):
        axes[0].scatter(x, y, s=1500, facecolor="white", edgecolor=colour, linewidths=2.5, zorder=2)
        axes[0].text(x, y, name, ha="center", va="center", fontsize=9, linespacing=0.9)
    axes[0].set(xlim=(-0.4, 3.4), ylim=(-0.5, 2.5), title="Fires one tick after its inputs\nreach 2")
    axes[0].axis("off")
    for axis, (title, stimulus) in zip(axes[1:], STIMULI.items(), strict=True):
        skin = np.concatenate([stimulus, np.zeros((1, 2))])
        fires = np.concatenate([skin, respond(stimulus)], 1).T
        for row, colour in enumerate(colours):
            ticks = np.flatnonzero(fires[row])
            axis.scatter(ticks, np.full(len(ticks), -row), s=260, marker="s", color=colour)
        when = [f"{name} at t = {', '.join(map(str, ticks))}" for name, ticks in felt(stimulus).items() if ticks]
        axis.set(title=f"{title}:\n{'; '.join(when[::-1])}", xlim=(-0.6, 5.6), ylim=(-5.6, 0.6), xlabel="t")
        axis.axhline(-1.5, color="0.7", linewidth=1)
        axis.axhline(-3.5, color="0.7", linewidth=1)
        labels = [name.replace("-\n", "").replace("\n", " ") for name in names]
        axis.set(xticks=range(6), yticks=-np.arange(6.0))
        axis.set_yticklabels(labels if axis is axes[1] else [])
    return figure


def figures():
    return {"gates": draw_gates(), "heat_and_cold": draw_heat_and_cold()}


def main():
    x, weights = np.array([[1.0, -2.0, 0.5]]), [0.2, 0.1, 4.0]
    print(f"Linear neuron, x = {x[0]}, w = {weights}: y = {linear_neuron(weights)(x)[0, 0]:.6f}\n")
    for name, (weights, threshold) in GATES.items():
        inputs = np.array(list(np.ndindex(*[2] * len(weights))))
        answers = zip(inputs.tolist(), neuron(weights, threshold)(inputs)[:, 0], strict=True)
        table = ", ".join(f"{x} → {y:.0f}" for x, y in answers)
        print(f"{name:3}: weights {weights}, threshold {threshold}: {table}")
    steps = Threshold()(np.zeros(1)), Threshold(low=-1.0, inclusive=False)(np.zeros(1))
    print(f"\nAt exactly 0: y(0) = {steps[0][0]:.0f} in deck 000, f(0) = {steps[1][0]:.0f} in deck 003\n")
    for name, stimulus in STIMULI.items():
        moments = [f"{what} at t = {', '.join(map(str, ticks))}" for what, ticks in felt(stimulus).items() if ticks]
        print(f"{name:17} is felt as " + ", ".join(moments))
    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
