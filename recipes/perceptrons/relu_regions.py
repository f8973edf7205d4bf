"""Linear regions of ReLU networks: into how many pieces one layer, or several, can cut the plane.

Slides: 001 «Neuronas ReLU, regiones».
Paper:  Zaslavsky (1975), Facing up to arrangements (Memoirs of the AMS 154; the bound);
        Montúfar, Pascanu, Cho & Bengio (2014), On the number of linear regions of deep neural
        networks, https://arxiv.org/abs/1402.1869 (layers that fold);
        Hanin & Rolnick (2019), Complexity of linear regions in deep networks,
        https://arxiv.org/abs/1901.09021 (networks at initialization)
Departs from the papers: the input is a point of the plane, and the regions inside a square are
computed exactly, as polygons. No network is trained.

A ReLU is 0 on one side of a line and linear on the other. For a given pattern of active units, the
whole network is one linear function. So a network is piecewise linear, with one piece for each
pattern of active units. n lines cut the plane into at most 1 + n + n(n − 1)/2 pieces. A second
layer cuts each of these pieces again, along lines that bend at the borders of the pieces. Layers
that fold the plane like paper repeat the function of later layers in each fold, and each of them
multiplies the number of pieces by four. Random weights do not fold the plane like this.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PolyCollection

SIDE = 1.0  # the square extends from −1 to 1 along both axes
TINY = 1e-9  # pieces with a smaller area are rounding errors
UNITS = (4, 8, 12, 16, 20)  # numbers of units for which pieces are counted
SEEDS = range(5)  # of the random networks whose pieces are counted


def random_network(widths, seed=0):
    """Dense layers with ReLU and random weights and biases, for inputs in the plane.

    Args:
        widths: Number of units in each layer.
        seed: Seed of the weights.
    """
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((2,))]
    for width in widths:
        biases = keras.initializers.RandomNormal(stddev=0.3)
        layers.append(
            keras.layers.Dense(
                width, "relu", kernel_initializer="he_normal", bias_initializer=biases
            )
        )
    return keras.Sequential(layers)


def folding_network(depth):
    """A network of layers with four units, each of which folds the square into a quarter of itself.

    Two units compute |x| = relu(x) + relu(−x), and two compute |y|. The next layer uses 2|x| − 1
    and 2|y| − 1 as x and y, which again range from −1 to 1.
    """
    signs = np.array([[1, -1, 0, 0], [0, 0, 1, -1]], "float32")  # to x, −x, y, −y
    model = keras.Sequential(
        [keras.Input((2,)), *[keras.layers.Dense(4, "relu") for _ in range(depth)]]
    )
    weights = signs
    biases = np.zeros(4, "float32")
    for layer in model.layers:
        layer.set_weights([weights, biases])
        # From relu(x), relu(−x), relu(y), relu(−y) to x' = 2 (relu(x) + relu(−x)) − 1, and so on.
        weights = 2 * np.abs(signs).T @ signs
        biases = -np.ones(2, "float32") @ signs
    return model


def bound(lines):
    """The largest number of pieces into which lines can cut the plane (Zaslavsky's theorem)."""
    return 1 + lines + lines * (lines - 1) // 2


def halves(polygon, normal, offset):
    """Cut a convex polygon along the line normal · point + offset = 0.

    Args:
        polygon: Array (corners, 2), with the corners in order.
        normal: Array (2,).
        offset: A number.

    Returns:
        The part where the sum is at most 0, and the part where it is at least 0: arrays (corners,
        2). A part with fewer than three corners is not a polygon.
    """
    heights = polygon @ normal + offset
    below = []
    above = []
    for corner in range(len(polygon)):
        previous = polygon[corner - 1]
        point = polygon[corner]
        height_before = heights[corner - 1]
        height = heights[corner]
        if height * height_before < 0:  # the edge between them crosses the line
            share = height / (height - height_before)
            crossing = point + share * (previous - point)
            below.append(crossing)
            above.append(crossing)
        if height <= 0:
            below.append(point)
        if height >= 0:
            above.append(point)
    return np.reshape(below, (-1, 2)), np.reshape(above, (-1, 2))


def area(polygon):
    """The area of a polygon (corners, 2), 0 for fewer than three corners (shoelace formula)."""
    x, y = polygon.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 if len(polygon) > 2 else 0


def regions(model):
    """The pieces of the square on which a network is linear.

    Args:
        model: Dense layers with ReLU, for inputs in the plane.

    Returns:
        A list of (corners, slopes, offsets), one for each piece: arrays (corners, 2), (units, 2)
        and (units,). On the piece, outputs = slopes · point + offsets.
    """
    square = SIDE * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    pieces = [(square, np.eye(2), np.zeros(2))]
    for layer in model.layers:
        kernel, biases = (weights.astype("float64") for weights in layer.get_weights())
        cut = []
        for polygon, slopes, offsets in pieces:
            # Before the ReLU, all units are linear on the piece.
            slopes = kernel.T @ slopes
            offsets = kernel.T @ offsets + biases
            cut += cut_by_all(polygon, slopes, offsets)
        pieces = cut
    return pieces


def cut_by_all(polygon, slopes, offsets):
    """The parts of a polygon with the same active ReLUs, and their outputs there."""
    parts = [(polygon, np.zeros(len(offsets)))]  # each part with 1 for active units, else 0
    for unit, (normal, offset) in enumerate(zip(slopes, offsets, strict=True)):
        cut = []
        for part, works in parts:
            for half, sign in zip(halves(part, normal, offset), (0, 1), strict=True):
                if area(half) > TINY:
                    known = works.copy()
                    known[unit] = sign
                    cut.append((half, known))
        parts = cut
    return [(part, works[:, None] * slopes, works * offsets) for part, works in parts]


def networks():
    """Four networks and their names."""
    return {
        "one layer of 16, random": random_network((16,)),
        "4 layers of 4, random": random_network((4, 4, 4, 4)),
        "3 layers of 16, random": random_network((16, 16, 16)),
        "4 layers of 4 that fold": folding_network(4),
    }


def plot_regions(found):
    """The pieces of each network, in random colors."""
    figure, axes = plt.subplots(1, len(found), figsize=(13, 3.7), layout="constrained")
    for axis, (name, pieces) in zip(axes, found.items(), strict=True):
        colors = plt.get_cmap("viridis")(np.random.default_rng(0).random(len(pieces)))
        corners = [corners for corners, _, _ in pieces]
        axis.add_collection(PolyCollection(corners, facecolors=colors, edgecolors="white", lw=0.4))
        axis.set(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), xticks=[], yticks=[], aspect="equal")
        axis.set_title(f"{name}:\n{len(pieces)} pieces", fontsize=11)
    figure.suptitle("On each piece the network is linear")
    return figure


