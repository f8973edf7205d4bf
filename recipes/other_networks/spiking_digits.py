"""Spiking neural network for digits: integrate-and-fire neurons, trained by surrogate gradients.

Slides: 000 «SNNs» (Intel Loihi, IBM TrueNorth), 000 «Neuromorphic computing», 001 zoo of networks
        (spiking hidden cell).
Paper:  Neftci, Mostafa & Zenke (2019), https://doi.org/10.1109/MSP.2019.2931595 (surrogate
        gradients); Li, Zhang & Liu (2016), Ternary weight networks,
        https://arxiv.org/abs/1605.04711
Departs from the chips: every time step is simulated for all neurons, whether there are spikes or
not; neuromorphic hardware saves this work.

An input neuron sums the brightness of its pixel over time and fires each time the sum reaches 1:
the brighter the pixel, the more spikes. Hidden neurons sum the weights of incoming spikes, lose a
part of the sum in each step (leak), and fire in turn. The ten outputs sum the weights of incoming
spikes, and do not fire.

A spike is 0 or 1, so weights need not be multiplied, only added when a spike arrives. Without a
spike nothing is computed. `ternary` has only weights of −1, 0 and 1, times one factor per layer, as
a chip with few bits would (TrueNorth has 4,096 cores of 256 neurons, 1,048,576 in all, and
268,435,456 binary synapses); `relu` is the usual network of the same size.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from layers.integrate_and_fire import IntegrateAndFireCell
from recipes.common.arrays import to_numpy

EPOCHS = 4
VARIANTS = {
    "spiking": {"network": "spiking"},
    "ternary": {"network": "ternary"},
    "relu": {"network": "relu"},
}


def load_data(batch_size=100):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def ternary(kernel):
    """Weights rounded to −a, 0 and a, with a straight-through gradient (Li et al., 2016).

    Weights whose absolute value is above 0.7 times its mean become ±a, where a is their mean
    absolute value.
    """
    # Float16 ends at 65,504, and a layer may have more weights than that to count.
    sizes = keras.ops.abs(keras.ops.cast(kernel, "float32"))
    large = keras.ops.cast(sizes > 0.7 * keras.ops.mean(sizes), "float32")
    scale = keras.ops.sum(sizes * large) / keras.ops.sum(large)
    rounded = keras.ops.cast(scale * large, kernel.dtype) * keras.ops.sign(kernel)
    rounded = keras.ops.stop_gradient(rounded)
    return rounded + (kernel - keras.ops.stop_gradient(kernel))


@keras.saving.register_keras_serializable(package="spiking_digits")
class TernaryDense(keras.layers.Dense):
    """A dense layer that computes with its weights rounded to −a, 0 and a."""

    def used_kernel(self):
        return ternary(self.kernel)

    def call(self, inputs):
        x = keras.ops.matmul(inputs, self.used_kernel())
        if self.use_bias:
            x = x + self.bias
        return self.activation(x)


def neurons(units, decay, name):
    """Leaky integrate-and-fire neurons: currents (batch, time, units) to spikes, same shape."""
    cell = IntegrateAndFireCell(units, decay)
    return keras.layers.RNN(cell, return_sequences=True, unroll=True, name=name)


def build_model(
    network="spiking", hidden=128, time_steps=16, rate=0.25, decay=0.9, learning_rate=0.002
):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 101,770 parameters.

    Args:
        network: "spiking"; "ternary", the same with weights of −a, 0 and a; "relu", without spikes
            and time steps.
        hidden: Number of hidden neurons.
        time_steps: Number of steps for which the image is presented.
        rate: Spikes per step of a white pixel, at most 1.
        decay: Share of a hidden neuron's potential that remains after a step.
    """
    dense = TernaryDense if network == "ternary" else keras.layers.Dense
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(inputs)
    if network == "relu":
        x = keras.layers.Rescaling(1 / 255)(x)
        x = keras.layers.Dense(hidden, activation="relu")(x)
        logits = keras.layers.Dense(10)(x)
    else:
        x = keras.layers.Rescaling(rate / 255)(x)
        currents = keras.layers.RepeatVector(time_steps)(x)  # (batch, time, 784)
        spikes = neurons(784, 1.0, "input_spikes")(currents)
        currents = dense(hidden)(spikes)
        spikes = neurons(hidden, decay, "hidden_spikes")(currents)
        votes = dense(10, name="votes")(spikes)  # (batch, time, 10)
        logits = keras.layers.GlobalAveragePooling1D()(votes)
    outputs = keras.layers.Activation("softmax", dtype="float32")(logits)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides the class probabilities it returns `unlike`, how unlike MNIST's digits the image is,
    from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    outputs = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(image, outputs)


def count_spikes(model, images):
    """Mean numbers of spikes and synaptic events per image, in a spiking network.

    A spike of an input neuron is an event at each hidden neuron, and a spike of a hidden neuron is
    an event at each output.

    Returns:
        `{"input": …, "hidden": …, "events": …}`.
    """
    layers = [model.get_layer("input_spikes"), model.get_layer("hidden_spikes")]
    spikes_of = keras.Model(model.input, [layer.output for layer in layers])
    inputs, hidden = spikes_of.predict(images, batch_size=500, verbose=0)  # (images, time, units)
    input_spikes = inputs.sum() / len(images)
    hidden_spikes = hidden.sum() / len(images)
    events = input_spikes * hidden.shape[-1] + hidden_spikes * 10
    return {"input": input_spikes, "hidden": hidden_spikes, "events": events}


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "hidden": hp.Int("hidden", 64, 256, step=64, default=128),
        "time_steps": hp.Int("time_steps", 4, 32, step=4, default=16),
        "decay": hp.Choice("decay", [0.5, 0.8, 0.9, 0.95, 1.0], default=0.9),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.002),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(len(images), -1) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(len(images), -1) / np.float32(255), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"spiking_digits_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"spiking_digits_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
        if name != "relu":
            images, _ = to_numpy(test)
            print("Mean spikes and synaptic events per image:", count_spikes(model, images))
        deployed(model).save(f"spiking_digits_{name}_deployed.keras")


if __name__ == "__main__":
    main()
