"""Parameters of fully connected networks: how many, and where?

Slides: 003 «Redes Neuronales (Fully Connected FC)», 001 «Ejemplo (API secuencial)».
Recipe: mlp_mnist.

In a fully connected layer every unit has one weight for each of its inputs, and a bias. The inputs
themselves are not a layer. The slide's first drawing, 3-4-2, has 3·4 + 4·2 = 20 weights and 4 + 2
biases. The example of deck 001 has an input of 22,050 audio samples and layers of 64, 32 and 2
units: most of its weights are in one layer. Count the parameters, find this layer's share, and the
greatest width within a budget.
"""

import itertools

from recipes.common.exercise import check, finish


def parameters(sizes):
    """Weights and biases of a network, from the number of its inputs and of each layer's units."""
    # Your code: add up inputs · units + units; itertools.pairwise(sizes) gives these two.
    total = 0
    for inputs, units in itertools.pairwise(sizes):
        total += inputs * units + units
    return total


def share_of_first_layer(sizes):
    """The share of all parameters, from 0 to 1, in the first layer."""
    # Your code: `parameters` also counts a network of one layer.
    return parameters(sizes[:2]) / parameters(sizes)


def widest(inputs, outputs, budget):
    """The largest hidden layer of inputs-hidden-outputs with at most `budget` parameters."""
    # Your code: solve inputs · h + h + h · outputs + outputs ≤ budget for the whole number h.
    return (budget - outputs) // (inputs + 1 + outputs)


def main():
    sound = [22_050, 64, 32, 2]
    return [
        check("3-4-2", lambda: parameters([3, 4, 2]), 26),
        check("3-4-4-1", lambda: parameters([3, 4, 4, 1]), 41),
        check("784-64-64-10", lambda: parameters([784, 64, 64, 10]), 55_050),
        check("22050-64-32-2", lambda: parameters(sound), 1_413_410),
        check("… of which in the first layer", lambda: share_of_first_layer(sound), 0.99848, 1e-5),
        check("784-h-10, at most 100,000", lambda: widest(784, 10, 100_000), 125),
        check("2-h-1, at most 41", lambda: widest(2, 1, 41), 10),
    ]


if __name__ == "__main__":
    finish(main())
