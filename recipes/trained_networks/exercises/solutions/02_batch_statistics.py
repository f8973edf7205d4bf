"""Fine-tuning with batch normalization: its averages after a few steps.

Slides: 001 «Transfer Learning: fine tuning», 001 «Normalización: BN».
Recipe: transfer_learning.

In training, batch normalization subtracts the mean of the batch, and remembers a moving average of
it for the test:

    moving = momentum · moving + (1 − momentum) · mean.

It starts at ImageNet's value. A short fine-tuning leaves it somewhere between ImageNet's value and
that of the new images, while the layers above have learned on maps that were normalized by each
batch. In the test they get maps that they have never seen. That is the mistake `batch_statistics`
shows; a frozen layer, called with `training=False`, does not make it.
"""

import math

from recipes.common.exercise import check, finish


def moving_average(start, mean, momentum, steps):
    """The moving average after some steps whose batches all have the same mean."""
    # Your code: the rule above, step by step.
    average = start
    for _ in range(steps):
        average = momentum * average + (1 - momentum) * mean
    return average


def share_of_start(momentum, steps):
    """The weight that the starting value still has after some steps."""
    # Your code: no loop is needed.
    return momentum**steps


def steps_until(momentum, share):
    """The smallest number of steps after which the start's weight is at most the given share."""
    # Your code: solve for the number of steps with math.log, and round up.
    return math.ceil(math.log(share) / math.log(momentum))


def shift_in_test(start, mean, deviation, momentum, steps):
    """How far the normalized maps of the new images lie from their 0 in training, in the test.

    The moving deviation is taken to be right.
    """
    # Your code: what is left of the mean when the moving average is subtracted, by the deviation.
    return (mean - moving_average(start, mean, momentum, steps)) / deviation


def main():
    steps = 6 * 16  # six epochs of 500 images in batches of 32
    return [
        check("one step", lambda: moving_average(0, 1, 0.9, 1), 0.1),
        check("96 steps, momentum 0.99", lambda: moving_average(0, 1, 0.99, steps), 0.618953, 1e-6),
        check("… what is left of ImageNet's", lambda: share_of_start(0.99, steps), 0.381047, 1e-6),
        check("… with momentum 0.9", lambda: share_of_start(0.9, steps), 4.05e-5, 1e-7),
        check("until 1 % is left, 0.99", lambda: steps_until(0.99, 0.01), 459),
        check("… 0.9", lambda: steps_until(0.9, 0.01), 44),
        check(
            "shift in the test", lambda: shift_in_test(0.5, 2.5, 0.5, 0.99, steps), 1.524188, 1e-5
        ),
        check("if nothing differs", lambda: shift_in_test(1, 1, 0.5, 0.99, steps) + 1, 1),
    ]


if __name__ == "__main__":
    finish(main())
