"""Autoencoders on MNIST: 784 pixels through 32 numbers, or two, and back; a linear one finds the principal components.

Slides: 001 «Auto-encoders», 001 «Deep Auto-encoders», 001 «Latent space», 001 «Usos» (principal components), 001 zoo of
        networks (AE).
Paper:  Baldi & Hornik (1989), https://doi.org/10.1016/0893-6080(89)90014-2 (linear autoencoders and principal
        components); Hinton & Salakhutdinov (2006), https://doi.org/10.1126/science.1127647 (deep ones)
Departs from Hinton & Salakhutdinov: a smaller network, squared error, and no layer-wise pre-training, which networks of
ReLU under Adam can do without.

Without hidden layers and activations the best an autoencoder can do is to project onto the plane of the first principal
components. It finds that plane, not the components themselves: its own axes lie in it at any angle (tested).
The last of 32 components of MNIST vary hardly more than the first ones left out, and stay mixed up with them for long.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import scipy.linalg
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

EPOCHS = 8
OBJECTIVE = ("val_mse", "min")
VARIANTS = {"linear": {"depth": 0}, "deep": {}, "map": {"units": 2}}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from 0 to 1, each one its own target."""

    def its_own_target(image, label):
        pixels = tf.cast(image, "float32") / 255
        return pixels, pixels

    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size)
    return [
        data.map(its_own_target).prefetch(2)
        for data in (train, validation.batch(1000), test.batch(1000))
    ]


