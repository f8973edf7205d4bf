"""Label smoothing, and the order of the mistakes in the picture."""

import numpy as np

from recipes.convolution import cnn_mnist_best
from recipes.convolution.figures import cnn_mnist_best as figures


def test_a_smoothed_label_keeps_nine_tenths_and_a_hundredth():
    model = cnn_mnist_best.build_model()
    label = np.eye(10, dtype="float32")[[3]]
    probabilities = np.full((1, 10), 0.02, "float32")
    probabilities[0, 3] = 0.82
    expected = -0.91 * np.log(0.82) - 9 * 0.01 * np.log(0.02)
    np.testing.assert_allclose(model.loss(label, probabilities), expected, rtol=1e-5)


def test_the_surest_mistakes_come_first():
    labels = np.array([0, 1, 2, 1])
    probabilities = np.array(
        [[0.5, 0.2, 0.3], [0.6, 0.4, 0.0], [0.1, 0.0, 0.9], [0.0, 0.2, 0.8]],
    )
    assert figures.mistakes(labels, probabilities).tolist() == [3, 1]
