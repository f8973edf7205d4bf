"""Scores of networks and of their mean, counted by hand; who stands on top of the leaderboard."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from recipes.common import leaderboard


class Constant(keras.layers.Layer):
    """Answers with the row of a table whose number is the input."""

    def __init__(self, table):
        super().__init__()
        self.table = np.array(table, "float32")

    def call(self, inputs):
        return keras.ops.take(self.table, keras.ops.cast(inputs[:, 0], "int32"), axis=0)


def answering(table):
    return keras.Sequential([keras.Input((1,)), Constant(table)])


@pytest.fixture
def models():
    return {
        "right twice": answering([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9]]),
        "right once": answering([[0.4, 0.6], [0.3, 0.7], [0.6, 0.4]]),
    }


@pytest.fixture
def test():
    inputs = np.arange(3, dtype="float32")[:, None]
    return tf.data.Dataset.from_tensor_slices((inputs, np.array([0, 1, 1]))).batch(2)


def test_the_mean_is_that_of_probabilities(models, test):
    rows = leaderboard.compare(models, test)
    assert list(rows) == ["right twice", "right once", "mean of all"]
    scores = [score for score, _ in rows.values()]
    # Means: 0.65 and 0.35, 0.45 and 0.55, 0.35 and 0.65: the mean is always right.
    assert scores == pytest.approx([2 / 3, 1 / 3, 1])


def test_answers_stand_in_the_order_of_the_examples(models, test):
    probabilities, seconds = leaderboard.answers(models["right twice"], test)
    np.testing.assert_allclose(probabilities, [[0.9, 0.1], [0.6, 0.4], [0.1, 0.9]])
    assert seconds > 0


@pytest.mark.parametrize(
    ("validation", "baseline", "title"),
    [
        ([0.3, 0.4], 0.5, "right twice, 16.7 points above trees"),
        ([0.3, 0.4], 0.9, "right twice, 23.3 points below trees"),
        ([0.6, 0.2], 0.5, "right once, 16.7 points below trees"),
    ],
)
def test_the_title_compares_what_validation_chooses(models, test, validation, baseline, title):
    histories = {
        "right twice": {"val_accuracy": [0.5, 0.4]},
        "right once": {"val_accuracy": validation},
    }
    figure = leaderboard.plot_kinds(models, test, histories, "trees", baseline)
    axis = figure.axes[1]
    assert f"{axis.get_title('left')}{axis.get_title()}" == f"Best on validation: {title}"
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names[-1] == "mean of all"
    assert names[0] == "right once"
    widths = [bar.get_width() for bar in axis.patches]
    assert widths == sorted(widths)
    plt.close(figure)
