"""The slides' X taken through a convolutional network by hand, and a small network that learns to tell X from O.

Slides: 002 «Matrices de características», 002 «Operación de filtrado», 002 «Operación de convolución»,
        002 «Capa de agrupamiento (pooling)», 002 «ConvNets».
Paper:  LeCun et al. (1998), Gradient-based learning applied to document recognition, https://doi.org/10.1109/5.726791
Three patterns, two diagonals and a cross, are laid over a 9 × 9 drawing; ReLU and pooling follow. The slide prints the
maps cut off after two decimals (5/9 as .55, 7/9 as .77); rounded they are .56 and .78.
Departs from the slides: they stop at the maps of one X. Here convolution, ReLU and pooling come twice, a neuron that
sees everything decides, and the patterns are learned from drawings anywhere on a larger sheet: with only one size and
place, as on the slides, a linear classifier would do.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

EPOCHS = 8
CLASSES = ["O", "X"]
DIAGONAL = np.where(np.eye(3) == 1, 1, -1)
CROSS = np.maximum(DIAGONAL, DIAGONAL[::-1])
PATTERNS = np.stack([DIAGONAL, CROSS, DIAGONAL[::-1]], axis=-1)  # (3, 3, 3): one pattern per filter
X = -np.ones((9, 9), int)
X[1:8, 1:8] = np.where(np.eye(7) + np.eye(7)[::-1] > 0, 1, -1)


def filter_maps(image=X, patterns=PATTERNS):
    """(H, W) image and (F, F, patterns): at each position the mean of the F × F products, 1 where the two agree."""
    windows = np.lib.stride_tricks.sliding_window_view(image, patterns.shape[:2])
    return np.einsum("hwij,ijk->hwk", windows, patterns) / patterns[:, :, 0].size


def pool(maps):
    """Largest of each 2 × 2 block, with an incomplete block at the edge."""
    height, width, channels = maps.shape
    padded = np.pad(maps, [(0, height % 2), (0, width % 2), (0, 0)], constant_values=-np.inf)
    return padded.reshape(-(-height // 2), 2, -(-width // 2), 2, channels).max(axis=(1, 3))


def drawings(count, seed, size=15):
    """Drawings `(count, size, size, 1)`, about 1 on lines and −1 elsewhere, and labels `(count, 1)`: 1 for X, 0 for O.

    Each has its own place, angle, height, width, thickness and noise.
    """
    rng = np.random.default_rng(seed)

    def draw(low, high):
        return rng.uniform(low, high, (count, 1, 1))

    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    x, y = x - draw(-4, 4), y - draw(-4, 4)
    angle, radius = np.deg2rad(draw(-30, 30)), draw(2, 4)
    x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    x, y = x * draw(0.85, 1.15) / radius, y * draw(0.85, 1.15) / radius
    beyond = np.maximum(
        0, np.hypot(x, y) - 1
    )  # the strokes of the X end on the circle that would be the O
    to_x = np.hypot(np.minimum(np.abs(x - y), np.abs(x + y)) / np.sqrt(2), beyond)
    to_o = np.abs(np.hypot(x, y) - 1)
    is_x = rng.random((count, 1)) < 0.5
    distance = radius * np.where(is_x[:, :, None], to_x, to_o)
    images = (
        2 * np.exp(-((distance / draw(0.5, 1.0)) ** 2)) - 1 + rng.normal(0, 0.4, distance.shape)
    )
    return images[..., None].astype("float32"), is_x.astype("float32")


def load_data(batch_size=64):
    """Train, validation and test batches of (15, 15, 1) drawings and labels: 1 for X, 0 for O. Always the same ones."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(drawings(count, seed))
        for count, seed in ((4000, 1), (1000, 2), (2000, 3))
    )
    return train.shuffle(4000).batch(batch_size), validation.batch(500), test.batch(500)


def build_sequential(filters=8):
    """Convolution, ReLU and pooling twice, then one neuron that sees everything, as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((15, 15, 1)),
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(2, padding="same"),
            keras.layers.Conv2D(2 * filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(2, padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def build_functional(filters=8):
    """The same network as a chain of function calls."""
    x = inputs = keras.Input((15, 15, 1))
    for width in (filters, 2 * filters):
        x = keras.layers.Conv2D(width, 3, activation="relu")(x)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    outputs = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(x))
    return keras.Model(inputs, outputs)


def build_model(api="sequential", filters=8, learning_rate=0.01, steps=EPOCHS * 63):
    """The compiled network: (15, 15, 1) drawings to the probability of an X. 1,393 parameters."""
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(filters)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 2, 16, step=2, default=8),
        "learning_rate": hp.Float("learning_rate", 0.001, 0.1, sampling="log", default=0.01),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = next(train.unbatch().batch(4000).as_numpy_iterator())
    classifier = LogisticRegression(C=0.01).fit(images.reshape(len(images), -1), labels[:, 0])
    images, labels = next(test.unbatch().batch(4000).as_numpy_iterator())
    return {"accuracy": classifier.score(images.reshape(len(images), -1), labels[:, 0])}


def paint(axis, values, title="", numbers=False):
    """A small map in two colours about a white zero, with its numbers where they can be read."""
    limit = np.abs(values).max() or 1
    axis.imshow(values, cmap="PuOr_r", vmin=-1.3 * limit, vmax=1.3 * limit)
    for (row, column), value in np.ndenumerate(values):
        if numbers:
            axis.text(
                column,
                row,
                f"{value:.2g}".replace("0.", ".").replace("-", "−"),
                ha="center",
                va="center",
                fontsize=7,
            )
    axis.set_title(title)
    axis.axis("off")


def figures(model, test, history):
    """The slides' X step by step, in numbers; what the trained network looks for and makes of an X and an O."""
    maps = filter_maps()
    stages = {
        "Pattern": PATTERNS,
        "Map": maps,
        "ReLU": np.maximum(maps, 0),
        "Pooled": pool(np.maximum(maps, 0)),
    }
    walk, axes = plt.subplots(
        3, 5, figsize=(11, 6.8), width_ratios=(1.3, 0.5, 1.2, 1.2, 0.8), layout="constrained"
    )
    for row in range(3):
        paint(axes[row, 0], X, "Drawing" if row == 0 else "")
        for axis, (title, stage) in zip(axes[row, 1:], stages.items(), strict=True):
            paint(axis, stage[:, :, row], title if row == 0 else "", numbers=True)
    walk.suptitle("Each pattern finds its own places in the X: 1 where it fits exactly")

    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    images, labels = next(test.as_numpy_iterator())
    pair = np.stack([images[labels[:, 0] == 1][0], images[labels[:, 0] == 0][0]])
    maps = keras.ops.convert_to_numpy(
        keras.Model(model.inputs[0], first.output)(pair, training=False)
    )
    kernels = first.get_weights()[0][:, :, 0]
    learned, axes = plt.subplots(3, kernels.shape[-1] + 1, figsize=(11, 4.2), layout="constrained")
    for column in range(kernels.shape[-1]):
        paint(axes[0, column + 1], kernels[:, :, column])
        for row in range(2):
            paint(axes[row + 1, column + 1], maps[row, :, :, column])
    axes[0, 0].axis("off")
    for row in range(2):
        paint(axes[row + 1, 0], pair[row, :, :, 0])
    learned.suptitle("Learned patterns, and where they are found in an X and in an O")
    return {"walk": walk, "learned": learned}


def main():
    print(
        f"The X and the three patterns, times 9:\n{(9 * filter_maps()).round().astype(int).transpose(2, 0, 1)}"
    )
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("x_image.keras")


if __name__ == "__main__":
    main()
