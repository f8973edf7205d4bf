"""One class of several: an MLP with a softmax layer on MNIST, beside ten independent sigmoids.

Slides: 001 «Capas de salida dependiendo de la tarea», «Softmax», «Cross entropy», «Novedades».
Paper:  Bridle (1990), Probabilistic interpretation of feedforward classification network outputs,
        https://doi.org/10.1007/978-3-642-76153-9_28
Departs from the slides: dropout of 0.2 and cosine decay of the learning rate to zero.

Softmax outputs sum to 1, so they are the probabilities of mutually exclusive classes; ten sigmoids
are independent, and none or several of them may exceed 0.5. Labels are one-hot here because the
sigmoids require it. Softmax also works with integer labels and "sparse_categorical_crossentropy",
which gives exactly the same loss (tested). The pictures show softmax with a temperature,
calibration and top-k accuracy.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 8
VARIANTS = {
    "softmax": {"head": "softmax"},
    "sigmoids": {"head": "sigmoids"},
}


def one_hot(image, label):
    return image, tf.one_hot(label, 10)


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and one-hot labels (10,)."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.map(one_hot).cache().shuffle(54_000).batch(batch_size).prefetch(2)
    validation = validation.map(one_hot).batch(1000).cache()
    test = test.map(one_hot).batch(1000).cache()
    return train, validation, test


def build_sequential(
    units=512, dropout=0.2, activation="softmax", classes=10, input_shape=(28, 28, 1)
):
    """The network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input(input_shape, dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(classes, activation=activation),
        ]
    )


def build_functional(
    units=512, dropout=0.2, activation="softmax", classes=10, input_shape=(28, 28, 1)
):
    """The same network as a chain of function calls."""
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(classes, activation=activation)(x)
    return keras.Model(inputs, outputs)


def build_model(
    api="sequential",
    head="softmax",
    units=512,
    dropout=0.2,
    learning_rate=0.002,
    label_smoothing=0.0,
    steps=EPOCHS * 422,
    classes=10,
    input_shape=(28, 28, 1),
):
    """The compiled network: (28, 28, 1) images to ten numbers from 0 to 1. 669,706 parameters."""
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    if head == "softmax":
        model = build(units, dropout, "softmax", classes, input_shape)
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    else:
        model = build(units, dropout, "sigmoid", classes, input_shape)
        loss = keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    # With either head, the prediction is the largest of the ten outputs.
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=[accuracy])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 128, 1024, step=128, default=512),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.2),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.002),
        "label_smoothing": hp.Choice("label_smoothing", [0.0, 0.05, 0.1], default=0.0),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    model = LogisticRegression(solver="saga", tol=0.1)
    model.fit(pixels(images), labels.argmax(axis=-1))
    images, labels = to_numpy(test)
    return {"accuracy": model.score(pixels(images), labels.argmax(axis=-1))}


def pixels(images):
    """Pixels from 0 to 1, one row for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def deployed(model):
    """The network for a picture of one digit, of any size, dark on light or light on dark.

    Besides the probabilities, it returns how `unlike` MNIST's digits the picture is, 0 to 1.
    """
    picture = keras.Input((None, None, 1))
    digit = CenterDigit()(picture)
    answers = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(picture, answers)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"head_multiclass_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(path, monitor="val_accuracy", save_best_only=True)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"head_multiclass_{name}_deployed.keras")
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
