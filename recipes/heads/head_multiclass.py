"""One class of several: an MLP with a softmax layer on MNIST, beside ten independent sigmoids.

Slides: 001 «Capas de salida dependiendo de la tarea», «Softmax», «Cross entropy», «Novedades».
Paper:  Bridle (1990), Probabilistic interpretation of feedforward classification network outputs,
        https://doi.org/10.1007/978-3-642-76153-9_28
Departs from the slides: dropout of 0.2 and a learning rate that falls to zero.

Both heads have 669,706 parameters. Softmax makes the ten outputs compete for a sum of 1, so that they can be read as
probabilities of classes that exclude each other; sigmoids answer ten separate questions and may say yes to none or to
several. Labels are one-hot here because the sigmoids need them so; softmax takes plain integers too, with
"sparse_categorical_crossentropy": the same loss to the last digit (tested).
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from layers.digits import CenterDigit, UnlikeDigit

EPOCHS = 8
VARIANTS = {"softmax": {"head": "softmax"}, "sigmoids": {"head": "sigmoids"}}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and one-hot labels of ten classes."""
    train, validation, test = tfds.load(
        "mnist", split=["train[:90%]", "train[90%:]", "test"], as_supervised=True
    )

    def one_hot(image, label):
        return image, tf.one_hot(label, 10)

    train = train.map(one_hot).cache().shuffle(54_000).batch(batch_size).prefetch(2)
    return train, validation.map(one_hot).batch(1000).cache(), test.map(one_hot).batch(1000).cache()


def build_sequential(units=512, dropout=0.2, activation="softmax"):
    """The network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(10, activation=activation),
        ]
    )


def build_functional(units=512, dropout=0.2, activation="softmax"):
    """The same network as functions applied to a symbolic input."""
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation=activation)(x))


def build_model(
    api="sequential",
    head="softmax",
    units=512,
    dropout=0.2,
    learning_rate=0.002,
    steps=EPOCHS * 422,
    smoothing=0.0,
):
    """The compiled network: (28, 28, 1) images to ten numbers between 0 and 1."""
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    if head == "softmax":
        model = build(units, dropout, "softmax")
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    else:
        model = build(units, dropout, "sigmoid")
        loss = keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    # The largest of the ten outputs is the answer of either head.
    model.compile(
        keras.optimizers.Adam(schedule),
        loss,
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
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
        "units": hp.Int("units", 128, 1024, step=128, default=512),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.2),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.002),
        "smoothing": hp.Choice("smoothing", [0.0, 0.05, 0.1], default=0.0),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on pixels."""
    from sklearn.linear_model import LogisticRegression

    images, labels = (np.concatenate(part) for part in zip(*train.as_numpy_iterator(), strict=True))
    test_images, test_labels = (
        np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True)
    )
    model = LogisticRegression(solver="saga", tol=0.1)
    model.fit(images.reshape(-1, 784) / np.float32(255), labels.argmax(-1))
    return {
        "accuracy": model.score(
            test_images.reshape(-1, 784) / np.float32(255), test_labels.argmax(-1)
        )
    }


def soften(probabilities, temperature):
    """Softmax of logits / T. Logarithms of probabilities will do as logits: softmax ignores an added constant."""
    scaled = np.log(np.maximum(probabilities, 1e-30)) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def entropy(probabilities):
    """Entropy in bits: 0 when sure, log2(10) = 3.32 when all ten classes are equally probable."""
    return -np.sum(probabilities * np.log2(np.maximum(probabilities, 1e-30)), axis=-1)


def calibration(probabilities, labels, bins=10):
    """Mean confidence, accuracy and number of images per bin of confidence; weighted mean gap (ECE)."""
    confidence, right = probabilities.max(-1), probabilities.argmax(-1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [
        (confidence[which == b].mean(), right[which == b].mean(), (which == b).sum())
        for b in np.unique(which)
    ]
    said, true, count = np.array(rows).T
    return said, true, count, np.sum(count * np.abs(said - true)) / len(labels)


def figures(models, test, histories):
    """Softmax at several temperatures; what the outputs of the two heads are worth as probabilities."""
    images, labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    labels = labels.argmax(-1)
    outputs = {
        name: model.predict(images, batch_size=1000, verbose=0) for name, model in models.items()
    }

    hardest = entropy(outputs["softmax"]).argmax()
    temperatures = np.geomspace(0.05, 50, 200)
    temperature, axes = plt.subplots(
        1, 3, figsize=(10, 3.2), layout="constrained", width_ratios=[1.2, 2, 2]
    )
    axes[0].imshow(images[hardest], cmap="gray_r")
    axes[0].set(title=f"The least certain\ndigit: a {labels[hardest]}", xticks=[], yticks=[])
    for t, shift in ((0.2, -0.27), (1, 0), (5, 0.27)):
        axes[1].bar(
            np.arange(10) + shift,
            soften(outputs["softmax"][hardest], t),
            width=0.27,
            label=f"T = {t:g}",
        )
    axes[1].set(
        title="Low T: one winner. High T: all alike",
        xticks=range(10),
        xlabel="class",
        ylabel="probability",
    )
    axes[1].legend()
    axes[2].semilogx(
        temperatures,
        [entropy(soften(outputs["softmax"][hardest], t)) for t in temperatures],
        label="this digit",
    )
    means = [entropy(soften(outputs["softmax"], t)).mean() for t in temperatures]
    axes[2].semilogx(temperatures, means, label="mean of all digits")
    axes[2].axhline(np.log2(10), color="gray", linestyle=":", label="log₂ 10")
    axes[2].set(title="Entropy grows with temperature", xlabel="temperature T", ylabel="bits")
    axes[2].legend(loc="lower right", fontsize="small")

    heads, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    axes[0].plot([0, 1], [0, 1], color="gray", linestyle=":")
    for name, output in outputs.items():
        said, true, _, error = calibration(output, labels)
        axes[0].plot(said, true, "o-", label=f"{name}: mean gap {error:.2%}")
        axes[1].hist(
            output.sum(-1).clip(0, 2), bins=np.linspace(-0.025, 2.025, 42), alpha=0.7, label=name
        )
    none, several = (
        np.mean(outputs["sigmoids"].max(-1) < 0.5),
        np.mean((outputs["sigmoids"] > 0.5).sum(-1) > 1),
    )
    axes[0].set(
        title="When the net says 80 %, is it right 80 % of the time?",
        xlabel="largest output",
        ylabel="accuracy",
    )
    axes[1].set(
        title=f"Sigmoids: {none:.1%} of the images get no class,\n{several:.1%} get several",
        yscale="log",
    )
    axes[1].set(xlabel="sum of the ten outputs", ylabel="images")
    for ax in axes:
        ax.legend()
    return {"temperature": temperature, "softmax_or_sigmoids": heads}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"head_multiclass_{name}.keras")


if __name__ == "__main__":
    main()
