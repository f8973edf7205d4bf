"""Momentum, RMSprop and Adam, step by step as Keras takes them.

Slides: 001 «Optimizadores: SGD con momento», 001 «Optimizadores: RMSprop», 001 «Optimizadores:
        Adam».
Recipe: optimizers.

SGD moves a weight by −η g, with the gradient g and the learning rate η. Momentum keeps a velocity,
RMSprop divides by a running root mean square of the gradient, Adam has both:

    momentum   v ← μ v − η g,               w ← w + v
    RMSprop    s ← ρ s + (1 − ρ) g²,        w ← w − η g / √(s + ε)
    Adam       m ← β₁ m + (1 − β₁) g,       m̂ = m / (1 − β₁ᵗ)
               s ← β₂ s + (1 − β₂) g²,      ŝ = s / (1 − β₂ᵗ),   w ← w − η m̂ / (√ŝ + ε)

with t = 1 in the first step. The slide says that SGD in Keras includes momentum: it can, but its
default is 0. Write one step of each; the results must equal those of Keras' optimizers.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def momentum_step(w, v, g, rate, momentum):
    """New weights (n,) and velocities (n,)."""
    # Your code: the first line above; return w, v.
    v = momentum * v - rate * g
    return w + v, v


def rmsprop_step(w, s, g, rate, rho, epsilon):
    """New weights (n,) and mean squares (n,)."""
    # Your code: the second line; return w, s.
    s = rho * s + (1 - rho) * g**2
    return w - rate * g / np.sqrt(s + epsilon), s


def adam_step(w, m, s, g, t, rate, beta1, beta2, epsilon):
    """New weights (n,), means (n,) and mean squares (n,) of the gradients, in step t = 1, 2, …"""
    # Your code: the last two lines; return w, m, s.
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - rate * m_hat / (np.sqrt(s_hat) + epsilon), m, s


START = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.5, -1.0, 3.0], [0.4, 2.0, 3.0], [-0.1, 0.0, 3.0]])


def momentum_weights():
    """Weights after the three gradients."""
    w, v = START, np.zeros(3)
    for g in GRADIENTS:
        w, v = momentum_step(w, v, g, rate=0.1, momentum=0.9)
    return w


def rmsprop_weights():
    w, s = START, np.zeros(3)
    for g in GRADIENTS:
        w, s = rmsprop_step(w, s, g, rate=0.1, rho=0.9, epsilon=1e-7)
    return w


def adam_weights():
    w, m, s = START, np.zeros(3), np.zeros(3)
    for t, g in enumerate(GRADIENTS, start=1):
        w, m, s = adam_step(w, m, s, g, t, rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-7)
    return w


def keras_weights(optimizer):
    """The same steps, taken by Keras."""
    variable = keras.Variable(START)
    for g in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32")], [variable])
    return keras.ops.convert_to_numpy(variable)


def main():
    sgd = keras.optimizers.SGD(0.1, momentum=0.9)
    rmsprop = keras.optimizers.RMSprop(0.1, rho=0.9)
    adam = keras.optimizers.Adam(0.1)
    first = np.array([1e-3, -5.0])
    return [
        check("momentum, three steps", momentum_weights, keras_weights(sgd), 1e-5),
        check("RMSprop, three steps", rmsprop_weights, keras_weights(rmsprop), 1e-5),
        check("Adam, three steps", adam_weights, keras_weights(adam), 1e-5),
        # However large the gradient is.
        check(
            "Adam's first step is η",
            lambda: adam_step(0, 0, 0, first, 1, 0.01, 0.9, 0.999, 1e-7)[0],
            [-0.01, 0.01],
            tolerance=1e-5,
        ),
    ]


if __name__ == "__main__":
    finish(main())
