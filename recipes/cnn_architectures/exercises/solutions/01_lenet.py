"""Build LeNet-5 with 61,706 parameters.

Slides: 000 «LeNet», 003 «LeNet (1998)».
Recipe: lenet.

The network of 1998 in its modern form, for digits of 32 × 32 pixels:

    convolution, 6 filters of 5 × 5, tanh, mean pooling 2 × 2
    convolution, 16 filters of 5 × 5, tanh, mean pooling 2 × 2
    fully connected, 120 units, tanh; 84 units, tanh; 10 units, softmax

There is no padding. First work out on paper the output shape and the number of parameters of each
layer, then build the network in Keras: the two must agree.
"""

import keras

from recipes.common.exercise import check, finish


def sides():
    """Side of the maps after the first convolution, its pooling, the second one, its pooling."""
    # Your code: return four numbers, worked out from 32.
    return [28, 14, 10, 5]


def parameters():
    """Parameters of the two convolutional and the three fully connected layers."""
    # Your code: return five products, such as (5 * 5 * 1 + 1) * 6.
    return [
        (5 * 5 * 1 + 1) * 6,
        (5 * 5 * 6 + 1) * 16,
        (5 * 5 * 16 + 1) * 120,
        (120 + 1) * 84,
        (84 + 1) * 10,
    ]


def lenet():
    """The network: images (32, 32, 1) to 10 class probabilities."""
    # Your code: keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Conv2D(…), …]).
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            keras.layers.Conv2D(6, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(16, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation="tanh"),
            keras.layers.Dense(84, activation="tanh"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def map_sides(model):
    """Sides of the maps of its layers, according to Keras."""
    return [layer.output.shape[1] for layer in model.layers if len(layer.output.shape) == 4]


def counts(model):
    """Number of parameters of each layer that has parameters."""
    return [layer.count_params() for layer in model.layers if layer.count_params()]


def main():
    return [
        check("sides on paper", sides, [28, 14, 10, 5]),
        check("parameters on paper", parameters, [156, 2_416, 48_120, 10_164, 850]),
        check("sides in Keras", lambda: map_sides(lenet()), [28, 14, 10, 5]),
        check("parameters in Keras", lambda: counts(lenet()), [156, 2_416, 48_120, 10_164, 850]),
        check("in all", lambda: lenet().count_params(), 61_706),
        check(
            "activations",
            lambda: [
                layer.activation.__name__
                for layer in lenet().layers
                if hasattr(layer, "activation")
            ],
            ["tanh", "tanh", "tanh", "tanh", "softmax"],
        ),
    ]


if __name__ == "__main__":
    finish(main())
