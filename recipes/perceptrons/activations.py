"""Activation functions: sigmoid, tanh, ReLU and leaky ReLU compared, and dead units (dying ReLU).

Slides: 001 «Neuronas ReLU», 001 «Cada capa puede tener las siguientes activaciones»,
        002 «Función de activación», 002 «Leaky ReLU».
Paper:  Nair & Hinton (2010), Rectified linear units improve restricted Boltzmann machines (ReLU);
        Maas, Hannun & Ng (2013), Rectifier nonlinearities improve neural network acoustic models
Departs from the slides: softmax is not a function of one unit and is used only in the output
layers; ε is 0.01 where the slide says ε ≪ 1. Deck 001 cites Glorot & Bengio (2010) for ReLU, who
wrote on initial weights.

An activation function g is applied to the weighted sum z of a unit; backpropagation multiplies by
its slope g′(z). The slopes of sigmoid and tanh vanish for large |z|. ReLU, max(0, z), is cheap and
has slope 1 wherever the unit is on. Softplus, ln(1 + eᶻ), is a smooth version of it: they differ
most at 0, by ln 2 (tested). With tanh and ReLU the training loss falls in fewer epochs than with
sigmoid (`main` counts them). For larger differences see `vanishing_gradient`, with ten hidden
layers instead of one.

A ReLU unit that is off for *all* examples has slope 0 for all of them. Its gradient is then 0, and
its weights never change again: it is dead. In the variants `dying_…`, a large negative initial bias
switches nearly all hidden units off: with ReLU they stay dead. Leaky ReLU, max(ε z, z), keeps a
slope of ε there. Adam divides the gradient by its size, so it still takes full steps, and the units
recover within an epoch. Plain gradient descent would take steps ε times as large, and many more.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 6
EPSILON = 0.01  # slope of leaky ReLU below 0
THRESHOLD = 0.3  # training loss up to which `epochs_to` counts the epochs
BAD_BIAS = -2.0  # initial bias with which hardly any unit is on for any image
VARIANTS = {
    "sigmoid": {"activation": "sigmoid"},
    "tanh": {"activation": "tanh"},
    "relu": {"activation": "relu"},
    "leaky_relu": {"activation": "leaky_relu"},
    "dying_relu": {"activation": "relu", "bias": BAD_BIAS},
    "dying_leaky_relu": {"activation": "leaky_relu", "bias": BAD_BIAS},
}


def formulas(z):
    """Each activation function and its derivative, as on the slides.

    Args:
        z: Array of float.

    Returns:
        `{name: (g(z), g′(z))}`, arrays like z.
    """
    sigmoid = 1 / (1 + np.exp(-z))
    tanh = (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
    return {
        "linear": (z, np.ones_like(z)),
        "sigmoid": (sigmoid, sigmoid * (1 - sigmoid)),
        "tanh": (tanh, 1 - tanh**2),
        "relu": (np.maximum(0, z), np.where(z > 0, 1.0, 0.0)),
        "leaky_relu": (np.maximum(EPSILON * z, z), np.where(z > 0, 1.0, EPSILON)),
        "softplus": (np.log(1 + np.exp(z)), sigmoid),
    }


def load_data(batch_size=50):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:20%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(12_000).batch(batch_size)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def build_model(activation="relu", bias=0.0, units=64, learning_rate=0.002):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 50,890 parameters.

    Args:
        activation: Keras name of the hidden layer's activation, or `"leaky_relu"` with slope ε.
        bias: Initial bias of the hidden units.
        units: Number of hidden units.
        learning_rate: Learning rate of Adam.
    """
    start = keras.initializers.Constant(bias)
    model = keras.Sequential()
    model.add(keras.Input((28, 28, 1), dtype="uint8"))
    model.add(keras.layers.Rescaling(1 / 255))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(units, bias_initializer=start))  # z
    if activation == "leaky_relu":
        model.add(keras.layers.LeakyReLU(EPSILON))
    else:
        model.add(keras.layers.Activation(activation))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def before_activation(model, images):
    """The outputs z of the hidden units before their activation function: (images, units)."""
    *below, _, _ = model.layers
    z = images
    for layer in below:
        z = layer(z)
    return z


def shares_off_and_dead(model, images):
    """The shares of hidden units that are off and dead for all of the images, from 0 to 1.

    A unit is off where z ≤ 0. It is dead where the slope of its activation function is 0.
    """
    activation = model.layers[-2]
    z = before_activation(model, images)
    with tf.GradientTape() as tape:
        tape.watch(z)
        outputs = activation(z)
    slopes = tape.gradient(outputs, z).numpy()  # (images, units)
    off = (z.numpy() <= 0).all(axis=0)
    dead = (slopes == 0).all(axis=0)
    return off.mean(), dead.mean()


def epochs_to(threshold, losses):
    """The first epoch, counted from 1, whose loss is at most `threshold`, or None."""
    for epoch, loss in enumerate(losses, start=1):
        if loss <= threshold:
            return epoch
    return None


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    functions = ["sigmoid", "tanh", "relu", "leaky_relu", "softplus"]
    return {
        "activation": hp.Choice("activation", functions, default="relu"),
        "units": hp.Int("units", 32, 256, step=32, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.002),
        "batch_size": hp.Choice("batch_size", [25, 50, 100], default=50),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    z = np.array([-2.0, 0.0, 2.0])
    for name, (outputs, slopes) in formulas(z).items():
        print(f"{name:10} of −2, 0, 2: {outputs.round(3)}, slopes {slopes.round(3)}")

    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        images, _ = to_numpy(validation)
        off, _ = shares_off_and_dead(model, images)
        best = keras.callbacks.ModelCheckpoint(
            f"activations_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        ).history
        model = keras.saving.load_model(f"activations_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(f"Epochs to a training loss of {THRESHOLD}:", epochs_to(THRESHOLD, history["loss"]))
        off_after, dead = shares_off_and_dead(model, images)
        print(
            f"Off for all images: {off:.0%} before training, {off_after:.0%} after; {dead:.0%} dead"
        )
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
