"""Denoising autoencoder on MNIST: noise is added to the input but not to the target, so copying does not help.

Slides: 001 zoo of networks (DAE, noisy input cells), 000 «Ruido».
Paper:  Vincent et al. (2008), https://doi.org/10.1145/1390156.1390294; Vincent et al. (2010),
        https://jmlr.org/papers/v11/vincent10a.html (three kinds of noise, and the filters that come of it)
Departs from them: ReLU, weights of their own for the way back, Adam; what is wanted here is the clean image,
not a first layer for a classifier.

Three kinds of noise: added to each pixel (`gaussian`), pixels put out (`masking`), pixels put out or fully on
(`salt_and_pepper`). The variant `without` was trained on clean images and is tested on Gaussian noise.
Score: `psnr`, −10 log₁₀ of the mean squared error of an image, in decibels.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy.ndimage import gaussian_filter, median_filter

EPOCHS = 8
OBJECTIVE = ("val_psnr", "max")
NOISES = {"gaussian": "Gaussian noise, σ = 0.5", "masking": "Half of the pixels put out"}
NOISES["salt_and_pepper"] = "Half of the pixels black or white"
VARIANTS = {"without": {"noisy_training": False}, **{noise: {"noise": noise} for noise in NOISES}}


def noisy(images, noise, level, seed):
    """Images with noise; the same for the same seed."""
    if noise == "gaussian":
        return images + level * tf.random.stateless_normal(tf.shape(images), seed)
    u = tf.random.stateless_uniform(tf.shape(images), seed)
    if noise == "masking":
        return tf.where(u < level, 0.0, images)
    return tf.where(u < level / 2, 0.0, tf.where(u < level, 1.0, images))


def load_data(batch_size=128, noise="gaussian", level=0.5, noisy_training=True):
    """Train, validation and test batches of noisy (28, 28, 1) images and clean ones, from 0 to 1.

    In training the noise is new in each epoch, in validation and test always the same.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, *held = tfds.load("mnist", split=splits, as_supervised=True)

    def with_noise(seed, examples):
        clean = tf.cast(examples[0], "float32") / 255
        return noisy(clean, noise, level, seed), clean

    train = train.cache().shuffle(10_000).batch(batch_size)
    seeds = tf.data.Dataset.random(rerandomize_each_iteration=True).batch(2)
    sets = [tf.data.Dataset.zip(seeds, train).map(with_noise)]
    if not noisy_training:
        sets = [train.map(lambda images, labels: (tf.cast(images, "float32") / 255,) * 2)]
    for number, split in enumerate(held):
        numbered = split.batch(1000).enumerate()
        sets.append(
            numbered.map(
                lambda index, examples, number=number: with_noise((number, index), examples)
            )
        )
    return [data.prefetch(2) for data in sets]


@keras.saving.register_keras_serializable(package="denoising_autoencoder")
def psnr(clean, images):
    return -10 * keras.ops.log10(keras.ops.mean(keras.ops.square(clean - images), axis=(1, 2, 3)))


