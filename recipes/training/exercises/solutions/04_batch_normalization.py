"""Batch normalization: mend the slide's formula, and do without a batch.

Slides: 001 «Normalización: BN», 001 «generador (BatchNormalization(momentum=0.8))».
Recipe: normalization.

The slide subtracts the mean of a mini-batch and divides by its variance. The outputs should have
variance 1: is that correct? Then γ scales and β shifts each unit, both learned; ε avoids division
by 0.

At inference there may be no batch. Keras uses moving averages of mean and variance instead, updated
in each training step by r ← momentum · r + (1 − momentum) · (value of the batch); the means start
at 0, the variances at 1.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def normalize(x, gamma, beta, epsilon):
    """A mini-batch (n, units), normalized unit by unit, scaled by γ and shifted by β (units,)."""
    # Your code: x.mean(axis=0), x.var(axis=0); correct the slide's formula; add ε to the variance.
    normal = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon)
    return gamma * normal + beta


def running(batches, momentum):
    """Running mean and variance (units,) after training on batches (steps, n, units)."""
    mean, variance = np.zeros(batches.shape[2]), np.ones(batches.shape[2])
    # Your code: update both with each batch; return mean, variance.
    for batch in batches:
        mean = momentum * mean + (1 - momentum) * batch.mean(axis=0)
        variance = momentum * variance + (1 - momentum) * batch.var(axis=0)
    return mean, variance


def steps_until(share, momentum):
    """Number of steps until the running mean of a constant input reaches `share` of it."""
    # Your code: after k steps it is 1 − momentumᵏ of it; np.log, np.ceil.
    return np.ceil(np.log(1 - share) / np.log(momentum))


def main():
    rng = np.random.default_rng(0)
    batches = rng.normal([5, -3], [4, 0.5], (3, 16, 2)).astype("float32")
    layer = keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-3)
    layer.build((None, 2))
    layer.gamma.assign([2, 1])
    layer.beta.assign([0, 10])
    for batch in batches:
        outputs = keras.ops.convert_to_numpy(layer(batch, training=True))
    mean, variance = (
        keras.ops.convert_to_numpy(weights) for weights in layer.non_trainable_weights
    )
    gamma, beta = np.array([2, 1]), np.array([0, 10])
    return [
        check(
            "variance of the output",
            lambda: normalize(batches[0], 1, 0, 0).var(axis=0),
            [1, 1],
            1e-4,
        ),
        check("as in Keras", lambda: normalize(batches[-1], gamma, beta, 1e-3), outputs, 1e-4),
        check("running mean", lambda: running(batches, 0.8)[0], mean, 1e-4),
        check("running variance", lambda: running(batches, 0.8)[1], variance, 1e-4),
        check("steps to 99 %, momentum 0.8", lambda: steps_until(0.99, 0.8), 21),
        check("steps to 99 %, momentum 0.99", lambda: steps_until(0.99, 0.99), 459),
    ]


if __name__ == "__main__":
    finish(main())
