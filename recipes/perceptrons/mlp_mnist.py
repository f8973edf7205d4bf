"""Multilayer perceptron on MNIST: fully connected layers, shallow and deep, of ReLU or of sigmoids.

Slides: 000 «They are neither neural nor networks», 002 «Perceptrón Multicapa»,
        002 «MUCHAS CAPAS OCULTAS», 003 «Redes Neuronales (Fully Connected FC)»,
        001 zoo of networks (FF and DFF).
Paper:  Rumelhart, Hinton & Williams (1986), https://doi.org/10.1038/323533a0;
        LeCun et al. (1998), https://doi.org/10.1109/5.726791 (MLPs on MNIST)
Departs from the slides: they draw networks 3-4-2 and 3-4-4-1; here there are 784 inputs and 10
outputs.

A layer with n inputs and m neurons has n m weights and m biases. The output is a chain of matrix
products, each followed by an activation function (`forward` in `figures/mlp_mnist.py`). Without the
activation functions, the whole chain would be one matrix (tested). Five hidden layers of ReLU train
as easily as one. Five layers of sigmoids learn slowly at first and never catch up: in the backward
pass each layer multiplies the gradient by the slope of the sigmoid, which is at most ¼.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 6
VARIANTS = {
    "shallow": {"depth": 1},
    "deep": {"depth": 5},
    "deep_sigmoid": {"depth": 5, "activation": "sigmoid"},
}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(54_000).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def build_sequential(units=128, depth=1, activation="relu"):
    """The network as a list of layers."""
    model = keras.Sequential()
    model.add(keras.Input((28, 28, 1), dtype="uint8"))
    model.add(keras.layers.Rescaling(1 / 255))
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
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def build_model(
    api="sequential", units=128, depth=1, activation="relu", learning_rate=0.003, steps=EPOCHS * 422
):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 101,770 parameters.

    Args:
        api: `"sequential"` or `"functional"`.
        units: Number of units in each hidden layer.
        depth: Number of hidden layers; with 5 of them there are 167,818 parameters.
        activation: Activation function of the hidden layers.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(units, depth, activation)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for a picture of one digit, of any size, dark on light or light on dark.

    Besides the probabilities, it returns how `unlike` MNIST's digits the picture is, 0 to 1.
    """
    picture = keras.Input((None, None, 1))
    digit = CenterDigit()(picture)
    answers = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(picture, answers)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 32, 512, step=32, default=128),
        "depth": hp.Int("depth", 1, 6, default=1),
        "activation": hp.Choice("activation", ["relu", "tanh", "sigmoid"], default="relu"),
        "learning_rate": hp.Choice("learning_rate", [0.0003, 0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"mlp_mnist_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"mlp_mnist_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"mlp_mnist_{name}_deployed.keras")
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
