"""Dropout on 1,200 images of MNIST: rates, widths and activations compared, and the ensemble hidden in one network.

Slides: 000 «Dropout», 001 «Dropout», «¿Cuántas neuronas desactivar?», «Efectos del dropout».
Paper:  Hinton et al. (2012), Improving neural networks by preventing co-adaptation of feature detectors,
        https://arxiv.org/abs/1207.0580; Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html
Departs from both: the units that stay are divided by 1 − rate while training ("inverted" dropout, as Keras does it),
so that nothing is left to scale afterwards.

Every step trains another thinned network. Run with dropout switched on, the network gives another answer every time;
their mean is that of an ensemble, their spread a measure of doubt. The full network is an approximation to that mean.
With one hidden layer and softmax it is exactly their normalised geometric mean (tested over all 256 masks of 8 units).
The slides advise 0.5 to begin with, and 0.8 to 0.9 for networks far too large. Their own example drops 0.9 of 64 and
of 32 units, which leaves 6.4 and 3.2 on average.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds

from layers.digits import CenterDigit, UnlikeDigit

EPOCHS = 16
PASSES = 4  # over the images, an epoch
VARIANTS = {
    "relu": {"rate": 0.0},
    "relu_20": {"rate": 0.2},
    "relu_50": {"rate": 0.5},
    "relu_80": {"rate": 0.8},
    "sigmoid": {"rate": 0.0, "activation": "sigmoid"},
    "sigmoid_50": {"rate": 0.5, "activation": "sigmoid"},
    "narrow": {"rate": 0.0, "units": 32},
    "narrow_50": {"rate": 0.5, "units": 32},
}


def load_data(batch_size=64):
    """Train, validation and test batches of (28, 28, 1) uint8 images and labels 0–9: only 1,200 to train on."""
    splits = ["train[:2%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(1200).repeat(PASSES).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def drop(activations, rate, rng):
    """Dropout by hand: each unit is off with probability `rate`, the others are enlarged to keep the mean."""
    return activations * (rng.random(np.shape(activations)) >= rate) / (1 - rate)


def build_model(rate=0.5, units=256, activation="relu", learning_rate=0.002):
    """The compiled network: two hidden layers with dropout after each; 269,322 parameters with 256 units.

    Of the pixels, too, some are switched off, but no more than a fifth, as in the papers.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dropout(min(rate, 0.2)),
            keras.layers.Dense(units, activation=activation),
            keras.layers.Dropout(rate),
            keras.layers.Dense(units, activation=activation),
            keras.layers.Dropout(rate),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate),
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
        "rate": hp.Choice("rate", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], default=0.5),
        "units": hp.Choice("units", [32, 64, 128, 256, 512, 1024], default=256),
        "activation": hp.Choice("activation", ["relu", "sigmoid"], default="relu"),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.002),
    }


def baseline(train, test):
    """Logistic regression on pixels."""
    from sklearn.linear_model import LogisticRegression

    images, labels = (np.concatenate(part) for part in zip(*train.as_numpy_iterator(), strict=True))
    test_images, test_labels = (
        np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True)
    )
    model = LogisticRegression(solver="saga", tol=0.05).fit(images.reshape(-1, 784) / 255, labels)
    return {"accuracy": model.score(test_images.reshape(-1, 784) / 255, test_labels)}


def thinned_passes(model, images, passes):
    """Answers with dropout switched on: (passes, images, 10), each pass by other thinned networks."""
    return np.stack(
        [keras.ops.convert_to_numpy(model(images, training=True)) for _ in range(passes)]
    )


def draw_thinned(rate=0.5, sizes=(3, 5, 5, 2)):
    """The slide's figure: the whole network, and what is left of it in two steps of training."""
    rng = np.random.default_rng(2)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    for axis, title in zip(axes, ("All units", "One training step", "The next one"), strict=True):
        hidden = [
            drop(np.ones(size), 0 if title == "All units" else rate, rng) > 0
            for size in sizes[1:-1]
        ]
        alive = [np.ones(sizes[0], bool), *hidden, np.ones(sizes[-1], bool)]
        heights = [np.arange(size) - (size - 1) / 2 for size in sizes]
        for layer in range(len(sizes) - 1):
            for i in np.flatnonzero(alive[layer]):
                for j in np.flatnonzero(alive[layer + 1]):
                    axis.plot(
                        [layer, layer + 1],
                        [heights[layer][i], heights[layer + 1][j]],
                        color="0.7",
                        linewidth=1,
                    )
        for layer, (y, on) in enumerate(zip(heights, alive, strict=True)):
            axis.plot(np.full(on.sum(), layer), y[on], "o", markersize=15, color="#0072B2")
            axis.plot(
                np.full((~on).sum(), layer),
                y[~on],
                "x",
                markersize=12,
                color="#D55E00",
                markeredgewidth=2,
            )
        axis.set(title=title, xlim=(-0.4, len(sizes) - 0.6), ylim=(-2.6, 2.6))
        axis.axis("off")
    figure.suptitle("Each step switches off other units: no unit can rely on a certain other one")
    return figure


