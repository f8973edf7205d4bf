"""Two ways to write a network: the same one as a list and as function calls, and one that only calls can write (MNIST).

Slides: 001 «Keras: sequential vs functional», «Hacia un nuevo enfoque basado en capas», «Modelo funcional»,
        «Funciones de activación como capa o como argumento».
Departs from the slide: its lines are no Python yet (`model.add<leyer>()`, an undefined `inputs`, no call of `Model`);
here they are completed.

Dense 64, Dense 64, Dense 10 has 55,050 parameters either way, and with equal weights equal outputs (tested). A list can
only be a chain. With the functional API outputs are kept in variables and layers are functions: the network of
`build_branched` reads two digits with the *same* layers, passes a value around a layer (a skip), and answers two
questions, their sum and which of them is larger.
"""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

EPOCHS = 4
VARIANTS = {"sequential": {"api": "sequential"}, "functional": {"api": "functional"}}


def load_data(batch_size=64):
    """Train, validation and test batches of (28, 28, 1) uint8 images and labels 0–9; a fifth of MNIST to train on."""
    splits = ["train[:20%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(12_000).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def as_pairs(data):
    """Batches of images as batches of pairs: two inputs and two targets, by name; the right one is the next in line."""

    def pair(images, labels):
        left, right = labels, tf.roll(labels, 1, axis=0)
        inputs = {"left": images, "right": tf.roll(images, 1, axis=0)}
        return inputs, {"sum": left + right, "larger": tf.cast(left > right, "float32")[:, None]}

    return data.map(pair)


def dense(units, activation, notation):
    """A layer of neurons with its activation as an argument, or followed by it as a layer of its own."""
    if notation == "layer":
        return [keras.layers.Dense(units), keras.layers.Activation(activation)]
    return [keras.layers.Dense(units, activation=activation)]


def build_sequential(units=64, notation="argument"):
    """The network as a list of layers."""
    first = [
        keras.Input((28, 28, 1), dtype="uint8"),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
    ]
    hidden = dense(units, "relu", notation) + dense(units, "relu", notation)
    return keras.Sequential(first + hidden + dense(10, "softmax", notation))


def build_functional(units=64, notation="argument"):
    """The same network as a chain of calls, from input to output."""
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    for size, activation in ((units, "relu"), (units, "relu"), (10, "softmax")):
        for layer in dense(size, activation, notation):
            x = layer(x)
    return keras.Model(inputs, x)


def build_branched(units=64, learning_rate=0.001):
    """Compiled: two digits to their sum (19 classes) and whether the left one is larger. 63,956 parameters."""
    left, right = (keras.Input((28, 28, 1), dtype="uint8", name=name) for name in ("left", "right"))
    first = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    read = keras.Sequential([*first, keras.layers.Dense(units, activation="relu")], name="shared")
    both = keras.layers.Concatenate(name="concatenate")(
        [read(left), read(right)]
    )  # the same weights for both
    x = keras.layers.Dense(units, activation="relu", name="dense_1")(both)
    y = keras.layers.Dense(units, activation="relu", name="dense_2")(x)
    x = keras.layers.Add(name="skip")([x, y])
    total = keras.layers.Dense(19, activation="softmax", name="sum")(x)
    larger = keras.layers.Dense(1, activation="sigmoid", name="larger")(x)
    model = keras.Model({"left": left, "right": right}, {"sum": total, "larger": larger})
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss={"sum": "sparse_categorical_crossentropy", "larger": "binary_crossentropy"},
        metrics={"sum": ["accuracy"], "larger": ["accuracy"]},
    )
    return model


