"""Wrong heads: seven wrong pairings of activation, units, loss and targets (3 or 5, on MNIST).

Slides: 001 «Capas de salida dependiendo de la tarea», 001 «Cross entropy», 001 «Novedades».
Paper:  Solla, Levin & Fleisher (1988), Accelerated learning in layered neural networks,
        Complex Systems 2(6)

The same small network learns to distinguish threes from fives with thirteen heads. Five are right,
according to the slides' table:

    binary               sigmoid, 1 unit      binary_crossentropy
    multi-class          softmax, K units     categorical_crossentropy (one-hot)
                                              or sparse_categorical_crossentropy (integers)
    multi-label          sigmoid, K units     binary_crossentropy
    any number           linear               mse
    number from 0 to 1   sigmoid              mse or binary_crossentropy

The slide says that cross-entropy does not work with a single output. This is true of categorical
cross-entropy, which is then always 0; a single sigmoid unit needs binary cross-entropy. If the loss
is always 0, the gradient should be 0 as well. But TensorFlow computes "softmax minus target", which
assumes targets that sum to 1, and the unit diverges unnoticed.

Plain gradient descent is used throughout, because Adam scales vanishing gradients up and so hides
half of the failures. With Adam, or with gradients clipped to a norm of 1, even a ReLU or linear
unit with binary cross-entropy happens to stay where the gradient is not 0, and learns. Clipping to
100 only keeps diverging weights finite.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common.arrays import to_numpy

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
    "sigmoid_from_logits": (
        "sigmoid twice: no loss below 0.50. Keras on TensorFlow undoes it, warning"
    ),
    "sigmoid_bce_minus_one": (
        "target −1 instead of 0: the loss falls without end, as the logit of a 3 goes to −∞"
    ),
    "sigmoid_mse_3_5": "targets 3 and 5, sigmoid ends at 1: everything is a 3",
}
OTHERS = {
    "sigmoid_bce": "right: one sigmoid unit, binary cross-entropy",
    "logits_bce": "right: the same, with the sigmoid inside the loss",
    "two_softmax": "right: two softmax units are a sigmoid of the difference",
    "linear_mse": "right: any number, here 3 and 5, from a linear unit",
    "saturated_mse": (
        "allowed, but where sigmoid starts at 0.00005, the squared error has no gradient"
    ),
    "saturated_bce": "right: cross-entropy pulls a saturated sigmoid back",
}


def is_three_or_five(image, label):
    return (label == 3) | (label == 5)


def load_data(batch_size=32, low=0, high=1):
    """Train, validation and test batches of (28, 28, 1) uint8 images and (1,) targets.

    The target of a 3 is `low`, that of a 5 is `high`.
    """

    def with_target(image, label):
        return image, tf.where([label == 5], float(high), float(low))

    splits = ["train[:20%]", "train[80%:]", "test"]
    threes_and_fives = []
    for data in tfds.load("mnist", split=splits, as_supervised=True):
        threes_and_fives.append(data.filter(is_three_or_five).map(with_target).cache())
    train, validation, test = threes_and_fives
    train = train.shuffle(12_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="wrong_heads")
class ThresholdAccuracy(keras.metrics.Mean):
    """Accuracy for two classes, whatever numbers represent them.

    Args:
        middle: Targets above this number are the second class.
        threshold: If the last output is above this number, the second class is predicted.
    """

    def __init__(self, middle=0.5, threshold=0.5, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.middle = middle
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        is_second = y_true[:, -1] > self.middle
        predicts_second = y_pred[:, -1] > self.threshold
        super().update_state(
            keras.ops.cast(is_second == predicts_second, self.dtype), sample_weight
        )

    def get_config(self):
        return {**super().get_config(), "middle": self.middle, "threshold": self.threshold}


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
    """The same network as a chain of function calls."""
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(32, activation="relu")(x)
    head = keras.layers.Dense(units, activation, bias_initializer=keras.initializers.Constant(bias))
    return keras.Model(inputs, head(x))


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
    """The compiled network: (28, 28, 1) images to one or two numbers. 25,153 parameters.

    If the last of them is above `threshold`, the image is classified as a 5.
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(units, activation, bias)
    if from_logits:
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(learning_rate, clipnorm=100)
    accuracy = ThresholdAccuracy((low + high) / 2, threshold)
    model.compile(optimizer, loss, metrics=[accuracy])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "learning_rate": hp.Choice("learning_rate", [0.005, 0.01, 0.02, 0.05], default=0.02),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
    }


def baseline(train, test):
    """Majority class."""
    _, targets = to_numpy(train)
    values, counts = np.unique(targets, return_counts=True)
    _, test_targets = to_numpy(test)
    return {"accuracy": np.mean(test_targets == values[counts.argmax()])}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        targets = {key: arguments[key] for key in ("low", "high") if key in arguments}
        train, validation, test = load_data(**targets)
        model = build_model(**arguments)
        path = f"wrong_heads_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[best],
            verbose=0,
        )
        model = keras.saving.load_model(path)  # the best epoch
        print(f"{name}: {(WRONG | OTHERS)[name]}")
        print(model.evaluate(test, return_dict=True, verbose=0))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
