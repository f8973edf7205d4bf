"""What the tests of recipes with a training step of their own share: a step in 16 bits."""

import keras
import numpy as np

from tests.layers.conformance import global_policy


def ratios_in_float16(build_model, train):
    """How much farther a step of gradient descent moves each weight in float16 than in float32.

    Args:
        build_model: without arguments.
        train: a data set whose first batch is the step's.
    """
    descent = keras.optimizers.SGD(0.01)
    expected = changes(build_model, train, "float32", descent)
    # Keras' own scale of 32,768 may be too large for the first steps, which are left out then.
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=16.0)
    found = changes(build_model, train, "mixed_float16", scaled)
    return np.array(found) / np.array(expected)


def changes(build_model, train, policy, optimizer):
    with global_policy(policy):
        keras.utils.set_random_seed(0)
        model = build_model()
        model.compile(optimizer, run_eagerly=True)
        before = [np.array(weight) for weight in model.trainable_weights]
        model.fit(train.take(1), verbose=0)
    after = [np.array(weight) for weight in model.trainable_weights]
    return [np.mean(np.abs(new - old)) for new, old in zip(after, before, strict=True)]
