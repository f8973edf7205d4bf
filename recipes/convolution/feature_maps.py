"""Feature maps and filters of a trained convolutional network, layer by layer, on Fashion-MNIST.

Slides: 001 «Redes de convolución», 001 «Entradas, salidas y pesos», 002 «Filtros como atributos»,
        003 «Capas convolucionales».
Papers: Zeiler & Fergus (2014), https://arxiv.org/abs/1311.2901 (visualizing maps);
        Krizhevsky et al. (2012), https://doi.org/10.1145/3065386 (the slide's 96 filters of
        11 × 11 × 3)
Departs from them: a network small enough for a CPU, with first-layer filters of 7 × 7, large enough
to be visualized.

After training, deeper maps are sparser; untrained networks need not show this, nor networks after a
single epoch. The slide's "Total: F × F × Cin" is per filter; a layer has F × F × Cin × Cout weights
and Cout biases.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 4


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images of clothes and labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_model(filters=16, learning_rate=0.003, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 29,706 parameters.

    Three convolutions, `layer_1` to `layer_3`, of `filters`, twice and four times as many filters,
    each followed by average pooling. Cosine decay of the learning rate to zero over the `steps`.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            # To (batch, 14, 14, filters).
            keras.layers.Conv2D(filters, 7, padding="same", activation="relu", name="layer_1"),
            keras.layers.AveragePooling2D(2),
            # To (batch, 7, 7, 2 * filters).
            keras.layers.Conv2D(2 * filters, 3, padding="same", activation="relu", name="layer_2"),
            keras.layers.AveragePooling2D(2),
            # To (batch, 3, 3, 4 * filters).
            keras.layers.Conv2D(4 * filters, 3, padding="same", activation="relu", name="layer_3"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for pictures of clothes, of any size, on a light or dark background.

    The clothes of Fashion-MNIST are light on black: a picture with a light border is inverted. A
    picture that is not square is padded with black.
    """
    picture = keras.Input((None, None, 1))
    # Invert a picture whose border is light.
    border = [picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]]
    brightness = keras.ops.mean(keras.ops.concatenate(border, axis=1), axis=(1, 2))
    light = keras.ops.reshape(brightness > 127.5, (-1, 1, 1, 1))
    on_dark = keras.ops.where(light, 255 - picture, picture)
    resize = keras.layers.Resizing(28, 28, pad_to_aspect_ratio=True, antialias=True)
    return keras.Model(picture, model(resize(on_dark)))


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
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
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "feature_maps.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("feature_maps.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
    deployed(model).save("feature_maps_deployed.keras")


if __name__ == "__main__":
    main()
