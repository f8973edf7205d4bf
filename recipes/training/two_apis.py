"""Sequential and functional API: one network for MNIST in both, and one that only calls can write.

Slides: 001 «Keras: sequential vs functional», «Hacia un nuevo enfoque basado en capas»,
        «Modelo funcional», «Funciones de activación como capa o como argumento».
Departs from the slide: its code is not valid Python (`model.add<leyer>()`, an undefined `inputs`,
no call of `Model`); here it is completed.

Dense 64, Dense 64, Dense 10 has 55,050 parameters in either API, and equal weights give equal
outputs (tested). `Sequential` takes a list of layers, so it can only build a chain. In the
functional API layers are functions, and their outputs are variables. The network of
`build_branched` has two inputs, which share layers, and a skip connection around a layer. Its two
outputs are the sum of two digits, and whether the left one is larger.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 4
VARIANTS = {"sequential": {"api": "sequential"}, "functional": {"api": "functional"}}


def load_data(batch_size=64):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    The training set is a fifth of MNIST.
    """
    splits = ["train[:20%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(12_000).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def dense(units, activation, notation):
    """A dense layer with its activation as an argument, or followed by an activation layer."""
    if notation == "layer":
        return [keras.layers.Dense(units), keras.layers.Activation(activation)]
    return [keras.layers.Dense(units, activation=activation)]


def build_sequential(units=64, notation="argument"):
    """The network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            *dense(units, "relu", notation),
            *dense(units, "relu", notation),
            *dense(10, "softmax", notation),
        ]
    )


def build_functional(units=64, notation="argument"):
    """The same network as a chain of calls, from input to output."""
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    for size, activation in ((units, "relu"), (units, "relu"), (10, "softmax")):
        for layer in dense(size, activation, notation):
            x = layer(x)
    return keras.Model(inputs, x)


def build_model(api="sequential", notation="argument", units=64, learning_rate=0.001):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 55,050 parameters.

    `api` is "sequential" or "functional"; `notation` is how activations are written, as an
    "argument" or as a "layer".
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(units, notation)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def build_branched(units=64, learning_rate=0.001):
    """The compiled network that `Sequential` cannot build, 63,956 parameters.

    Two inputs, "left" and "right", (28, 28, 1) images of digits; two outputs: probabilities of
    their "sum", (batch, 19), and of the left one being "larger", (batch, 1).
    """
    left = keras.Input((28, 28, 1), dtype="uint8", name="left")
    right = keras.Input((28, 28, 1), dtype="uint8", name="right")
    shared = keras.Sequential(
        [
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
        ],
        name="shared",
    )
    both = [shared(left), shared(right)]  # the same weights for both
    x = keras.layers.Concatenate(name="concatenate")(both)  # (batch, 2 * units)
    x = keras.layers.Dense(units, activation="relu", name="dense_1")(x)
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


def pair(images, labels):
    """A batch of pairs: each image on the left, the previous one of the batch on the right.

    Returns:
        Inputs "left" and "right", and targets "sum", (batch,), and "larger", (batch, 1), 0 or 1.
    """
    other_labels = tf.roll(labels, 1, axis=0)
    inputs = {"left": images, "right": tf.roll(images, 1, axis=0)}
    larger = tf.cast(labels > other_labels, "float32")[:, None]
    return inputs, {"sum": labels + other_labels, "larger": larger}


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
        "units": hp.Int("units", 32, 256, step=32, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.001),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    model = LogisticRegression(solver="saga", tol=0.1)
    model.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": model.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"two_apis_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"two_apis_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"two_apis_{name}_deployed.keras")
    print("logistic regression", baseline(train, test))

    branched = build_branched()
    branched.fit(
        train.map(pair), validation_data=validation.map(pair), epochs=EPOCHS, shuffle=False
    )
    branched.save("two_apis_branched.keras")
    print("Sum of two digits, and larger:", branched.evaluate(test.map(pair), return_dict=True))


if __name__ == "__main__":
    main()
