"""When a pair counts as right."""

import numpy as np

from recipes.training.figures import two_apis as figures


def test_a_pair_is_right_if_both_answers_are():
    answers = {
        "sum": np.array([[0.1, 0.9], [0.9, 0.1], [0.1, 0.9], [0.8, 0.2]]),
        "larger": np.array([[0.9], [0.2], [0.3], [0.6]]),
    }
    targets = {"sum": np.array([1, 0, 1, 1]), "larger": np.array([[1.0], [0.0], [1.0], [1.0]])}
    assert figures.are_correct(answers, targets).tolist() == [True, True, False, False]
