"""Transfer learning: how much is trained, how often is the network needed?

Slides: 001 «Transfer Learning: generalización y horas de GPU».
Recipe: transfer_learning.

A network trained on ImageNet turns an image into features; a new softmax layer on top of them
learns the new classes. If the network is frozen, its features of an image never change: they can
be computed once and stored. Training the new layer on them then costs next to nothing.

Fine-tuning trains some of the last layers, too, so their outputs have to be recomputed in every
epoch. A training step costs about three times as much as a prediction: once forward, and twice
backward, for the gradients of weights and of inputs.
"""

from recipes.common.exercise import check, finish

FEATURES = 1280  # of EfficientNet-Lite0
NETWORK = 3_413_024  # its parameters without the layer for ImageNet's 1,000 classes
OPERATIONS = 70.5e6  # multiply–accumulates for an image of 96 × 96 pixels


def new_parameters(features, classes):
    """Weights and biases of the new softmax layer."""
    # Your code: one weight for each feature and class, and a bias for each class.
    raise NotImplementedError


def trained_share(classes):
    """The share of all parameters that is trained if the network is frozen."""
    # Your code: of the network and the new layer together.
    raise NotImplementedError


def frozen_cost(images, epochs, kept):
    """Multiply–accumulates of the frozen network in a training.

    Args:
        images: Number of training images.
        epochs: Number of epochs.
        kept: Whether features are computed once and stored.
    """
    # Your code: forward only; nothing below the new layer needs a gradient.
    raise NotImplementedError


def fine_tuning_cost(images, epochs, share):
    """Multiply–accumulates of a training of the last layers, without stored features.

    Args:
        images: Number of training images.
        epochs: Number of epochs.
        share: The share of the operations in the trained layers, from 0 to 1.
    """
    # Your code: the frozen part forward, the trained part forward and twice backward.
    raise NotImplementedError


def main():
    return [
        check("ten classes", lambda: new_parameters(FEATURES, 10), 12_810),
        check("share that is trained", lambda: trained_share(10), 0.0037393, 1e-7),
        check("500 images, 6 epochs", lambda: frozen_cost(500, 6, kept=False) / 1e9, 211.5),
        check("… with features kept", lambda: frozen_cost(500, 6, kept=True) / 1e9, 35.25),
        check("a quarter fine-tuned", lambda: fine_tuning_cost(500, 6, 0.25) / 1e9, 317.25),
        check("nothing fine-tuned", lambda: fine_tuning_cost(500, 6, 0) / 1e9, 211.5),
        check("all of it", lambda: fine_tuning_cost(500, 6, 1) / 1e9, 634.5),
    ]


if __name__ == "__main__":
    finish(main())
