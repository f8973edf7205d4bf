"""Four patterns of convolutional networks, from INPUT → FC to [CONV → CONV → POOL] × 3, on MNIST.

Slides: 001 «Arquitecturas».
Departs from it: the slide gives no sizes; here networks with fewer layers have wider ones.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 5
VARIANTS = {
    "fc": {"pattern": "fc"},
    "conv_fc": {"pattern": "conv_fc"},
    "conv_pool": {"pattern": "conv_pool"},
    "conv_conv_pool": {"pattern": "conv_conv_pool"},
}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def convolution(filters):
    """CONV → RELU."""
    return keras.layers.Conv2D(filters, 3, padding="same", activation="relu")


def hidden_layers(pattern):
    """The layers between the scaled image and the output layer."""
    if pattern == "fc":
        return [keras.layers.Flatten()]
    if pattern == "conv_fc":
        return [convolution(32), keras.layers.Flatten()]
    if pattern == "conv_pool":
        return [
            convolution(16),
            keras.layers.MaxPooling2D(2),
            convolution(32),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
        ]
    if pattern == "conv_conv_pool":
        return [
            convolution(8),
            convolution(8),
            keras.layers.MaxPooling2D(2),
            convolution(16),
            convolution(16),
            keras.layers.MaxPooling2D(2),
            convolution(32),
            convolution(32),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
        ]
    raise ValueError(f"pattern must be one of {', '.join(VARIANTS)}. Received: {pattern}")


def build_sequential(pattern="conv_pool"):
    """The network as a list of layers."""
    scale = keras.layers.Rescaling(1 / 255)
    output = keras.layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.Input((28, 28, 1)), scale, *hidden_layers(pattern), output])


def build_functional(pattern="conv_pool"):
    """The same network as functions applied to a symbolic input."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for layer in hidden_layers(pattern):
        x = layer(x)
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def build_model(pattern="conv_pool", api="sequential", learning_rate=0.003, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 105,866 parameters.

    The other patterns have 7,850 (fc), 251,210 (conv_fc) and 41,346 (conv_conv_pool).
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(pattern)
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
        "pattern": hp.Choice("pattern", list(VARIANTS), default="conv_pool"),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(pixels(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(pixels(images), labels)}


def pixels(images):
    """Pixels from 0 to 1, one row for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"cnn_patterns_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"cnn_patterns_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"cnn_patterns_{name}_deployed.keras")
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
