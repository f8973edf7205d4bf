"""Convolutional net for regression: position and angle of a drawn triangle from a noisy 64 × 64 image.

Slides: 001 «Ejemplo (API secuencial)», 001 «¿Pueden usarse las redes de convolución para regresión?».
Departs from the slide: four outputs instead of two, smaller images, strided convolutions and batch normalisation.
The slide's network (`slide_network` below) pools with strides of (1, 1), which hardly shrinks anything: 57,100,098
parameters, 99.9 % of them in one layer; with strides of 2 it has 3,512,130.

The answer is yes: leave the last layer linear and train on the squared error. Position is x and y in −1…1. An angle is
no good as a target, since 359° and 1° are neighbours with distant numbers; its cosine and sine are good ones, and
arctan2 gives the angle back. The triangle is isosceles and acute, so that its tip tells a direction from the opposite.
192,724 parameters.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops

EPOCHS = 12
OBJECTIVE = ("val_position_mae", "min")
SIZE = 64  # pixels
REACH = 0.55  # the middle of the triangle stays within ± REACH of the image's half, so that all of it is seen


def draw(x, y, angle, length, width, ground, contrast, rng):
    """Images (n, 64, 64, 1), uint8, of one triangle each: its middle at (x, y), its tip in direction `angle`."""
    axis = (np.arange(SIZE, dtype="float32") + 0.5) * 2 / SIZE - 1
    right, down = axis[None, None, :] - x[:, None, None], axis[None, :, None] - y[:, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    along, across = cos * right + sin * down, np.abs(cos * down - sin * right)
    length, width = length[:, None, None], width[:, None, None]
    side = (width * (length - along) - 2 * length * across) / np.hypot(
        width, 2 * length
    )  # from the slanted sides
    inside = np.clip(
        np.minimum(side, along + length) * SIZE / 2 + 0.5, 0, 1
    )  # smooth edges, one pixel wide
    gray = (
        ground[:, None, None]
        + contrast[:, None, None] * inside
        + rng.normal(0, 8, inside.shape).astype("float32")
    )
    return gray.clip(0, 255).astype("uint8")[..., None]


def examples(count, seed):
    """Images and targets (x, y, cos angle, sin angle); size, brightness and contrast vary."""
    rng = np.random.default_rng(seed)
    images, targets = np.empty((count, SIZE, SIZE, 1), "uint8"), np.empty((count, 4), "float32")
    for start in range(0, count, 500):  # in portions, to be sparing with memory
        part = slice(start, min(start + 500, count))

        def uniform(low, high, n=part.stop - part.start):
            return rng.uniform(low, high, n).astype("float32")

        x, y, angle, length, width = (
            uniform(*r) for r in ((-1, 1), (-1, 1), (0, 2 * np.pi), (0.3, 0.4), (0.15, 0.2))
        )
        ground, contrast = uniform(30, 110), uniform(50, 130)
        images[part] = draw(REACH * x, REACH * y, angle, length, width, ground, contrast, rng)
        targets[part] = np.stack([x, y, np.cos(angle), np.sin(angle)], axis=-1)
    return images, targets


def load_data(batch_size=64, count=16_000):
    """Train, validation and test batches of (64, 64, 1) uint8 images and four numbers: x, y, cos angle, sin angle."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(examples(size, seed))
        for seed, size in enumerate((count, max(200, count // 8), max(200, count // 8)))
    )
    return (
        train.shuffle(16_000).batch(batch_size).prefetch(2),
        validation.batch(500),
        test.batch(500),
    )


@keras.saving.register_keras_serializable(package="cnn_regression")
def position_mae(y_true, y_pred):
    """Mean absolute error of x and y as a fraction of their range, which is 2."""
    return ops.mean(ops.abs(y_true[:, :2] - y_pred[:, :2]), axis=-1) / 2


@keras.saving.register_keras_serializable(package="cnn_regression")
def angle_mae(y_true, y_pred):
    """Mean absolute error of the angle, the short way round, as a fraction of the full turn."""
    (cos, sin), (cos_pred, sin_pred) = (ops.unstack(y[:, 2:], 2, axis=-1) for y in (y_true, y_pred))
    return ops.abs(
        ops.arctan2(cos * sin_pred - sin * cos_pred, cos * cos_pred + sin * sin_pred)
    ) / (2 * np.pi)


def build_sequential(filters=16, units=128):
    """Four strided convolutions, a layer of neurons and four linear outputs, as a list of layers."""
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
            keras.layers.Flatten(),  # and no global pooling: that would forget where things are
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(4, dtype="float32"),  # linear
        ]
    )


