"""X or O: the slides' X convolved by hand, and a small network that tells drawn Xs from Os.

Slides: 002 «Matrices de características», 002 «Operación de filtrado»,
        002 «Operación de convolución», 002 «Capa de agrupamiento (pooling)»,
        002 «ConvNets».
Paper:  LeCun et al. (1998), Gradient-based learning applied to document recognition,
        https://doi.org/10.1109/5.726791
Departs from the slides: they stop at the maps of one X. Here convolution, ReLU and pooling are
applied twice, a dense unit classifies, and the filters are learned from drawings at random
positions in a larger image. With only one size and position, as on the slides, a linear classifier
would suffice.

The slides convolve a 9 × 9 drawing with three filters, two diagonals and a cross; ReLU and pooling
follow. The values in their maps are truncated to two decimals (5/9 as .55, 7/9 as .77); rounded,
they are .56 and .78.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit
from recipes.common.arrays import to_numpy

EPOCHS = 8
CLASSES = ["O", "X"]

# The slides' three filters, (3, 3, 3): the last axis is the filter.
DIAGONAL = np.where(np.eye(3) == 1, 1, -1)
OTHER_DIAGONAL = DIAGONAL[::-1]
CROSS = np.maximum(DIAGONAL, OTHER_DIAGONAL)
PATTERNS = np.stack([DIAGONAL, CROSS, OTHER_DIAGONAL], axis=-1)

# The slides' drawing, (9, 9): 1 on the X, −1 elsewhere.
SEVEN = np.where(np.eye(7) == 1, 1, -1)  # one stroke
X = np.full((9, 9), -1)
X[1:8, 1:8] = np.maximum(SEVEN, SEVEN[::-1])


def filter_maps(image=X, patterns=PATTERNS):
    """The mean product of each window and each filter, 1 where they are equal: (H', W', filters).

    Args:
        image: Array (H, W).
        patterns: Array (F, F, filters).
    """
    size = len(patterns)
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))  # (H', W', F, F)
    sums = np.einsum("hwij,ijk->hwk", windows, patterns)
    return sums / size**2


def pool(maps):
    """The maximum of each 2 × 2 block of maps (H, W, C), also of incomplete blocks at the edge."""
    height, width, channels = maps.shape
    # An odd side gets one more row or column, which is never the maximum.
    padding = [(0, height % 2), (0, width % 2), (0, 0)]
    padded = np.pad(maps, padding, constant_values=-np.inf)
    rows = (height + 1) // 2
    columns = (width + 1) // 2
    blocks = padded.reshape(rows, 2, columns, 2, channels)
    return blocks.max(axis=(1, 3))


def drawings(count, seed, size=15):
    """Drawings (count, size, size, 1) and labels (count, 1): 1 for X, 0 for O.

    Strokes are about 1, the background about −1. Position, angle, height, width, thickness and
    noise of each drawing are random.
    """
    rng = np.random.default_rng(seed)

    def sample(low, high):
        return rng.uniform(low, high, (count, 1, 1))

    # Coordinates of the pixels relative to each drawing's center: (count, size, size).
    middle = (size - 1) / 2
    y, x = np.mgrid[:size, :size] - middle
    x = x - sample(-4, 4)
    y = y - sample(-4, 4)
    # Rotate by the drawing's angle.
    angle = np.deg2rad(sample(-30, 30))
    radius = sample(2, 4)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    turned_x = x * cosine + y * sine
    turned_y = y * cosine - x * sine
    # Convert to units of half its width and height.
    x = turned_x * sample(0.85, 1.15) / radius
    y = turned_y * sample(0.85, 1.15) / radius

    # Distance of each pixel from the circle of the O.
    from_center = np.hypot(x, y)
    distance_to_o = np.abs(from_center - 1)
    # Distance from the nearest stroke of the X; its strokes end on that circle.
    beyond = np.maximum(from_center - 1, 0)
    to_falling = np.abs(x - y)
    to_rising = np.abs(x + y)
    across = np.minimum(to_falling, to_rising) / np.sqrt(2)
    distance_to_x = np.hypot(across, beyond)

    is_x = rng.random((count, 1)) < 0.5
    distance = np.where(is_x[:, :, None], distance_to_x, distance_to_o)
    distance = radius * distance  # in pixels
    thickness = sample(0.5, 1.0)
    ink = np.exp(-((distance / thickness) ** 2))  # 1 in the middle of a stroke, 0 far away
    strokes = 2 * ink - 1
    images = strokes + rng.normal(0, 0.4, strokes.shape)
    images = images[..., None]  # (count, size, size, 1)
    return images.astype("float32"), is_x.astype("float32")


def load_data(batch_size=64):
    """Train, validation and test batches: (15, 15, 1) drawings and (1,) labels, 1 for X.

    The sets, from `drawings`, are the same every time.
    """
    train = tf.data.Dataset.from_tensor_slices(drawings(4000, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(drawings(1000, seed=2))
    test = tf.data.Dataset.from_tensor_slices(drawings(2000, seed=3))
    train = train.shuffle(4000).batch(batch_size)
    return train, validation.batch(500), test.batch(500)


def build_sequential(filters=8):
    """[Convolution – ReLU – pooling] twice and a dense unit, as a list of layers."""
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
    """The same network as functions applied to a symbolic input."""
    inputs = keras.Input((15, 15, 1))
    x = keras.layers.Conv2D(filters, 3, activation="relu")(inputs)
    x = keras.layers.MaxPooling2D(2, padding="same")(x)
    x = keras.layers.Conv2D(2 * filters, 3, activation="relu")(x)
    x = keras.layers.MaxPooling2D(2, padding="same")(x)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs)


def build_model(api="sequential", filters=8, learning_rate=0.01, steps=EPOCHS * 63):
    """The compiled network: (15, 15, 1) drawings to the probability of an X. 1,393 parameters.

    Learning-rate schedule: cosine decay to zero over the training `steps`.
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(filters)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def deployed(model):
    """The network for a picture of an X or an O, of any size, dark on light or light on dark."""
    picture = keras.Input((None, None, 1))
    x = CenterDigit()(picture)  # (28, 28, 1): 0 on paper, up to 255 on strokes; 20 pixels long
    x = keras.layers.Resizing(10, 10, antialias=True)(x)  # 7 pixels long, like the larger drawings
    strongest = keras.ops.max(x, axis=(1, 2, 3), keepdims=True)
    x = x / keras.ops.maximum(strongest, 1)  # 1 on strokes, however thin; all 0 if there are none
    x = keras.layers.ZeroPadding2D(((2, 3), (2, 3)))(x)  # (15, 15, 1)
    x = keras.layers.Rescaling(2, offset=-1)(x)
    return keras.Model(picture, model(x))


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 2, 16, step=2, default=8),
        "learning_rate": hp.Float("learning_rate", 0.001, 0.1, sampling="log", default=0.01),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    classifier = LogisticRegression(C=0.01)
    images, labels = to_numpy(train)
    pixels = images.reshape(len(images), -1)
    classifier.fit(pixels, labels[:, 0])
    images, labels = to_numpy(test)
    pixels = images.reshape(len(images), -1)
    return {"accuracy": classifier.score(pixels, labels[:, 0])}


def main():
    maps = filter_maps()  # (7, 7, 3)
    pooled = pool(np.maximum(maps, 0))  # (4, 4, 3)
    ninths = np.rint(9 * maps).astype(int)
    pooled_ninths = np.rint(9 * pooled).astype(int)
    for number, name in enumerate(("diagonal", "cross", "other diagonal")):
        print(f"The slides' X convolved with the {name}, times 9:")
        print(ninths[:, :, number])
        print("and after ReLU and pooling:")
        print(pooled_ninths[:, :, number])

    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "x_image.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("x_image.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
    deployed(model).save("x_image_deployed.keras")


if __name__ == "__main__":
    main()
