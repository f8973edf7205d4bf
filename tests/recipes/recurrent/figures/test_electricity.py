"""Which weeks are shown, and what the error of each kind of day is."""

import numpy as np

from recipes.recurrent.figures import electricity as pictures


def test_median_and_worst_week_leave_out_what_is_no_whole_week():
    by_week = [5.0, 1.0, 9.0, 2.0, 4.0]
    errors = np.repeat(by_week, 7)[:, None] * np.ones(24)
    errors[7, 0] += 7 * 24  # one hour counts for its week: 2 instead of 1
    errors = np.concatenate([errors, np.full((3, 24), 100.0)])
    median, worst, means = pictures.median_and_worst_week(errors)
    assert (median, worst) == (4, 2)
    assert means.tolist() == [5, 2, 9, 2, 4]


def test_error_of_each_kind_of_day():
    errors = np.array([[1.0, 3.0], [10.0, 20.0], [5.0, 7.0]])
    found = pictures.errors_by_kind(errors, np.array([2, 7, 2]))
    assert found.tolist() == [0, 0, 4, 0, 0, 0, 0, 15]