def build_model(api="sequential", notation="argument", units=64, learning_rate=0.001):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 55,050 parameters."""
    model = {"sequential": build_sequential, "functional": build_functional}[api](units, notation)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 32, 256, step=32, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.001),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = (
        np.concatenate(parts) for parts in zip(*train.as_numpy_iterator(), strict=True)
    )
    classifier = LogisticRegression(solver="saga", tol=0.1).fit(
        images.reshape(-1, 784) / np.float32(255), labels
    )
    images, labels = (
        np.concatenate(parts) for parts in zip(*test.as_numpy_iterator(), strict=True)
    )
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def train_branched(train, epochs):
    """The branched network after training on pairs."""
    model = build_branched()
    model.fit(as_pairs(train), epochs=epochs, shuffle=False, verbose=0)
    return model


CHAIN = {
    "Input 28 × 28": (0, 0),
    "Flatten": (0, -1),
    "Dense 64": (0, -2),
    "Dense 64 ": (0, -3),
    "Dense 10": (0, -4),
}
BRANCHED = {
    "left": (-1, 0),
    "right": (1, 0),
    "Dense 64, shared": (0, -1),
    "Concatenate": (0, -2),
    "Dense 64": (0, -3),
    "Dense 64 ": (0, -4),
    "Add": (0, -5),
    "sum: Dense 19": (-1, -6),
    "larger: Dense 1": (1, -6),
}
CALLS = [
    ("left", "Dense 64, shared"),
    ("right", "Dense 64, shared"),
    *itertools.pairwise(list(BRANCHED)[2:8]),
    ("Add", "larger: Dense 1"),
]


def draw_graph(axis, boxes, arrows, title):
    """Layers as boxes, and who hands its output to whom."""
    for start, end in arrows:
        (x0, y0), (x1, y1) = boxes[start], boxes[end]
        for shift in (-0.25, 0.25) if end == "Concatenate" else (0,):  # called twice
            arrow = {"arrowstyle": "-|>", "color": "0.3", "shrinkA": 12, "shrinkB": 12}
            axis.annotate("", (x1 + shift, y1), (x0 + shift, y0), arrowprops=arrow)
    for name, (x, y) in boxes.items():
        colour = "#E69F00" if "shared" in name else "#56B4E9" if "Dense" in name else "0.85"
        box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "none"}
        axis.text(x, y, name.strip(), ha="center", va="center", bbox=box)
    axis.set(title=title, xlim=(-2, 2), ylim=(-6.5, 0.5))
    axis.axis("off")


def figures(models, test, histories):
    """The graphs of the two networks, and what the branched one says of pairs of digits."""
    graphs, axes = plt.subplots(1, 2, figsize=(9, 5.6), layout="constrained")
    draw_graph(axes[0], CHAIN, itertools.pairwise(CHAIN), "A list of layers is a chain")
    draw_graph(axes[1], BRANCHED, CALLS, "With calls it may fork, join, share and skip")
    skip = {
        "arrowstyle": "-|>",
        "color": "#D55E00",
        "linewidth": 2,
        "connectionstyle": "arc3,rad=-0.9",
    }
    axes[1].annotate("", (0.2, -5), (0.4, -3), arrowprops=skip)
    axes[1].text(1.35, -4, "skip", color="#D55E00", ha="center", va="center")

    branched = train_branched(load_data()[0], len(histories["functional"]["loss"]))
    pairs = as_pairs(test)
    scores = branched.evaluate(pairs, verbose=0, return_dict=True)
    inputs, targets = next(pairs.as_numpy_iterator())
    answers = branched.predict_on_batch(inputs)
    figure, axes = plt.subplots(2, 4, figsize=(10, 4.2), layout="constrained")
    for index, axis in enumerate(axes.flat):
        axis.imshow(np.hstack([inputs["left"][index], inputs["right"][index]]), cmap="gray_r")
        total, larger = answers["sum"][index].argmax(), answers["larger"][index, 0]
        axis.set_title(f"sum {total}, left larger: {larger:.0%}", fontsize=10)
        right = total == targets["sum"][index] and (larger > 0.5) == targets["larger"][index, 0]
        axis.spines[:].set(visible=True, color="#009E73" if right else "#D55E00", linewidth=2)
        axis.set(xticks=[], yticks=[])
    figure.suptitle(
        f"Two inputs, two outputs: sum right for {scores['sum_accuracy']:.1%} of the test pairs, "
        f"larger for {scores['larger_accuracy']:.1%}"
    )
    return {"graphs": graphs, "pairs": figure}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"two_apis_{name}.keras")
    branched = train_branched(train, EPOCHS)
    print("branched", branched.evaluate(as_pairs(test), return_dict=True))
    branched.save("two_apis_branched.keras")


if __name__ == "__main__":
    main()
