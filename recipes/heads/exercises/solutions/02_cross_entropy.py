"""Cross-entropy: in bits and nats, untrained, and at its least.

Slides: 001 «Cross entropy», 001 «Capas de salida: regression 0…1, binary_crossentropy».
Recipe: wrong_heads.

H(s, d) = −Σ dᵢ log sᵢ with targets d and outputs s: with log₂ in bits, the number of yes–no
questions to identify an event; with ln in nats, as in Keras. Computed from the scores z of a
softmax, for one correct class c, it is log Σ exp(zⱼ) − z_c, which avoids log 0.

If a target is itself a probability, such as 0.3, no output makes the loss 0: its minimum is where
the output equals the target. Write the formulas, and find the loss before training and the minimum.
"""

import numpy as np

from recipes.common.exercise import check, finish


def bits(targets, outputs):
    """Cross-entropy in bits of targets (classes,) and outputs (classes,) above 0."""
    # Your code: the formula with np.log2.
    return -np.sum(np.asarray(targets) * np.log2(outputs))


def untrained_loss(classes):
    """Loss in nats, as Keras prints it, of a network that gives each class the same probability."""
    # Your code: what is −ln s of the correct class?
    return np.log(classes)


def loss_of_scores(scores, label):
    """Cross-entropy in nats from a softmax layer's scores (classes,) and the class's index."""
    # Your code: log Σ exp(zⱼ) − z_c; np.logaddexp.reduce sums the powers without overflow.
    return np.logaddexp.reduce(scores) - scores[label]


def least_loss(target):
    """The minimum of −d ln s − (1 − d) ln(1 − s), in nats, for a target 0 < d < 1."""
    # Your code: put the best output s into the formula.
    return -target * np.log(target) - (1 - target) * np.log(1 - target)


def main():
    return [
        check("a sure event", lambda: bits([1, 0], [1, 1e-300]), 0),
        check("one of two", lambda: bits([1, 0], [1 / 2, 1 / 2]), 1),
        check("one of ten", lambda: bits(np.eye(10)[3], np.full(10, 0.1)), 3.321928),
        check("target ½, ½ and output ¼, ¾", lambda: bits([0.5, 0.5], [0.25, 0.75]), 1.207519),
        check("10 classes, untrained", lambda: untrained_loss(10), 2.302585),
        check("2 classes, untrained", lambda: untrained_loss(2), 0.693147),
        # −ln 0.66524
        check("scores 1, 2, 3, class 2", lambda: loss_of_scores([1.0, 2.0, 3.0], 2), 0.407606),
        check("scores 1000, 0, class 1", lambda: loss_of_scores([1000.0, 0.0], 1), 1000),
        check("least loss for d = 0.3", lambda: least_loss(0.3), 0.610864),
        check("least loss for d = ½", lambda: least_loss(0.5), 0.693147),
    ]


if __name__ == "__main__":
    finish(main())
