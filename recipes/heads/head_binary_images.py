"""Cat or dog: a small convolutional net with one sigmoid unit on CIFAR-10's 10,000 cats and dogs.

Slides: 001 «Capas de salida dependiendo de la tarea».
Data:   Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf
Departs from the slides: strided first layer, average pooling and batch normalisation, which train faster on CPUs.

One unit says how probable "dog" is; "cat" is what remains. Its loss, binary cross-entropy, is ln 2 = 0.693 for a net
that always says 0.5, which is about where an untrained one starts. 96,641 parameters.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

EPOCHS = 20
CLASSES = ["cat", "dog"]
CAT, DOG = 3, 5  # among CIFAR-10's ten classes


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and labels: [0] for cats, [1] for dogs."""

    def cats_and_dogs(split):
        data = tfds.load("cifar10", split=split, as_supervised=True)
        data = data.filter(lambda image, label: (label == CAT) | (label == DOG))
        return data.map(
            lambda image, label: (image, tf.cast(label[None] == DOG, "float32"))
        ).cache()

    train, validation, test = (
        cats_and_dogs(split) for split in ("train[:90%]", "train[90%:]", "test")
    )
    return (
        train.shuffle(10_000).batch(batch_size).prefetch(2),
        validation.batch(500),
        test.batch(500),
    )


def build_sequential(filters=32, dropout=0.4):
    """The network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.Conv2D(filters, 4, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2D(2 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(4 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def build_functional(filters=32, dropout=0.4):
    """The same network as functions applied to a symbolic input."""
    inputs = keras.Input((32, 32, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.RandomFlip("horizontal")(x)
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2D(2 * filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Conv2D(4 * filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))


def build_model(api="sequential", filters=32, dropout=0.4, learning_rate=0.01, steps=EPOCHS * 71):
    """The compiled network: (32, 32, 3) images to the probability of "dog"."""
    model = {"sequential": build_sequential, "functional": build_functional}[api](filters, dropout)
    warmup = steps // 5
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 16, 64, step=16, default=32),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.4),
        "learning_rate": hp.Choice("learning_rate", [0.002, 0.005, 0.01, 0.02], default=0.01),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def orientation_histograms(images, bins=8, cell=4):
    """HOG: strength of the edges by direction in cells of 4 × 4 pixels, each 2 × 2 cells scaled to length 1."""
    down, right = np.gradient(images.mean(-1), axis=(1, 2))
    direction = (np.arctan2(down, right) % np.pi * bins / np.pi).astype(int) % bins
    edges = np.hypot(down, right)[..., None] * (direction[..., None] == np.arange(bins))
    cells = edges.reshape(len(images), 32 // cell, cell, 32 // cell, cell, bins).sum((2, 4))
    blocks = np.concatenate(
        [cells[:, :-1, :-1], cells[:, 1:, :-1], cells[:, :-1, 1:], cells[:, 1:, 1:]], axis=-1
    )
    return (blocks / (np.linalg.norm(blocks, axis=-1, keepdims=True) + 1)).reshape(len(images), -1)


def baseline(train, test):
    """Logistic regression on histograms of oriented gradients."""
    from sklearn.linear_model import LogisticRegression

    images, labels = (np.concatenate(part) for part in zip(*train.as_numpy_iterator(), strict=True))
    test_images, test_labels = (
        np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True)
    )
    model = LogisticRegression(C=0.1, max_iter=200).fit(
        orientation_histograms(images), labels[:, 0]
    )
    return {"accuracy": model.score(orientation_histograms(test_images), test_labels[:, 0])}


def figures(model, test, history):
    """How sure the net is of its answers, and twenty test images from the surest cat to the surest dog."""
    images, labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    dog, labels = model.predict(images, batch_size=500, verbose=0)[:, 0], labels[:, 0]
    sure = np.maximum(dog, 1 - dog) > 0.9
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for label, name, color in ((0, "cats", "tab:orange"), (1, "dogs", "tab:blue")):
        axes.hist(
            dog[labels == label], bins=np.linspace(0, 1, 41), alpha=0.6, color=color, label=name
        )
    axes.axvline(0.5, color="gray", linestyle=":")
    right = np.mean((dog > 0.5) == labels, where=sure) if sure.any() else np.nan
    axes.set_title(
        f"One number per image. Where it is over 90 % sure ({sure.mean():.0%} of them), {right:.0%} are right"
    )
    axes.set(xlabel="output: probability of a dog", ylabel="test images")
    axes.legend(loc="upper center")

    row, axes = plt.subplots(2, 10, figsize=(10, 2.7), layout="constrained")
    order = np.argsort(dog)[np.linspace(0, len(dog) - 1, 20).astype(int)]
    for ax, index in zip(axes.flat, order, strict=True):
        ax.imshow(images[index])
        ax.set_title(f"{dog[index]:.2f} {CLASSES[int(labels[index])]}", fontsize=9)
        ax.axis("off")
    row.suptitle("From the surest cat to the surest dog: probability of a dog, and what it is")
    return {"probabilities": figure, "from_cat_to_dog": row}


def deployed(model):
    """The network for photographs of any size: their middle square, at 32 × 32 pixels."""
    shrink = keras.layers.Resizing(32, 32, crop_to_aspect_ratio=True, antialias=True)
    return keras.Sequential([keras.Input((None, None, 3)), shrink, model])


def main():
    train, validation, test = load_data()
    steps = EPOCHS * sum(1 for _ in train)  # how many images the filter lets through is not known
    model = build_model(steps=steps)
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("head_binary_images.keras")


if __name__ == "__main__":
    main()