def mean_count(widths):
    """The mean number of pieces of random networks, over `SEEDS`."""
    return np.mean([len(regions(random_network(widths, seed))) for seed in SEEDS])


def plot_counts():
    """The number of pieces by the number of units, for one layer and for deep networks."""
    figure, axis = plt.subplots(layout="constrained")
    folds = [len(regions(folding_network(count // 4))) for count in UNITS]
    deep = [mean_count((4,) * (count // 4)) for count in UNITS]
    axis.semilogy(UNITS, folds, "o-", label="layers of 4 that fold")
    axis.semilogy(UNITS, [bound(count) for count in UNITS], "k--", label="bound for one layer")
    axis.semilogy(UNITS, [mean_count((count,)) for count in UNITS], "o-", label="one layer, random")
    axis.semilogy(UNITS, deep, "o-", label="layers of 4, random")
    axis.set(xlabel="units", ylabel="linear pieces of the square", xticks=UNITS)
    axis.set_title("Depth can multiply the pieces, but does not by itself")
    axis.legend()
    return figure


def main():
    found = {}
    for name, model in networks().items():
        found[name] = regions(model)
        units = sum(layer.units for layer in model.layers)
        print(
            f"{name}: {units} units, {len(found[name])} pieces "
            f"(one layer of as many: ≤ {bound(units)})"
        )
    plot_regions(found).savefig("regions.png")
    plot_counts().savefig("counts.png")


if __name__ == "__main__":
    main()