def build_functional(filters=16, units=128):
    """The same network as a chain of function calls."""
    inputs = keras.Input((SIZE, SIZE, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for width, kernel in ((filters, 5), (2 * filters, 3), (4 * filters, 3), (4 * filters, 3)):
        x = keras.layers.Conv2D(width, kernel, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(4, dtype="float32")(x))


def build_model(api="sequential", filters=16, units=128, learning_rate=0.005, steps=EPOCHS * 250):
    """The compiled network: (64, 64, 1) images to x, y, cos angle, sin angle."""
    model = {"sequential": build_sequential, "functional": build_functional}[api](filters, units)
    warmup = steps // 5
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(keras.optimizers.Adam(schedule), loss="mse", metrics=[position_mae, angle_mae])
    return model


def slide_network(pool_strides=1):
    """The slide's network for 128 × 128 images; it pools with `strides=(1, 1)`. Far too big for the task above."""
    inputs = x = keras.Input((128, 128, 1))
    for filters in (32, 64):
        x = keras.layers.Conv2D(filters, 3, activation="relu")(x)
        x = keras.layers.LayerNormalization()(x)
        x = keras.layers.Conv2D(filters, 3, activation="relu")(x)
        x = keras.layers.MaxPooling2D(2, strides=pool_strides)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(64, activation="relu")(x)
    x = keras.layers.Dense(32, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(2, activation="linear")(x))


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "units": hp.Int("units", 32, 256, step=16, default=128),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.005, 0.01], default=0.005),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Ridge regression on pixels."""
    from sklearn.linear_model import Ridge

    def pixels(data):  # means of 2 × 2 pixels
        images, targets = (
            np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True)
        )
        return images.reshape(len(images), SIZE // 2, 2, SIZE // 2, 2).mean((2, 4)).reshape(
            len(images), -1
        ), targets

    images, targets = pixels(test)
    predicted = Ridge(alpha=1e4).fit(*pixels(train)).predict(images).astype("float32")
    errors = {
        "position_mae": position_mae(targets, predicted),
        "angle_mae": angle_mae(targets, predicted),
    }
    return {
        "loss": np.mean((targets - predicted) ** 2),
        **{name: np.mean(error) for name, error in errors.items()},
    }


def figures(model, test, history):
    """Twelve test images with the true triangle's direction and the predicted one, and the errors by true angle."""
    images, targets = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    predicted = model.predict(images, batch_size=500, verbose=0)
    position, angle = (np.asarray(error(targets, predicted)) for error in (position_mae, angle_mae))

    arrows, axes = plt.subplots(2, 6, figsize=(10, 3.9), layout="constrained")
    for ax, image, true, guess in zip(axes.flat, images, targets, predicted, strict=False):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        for (x, y, cos, sin), color, width in ((true, "white", 4), (guess, "tab:orange", 2)):
            arrow = {"color": color, "lw": width, "arrowstyle": "->"}
            start = (REACH * np.array([x, y]) + 1) * SIZE / 2
            ax.annotate(
                "",
                start + 16 * np.array([cos, sin]),
                start,
                arrowprops=arrow,
                annotation_clip=False,
            )
        ax.axis("off")
    arrows.suptitle("Orange: predicted position and direction; white beneath: the true ones")

    errors, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
    axes[0].hist(100 * position, bins=40)
    axes[0].set_title(f"Position: {position.mean():.1%} of the range on average")
    axes[0].set(xlabel="error, % of the range", ylabel="images")
    degrees = np.degrees(np.arctan2(targets[:, 3], targets[:, 2])) % 360
    axes[1].plot(degrees, 360 * angle, ".", markersize=3)
    axes[1].set_title(f"Angle: {360 * angle.mean():.1f}° on average, the same all the way round")
    axes[1].set(xlabel="true angle, degrees", ylabel="error, degrees", xticks=range(0, 361, 60))
    return {"arrows": arrows, "errors": errors}


def main():
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("cnn_regression.keras")


if __name__ == "__main__":
    main()
