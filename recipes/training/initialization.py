"""Initialization of weights: Glorot, He and unreasonable ones, seen layer by layer before training.

Slides: 000 «inicializadas de forma poco razonable», 001 «"Glorot y Bengio 2010"».
Paper:  Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward neural
        networks, https://proceedings.mlr.press/v9/glorot10a.html;
        He et al. (2015), Delving deep into rectifiers, https://arxiv.org/abs/1502.01852
Departs from the papers: no network is trained, and the inputs are standard normal numbers, not
images. For training from such initial weights see `vanishing_gradient` and `prelu_net`. Slide 001
names Glorot & Bengio (2010) beside ReLU; their paper is about initial weights.

Each of a layer's outputs is a sum of n inputs times weights. If the weights have variance σ², the
variance of the sum is n·σ² times the variance of the inputs. In the backward pass the gradient's
variance grows by the same factor, where n is the number of outputs. So σ² = 1/n keeps both
variances constant (Glorot, with the mean of both numbers). A ReLU halves the mean square of its
input: σ² = 2/n makes up for it (He). Over ten layers the factor is raised to the tenth power.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

DEPTH = 10  # layers
UNITS = 500  # in each layer, and inputs
EXAMPLES = 1000
SATURATED = 0.99  # output of tanh beyond which its slope is below 0.02
CASES = {  # activation and initializer of the weights
    "tanh, N(0, 0.01²)": ("tanh", keras.initializers.RandomNormal(stddev=0.01, seed=1)),
    "tanh, N(0, 1)": ("tanh", keras.initializers.RandomNormal(stddev=1.0, seed=1)),
    "linear, Glorot": ("linear", keras.initializers.GlorotUniform(seed=1)),
    "tanh, Glorot": ("tanh", keras.initializers.GlorotUniform(seed=1)),
    "ReLU, Glorot": ("relu", keras.initializers.GlorotUniform(seed=1)),
    "ReLU, He": ("relu", keras.initializers.HeNormal(seed=1)),
}


def build_layers(activation, initializer, depth=DEPTH, units=UNITS):
    """Dense layers of the same size, with different weights of the same distribution.

    Args:
        activation: Activation function of each layer.
        initializer: A Keras initializer with a seed, from which the seed of each layer is derived.
        depth: Number of layers.
        units: Number of units in each layer, and of inputs.
    """
    layers = []
    for number in range(depth):
        settings = initializer.get_config()
        settings["seed"] = 1000 * settings["seed"] + number
        layer = keras.layers.Dense(
            units, activation, kernel_initializer=type(initializer).from_config(settings)
        )
        layer.build((None, units))
        layers.append(layer)
    return layers


def activations_and_gradients(layers, inputs, seed=0):
    """Outputs of each layer in the forward pass, and their gradients in the backward pass.

    Args:
        layers: From `build_layers`.
        inputs: Array (examples, units).
        seed: Seed of the gradient at the last layer's outputs, standard normal numbers.

    Returns:
        Two lists of arrays (examples, units), one for each layer: its outputs, and the gradient of
        the loss with respect to them.
    """
    arriving = np.random.default_rng(seed).normal(size=inputs.shape).astype("float32")
    outputs = []
    x = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        for layer in layers:
            x = layer(x)
            outputs.append(x)
        loss = tf.reduce_sum(x * arriving)
    gradients = tape.gradient(loss, outputs)
    return [output.numpy() for output in outputs], [gradient.numpy() for gradient in gradients]


def root_mean_square(values):
    """The root mean square of an array: √(mean of the squares)."""
    return float(np.sqrt(np.mean(np.square(values, dtype="float64"))))


def standard_inputs():
    """1,000 examples of 500 standard normal numbers."""
    return np.random.default_rng(1).normal(size=(EXAMPLES, UNITS)).astype("float32")


def look():
    """Outputs and gradients of each case: `{name: (outputs, gradients)}`, lists by layer."""
    inputs = standard_inputs()
    found = {}
    for name, (activation, initializer) in CASES.items():
        layers = build_layers(activation, initializer, units=UNITS)
        found[name] = activations_and_gradients(layers, inputs)
    return found


def plot_sizes(found):
    """The size of activations and gradients, layer by layer, on a logarithmic scale."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    numbers = range(1, DEPTH + 1)
    for name, (outputs, gradients) in found.items():
        axes[0].plot(numbers, [root_mean_square(values) for values in outputs], "o-", label=name)
        axes[1].plot(numbers, [root_mean_square(values) for values in gradients], "o-")
    axes[0].set_title("Activations, on their way forward")
    axes[1].set_title("Gradients, on their way back")
    for axis in axes:
        axis.set(yscale="log", xlabel="layer", xticks=numbers)
        axis.set_ylabel("root mean square")
    figure.legend(loc="outside right center")
    return figure


def plot_histograms(found):
    """Histograms of the activations of some layers: a row for each case with tanh."""
    rows = [name for name in found if name.startswith("tanh")]
    shown = [1, 2, 4, 7, 10]
    figure, axes = plt.subplots(
        len(rows), len(shown), figsize=(10, 5), sharex=True, layout="constrained"
    )
    bins = np.linspace(-1, 1, 51)
    for row, name in enumerate(rows):
        outputs, _ = found[name]
        for column, number in enumerate(shown):
            axis = axes[row, column]
            axis.hist(outputs[number - 1].ravel(), bins)
            axis.set(yticks=[])
            if row == 0:
                axis.set_title(f"layer {number}")
        axes[row, 0].set_ylabel(name.removeprefix("tanh, "))
    figure.suptitle("Outputs of tanh units: all 0, all ±1, or spread between")
    return figure


def main():
    found = look()
    print(f"{'':>18}  layer 1  layer 10  beyond ±{SATURATED}  gradient at layer 1 / 10")
    for name, (outputs, gradients) in found.items():
        first = root_mean_square(outputs[0])
        last = root_mean_square(outputs[-1])
        saturated = np.mean(np.abs(outputs[-1]) > SATURATED) if "tanh" in name else 0
        ratio = root_mean_square(gradients[0]) / root_mean_square(gradients[-1])
        print(f"{name:>18}  {first:7.2g}  {last:8.2g}  {saturated:11.0%}  {ratio:8.2g}")
    plot_sizes(found).savefig("sizes.png")
    plot_histograms(found).savefig("histograms.png")


if __name__ == "__main__":
    main()
