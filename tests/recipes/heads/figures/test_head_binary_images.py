"""What the titles say of sure answers, and which images stand in the row, by hand."""

import numpy as np
import pytest

from recipes.heads.figures import head_binary_images as figures


def test_sure_answers_by_hand():
    dog = np.array([0.95, 0.05, 0.02, 0.6, 0.9])
    share, accuracy = figures.sure_answers(dog, np.array([1, 0, 1, 0, 1]))
    assert share == pytest.approx(3 / 5)  # 0.9 is not more than 0.9
    assert accuracy == pytest.approx(2 / 3)
    share, accuracy = figures.sure_answers(dog[3:], np.array([0, 1]))
    assert share == 0
    assert np.isnan(accuracy)


def test_evenly_by_rank_by_hand():
    values = np.array([0.7, 0.1, 0.9, 0.3, 0.2])
    assert figures.evenly_by_rank(values, 3).tolist() == [1, 3, 2]
    assert figures.evenly_by_rank(values[:2], 4).tolist() == [1, 1, 1, 0]
