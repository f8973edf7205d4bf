"""Conv1D on time series: which of five waves a noisy signal is, and from which step to which.

Slides: 001 «Conv2D (también 1D y 3D)».
Paper:  Wang, Yan & Oates (2017), Time series classification from scratch with deep neural networks,
        https://arxiv.org/abs/1611.06455
Departs from the paper: generated waves replace its 44 data sets, and the network is smaller.

A Conv1D slides filters along one axis, time, and sees all channels at once: F × Cin × Cout weights.
The waves differ only in shape; period, phase, amplitude and offset are random, so no single step is
informative. A rising and a falling sawtooth have the same amplitude spectrum. Averaging over time
before the last layer makes the logits a mean of the evidence at all steps: the network accepts
signals of any length, and a class activation map shows which steps are evidence for which class.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 8
CLASSES = ["sine", "triangle", "square", "rising sawtooth", "falling sawtooth"]
LENGTH = 256  # steps of a signal
NOISE = 0.3  # standard deviation, for a wave between −1 and 1


def wave(kind, cycles):
    """The value from −1 to 1 of a wave after a number of cycles.

    Args:
        kind: One of `CLASSES`.
        cycles: Array; at integers a period starts.
    """
    place = cycles % 1  # position in the period, from 0 to 1
    if kind == "sine":
        return np.sin(2 * np.pi * place)
    if kind == "triangle":
        return 1 - 4 * np.abs((place + 0.25) % 1 - 0.5)
    if kind == "square":
        return np.where(place < 0.5, 1.0, -1.0)
    if kind == "rising sawtooth":
        return 2 * place - 1
    return 1 - 2 * place


def sample_signals(count, seed, length=LENGTH):
    """Noisy waves of random kind, period, phase, amplitude and offset.

    Returns:
        Signals (count, length, 1), float32, and labels (count,), equally many of each class.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    steps = np.arange(length)
    signals = np.empty((count, length))
    for index, label in enumerate(labels):
        period = rng.uniform(16, 64)  # in steps
        phase = rng.uniform()
        clean = wave(CLASSES[label], steps / period + phase)
        noisy = clean + NOISE * rng.normal(size=length)
        signals[index] = rng.uniform(0.5, 2) * noisy + rng.uniform(-1, 1)
    return signals[:, :, None].astype("float32"), labels


def load_data(batch_size=64):
    """Train, validation and test batches of (256, 1) signals and integer labels 0–4."""
    train = tf.data.Dataset.from_tensor_slices(sample_signals(6000, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(sample_signals(1000, seed=2))
    test = tf.data.Dataset.from_tensor_slices(sample_signals(2000, seed=3))
    return train.shuffle(6000).batch(batch_size), validation.batch(500), test.batch(500)


def build_model(filters=16, size=9, learning_rate=0.01, steps=EPOCHS * 94):
    """The compiled network: (steps, 1) signals of any length to 5 probabilities. 14,453 parameters.

    14,293 of them are trainable. [Convolution – batch normalization – ReLU – pooling] twice, once
    more without pooling, and a softmax layer on the mean over time. `size` is the filters' length
    in steps.
    """
    model = keras.Sequential()
    model.add(keras.Input((None, 1)))
    # (batch, steps, 1)
    model.add(keras.layers.Conv1D(filters, size, padding="same", use_bias=False))
    model.add(keras.layers.BatchNormalization(momentum=0.9))
    model.add(keras.layers.ReLU())
    model.add(keras.layers.MaxPooling1D(2))
    # (batch, steps / 2, filters)
    model.add(keras.layers.Conv1D(2 * filters, size, padding="same", use_bias=False))
    model.add(keras.layers.BatchNormalization(momentum=0.9))
    model.add(keras.layers.ReLU())
    model.add(keras.layers.MaxPooling1D(2))
    # (batch, steps / 4, 2 * filters)
    model.add(keras.layers.Conv1D(2 * filters, size, padding="same", use_bias=False))
    model.add(keras.layers.BatchNormalization(momentum=0.9))
    model.add(keras.layers.ReLU())
    # Mean over time: (batch, 2 * filters)
    model.add(keras.layers.GlobalAveragePooling1D())
    model.add(keras.layers.Dense(len(CLASSES), activation="softmax"))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 8, 64, step=8, default=16),
        "size": hp.Int("size", 3, 21, step=2, default=9),
        "learning_rate": hp.Float(
            "learning_rate", 0.00125, 0.08, step=2, sampling="log", default=0.01
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def quantiles(signals):
    """Quantiles of each signal's values, which do not depend on their order: (count, 33).

    Each signal (256, 1) is standardized to mean 0 and standard deviation 1 first.
    """
    values = signals[:, :, 0]
    values = values - values.mean(axis=1, keepdims=True)
    values = values / values.std(axis=1, keepdims=True)
    return np.quantile(values, np.linspace(0, 1, 33), axis=1).T


def baseline(train, test):
    """Logistic regression on the distribution of the values, without their order."""
    signals, labels = to_numpy(train)
    classifier = LogisticRegression(tol=0.01)
    classifier.fit(quantiles(signals), labels)
    signals, labels = to_numpy(test)
    return {"accuracy": classifier.score(quantiles(signals), labels)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "conv1d_signals.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("conv1d_signals.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on the distribution of the values:", baseline(train, test))


if __name__ == "__main__":
    main()