def build_model(
    units=32, depth=2, width=256, learning_rate=0.003, steps=EPOCHS * 422, shape=(28, 28, 1)
):
    """The compiled network: images to `units` numbers and back. 476,720 parameters; 50,992 without hidden layers.

    Of `depth` hidden layers on either side, the outermost has `width` neurons, each next one half as many.
    """
    pixels = int(np.prod(shape))
    hidden = [width // 2**layer for layer in range(depth)]
    encoder = keras.Sequential([keras.Input(shape), keras.layers.Flatten()], name="encoder")
    decoder = keras.Sequential([keras.Input((units,))], name="decoder")
    for network, sizes in ((encoder, hidden), (decoder, hidden[::-1])):
        for size in sizes:
            network.add(keras.layers.Dense(size, activation="relu"))
    encoder.add(keras.layers.Dense(units))
    decoder.add(keras.layers.Dense(pixels, activation="sigmoid" if depth else "linear"))
    decoder.add(keras.layers.Reshape(shape))
    model = keras.Sequential([encoder, decoder])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "mse", metrics=["mse"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "depth": hp.Int("depth", 0, 4, default=2),
        "width": hp.Int("width", 128, 512, step=128, default=256),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def principal_components(images):
    """Mean image (pixels,), directions (pixels, pixels) of most variance, the greatest first, and the variances."""
    flat = images.reshape(len(images), -1)
    mean = flat.mean(0)
    variances, directions = np.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
    return mean, directions[:, ::-1], variances[::-1]


def projected(images, mean, directions):
    """The nearest images in the plane through the mean that the directions span."""
    flat = images.reshape(len(images), -1) - mean
    return (mean + flat @ directions @ directions.T).reshape(images.shape)


def angles(model, directions):
    """Between the plane of a linear autoencoder's outputs and that of the directions: principal angles in degrees."""
    kernel = model.layers[1].get_weights()[0]
    return np.degrees(scipy.linalg.subspace_angles(kernel.T.astype("float64"), directions))[::-1]


def all_images(data):
    return np.concatenate([images for images, _ in data.as_numpy_iterator()])


def baseline(train, test):
    """32 principal components."""
    mean, directions, _ = principal_components(all_images(train))
    images = all_images(test)
    return {"mse": np.mean((projected(images, mean, directions[:, :32]) - images) ** 2)}


def neighbours_right(codes, labels):
    """How often the 15 nearest codes tell the class, by cross-validation."""
    return cross_val_score(KNeighborsClassifier(15), codes, labels, cv=4).mean()


def figures(models, test, histories):
    """What comes back; the linear plane against the principal one; two numbers a digit as a map."""
    images = all_images(test)
    labels = (
        tfds.load("mnist", split="test", as_supervised=True)
        .map(lambda image, label: label)
        .batch(10_000)
    )
    labels = next(labels.as_numpy_iterator())
    mean, directions, variances = principal_components(all_images(load_data()[0]))

    rows = {
        "the digits": images,
        "32 principal\ncomponents": projected(images, mean, directions[:, :32]),
    }
    names = {"linear": "32 units,\nlinear", "deep": "32 units,\ndeep", "map": "2 units,\ndeep"}
    rows |= {
        names[name]: model.predict(images, batch_size=1000, verbose=0)
        for name, model in models.items()
    }
    rows["2 principal\ncomponents"] = projected(images, mean, directions[:, :2])
    error = {name: np.mean((row - images) ** 2) for name, row in rows.items()}
    shown = [np.flatnonzero(labels == digit)[0] for digit in np.unique(labels)]
    back, axes = plt.subplots(
        len(rows), len(shown), figsize=(8, 5.2), layout="constrained", squeeze=False
    )
    for line, (name, row) in zip(axes, rows.items(), strict=True):
        for axis, index in zip(line, shown, strict=True):
            axis.imshow(row[index, :, :, 0], cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        text = f"{name}\n{error[name]:.4f}" if error[name] else name
        line[0].set_ylabel(text, rotation=0, ha="right", va="center", fontsize=10)
    best, linear, deep = (
        error[name] for name in ("32 principal\ncomponents", names["linear"], names["deep"])
    )
    back.suptitle(
        f"The deep network errs by {1 - deep / best:.0%} less than as many principal components"
    )

    degrees = angles(models["linear"], directions[:, :32])
    plane, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    axes[0].bar(range(1, len(degrees) + 1), degrees)
    axes[0].axhline(1, color="C1", linestyle="--")
    axes[0].set(yscale="log", xlabel="angle, by size", ylabel="degrees")
    axes[0].set_title(
        f"Between the linear network's plane and that of 32 principal\n"
        f"components {np.sum(degrees < 1)} angles of 32 are below 1°; squared error {linear / best - 1:+.1%}"
    )
    axes[1].plot(range(1, 51), variances[:50], "o-", markersize=4)
    axes[1].axvline(32.5, color="C1", linestyle="--")
    axes[1].set(yscale="log", xlabel="principal component", ylabel="variance")
    near = variances[31] / variances[32] - 1
    axes[1].set_title(
        f"The 32nd component varies only {near:.0%} more\nthan the 33rd: hard to tell apart"
    )

    flat = images.reshape(len(images), -1)
    codes = {
        "Two principal components": (flat - mean) @ directions[:, :2],
        "Two units of a deep network": models["map"]
        .layers[0]
        .predict(images, batch_size=1000, verbose=0),
    }
    latent, axes = plt.subplots(1, 2, figsize=(12, 5.6), layout="constrained")
    for axis, (title, code) in zip(axes, codes.items(), strict=True):
        dots = axis.scatter(*code.T, s=3, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5)
        for digit in np.unique(labels):
            place = np.median(code[labels == digit], axis=0)
            axis.text(
                *place,
                digit,
                weight="bold",
                bbox={"facecolor": "white", "alpha": 0.7, "pad": 1, "linewidth": 0},
            )
        axis.set(xticks=[], yticks=[])
        axis.set_title(
            f"{title}: neighbours tell the digit in {neighbours_right(code, labels):.0%}"
        )
    latent.colorbar(dots, ticks=range(10), label="digit")
    return {"reconstructions": back, "principal_angles": plane, "latent_map": latent}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"autoencoder_mnist_{name}.keras")


if __name__ == "__main__":
    main()
