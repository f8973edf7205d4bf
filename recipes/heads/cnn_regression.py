"""Convolutional network for regression: position and angle of a triangle in a noisy 64 × 64 image.

Slides: 001 «Ejemplo (API secuencial)», 001 «¿Pueden usarse las redes de convolución para
        regresión?».
Departs from the slide: four outputs instead of two, smaller images, strided convolutions and batch
normalization. The slide's network pools with strides of (1, 1), which hardly reduces the feature
maps: it has 57,100,098 weights, 99.9 % of them in one layer. With strides of 2 it has 3,512,130
(both tested).

The answer is yes: leave the last layer linear and train on the squared error. The position is x and
y in −1…1. An angle is a bad target, since 359° and 1° are close but far apart as numbers. Its
cosine and sine are good targets, and arctan2 recovers the angle. The triangle is isosceles and
acute, so that its tip distinguishes a direction from the opposite one.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from sklearn.linear_model import Ridge

from recipes.common.arrays import to_numpy

EPOCHS = 12
OBJECTIVE = ("val_position_mae", "min")
SIZE = 64  # of the images, in pixels
REACH = 0.55  # centers lie within ± REACH, so that the whole triangle is in the image, −1…1


def render(x, y, angle, length, width, background, contrast, rng):
    """Grayscale images of one triangle each, with Gaussian noise.

    Args:
        x, y: Centers, −1…1 from left to right and from top to bottom of the image. These and the
            following are arrays (n,).
        angle: Directions of the tips in radians, clockwise from the right.
        length, width: Half the height of the triangle, half its base.
        background, contrast: Gray value of the background, and how much brighter the triangle is.
        rng: NumPy generator for the noise.

    Returns:
        Images (n, SIZE, SIZE, 1), uint8.
    """
    # One number for each triangle, to broadcast over rows and columns: (7, n, 1, 1).
    numbers = np.stack([x, y, angle, length, width, background, contrast])
    x, y, angle, length, width, background, contrast = numbers[..., None, None]

    # Coordinates of the pixels relative to the center of the triangle.
    pixels = (np.arange(SIZE, dtype="float32") + 0.5) * 2 / SIZE - 1
    right = pixels - x  # (n, 1, SIZE)
    down = pixels[:, None] - y  # (n, SIZE, 1)

    # Rotate to the triangle's axes: along its height, and the distance from it.
    cos = np.cos(angle)
    sin = np.sin(angle)
    along = cos * right + sin * down  # (n, SIZE, SIZE)
    across = np.abs(cos * down - sin * right)

    # Signed distances from the slanted sides and from the base, positive inside.
    side = np.hypot(width, 2 * length)
    slanted = (width * (length - along) - 2 * length * across) / side
    base = along + length
    distance = np.minimum(slanted, base) * SIZE / 2  # in pixels

    # Antialiased triangle on a uniform background, with noise.
    inside = np.clip(distance + 0.5, 0, 1)
    noise = rng.normal(0, 8, inside.shape).astype("float32")
    gray = background + contrast * inside + noise
    images = gray.clip(0, 255).astype("uint8")
    return images[..., None]


def sample(count, rng):
    """Random triangles: images (count, 64, 64, 1) and targets (count, 4) x, y, cos and sin."""

    def uniform(low, high):
        return rng.uniform(low, high, count).astype("float32")

    x = uniform(-1, 1)
    y = uniform(-1, 1)
    angle = uniform(0, 2 * np.pi)
    length = uniform(0.3, 0.4)
    width = uniform(0.15, 0.2)
    background = uniform(30, 110)
    contrast = uniform(50, 130)
    images = render(REACH * x, REACH * y, angle, length, width, background, contrast, rng)
    targets = np.stack([x, y, np.cos(angle), np.sin(angle)], axis=-1)
    return images, targets


def generate(count, seed):
    """`count` images and targets from `sample`, generated in chunks of 500 to save memory."""
    rng = np.random.default_rng(seed)
    images = np.empty((count, SIZE, SIZE, 1), "uint8")
    targets = np.empty((count, 4), "float32")
    for start in range(0, count, 500):
        stop = min(start + 500, count)
        images[start:stop], targets[start:stop] = sample(stop - start, rng)
    return images, targets


def load_data(batch_size=64, count=16_000):
    """Train, validation and test batches of generated images and targets.

    Images are (64, 64, 1) uint8; targets are x, y, cos and sin of the angle.
    """
    fewer = max(200, count // 8)  # for validation and for testing
    train = tf.data.Dataset.from_tensor_slices(generate(count, seed=0))
    validation = tf.data.Dataset.from_tensor_slices(generate(fewer, seed=1))
    test = tf.data.Dataset.from_tensor_slices(generate(fewer, seed=2))
    train = train.shuffle(16_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="cnn_regression")
def position_mae(y_true, y_pred):
    """Mean absolute error of x and y as a fraction of their range, which is 2."""
    errors = ops.abs(y_true[:, :2] - y_pred[:, :2])
    return ops.mean(errors, axis=-1) / 2


@keras.saving.register_keras_serializable(package="cnn_regression")
def angle_mae(y_true, y_pred):
    """Mean absolute error of the angle, the shorter way around, as a fraction of a full turn."""
    cos_true = y_true[:, 2]
    sin_true = y_true[:, 3]
    cos_pred = y_pred[:, 2]
    sin_pred = y_pred[:, 3]
    # Sine and cosine of the difference, both multiplied by the norm of the prediction.
    sin_difference = cos_true * sin_pred - sin_true * cos_pred
    cos_difference = cos_true * cos_pred + sin_true * sin_pred
    difference = ops.arctan2(sin_difference, cos_difference)  # −π…π
    return ops.abs(difference) / (2 * np.pi)


def build_sequential(filters=16, units=128):
    """Four strided convolutions, a dense layer and four linear outputs, as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(filters, 5, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2D(2 * filters, 3, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2D(4 * filters, 3, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2D(4 * filters, 3, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Flatten(),  # no global pooling, which would lose the positions
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(4, dtype="float32"),  # linear
        ]
    )


def build_functional(filters=16, units=128):
    """The same network as a chain of function calls."""
    inputs = keras.Input((SIZE, SIZE, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for maps, kernel_size in ((filters, 5), (2 * filters, 3), (4 * filters, 3), (4 * filters, 3)):
        x = keras.layers.Conv2D(maps, kernel_size, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    outputs = keras.layers.Dense(4, dtype="float32")(x)
    return keras.Model(inputs, outputs)


def build_model(api="sequential", filters=16, units=128, learning_rate=0.005, steps=EPOCHS * 250):
    """The compiled network: (64, 64, 1) images to x, y, cos and sin. 192,724 parameters.

    192,372 of them are trainable. Learning-rate schedule: linear warmup for the first fifth of the
    training `steps`, then cosine decay to zero.
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(filters, units)
    warmup = steps // 5
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(keras.optimizers.Adam(schedule), loss="mse", metrics=[position_mae, angle_mae])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "units": hp.Int("units", 32, 256, step=16, default=128),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.005, 0.01], default=0.005),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def halved(images):
    """Means of 2 × 2 pixels, one row for each image: (n, 1024)."""
    blocks = images.reshape(len(images), SIZE // 2, 2, SIZE // 2, 2)
    means = blocks.mean(axis=(2, 4))  # (n, 32, 32)
    return means.reshape(len(images), -1)


def baseline(train, test):
    """Ridge regression on the pixels."""
    images, targets = to_numpy(train)
    model = Ridge(alpha=1e4).fit(halved(images), targets)
    images, targets = to_numpy(test)
    predicted = model.predict(halved(images)).astype("float32")
    return {
        "loss": np.mean((targets - predicted) ** 2),
        "position_mae": np.mean(position_mae(targets, predicted)),
        "angle_mae": np.mean(angle_mae(targets, predicted)),
    }


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "cnn_regression.keras", monitor="val_position_mae", mode="min", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("cnn_regression.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
