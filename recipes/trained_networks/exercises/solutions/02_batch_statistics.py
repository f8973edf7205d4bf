"""Fine-tuning with batch normalization: its averages after a few steps.

Slides: 001 «Transfer Learning: fine tuning», 001 «Normalización: BN».
Recipe: transfer_learning.

In training, batch normalization subtracts the mean of the batch, and updates a moving average of it
for the test:

    moving = momentum · moving + (1 − momentum) · mean.

It starts at ImageNet's value. After a short fine-tuning it is somewhere between this value and that
of the new images, while the next layers were trained on maps normalized by each batch. So the
distribution of their inputs in the test differs from that in training. This is the mistake of the
variant `batch_statistics`; a frozen layer, called with `training=False`, avoids it.
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
    """The weight of the initial value after some steps."""
    # Your code: no loop is needed.
    return momentum**steps


def steps_until(momentum, share):
    """The smallest number of steps after which that weight is at most the given share."""
    # Your code: solve for the number of steps with math.log, and round up.
    return math.ceil(math.log(share) / math.log(momentum))


def shift_in_test(start, mean, deviation, momentum, steps):
    """The mean in the test of the new images' normalized maps, which is 0 in training.

    The moving deviation is assumed to be correct.
    """
    # Your code: the mean minus the moving average, divided by the deviation.
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
