"""What a trained network sees: its filters and its feature maps, layer by layer, on Fashion-MNIST.

Slides: 001 «Redes de convolución», 001 «Entradas, salidas y pesos», 002 «Filtros como atributos»,
        003 «Capas convolucionales».
Papers: Zeiler & Fergus (2014), https://arxiv.org/abs/1311.2901 (looking at the maps);
        Krizhevsky et al. (2012), https://doi.org/10.1145/3065386 (the slide's 96 filters of 11 × 11 × 3)
Departs from them: a network small enough for a CPU, with first-layer filters of 7 × 7, large enough to be looked at.
That deeper maps are sparser is learned: in untrained networks, and after one epoch alone, it need not be so.
The slide's "Total: F × F × Cin" is per filter; a layer has F × F × Cin × Cout weights and Cout biases.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

EPOCHS = 4


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images of clothes and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_model(filters=16, learning_rate=0.003, steps=EPOCHS * 446):
    """The compiled network: three convolutions, each followed by average pooling. 29,706 parameters."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, 7, padding="same", activation="relu", name="layer_1"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(2 * filters, 3, padding="same", activation="relu", name="layer_2"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(4 * filters, 3, padding="same", activation="relu", name="layer_3"),
            keras.layers.AveragePooling2D(2),
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
    """The network for a picture of clothes, of any size, on light or dark ground.

    The clothes of Fashion-MNIST are light on black: where the border of a picture is light, it is
    turned into its negative. What is not square gets black sides.
    """
    picture = keras.Input((None, None, 1))
    border = [picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]]
    brightness = keras.ops.mean(keras.ops.concatenate(border, axis=1), axis=(1, 2))
    light = keras.ops.reshape(brightness > 127.5, (-1, 1, 1, 1))
    on_dark = keras.ops.where(light, 255 - picture, picture)
    resize = keras.layers.Resizing(28, 28, pad_to_aspect_ratio=True, antialias=True)
    return keras.Model(picture, model(resize(on_dark)))


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
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


def maps_of(model, images):
    """The feature maps of the three convolutions: arrays (images, height, width, channels)."""
    layers = [model.get_layer(f"layer_{n}").output for n in (1, 2, 3)]
    return [
        np.asarray(maps) for maps in keras.Model(model.inputs, layers)([images], training=False)
    ]


def channel_correlation(maps):
    """Mean absolute correlation between two channels, over all pairs; channels that never fire are left out."""
    channels = maps.reshape(-1, maps.shape[-1]).T
    table = np.abs(np.corrcoef(channels[channels.std(axis=1) > 0]))
    return table[np.triu_indices(len(table), k=1)].mean()


def orientation(kernels):
    """How much each kernel (height, width, n) prefers one direction: 0 none, 1 a pure grating, from its power spectrum.

    The power at each frequency is laid out by twice its angle, as a grating and its reverse are the same direction.
    """
    power = np.abs(np.fft.fft2(kernels - kernels.mean(axis=(0, 1)), s=(32, 32), axes=(0, 1))) ** 2
    rows, columns = np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32), indexing="ij")
    directions = np.exp(2j * np.arctan2(rows, columns))
    return np.abs((power * directions[:, :, None]).sum(axis=(0, 1))) / power.sum(axis=(0, 1))


def figures(model, test, history):
    """Filters of the first layer, maps of one image in every layer, and what changes with depth."""
    images = next(test.as_numpy_iterator())[0]
    maps = maps_of(model, images)
    kernels = model.get_layer("layer_1").get_weights()[0][:, :, 0]
    random = np.random.default_rng(0).normal(size=(7, 7, 1000))
    return {
        "filters": draw_filters(kernels, orientation(kernels), orientation(random).mean()),
        "feature_maps": draw_maps(images[0], [layer[0] for layer in maps]),
        "depth": draw_depth(maps),
    }


def draw_filters(kernels, orientations, random):
    order = np.argsort(-orientations)
    figure, axes = plt.subplots(
        -(-len(order) // 8), 8, figsize=(8, 2.6), layout="constrained", squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, n in zip(axes.flat, order, strict=False):
        strongest = np.abs(kernels[:, :, n]).max()
        axis.imshow(kernels[:, :, n], cmap="PuOr_r", vmin=-strongest, vmax=strongest)
        axis.set_title(f"{orientations[n]:.2f}", fontsize="small")
    figure.suptitle(
        f"Orientation of the first layer's filters: {orientations.mean():.2f}; of random ones: {random:.2f}"
    )
    return figure


def draw_maps(image, layers):
    figure, axes = plt.subplots(3, 9, figsize=(9, 3.6), layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    axes[0, 0].imshow(image[:, :, 0], cmap="gray")
    axes[0, 0].set_title("input", fontsize="small")
    for row, maps in zip(axes, layers, strict=True):
        strongest = np.argsort(-maps.mean(axis=(0, 1)))[:8]
        for axis, n in zip(row[1:], strongest, strict=True):
            axis.imshow(maps[:, :, n], cmap="magma", vmin=0, vmax=maps.max())
        row[1].set_title(
            f"{maps.shape[-1]} maps of {maps.shape[0]} × {maps.shape[1]}",
            fontsize="small",
            loc="left",
        )
    figure.suptitle("From edges and surfaces to parts: the eight most active maps of each layer")
    return figure


def draw_depth(layers):
    values = {
        "share of units that fire": [(maps > 0).mean() for maps in layers],
        "mean correlation of two channels": [channel_correlation(maps) for maps in layers],
    }
    names = [
        f"layer {n}\n{maps.shape[1]} × {maps.shape[2]} × {maps.shape[3]}"
        for n, maps in enumerate(layers, 1)
    ]
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", sharey=True)
    for axis, (title, heights) in zip(axes, values.items(), strict=True):
        axis.bar_label(axis.bar(names, heights), fmt="%.2f")
        axis.set(title=title, ylim=(0, 1))
    shares = values["share of units that fire"]
    sparser = "smaller and sparser" if shares[-1] < shares[0] else "smaller, but not sparser"
    figure.suptitle(f"Maps of the deepest layer are {sparser} than those of the first")
    return figure


def main():
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    history = model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False).history
    print(model.evaluate(test, return_dict=True))
    model.save("feature_maps.keras")
    deployed(model).save("feature_maps_deployed.keras")
    for name, figure in figures(model, test, history).items():
        figure.savefig(f"feature_maps_{name}.png")


if __name__ == "__main__":
    main()
