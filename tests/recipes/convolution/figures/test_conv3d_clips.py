"""How answers change backwards, and what the title says of it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.convolution.figures import conv3d_clips as figures


def test_directions_are_compared():
    forwards = np.array([0, 1, 6, 7])
    backwards = np.array([4, 1, 2, 0])
    changes = figures.compare_directions(forwards, backwards)
    assert changes == pytest.approx({"the same": 0.25, "the opposite": 0.5, "another": 0.25})


def test_one_clip_of_each_class_in_order():
    labels = np.array([3, 1, 0, 2, 7, 6, 5, 4, 0])
    clips = labels[:, None, None, None, None] * np.ones((9, 8, 24, 24, 1))
    chosen = figures.one_of_each(clips, labels)
    assert chosen[:, 0, 0, 0, 0].tolist() == list(range(8))


def test_title_has_the_shares():
    answers = {
        "conv3d": {"the same": 0.01, "the opposite": 0.97, "another": 0.02},
        "conv2d": {"the same": 1.0, "the opposite": 0.0, "another": 0.0},
    }
    figure = figures.plot_backwards(answers)
    title = figure.axes[0].get_title()
    assert "97%" in title
    assert "100%" in title
    plt.close(figure)
