"""Multilayer perceptron on MNIST: neurons in layers, each connected to all of the next, shallow and deep.

Slides: 000 «They are neither neural nor networks», 002 «Perceptrón Multicapa», 002 «MUCHAS CAPAS OCULTAS»,
        003 «Redes Neuronales (Fully Connected FC)», 001 zoo of networks (FF and DFF).
Paper:  Rumelhart, Hinton & Williams (1986), https://doi.org/10.1038/323533a0; LeCun et al. (1998),
        https://doi.org/10.1109/5.726791 (MLPs on MNIST)
Departs from the slides: they draw 3-4-2 and 3-4-4-1, here there are 784 inputs and 10 outputs.

A layer of n inputs and m neurons has n m weights and m biases. Nothing neural is left when it runs: `forward` is a
chain of matrix products with a function in between. Without the functions the whole chain would be one matrix (tested).
Five hidden layers of ReLU train as easily as one; of sigmoids they set out late and stay behind, for a sigmoid's slope,
by which each layer multiplies the gradient on its way back, is at most ¼.
"""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit

EPOCHS = 6
VARIANTS = {
    "shallow": {"depth": 1},
    "deep": {"depth": 5},
    "deep_sigmoid": {"depth": 5, "activation": "sigmoid"},
}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    train, validation, test = tfds.load(
        "mnist", split=["train[:90%]", "train[90%:]", "test"], as_supervised=True
    )
    train = train.cache().shuffle(54_000).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def build_sequential(units=128, depth=1, activation="relu"):
    """The network as a list of layers."""
    model = keras.Sequential(
        [keras.Input((28, 28, 1), dtype="uint8"), keras.layers.Rescaling(1 / 255)]
    )
    model.add(keras.layers.Flatten())
    for _ in range(depth):
        model.add(keras.layers.Dense(units, activation=activation))
    model.add(keras.layers.Dense(10, activation="softmax"))
    return model


def build_functional(units=128, depth=1, activation="relu"):
    """The same network as functions applied to a symbolic input."""
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    for _ in range(depth):
        x = keras.layers.Dense(units, activation=activation)(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def build_model(
    api="sequential", units=128, depth=1, activation="relu", learning_rate=0.003, steps=EPOCHS * 422
):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 101,770 parameters, 167,818 with depth 5."""
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(units, depth, activation)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def deployed(model):
    """The network for a picture of one digit, of any size, dark on light or light on dark.

    Beside the probabilities it says how `unlike` MNIST's digits the picture is, from 0 to 1.
    """
    picture = keras.Input((None, None, 1))
    digit = CenterDigit()(picture)
    answers = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(picture, answers)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 32, 512, step=32, default=128),
        "depth": hp.Int("depth", 1, 6, default=1),
        "activation": hp.Choice("activation", ["relu", "tanh", "sigmoid"], default="relu"),
        "learning_rate": hp.Choice("learning_rate", [0.0003, 0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on pixels."""
    images, labels = (np.concatenate(part) for part in zip(*train.as_numpy_iterator(), strict=True))
    new_images, new_labels = (
        np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True)
    )
    model = LogisticRegression(solver="saga", tol=0.1).fit(
        images.reshape(-1, 784) / np.float32(255), labels
    )
    return {"accuracy": model.score(new_images.reshape(-1, 784) / np.float32(255), new_labels)}


def parameters(sizes):
    """Weights and biases of a fully connected network with that many inputs, neurons, …, neurons."""
    return sum(inputs * neurons + neurons for inputs, neurons in itertools.pairwise(sizes))


def forward(weights, images):
    """The trained network in NumPy, from `get_weights()` of a ReLU one: what comes out of each layer."""
    layers = [images.reshape(len(images), -1) / np.float32(255)]
    for matrix, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        layers.append(np.maximum(layers[-1] @ matrix + bias, 0))
    logits = layers[-1] @ weights[-2] + weights[-1]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return [*layers, powers / powers.sum(axis=1, keepdims=True)]


def plane(x):
    """The two directions in which the rows of x differ most (principal components)."""
    x = x - x.mean(0)
    return x @ np.linalg.eigh(x.T @ x)[1][:, :-3:-1]


def figures(models, test, histories):
    """What neurons of the first layer look for, and how layer after layer the digits part."""
    kernel = models["shallow"].get_weights()[0]
    strongest = np.argsort(-np.linalg.norm(models["shallow"].get_weights()[2], axis=1))[:24]
    neurons, axes = plt.subplots(3, 8, figsize=(10, 4.2), layout="constrained")
    for axis, neuron in zip(axes.flat, strongest, strict=True):
        limit = np.abs(kernel[:, neuron]).max()
        axis.imshow(kernel[:, neuron].reshape(28, 28), cmap="PuOr_r", vmin=-limit, vmax=limit)
        axis.axis("off")
    neurons.suptitle("What the 24 most heeded neurons look for: ink on orange, none on violet")

    images, labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    images, labels = images[:2000], labels[:2000]
    stages = forward(models["deep"].get_weights(), images)
    parting, axes = plt.subplots(1, 4, figsize=(13, 3.7), layout="constrained")
    titles = ("Pixels", "First hidden layer", "Third", "Fifth")
    for axis, title, stage in zip(
        axes, titles, (stages[0], stages[1], stages[3], stages[5]), strict=True
    ):
        across, up = plane(stage).T
        axis.scatter(across, up, s=3, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5)
        for digit in np.unique(labels):
            place = np.median(across[labels == digit]), np.median(up[labels == digit])
            axis.text(
                *place,
                digit,
                weight="bold",
                bbox={"facecolor": "white", "alpha": 0.7, "pad": 1, "linewidth": 0},
            )
        axis.set(title=title, xticks=[], yticks=[])
    parting.suptitle(
        "Layer after layer the digits part: the deep network, along the two main directions of each layer"
    )
    return {"neurons": neurons, "layers": parting}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"mlp_mnist_{name}.keras")


if __name__ == "__main__":
    main()
