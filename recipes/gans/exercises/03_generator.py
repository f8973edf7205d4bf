"""Mend the slide's generator, and count what it never trains.

Slides: 001 «Ejemplo (API funcional) create_generator».
Recipe: gan_mnist.

The slide builds a generator of digits from 100 random numbers: dense layers of 256, 512 and 1024
units, each followed by LeakyReLU of slope 0.2 and BatchNormalization of momentum 0.8, then a dense
layer of 784 units with tanh, reshaped to 28 × 28. It does not run in Keras 3:
the shape in `Input(shape=(100))` is a number, not a tuple, and `alpha` of `LeakyReLU` has another
name now.

A normalized unit has a scale and a shift, which are trained, and a running mean and variance, which
are not. Build the generator, and count its parameters by hand.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def generator():
    """The network: noise (100,) to images (28, 28) with values from −1 to 1."""
    # Your code: keras.Input, the layers one after the other, keras.Model(inputs, outputs).
    raise NotImplementedError


def parameters():
    """The total number of parameters, counted by hand."""
    # Your code: four dense layers with biases, and 4 numbers for each normalized unit.
    raise NotImplementedError


def never_trained():
    """The number of running means and variances."""
    # Your code: 2 for each normalized unit.
    raise NotImplementedError


def main():
    noise = np.random.default_rng(0).normal(size=(2, 100)).astype("float32")
    return [
        check("by hand", parameters, 1_493_520),
        check("only measured, by hand", never_trained, 3_584),
        check("in Keras", lambda: generator().count_params(), 1_493_520),
        check(
            "layers",
            lambda: [type(layer).__name__ for layer in generator().layers],
            ["InputLayer", *["Dense", "LeakyReLU", "BatchNormalization"] * 3, "Dense", "Reshape"],
        ),
        check("shape of two images", lambda: generator()(noise).shape, [2, 28, 28]),
        check(
            "slope, momentum",
            lambda: [generator().layers[2].negative_slope, generator().layers[3].momentum],
            [0.2, 0.8],
        ),
        check(
            "values from −1 to 1",
            lambda: bool(np.abs(generator()(100 * noise)).max() <= 1),
            True,
        ),
    ]


if __name__ == "__main__":
    finish(main())
