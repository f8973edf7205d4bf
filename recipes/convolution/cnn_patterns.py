"""The slide's four patterns of network, from INPUT → FC to [CONV → CONV → POOL] × 3, on MNIST.

Slides: 001 «Arquitecturas».
Departs from it: the slide gives no sizes; here all patterns with convolutions train in about the same time.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from matplotlib import ticker

from layers.digits import CenterDigit, UnlikeDigit

EPOCHS = 5
VARIANTS = {
    "fc": {"pattern": "fc"},
    "conv_fc": {"pattern": "conv_fc"},
    "conv_pool": {"pattern": "conv_pool"},
    "conv_conv_pool": {"pattern": "conv_conv_pool"},
}
TITLES = {
    "fc": "INPUT → FC",
    "conv_fc": "INPUT → CONV → RELU → FC",
    "conv_pool": "INPUT → [CONV → RELU → POOL] × 2\n→ FC → RELU → FC",
    "conv_conv_pool": "INPUT → [CONV → RELU → CONV → RELU → POOL] × 3\n→ [FC → RELU] × 2 → FC",
}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def convolution(filters):
    """CONV → RELU."""
    return keras.layers.Conv2D(filters, 3, padding="same", activation="relu")


def layers_between(pattern):
    """What stands between the image and the last layer: nothing to compute, or one of the slide's patterns."""
    if pattern == "fc":
        return [keras.layers.Flatten()]
    if pattern == "conv_fc":
        return [convolution(32), keras.layers.Flatten()]
    if pattern == "conv_pool":
        return [
            convolution(16),
            keras.layers.MaxPooling2D(2),
            convolution(32),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
        ]
    if pattern == "conv_conv_pool":
        return [
            convolution(8),
            convolution(8),
            keras.layers.MaxPooling2D(2),
            convolution(16),
            convolution(16),
            keras.layers.MaxPooling2D(2),
            convolution(32),
            convolution(32),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
        ]
    raise ValueError(f"pattern must be one of {', '.join(TITLES)}. Received: {pattern}")


def build_sequential(pattern):
    """The network as a list of layers."""
    first, last = keras.layers.Rescaling(1 / 255), keras.layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.Input((28, 28, 1)), first, *layers_between(pattern), last])


def build_functional(pattern):
    """The same network as a chain of function calls, from input to output."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for layer in layers_between(pattern):
        x = layer(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def build_model(pattern="conv_pool", api="sequential", learning_rate=0.003, steps=EPOCHS * 446):
    """The compiled network, of 7,850, 251,210, 105,866 or 41,346 parameters in the order of the slide."""
    model = {"sequential": build_sequential, "functional": build_functional}[api](pattern)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
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
        "pattern": hp.Choice("pattern", list(VARIANTS), default="conv_pool"),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def multiplications(model):
    """Multiplications for one image: each weight of a kernel is used once per position of the layer's output."""
    kernels = [layer for layer in model.layers if hasattr(layer, "kernel")]
    return sum(
        int(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:-1])) for layer in kernels
    )


def figures(models, test, histories):
    """What each pattern gets wrong, against what it stores and what it computes."""
    errors = {
        name: 1 - model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        for name, model in models.items()
    }
    costs = {
        "parameters": {name: model.count_params() for name, model in models.items()},
        "multiplications per image": {
            name: multiplications(model) for name, model in models.items()
        },
    }
    comparison, axes = plt.subplots(1, 2, figsize=(10, 4.5), sharey=True, layout="constrained")
    for axis, (title, cost) in zip(axes, costs.items(), strict=True):
        for name, marker in zip(models, "osD^", strict=False):
            axis.plot(cost[name], 100 * errors[name], marker, markersize=10, label=TITLES[name])
        axis.set(xscale="log", yscale="log", xlabel=title)
        axis.yaxis.set_major_locator(ticker.FixedLocator([0.5, 1, 2, 5, 10, 20, 50, 100]))
        axis.yaxis.set_minor_locator(ticker.NullLocator())
        axis.yaxis.set_major_formatter("{x:g} %")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("errors on test images")
    comparison.suptitle("Convolutions in depth, not parameters, bring the errors down")
    comparison.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small"
    )
    return {"comparison": comparison}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"cnn_patterns_{name}.keras")


if __name__ == "__main__":
    main()
