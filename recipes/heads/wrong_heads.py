"""Wrong heads: what becomes of seven wrong pairings of activation, units, loss and targets (3 or 5, on MNIST).

Slides: 001 «Capas de salida dependiendo de la tarea», 001 «Cross entropy», 001 «Novedades».
Paper:  Solla, Levin & Fleisher (1988), Accelerated learning in layered neural networks, Complex Systems 2(6)

The same small network learns to tell threes from fives under thirteen heads. Five are right, by the slides' table:

    binary               sigmoid, 1 unit      binary_crossentropy
    multi-class          softmax, K units     categorical_crossentropy (one-hot) or sparse_… (integers)
    multi-label          sigmoid, K units     binary_crossentropy
    any number           linear               mse
    number from 0 to 1   sigmoid              mse or binary_crossentropy

The slide says that cross-entropy does not go with a single output. That is true of the categorical one, whose loss is
then always 0; a single sigmoid unit has the binary one. With a loss that is always 0 the gradient should be 0 as well;
TensorFlow computes "softmax minus target", which supposes targets that sum to 1, and the unit runs away unnoticed.

Plain gradient descent is used throughout, because Adam scales vanishing gradients up and so hides half of what goes
wrong: with it, or with gradients clipped at a length of 1, even a ReLU or a linear unit under binary cross-entropy
happens to stay where there is a gradient, and learns. Clipping at 100 only keeps finite what runs away.
"""

import textwrap

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

EPOCHS = 10
CLASSES = ["3", "5"]
VARIANTS = {
    "sigmoid_bce": {},
    "logits_bce": {"activation": "linear", "from_logits": True, "threshold": 0.0},
    "two_softmax": {"units": 2, "activation": "softmax", "loss": "sparse_categorical_crossentropy"},
    "linear_mse": {"activation": "linear", "loss": "mse", "low": 3, "high": 5, "threshold": 4.0},
    "one_softmax_cce": {"activation": "softmax", "loss": "categorical_crossentropy"},
    "one_sigmoid_cce": {"loss": "categorical_crossentropy"},
    "relu_bce": {"activation": "relu"},
    "linear_bce": {"activation": "linear"},
    "sigmoid_from_logits": {"from_logits": True},
    "sigmoid_bce_minus_one": {"low": -1},
    "sigmoid_mse_3_5": {"loss": "mse", "low": 3, "high": 5, "threshold": 4.0},
    "saturated_mse": {"loss": "mse", "bias": -10.0},
    "saturated_bce": {"bias": -10.0},
}
WRONG = {
    "one_softmax_cce": "softmax over a single unit is always 1: no loss, nothing to learn",
    "one_sigmoid_cce": "divided by its sum, one unit is 1: no loss, nothing to learn",
    "relu_bce": "outside 0…1 the loss is cut off, and no gradient leads back",
    "linear_bce": "from_logits forgotten: outside 0…1 there is no gradient either",
    "sigmoid_from_logits": "sigmoid twice: no loss below 0.50. Keras on TensorFlow undoes it, warning",
    "sigmoid_bce_minus_one": "target −1 instead of 0: the loss falls without end, by saying 3 ever more loudly",
    "sigmoid_mse_3_5": "targets 3 and 5, sigmoid ends at 1: everything is a 3",
}
OTHERS = {
    "sigmoid_bce": "right: one sigmoid unit, binary cross-entropy",
    "logits_bce": "right: the same, with the sigmoid inside the loss",
    "two_softmax": "right: two softmax units are a sigmoid of the difference",
    "linear_mse": "right: any number, here 3 and 5, from a linear unit",
    "saturated_mse": "allowed, but where sigmoid starts at 0.00005, the squared error has no gradient",
    "saturated_bce": "right: cross-entropy pulls a saturated sigmoid back",
}


def load_data(batch_size=32, low=0, high=1):
    """Train, validation and test batches of (28, 28, 1) uint8 images: `low` stands for a 3, `high` for a 5."""

    def threes_and_fives(split):
        data = tfds.load("mnist", split=split, as_supervised=True)
        data = data.filter(lambda image, label: (label == 3) | (label == 5))
        return data.map(
            lambda image, label: (image, tf.where([label == 5], float(high), float(low)))
        ).cache()

    train, validation, test = (
        threes_and_fives(split) for split in ("train[:20%]", "train[80%:]", "test")
    )
    return (
        train.shuffle(12_000).batch(batch_size).prefetch(2),
        validation.batch(500),
        test.batch(500),
    )


