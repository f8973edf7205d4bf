"""The pictures of two_apis: a chain and a graph of layers, and predictions of the branched one."""

import collections

import matplotlib.pyplot as plt
import numpy as np

from recipes.training import two_apis

Box = collections.namedtuple("Box", "label x y")
CHAIN = [
    Box("Input 28 × 28", 0, 0),
    Box("Flatten", 0, -1),
    Box("Dense 64", 0, -2),
    Box("Dense 64", 0, -3),
    Box("Dense 10", 0, -4),
]
CHAIN_ARROWS = [(0, 1), (1, 2), (2, 3), (3, 4)]
BRANCHED = [
    Box("left", -1, 0),
    Box("right", 1, 0),
    Box("Dense 64, shared", 0, -1),
    Box("Concatenate", 0, -2),
    Box("Dense 64", 0, -3),
    Box("Dense 64", 0, -4),
    Box("Add", 0, -5),
    Box("sum: Dense 19", -1, -6),
    Box("larger: Dense 1", 1, -6),
]
BRANCHED_ARROWS = [(0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (6, 8)]


def train_branched(epochs):
    """The branched network, trained on pairs of digits."""
    train, _, _ = two_apis.load_data()
    model = two_apis.build_branched()
    model.fit(train.map(two_apis.pair), epochs=epochs, shuffle=False, verbose=0)
    return model


def are_correct(answers, targets):
    """Whether both outputs for each pair are correct: booleans (pairs,)."""
    right_sum = answers["sum"].argmax(axis=-1) == targets["sum"]
    right_larger = (answers["larger"] > 0.5) == (targets["larger"] > 0.5)  # (pairs, 1)
    return right_sum & right_larger[:, 0]


def plot_graph(axis, boxes, arrows, title):
    """Layers as boxes, and arrows (from, to) for the calls; a shared layer is called twice."""
    for start, end in arrows:
        shifts = (-0.25, 0.25) if "shared" in boxes[start].label else (0,)
        for shift in shifts:
            head = (boxes[end].x + shift, boxes[end].y)
            tail = (boxes[start].x + shift, boxes[start].y)
            arrow = {"arrowstyle": "-|>", "color": "0.3", "shrinkA": 12, "shrinkB": 12}
            axis.annotate("", head, tail, arrowprops=arrow)
    for label, x, y in boxes:
        if "shared" in label:
            color = "#E69F00"
        elif "Dense" in label:
            color = "#56B4E9"
        else:
            color = "0.85"
        box = {"boxstyle": "round,pad=0.35", "facecolor": color, "edgecolor": "none"}
        axis.text(x, y, label, ha="center", va="center", bbox=box)
    axis.set(title=title, xlim=(-2, 2), ylim=(-6.5, 0.5))
    axis.axis("off")


def plot_graphs():
    """The sequential network as a chain, and the branched one as a graph with a skip connection."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 5.6), layout="constrained")
    plot_graph(axes[0], CHAIN, CHAIN_ARROWS, "A list of layers is a chain")
    title = "With calls it may fork, join, share and skip"
    plot_graph(axes[1], BRANCHED, BRANCHED_ARROWS, title)
    skip = {
        "arrowstyle": "-|>",
        "color": "#D55E00",
        "linewidth": 2,
        "connectionstyle": "arc3,rad=-0.9",
    }
    axes[1].annotate("", (0.2, -5), (0.4, -3), arrowprops=skip)
    axes[1].text(1.35, -4, "skip", color="#D55E00", ha="center", va="center")
    return figure


def plot_pairs(model, pairs):
    """Eight pairs of digits with both outputs of the branched network, framed green if correct."""
    scores = model.evaluate(pairs, verbose=0, return_dict=True)
    inputs, targets = next(pairs.as_numpy_iterator())
    answers = model.predict_on_batch(inputs)
    correct = are_correct(answers, targets)
    figure, axes = plt.subplots(2, 4, figsize=(10, 4.2), layout="constrained")
    for index, axis in enumerate(axes.flat):
        axis.imshow(np.hstack([inputs["left"][index], inputs["right"][index]]), cmap="gray_r")
        total = answers["sum"][index].argmax()
        larger = answers["larger"][index, 0]
        axis.set_title(f"sum {total}, left larger: {larger:.0%}", fontsize=10)
        color = "#009E73" if correct[index] else "#D55E00"
        axis.spines[:].set(visible=True, color=color, linewidth=2)
        axis.set(xticks=[], yticks=[])
    figure.suptitle(
        f"Two inputs, two outputs: sum right for {scores['sum_accuracy']:.1%} of the test pairs, "
        f"larger for {scores['larger_accuracy']:.1%}"
    )
    return figure


def figures(models, test, histories):
    """The graphs of two networks, and the branched one's predictions for pairs of digits."""
    branched = train_branched(epochs=len(histories["functional"]["loss"]))
    return {"graphs": plot_graphs(), "pairs": plot_pairs(branched, test.map(two_apis.pair))}
