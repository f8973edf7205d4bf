"""The slide's Conv2D snippet, word for word, on MNIST: two convolutions without pooling, 203,434 parameters.

Slides: 001 «Capa de convolución en Keras», 001 «MNIST».
Departs from it: `Input` is a layer of its own, where the slide gives `input_shape` to the first Conv2D (Keras 3 warns).
Without pooling the maps stay at 24 × 24 and 91 % of the weights sit in the last layer: compare with `cnn_mnist`.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit

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
    """The compiled network: 640 + 18,464 + 184,330 = 203,434 parameters."""
    model = {"sequential": build_sequential, "functional": build_functional}[api]()
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
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
    """The network is the slide's: only its training can be tuned."""
    return {
        "learning_rate": hp.Float(
            "learning_rate", 0.00025, 0.004, step=2, sampling="log", default=0.001
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128, 256], default=128),
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


def figures(model, test, history):
    """Where the parameters are."""
    layers = [layer for layer in model.layers if layer.count_params()]
    names = [f"{layer.__class__.__name__}\n{layer.output.shape[1:]}" for layer in layers]
    counts = [layer.count_params() for layer in layers]
    parameters, axis = plt.subplots(figsize=(6, 3), layout="constrained")
    bars = axis.barh(names[::-1], counts[::-1])
    axis.bar_label(bars, fmt="{:,.0f}", padding=4)
    axis.set(
        title=f"{counts[-1] / sum(counts):.0%} of the parameters sit in the last layer",
        xlabel="parameters",
    )
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.locator_params(axis="x", nbins=5)
    axis.margins(x=0.15)
    return {"parameters": parameters}


def main():
    train, validation, test = load_data()
    model = build_model()
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("cnn_mnist_slide.keras")
    deployed(model).save("cnn_mnist_slide_deployed.keras")


if __name__ == "__main__":
    main()
