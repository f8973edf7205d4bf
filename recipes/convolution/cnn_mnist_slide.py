"""The slide's Conv2D snippet on MNIST: two convolutions without pooling, 203,434 parameters.

Slides: 001 «Capa de convolución en Keras», 001 «MNIST».
Departs from it: `Input` is a separate layer; the slide passes `input_shape` to the first Conv2D,
about which Keras 3 warns. Without pooling the feature maps stay at 24 × 24, and 91 % of the
parameters are in the last layer: compare with `cnn_mnist`.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 3


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_sequential():
    """The slide's network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def build_functional():
    """The same network as a chain of function calls, from input to output."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(64, 3, activation="relu")(x)
    x = keras.layers.Conv2D(32, 3, activation="relu")(x)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def build_model(api="sequential", learning_rate=0.001):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 203,434 parameters.

    640 in the first convolution, 18,464 in the second and 184,330 in the dense layer.
    """
    builders = {"sequential": build_sequential, "functional": build_functional}
    model = builders[api]()
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides class probabilities, it returns how `unlike` MNIST's digits the image is, from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    outputs = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(image, outputs)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the network is the slide's."""
    return {
        "learning_rate": hp.Float(
            "learning_rate", 0.00025, 0.004, step=2, sampling="log", default=0.001
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model()
    best = keras.callbacks.ModelCheckpoint(
        "cnn_mnist_slide.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("cnn_mnist_slide.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels:", baseline(train, test))
    deployed(model).save("cnn_mnist_slide_deployed.keras")


if __name__ == "__main__":
    main()
