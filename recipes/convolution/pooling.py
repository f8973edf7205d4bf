"""Pooling by hand, undone as far as that goes, and put to the test: max against mean on MNIST, accuracy and time.

Slides: 001 «Pooling Layer», 002 «Capa de agrupamiento (pooling)», 003 «Capas POOLING», 001 «UpSampling2D»,
        001 «Conv2DTranspose».
Paper:  Scherer, Müller & Behnke (2010), Evaluation of pooling operations in convolutional architectures for object
        recognition, https://doi.org/10.1007/978-3-642-15825-4_10
The slide says that the maximum gives better results than the mean and is faster. Neither is so in general. On
validation images the maximum wins with a low learning rate, the mean with a high one: each variant has the one that
suits it. A training step takes the same time with oneDNN's kernels; where TensorFlow runs without them the maximum is
slower.
The slides call UpSampling2D the inverse of pooling and Conv2DTranspose that of Conv2D: shapes come back, values do not.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit

EPOCHS = 3
VARIANTS = {
    "max": {"pooling": "max", "learning_rate": 0.005},
    "average": {"pooling": "average", "learning_rate": 0.02},
}
SAMPLE = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], "float32")


def pool(maps, size=2, stride=2, how=np.max):
    """(H, W, C) maps: `how` (np.max, np.mean) of each size × size block, each map for itself."""
    blocks = np.lib.stride_tricks.sliding_window_view(maps, (size, size), axis=(0, 1))[
        ::stride, ::stride
    ]
    return how(blocks, axis=(-2, -1))


def up(maps, factor=2):
    """What UpSampling2D does: every pixel becomes a block."""
    return maps.repeat(factor, axis=0).repeat(factor, axis=1)


def spread(size, stride, side=8):
    """A transposed convolution of an even surface, all weights 1: how often each pixel of the result is written to."""
    layer = keras.layers.Conv2DTranspose(
        1, size, strides=stride, kernel_initializer="ones", use_bias=False
    )
    return keras.ops.convert_to_numpy(layer(np.ones((1, side, side, 1), "float32")))[0, :, :, 0]


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_model(pooling="max", filters=16, learning_rate=0.005, steps=EPOCHS * 446):
    """[Conv – ReLU – pool] twice and a softmax layer. 20,490 parameters, none of them in the pooling layers."""
    if pooling not in VARIANTS:
        raise ValueError(f"pooling must be one of {', '.join(VARIANTS)}. Received: {pooling}")
    layer = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[pooling]
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layer(2),
            keras.layers.Conv2D(2 * filters, 3, padding="same", activation="relu"),
            layer(2),
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
    """The network for a picture of one digit, of any size, dark on light or light on dark.

    Beside the probabilities it says how `unlike` MNIST's digits the picture is, from 0 to 1.
    """
    picture = keras.Input((None, None, 1))
    digit = CenterDigit()(picture)
    answers = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(picture, answers)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "pooling": hp.Choice("pooling", list(VARIANTS), default="max"),
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "learning_rate": hp.Float("learning_rate", 0.0005, 0.05, sampling="log", default=0.005),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
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


def milliseconds(batch, rounds=8):
    """CPU time of inference and of a training step on one batch with each kind of pooling, taken in turn."""
    models = {name: build_model(**arguments) for name, arguments in VARIANTS.items()}
    spent = {name: [] for name in models}
    for _ in range(rounds + 1):
        for name, model in models.items():
            start = time.process_time()
            model.predict_on_batch(batch[0])
            middle = time.process_time()
            model.train_on_batch(*batch)
            spent[name].append((middle - start, time.process_time() - middle))
    return {
        name: 1000 * np.median(times[1:], axis=0) for name, times in spent.items()
    }  # the first call compiles


def paint(axis, values, title, numbers=False):
    """A map; with its numbers where they can be read."""
    axis.imshow(values, cmap="Blues", vmin=0, vmax=1.4 * values.max())
    for (row, column), value in np.ndenumerate(values):
        if numbers:
            axis.text(column, row, f"{value:g}", ha="center", va="center")
    axis.set_title(title)
    axis.axis("off")


def figures(models, test, histories):
    """A sample of 4 × 4; the way back; and what max and mean pooling cost and reach."""
    maps = SAMPLE[:, :, None]
    sample, axes = plt.subplots(
        1, 4, figsize=(10, 3.2), width_ratios=(4, 2.5, 2.5, 4), layout="constrained"
    )
    largest, mean = pool(maps), pool(maps, how=np.mean)
    paint(axes[0], SAMPLE, "Map", numbers=True)
    paint(axes[1], largest[:, :, 0], "Maximum", numbers=True)
    paint(axes[2], mean[:, :, 0], "Mean", numbers=True)
    paint(axes[3], up(largest)[:, :, 0], "Maximum, enlarged", numbers=True)
    sample.suptitle("Each block of four becomes one number, and there is no way back")

    batch = next(test.unbatch().batch(128).as_numpy_iterator())
    digit = batch[0][0].astype("float32")
    back, axes = plt.subplots(1, 4, figsize=(10, 3), layout="constrained")
    paint(axes[0], digit[:, :, 0], "Digit")
    paint(axes[1], up(pool(digit))[:, :, 0], "Pooled and enlarged")
    paint(axes[2], spread(3, 2), "All ones → 3 × 3, stride 2")
    paint(axes[3], spread(4, 2), "All ones → 4 × 4, stride 2")
    back.suptitle(
        "Details do not come back; a transposed convolution leaves a checkerboard unless its stride divides F"
    )

    spent = milliseconds(batch)
    errors = {name: 100 * (1 - max(history["val_accuracy"])) for name, history in histories.items()}
    comparison, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
    scores = {"inference, CPU ms": 0, "training step, CPU ms": 1}
    for axis, (title, index) in zip(axes, scores.items(), strict=False):
        axis.bar(
            list(spent), [times[index] for times in spent.values()], color=["#0072B2", "#E69F00"]
        )
        axis.set_title(title)
    axes[2].bar(list(errors), list(errors.values()), color=["#0072B2", "#E69F00"])
    axes[2].set_title("validation errors, %")
    ratio = spent["max"][1] / spent["average"][1]
    comparison.suptitle(
        f"With the maximum, a training step takes {ratio:.2f} times as long as with the mean"
    )
    return {"sample": sample, "back": back, "comparison": comparison}


def main():
    for name, how in {"max": np.max, "mean": np.mean}.items():
        print(
            f"{name:>5} of each block of the 4 × 4 sample: {pool(SAMPLE[:, :, None], how=how)[:, :, 0].tolist()}"
        )
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"pooling_{name}.keras")


if __name__ == "__main__":
    main()
