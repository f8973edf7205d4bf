"""XOR: what no single neuron can do, two hidden ones can, and where training them gets stuck.

Slides: 000 «Análisis de las limitaciones (Minsky & Papert 1969)», 000 «Perceptrons (1969)», 000 «¿Cuál era el problema
        de backpropagation?», 003 «El problema de la XOR».
Paper:  Minsky & Papert (1969), Perceptrons; Rumelhart, Hinton & Williams (1986), https://doi.org/10.1038/323533a0
Departs from the slides: the four corners come with noise, so that there is something to validate and test on. Deck 003
says that until 1986 nobody knew how to train more layers; deck 000 itself names Bryson, Linnainmaa and Werbos.

No neuron gets more than three of the four corners right; for n inputs, none gets more than ½ + C(n−1, ⌊(n−1)/2⌋)/2ⁿ of
their parity, and n hidden neurons suffice (tested to n = 5). Two hidden units are enough for XOR where training starts
well: `start` numbers the random initial weights, and from some of them it never arrives. With 16 units all do.
"""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from layers.threshold import Threshold

EPOCHS = 30
VARIANTS = {
    "one_neuron": {"hidden": 0},
    "two_hidden": {"hidden": 2, "start": 9},
    "stuck": {"hidden": 2, "start": 6},
}
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR = np.array([[0], [1], [1], [0]], "float32")