@keras.saving.register_keras_serializable(package="wrong_heads")
class Decisions(keras.metrics.MeanMetricWrapper):
    """Share of the digits that the last unit puts on the right side of `threshold`, whatever numbers stand for them."""

    def __init__(self, middle=0.5, threshold=0.5, name="accuracy", dtype=None):
        def right(y_true, y_pred):
            return keras.ops.cast(
                (y_true[:, -1] > middle) == (y_pred[:, -1] > threshold), "float32"
            )

        super().__init__(right, name=name, dtype=dtype)
        self.middle, self.threshold = middle, threshold

    def get_config(self):
        return {
            "middle": self.middle,
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
        }


def build_sequential(units=1, activation="sigmoid", bias=0.0):
    """The network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(
                units, activation, bias_initializer=keras.initializers.Constant(bias)
            ),
        ]
    )


def build_functional(units=1, activation="sigmoid", bias=0.0):
    """The same network as functions applied to a symbolic input."""
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Dense(32, activation="relu")(x)
    x = keras.layers.Dense(units, activation, bias_initializer=keras.initializers.Constant(bias))(x)
    return keras.Model(inputs, x)


def build_model(
    api="sequential",
    units=1,
    activation="sigmoid",
    loss="binary_crossentropy",
    from_logits=False,
    low=0,
    high=1,
    threshold=0.5,
    bias=0.0,
    learning_rate=0.02,
):
    """The compiled network: (28, 28, 1) images to one or two numbers; above `threshold`, it is a 5."""
    model = {"sequential": build_sequential, "functional": build_functional}[api](
        units, activation, bias
    )
    if from_logits:
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
    accuracy = Decisions((low + high) / 2, threshold)
    model.compile(keras.optimizers.SGD(learning_rate, clipnorm=100), loss, metrics=[accuracy])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "learning_rate": hp.Choice("learning_rate", [0.005, 0.01, 0.02, 0.05], default=0.02),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
    }


def figures(models, test, histories):
    """The gallery of curves, and why the squared error is slow where a sigmoid is saturated."""
    names = [name for name in histories if name != "saturated_bce"]
    gallery, axes = plt.subplots(4, 3, figsize=(10, 12), layout="constrained")
    for ax, name in zip(axes.flat, names, strict=False):
        history, wrong = histories[name], name in WRONG
        epochs = np.arange(1, len(history["loss"]) + 1)
        ax.plot(epochs, history["loss"], color="tab:blue")
        ax.set_ylim(1.05 * min(0, *history["loss"]) - 0.02, 1.05 * max(0.1, *history["loss"]))
        ax.tick_params(axis="y", labelcolor="tab:blue")
        right = ax.twinx()
        right.plot(epochs, history["val_accuracy"], color="tab:orange")
        right.tick_params(axis="y", labelcolor="tab:orange")
        right.set_ylim(0.4, 1.02)
        mark = "✗ " if wrong else "✓ " if OTHERS[name].startswith("right") else "– "
        sentence = textwrap.fill(mark + (WRONG | OTHERS)[name], 36)
        ax.set_title(
            f"{name}\n{sentence}", fontsize=10, color="darkred" if wrong else "black", loc="left"
        )
    gallery.suptitle(
        "Training loss (blue, left) and validation accuracy (orange, right) by epoch; ✗: a wrong pairing"
    )

    z = np.linspace(-12, 12, 200)
    p = 1 / (1 + np.exp(-z))
    saturation, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for name, slope, style in (("bce", p - 1, "-"), ("mse", 2 * (p - 1) * p * (1 - p), "--")):
        axes[0].plot(z, slope, style, label=name)
        if f"saturated_{name}" in histories:
            accuracy = histories[f"saturated_{name}"]["val_accuracy"]
            axes[1].plot(
                np.arange(1, len(accuracy) + 1), accuracy, style, label=f"saturated_{name}"
            )
            axes[1].legend()
    axes[0].set(
        title="Where sigmoid(z) is wrong and sure, mse has no gradient",
        xlabel="z (target 1)",
        ylabel="dL/dz",
    )
    axes[0].legend()
    axes[1].set(title="From a start at z = −10", xlabel="epoch", ylabel="validation accuracy")
    return {"gallery": gallery, "saturation": saturation}


def main():
    for name, arguments in VARIANTS.items():
        targets = {key: arguments[key] for key in ("low", "high") if key in arguments}
        train, validation, test = load_data(**targets)
        model = build_model(**arguments)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=0)
        print(
            f"{name}: {(WRONG | OTHERS)[name]}\n    {model.evaluate(test, return_dict=True, verbose=0)}"
        )
        model.save(f"wrong_heads_{name}.keras")


if __name__ == "__main__":
    main()