def build_model(units=500, activation="relu", learning_rate=0.003, steps=EPOCHS * 422):
    """The compiled network: 784 pixels to `units` and back. 785,284 parameters."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation=activation, name="filters"),
            keras.layers.Dense(784, activation="sigmoid", dtype="float32"),
            keras.layers.Reshape((28, 28, 1), dtype="float32"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", metrics=[psnr, "mse"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 100, 1500, step=100, default=500),
        "activation": hp.Choice("activation", ["relu", "sigmoid", "gelu"], default="relu"),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def all_images(data):
    return [np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True)]


def linear_filter(*known):
    """A function of images: the linear map of all pixels that brings known noisy ones nearest to the clean ones."""
    flat = [images.reshape(len(images), -1) for images in known]
    means = [images.mean(0) for images in flat]
    x, y = (images - mean for images, mean in zip(flat, means, strict=True))
    matrix = np.linalg.solve(
        x.T @ x + 1e-5 * len(x) * np.eye(x.shape[1]), x.T @ y
    )  # some pixels are always 0
    return lambda images: np.reshape(
        (images.reshape(len(images), -1) - means[0]) @ matrix + means[1], images.shape
    )


def decibels(clean, images):
    return float(np.mean(psnr(clean, np.clip(images, 0, 1))))


def baseline(train, test):
    """The best linear filter."""
    images, clean = all_images(test)
    restored = np.clip(linear_filter(*all_images(train))(images), 0, 1)
    return {"psnr": decibels(clean, restored), "mse": np.mean((restored - clean) ** 2)}


def best_width(smooth, widths, images, clean):
    """The filter `smooth` of that width that does best on these images."""
    best = max(widths, key=lambda width: decibels(clean, smooth(images, width)))
    return lambda images: smooth(images, best)


def blurred(images, width):
    return gaussian_filter(images, (0, width, width, 0))


def median(images, width):
    return median_filter(images, (1, width, width, 1))


def roughness(filters):
    """Of filters (28, 28, n): mean squared difference of neighbours, over twice the variance; 1 if they are chance."""
    differences = np.mean(np.diff(filters, axis=0) ** 2, (0, 1)) + np.mean(
        np.diff(filters, axis=1) ** 2, (0, 1)
    )
    return differences / 4 / filters.var((0, 1))


def figures(models, test, histories):
    """Noisy, restored and clean digits by kind of noise; what the units of each network look for; all rivals."""
    shown, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    scores = {}
    for axis, noise in zip(axes, NOISES, strict=True):
        train, _, test = load_data(noise=noise)
        known = all_images(train)
        few = [images[:500] for images in known]
        images, clean = all_images(test)
        rivals = {
            "noisy": lambda images: images,
            "blurred": best_width(blurred, [0.5, 0.75, 1, 1.25, 1.5], *few),
            "median": best_width(median, [3, 5, 7], *few),
            "linear": linear_filter(*known),
            "no noise\nin training": lambda images: models["without"].predict(
                images, batch_size=1000, verbose=0
            ),
            "network": lambda images, noise=noise: models[noise].predict(
                images, batch_size=1000, verbose=0
            ),
        }
        restored = {name: np.clip(rival(images), 0, 1) for name, rival in rivals.items()}
        scores[noise] = {name: decibels(clean, rows) for name, rows in restored.items()}
        rows = [*restored.values(), clean]
        axis.imshow(
            np.block([[image[..., 0] for image in row[:8]] for row in rows]),
            cmap="gray_r",
            vmin=0,
            vmax=1,
        )
        names = [*(f"{name}\n{score:.1f}" for name, score in scores[noise].items()), "clean"]
        axis.set_yticks(np.arange(len(names)) * 28 + 14, names, fontsize=8)
        axis.set(xticks=[], title=NOISES[noise], frame_on=False)
        axis.tick_params(length=0)
    gain = min(scores[noise]["network"] - scores[noise]["noisy"] for noise in NOISES)
    shown.suptitle(
        f"In decibels: trained on the noise, the network gains {gain:.1f} or more on each kind"
    )
    return {"restored": shown, "filters": draw_filters(models)}


def draw_filters(models):
    """The weights of the units of each network that have the most to say."""
    drawn, axes = plt.subplots(1, len(models), figsize=(13, 3.9), layout="constrained")
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        filters, said = (layer.get_weights()[0] for layer in model.layers if layer.weights)
        filters = filters.reshape(28, 28, -1)[..., np.argsort(-np.linalg.norm(said, axis=1))[:64]]
        rough = np.median(roughness(filters))
        filters = np.pad(filters / np.abs(filters).max((0, 1)), ((1, 1), (1, 1), (0, 0)))
        rows = filters.transpose(2, 0, 1).reshape(8, 8, 30, 30)
        axis.imshow(rows.transpose(0, 2, 1, 3).reshape(240, 240), cmap="RdBu", vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[], title=f"{name.replace('_', ' ')}: roughness {rough:.2f}")
    drawn.suptitle(
        "What 64 of the units look for (roughness: 1 for weights by chance, 0 where neighbours are alike)"
    )
    return drawn


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data(**arguments)
        model = build_model(steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"denoising_autoencoder_{name}.keras")


if __name__ == "__main__":
    main()
