"""Threshold neurons: NAND, a majority, and XOR put together from neurons.

Slides: 000 «Modelo de McCulloch & Pitts (1943)», 003 «El problema de la XOR».
Recipes: mcculloch_pitts, xor.

A neuron of McCulloch and Pitts adds its weighted inputs, z = Σ wᵢ xᵢ + b, and fires, y = 1, if
z ≥ 0; otherwise y = 0. The decision boundary of one neuron is a straight line, so it cannot compute
some functions of two inputs, such as XOR, with any w₁, w₂ and b. A second layer of neurons has the
outputs of the first as its inputs.

Write the neuron, find weights for two functions that one neuron can compute, and then compute XOR
with three neurons.
"""

import numpy as np

from recipes.common.exercise import check, finish

# All inputs of two and of three bits.
PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
TRIPLES = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])


def neuron(x, weights, bias):
    """Outputs (n,), 0 or 1, for inputs (n, d) and weights (d,)."""
    # Your code: 1 where z = Σ wᵢ xᵢ + b ≥ 0, else 0.
    z = np.asarray(x) @ np.asarray(weights) + bias
    return np.where(z >= 0, 1, 0)


def nand():
    """Weights [w₁, w₂] and bias of a neuron that fires unless both inputs are 1."""
    # Your code: return [w₁, w₂], b.
    return [-1, -1], 1


def majority():
    """Weights [w₁, w₂, w₃] and bias of a neuron that fires if at least two of its inputs are 1."""
    # Your code: return [w₁, w₂, w₃], b.
    return [1, 1, 1], -2


def xor(x):
    """XOR (n,) of the pairs (n, 2): two parallel neurons, whose outputs are inputs of a third."""
    # Your code: "one or the other, but not both"; np.stack([…, …], axis=1) makes pairs of outputs.
    either = neuron(x, [1, 1], -1)
    not_both = neuron(x, *nand())
    return neuron(np.stack([either, not_both], axis=1), [1, 1], -2)


def main():
    return [
        check("one input, z = 1, 0 and −1", lambda: neuron([[2], [1], [0]], [1], -1), [1, 1, 0]),
        check("NAND", lambda: neuron(PAIRS, *nand()), [1, 1, 1, 0]),
        check("majority of three", lambda: neuron(TRIPLES, *majority()), [0, 0, 0, 1, 0, 1, 1, 1]),
        check("XOR", lambda: xor(PAIRS), [0, 1, 1, 0]),
    ]


if __name__ == "__main__":
    finish(main())