def load_data(batch_size=20, noise=0.12):
    """Train, validation and test batches of (2,) points near the corners of a square, and 1 where just one input is."""
    rng = np.random.default_rng(0)
    sets = []
    for count in (400, 200, 1000):
        points = np.tile(CORNERS, (count // 4, 1)) + rng.normal(0, noise, (count, 2))
        sets.append(
            tf.data.Dataset.from_tensor_slices(
                (points.astype("float32"), np.tile(XOR, (count // 4, 1)))
            )
        )
    return sets[0].shuffle(400).batch(batch_size), sets[1].batch(200), sets[2].batch(500)


def initial(hidden, start):
    """Random weights and biases of both layers, always the same for the same start."""
    rng = np.random.default_rng(start)
    return [
        rng.normal(size=shape).astype("float32")
        for shape in ((2, hidden), (hidden,), (hidden, 1), (1,))
    ]


def build_model(hidden=2, start=9, learning_rate=0.05, steps=EPOCHS * 20):
    """The compiled network: (2,) points to the probability that just one input is on. 9 parameters with two hidden."""
    model = keras.Sequential([keras.Input((2,))])
    if hidden:
        model.add(keras.layers.Dense(hidden, activation="tanh"))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.set_weights(initial(hidden, start) if hidden else initial(1, start)[:2])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "hidden": hp.Int("hidden", 0, 8, default=2),
        "start": hp.Int("start", 0, 19, default=9),
        "learning_rate": hp.Float("learning_rate", 0.01, 1.0, sampling="log", default=0.05),
    }


def baseline(train, test):
    """Logistic regression, one neuron too."""
    model = LogisticRegression().fit(
        *next(train.unbatch().map(lambda x, y: (x, y[0])).batch(400).as_numpy_iterator())
    )
    return {
        "accuracy": model.score(
            *next(test.unbatch().map(lambda x, y: (x, y[0])).batch(1000).as_numpy_iterator())
        )
    }


def best_neuron(n):
    """The greatest share of all n-bit inputs whose parity one threshold neuron gets right, by trying them all.

    To swap inputs or turn 0 into 1 at most swaps odd and even, so sorted weights from 0 up will do; integers up to n
    make every threshold function of n ≤ 5 inputs.
    """
    inputs = np.array(list(np.ndindex(*[2] * n)))
    odd, best = inputs.sum(1) % 2, 0
    for weights in itertools.combinations_with_replacement(range(n + 1), n):
        s = inputs @ weights
        right = [np.mean((s >= threshold) == odd) for threshold in np.unique(s)]
        best = max(best, *right, 1 - min(right))
    return best


def parity_net(n):
    """Parity by n hidden neurons: the k-th fires when at least k inputs are on, and they count +1, −1, +1, …"""
    layers = [keras.layers.Dense(n), Threshold(), keras.layers.Dense(1), Threshold()]
    model = keras.Sequential([keras.Input((n,)), *layers])
    signs = np.where(np.arange(n) % 2 == 0, 1, -1)[:, None]
    model.set_weights([np.ones((n, n)), -np.arange(n) - 0.5, signs, np.array([-0.5])])
    return model


def solved(hidden, starts=20, steps=3000, rate=0.5):
    """Which of the starts learn all four corners by plain gradient descent; all networks side by side, in NumPy."""
    w, b, v, c = (
        np.stack(weights)
        for weights in zip(*[initial(hidden, s) for s in range(starts)], strict=True)
    )
    for _ in range(steps + 1):
        code = np.tanh(CORNERS @ w + b[:, None])
        outputs = 1 / (1 + np.exp(-(code @ v + c[:, None])))
        error = outputs - XOR
        back = error @ v.swapaxes(1, 2) * (1 - code**2)
        v, c = v - rate * code.swapaxes(1, 2) @ error, c - rate * error.sum(1)
        w, b = w - rate * CORNERS.T @ back, b - rate * back.sum(1)
    return np.all((outputs > 0.5) == XOR, axis=(1, 2))


def plane(axis, answer, place, points, labels, ticks):
    """The two sides of the boundary, the points and the corners, all of them where `place` puts them."""
    limits = ticks[0] - 0.5, ticks[-1] + 0.5
    across, up = np.meshgrid(np.linspace(*limits, 200), np.linspace(*limits, 200))
    field = keras.ops.convert_to_numpy(
        answer(np.stack([across.ravel(), up.ravel()], 1).astype("float32"))
    )
    axis.contourf(across, up, field.reshape(200, 200), [0, 0.5, 1], colors=["#D6E8F3", "#FBE3D0"])
    axis.contour(across, up, field.reshape(200, 200), [0.5], colors="black", linewidths=2)
    for label, colour in ((1, "C1"), (0, "C0")):
        axis.scatter(*place(points[labels[:, 0] == label]).T, s=5, color=colour, linewidths=0)
        axis.scatter(
            *place(CORNERS[XOR[:, 0] == label]).T, s=150, color=colour, edgecolors="white", zorder=3
        )
    for corner, where, shift in zip(
        CORNERS, place(CORNERS), ((-15, -15), (-22, 0), (22, 0), (15, 15)), strict=True
    ):
        text, look = "{:.0f}{:.0f}".format(*corner), {"ha": "center", "va": "center"}
        look["bbox"] = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1}
        axis.annotate(text, where, shift, textcoords="offset points", weight="bold", **look)
    axis.set(aspect="equal", xlim=limits, ylim=limits, xticks=ticks, yticks=ticks)


def figures(models, test, histories):
    """The points before and after the hidden layer; what one neuron makes of parity; how often training fails."""
    points, labels = next(test.unbatch().batch(500).as_numpy_iterator())
    hidden, output = models["two_hidden"].layers
    space, axes = plt.subplots(1, 4, figsize=(14, 4.2), layout="constrained")
    titles = (
        "One neuron: {} of 4 corners",
        "Two hidden units: {} of 4",
        None,
        "Stuck, from another start: {} of 4",
    )
    for axis, title, name in zip(
        axes, titles, ("one_neuron", "two_hidden", "", "stuck"), strict=True
    ):
        if title:
            plane(axis, models[name], np.asarray, points, labels, (0, 1))
            right = np.sum((keras.ops.convert_to_numpy(models[name](CORNERS)) > 0.5) == XOR)
            axis.set(title=title.format(right), xlabel="x₁", ylabel="x₂")
        else:
            plane(
                axis,
                output,
                lambda x: keras.ops.convert_to_numpy(hidden(x)),
                points,
                labels,
                (-1, 0, 1),
            )
            axis.set(
                title="The same as the output sees it:\na line will do, for 01 and 10 meet",
                xlabel="h₁",
                ylabel="h₂",
            )

    limits, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    bits, widths = range(2, 6), (2, 3, 4, 8, 16)
    bars = axes[0].bar(bits, [100 * best_neuron(n) for n in bits], color="C0")
    axes[0].bar_label(bars, ["3/4", "3/4", "11/16", "11/16"])
    axes[0].axhline(100, color="C1", label="n hidden neurons")
    axes[0].axhline(50, color="0.5", linestyle=":", label="guessing")
    axes[0].set(
        title="Parity: what the best single neuron gets right",
        xlabel="inputs n",
        ylabel="%",
        xticks=bits,
    )
    axes[0].legend(loc="lower left", frameon=True, framealpha=1)
    failed = [np.sum(~solved(width)) for width in widths]
    axes[1].bar_label(axes[1].bar(list(map(str, widths)), failed, color="C1"))
    axes[1].set(
        title="XOR: starts from which training fails", xlabel="hidden units", ylabel="of 20 starts"
    )
    axes[1].set(ylim=(0, 20), yticks=(0, 5, 10, 15, 20))
    return {"hidden_space": space, "limits": limits}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        if arguments["hidden"]:
            code = keras.ops.convert_to_numpy(model.layers[0](CORNERS))
            for corner, place, answer in zip(
                CORNERS, code, model.predict(CORNERS, verbose=0), strict=True
            ):
                print(f"{corner.astype(int)} → hidden {place.round(2)} → {answer[0]:.2f}")
        model.save(f"xor_{name}.keras")


if __name__ == "__main__":
    main()