def figures(models, test, histories):
    """Thinned networks, curves with and without dropout, errors of all variants, the ensemble within one network."""
    curves, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for axis, activation in zip(axes, ("relu", "sigmoid"), strict=True):
        for name, colour in ((activation, "#0072B2"), (f"{activation}_50", "#D55E00")):
            epochs = range(1, len(histories[name]["loss"]) + 1)
            label = "dropout 0.5" if name.endswith("50") else "no dropout"
            axis.plot(
                epochs, histories[name]["accuracy"], "--", color=colour, label=f"{label}: training"
            )
            axis.plot(
                epochs,
                histories[name]["val_accuracy"],
                "-",
                color=colour,
                label=f"{label}: validation",
            )
        axis.set(title=activation, xlabel=f"epoch of {PASSES} passes", ylim=(0.75, 1.005))
        axis.grid(True)
    axes[0].set_ylabel("accuracy")
    axes[1].legend(loc="lower right")
    curves.suptitle(
        "With dropout, training looks worse, for some units are off; what counts is validation"
    )

    images, labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    errors = {
        name: 100 * np.mean(model.predict(images, 1000, 0).argmax(-1) != labels)
        for name, model in models.items()
    }
    comparison, axis = plt.subplots(figsize=(9, 4.4), layout="constrained")
    dropped = ["_" in name for name in errors]
    bars = axis.barh(
        list(errors), list(errors.values()), color=np.where(dropped, "#D55E00", "#0072B2")
    )
    axis.bar_label(bars, fmt="%.1f %%", padding=3)
    axis.invert_yaxis()
    axis.set(
        xlabel="errors on the test images, %",
        title="Without dropout (blue) and with it (orange; the rate in the name)",
    )

    images, labels = images[:1000], labels[:1000]
    passes = thinned_passes(models["relu_50"], images, 30)
    means = np.cumsum(passes, axis=0) / np.arange(1, len(passes) + 1)[:, None, None]
    wrong = 100 * np.mean(means.argmax(-1) != labels, axis=1)
    full = 100 * np.mean(
        models["relu_50"].predict(images, batch_size=1000, verbose=0).argmax(-1) != labels
    )
    spread = passes.std(axis=0).mean(axis=-1)
    order = np.argsort(spread)
    ensemble = plt.figure(figsize=(11, 4), layout="constrained")
    left, right = ensemble.subfigures(1, 2, width_ratios=(1.1, 1))
    axis = left.subplots()
    axis.plot(np.arange(1, len(wrong) + 1), wrong, label="mean of thinned networks")
    axis.axhline(full, color="#D55E00", linestyle="--", label="full network, once")
    axis.set(xlabel="passes with dropout switched on", ylabel="errors on 1,000 images, %")
    axis.set_title("One pass is poor, the mean of many is good")
    axis.legend()
    for axes, chosen, row in zip(
        right.subplots(2, 5), (order[:5], order[-5:]), ("agree", "differ"), strict=True
    ):
        for axis, index in zip(axes, chosen, strict=True):
            axis.imshow(images[index], cmap="gray_r")
            answers = np.bincount(passes[:, index].argmax(-1), minlength=10)
            said = ", ".join(
                f"{digit}: {answers[digit]}" for digit in np.argsort(-answers)[:2] if answers[digit]
            )
            axis.set_title(said, fontsize=9)
            axis.set(xticks=[], yticks=[])
        axes[0].set_ylabel(row)
    right.suptitle("On which digits the passes agree or differ (answer: times)", fontsize=12)
    return {
        "thinned": draw_thinned(),
        "curves": curves,
        "comparison": comparison,
        "ensemble": ensemble,
    }


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=0)
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        model.save(f"dropout_{name}.keras")


if __name__ == "__main__":
    main()
