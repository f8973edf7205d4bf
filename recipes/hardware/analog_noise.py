"""Analog in-memory computing: a network under weight noise, few-bit converters and dead cells.

Slides: 000 «Implementaciones analógicas» (Mythic, Syntiant), 000 «Diferencias» (fault tolerance).
Paper:  Joshi et al. (2020), Accurate deep neural network inference using computational
        phase-change memory, https://doi.org/10.1038/s41467-020-16108-9
Departs from the paper: the noise is simulated, not that of a chip; the network has dense layers
only; and weights are not clipped: instead, the gradient of the noise reaches the largest weight,
to which the noise is relative. The slide's unit, trillions of operations «per watt», means per
second and watt, that is, per joule.

An array of memory cells multiplies a vector by a matrix in place: the inputs are voltages, the
weights conductances, and currents add up in each column. An analog-to-digital converter reads the
sum. Weights are stored imprecisely, relative to the range of a cell, which is that of the largest
weight; converters have few bits; some cells are dead. Biases and activations are digital.
Variants: the network trained as usual, and with new noise on the weights in every training step.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 5
NOISE = 0.1  # standard deviation, relative to the largest weight of a layer
DEAD = 0.1  # share of the weights
VARIANTS = {"usual": {}, "noise_aware": {"noise": NOISE}}
DRAWS = 10  # of noise and of dead cells, over which accuracies are averaged
NOISES = (0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3)
BITS = (2, 3, 4, 5, 6, 7, 8)  # of the converters
DEAD_SHARES = (0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
EFFICIENCY = {"V100": 0.4, "Mythic": 4, "Syntiant": 20}  # tera-operations per joule, on the slide


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


@keras.saving.register_keras_serializable(package="analog_noise")
class NoisyDense(keras.layers.Dense):
    """A dense layer with Gaussian noise on its weights in training; at inference without.

    Args:
        units: Number of outputs.
        noise: Standard deviation, relative to the largest absolute weight.
        seed: Of the noise, which every call in training draws anew.
        arguments: Those of `keras.layers.Dense`.

    Raises:
        ValueError: if the noise is negative.
    """

    def __init__(self, units, noise=0.0, seed=None, **arguments):
        super().__init__(units, **arguments)
        if noise < 0:
            raise ValueError(f"`noise` must not be negative. Received: noise={noise}")
        self.noise = noise
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        kernel = keras.ops.convert_to_tensor(self.kernel)
        if training and self.noise:
            largest = keras.ops.max(keras.ops.abs(kernel))
            normal = keras.random.normal(kernel.shape, dtype=kernel.dtype, seed=self.generator)
            kernel = kernel + self.noise * largest * normal
        x = keras.ops.matmul(inputs, kernel)
        if self.use_bias:
            x = x + self.bias
        return self.activation(x)

    def get_config(self):
        return {**super().get_config(), "noise": self.noise, "seed": self.seed}


def build_model(units=128, noise=0.0, learning_rate=0.002, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 logits. 118,282 parameters.

    Args:
        units: Of each of the two hidden layers.
        noise: On the weights in training, relative to the largest of the layer.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            NoisyDense(units, noise, activation="relu"),
            NoisyDense(units, noise, activation="relu"),
            NoisyDense(10, noise),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "units": hp.Int("units", 32, 256, step=32, default=128),
        "learning_rate": hp.Float(
            "learning_rate", 0.0005, 0.008, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def with_noise(weights, noise, rng):
    """Weights with Gaussian noise, of `noise` times the largest absolute weight."""
    return weights + noise * np.abs(weights).max() * rng.standard_normal(weights.shape, "float32")


def with_dead_cells(weights, share, rng):
    """Weights of which a share, drawn at random, is 0."""
    dead = rng.permutation(weights.size) < round(share * weights.size)
    return np.where(dead.reshape(weights.shape), np.float32(0), weights)


def converted(sums, bits):
    """Sums as read by a converter, whose 2^bits − 1 equal steps reach from −largest to largest."""
    step = max(np.abs(sums).max(), 1e-30) / (2 ** (bits - 1) - 1)
    return np.rint(sums / step) * step


def forward(model, images, change=None, bits=None):
    """The logits (count, 10) of a network, computed layer by layer.

    Args:
        model: As returned by `build_model`.
        images: Array (count, 28, 28, 1), from 0 to 255.
        change: A function of a layer's weights that returns those of its cells.
        bits: Of the converter after each matrix product, whose range is that of the largest sum
            over all images; None for no converter.
    """
    x = images.reshape(len(images), -1) / np.float32(255)
    for layer in model.layers:
        if not isinstance(layer, NoisyDense):
            continue
        weights, bias = layer.get_weights()
        if change:
            weights = change(weights)
        x = x @ weights
        if bits:
            x = converted(x, bits)
        x = x + bias
        if layer.activation is keras.activations.relu:
            x = np.maximum(x, 0)
    return x


def mean_accuracy(model, images, labels, fault, amount):
    """The accuracy under a fault, as a mean over `DRAWS` draws, the same in every call.

    Args:
        fault: `with_noise` or `with_dead_cells`.
        amount: The fault's argument.
    """
    accuracies = []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        logits = forward(model, images, lambda weights, rng=rng: fault(weights, amount, rng))
        accuracies.append(np.mean(logits.argmax(axis=1) == labels))
    return float(np.mean(accuracies))


def further_scores(model, test, history):
    """The accuracies with noise `NOISE` on the weights, and with a share `DEAD` of them at 0."""
    images, labels = to_numpy(test)
    return {
        "noisy_accuracy": mean_accuracy(model, images, labels, with_noise, NOISE),
        "damaged_accuracy": mean_accuracy(model, images, labels, with_dead_cells, DEAD),
    }


def accuracies_by_fault(model, test):
    """Accuracies for each of `NOISES`, `BITS` and `DEAD_SHARES`.

    Returns:
        `{"noise": […], "bits": […], "dead": […]}`.
    """
    images, labels = to_numpy(test)
    by_bits = []
    for bits in BITS:
        logits = forward(model, images, bits=bits)
        by_bits.append(float(np.mean(logits.argmax(axis=1) == labels)))
    return {
        "noise": [mean_accuracy(model, images, labels, with_noise, noise) for noise in NOISES],
        "bits": by_bits,
        "dead": [
            mean_accuracy(model, images, labels, with_dead_cells, share) for share in DEAD_SHARES
        ],
    }


def operations_per_joule(operations_per_second, watts):
    """The energy efficiency of a chip; with trillions of operations, in TOPS/W."""
    return operations_per_second / watts


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"analog_noise_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        )
        model = keras.saving.load_model(f"analog_noise_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(name, further_scores(model, test, history.history))
        amounts = {"noise": NOISES, "bits": BITS, "dead": DEAD_SHARES}
        for fault, accuracies in accuracies_by_fault(model, test).items():
            by_amount = zip(amounts[fault], accuracies, strict=True)
            print(f"{fault}:", ", ".join(f"{amount} {value:.4f}" for amount, value in by_amount))
    print("Logistic regression on the pixels:", baseline(train, test))

    v100 = operations_per_joule(125, 300)  # 125 trillion operations of 16 bits a second, at 300 W
    print(f"V100: {v100:.3f} trillion operations per joule, {1 / v100:.1f} pJ for each")
    for chip, efficiency in EFFICIENCY.items():
        print(f"{chip}: {efficiency / EFFICIENCY['V100']:.0f} times the V100 of the slide")


if __name__ == "__main__":
    main()
